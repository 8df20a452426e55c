//! The first example of the README, to the letter.

use qtests::{fault_point, prelude::*};

fn save(order: u32) -> io::Result<()> {
    fault_point!("orders.save", key = order)?; // nothing at all in a product build
    Ok(())
}

#[qtest]
async fn an_order_survives_two_failing_writes(t: Test) -> io::Result<()> {
    let flaky = t.fault("orders.save").first(2).fail(io::ErrorKind::TimedOut).arm(); // for this test alone
    let saved = (1..=3).find(|_| save(7).is_ok());
    assert_eq!((saved, flaky.fired()), (Some(3), 2));
    Ok(())
}

//! Faults around the methods of a trait that never fire.

use qtests::{FromFault, faulty, prelude::*};

#[derive(Debug, PartialEq, FromFault)]
struct Declined(String);

#[faulty]
trait Gateway {
    async fn charge(&self, #[key] order: u64) -> Result<u64, Declined>;
    fn limit(&self) -> u64;
}

struct Bank;

impl Gateway for Bank {
    async fn charge(&self, order: u64) -> Result<u64, Declined> {
        if order > self.limit() { Err(Declined("too much".to_owned())) } else { Ok(order) }
    }
    fn limit(&self) -> u64 {
        9
    }
}

#[qtest]
#[ignore = "must fail"]
async fn method_is_called_with_another_key(t: Test) -> Result<(), Declined> {
    let gateway = FaultyGateway::new(Bank);
    t.fault("Gateway.charge.after").key("8").fail(io::ErrorKind::TimedOut).arm();
    gateway.charge(7).await?;
    Ok(())
}

#[qtest]
#[ignore = "must fail"]
async fn method_is_called_beside_its_decorator(t: Test) -> Result<(), Declined> {
    t.fault("Gateway.charge").fail(io::ErrorKind::TimedOut).arm();
    Bank.charge(7).await?;
    Ok(())
}

#[qtest]
#[ignore = "must fail"]
fn method_without_a_result_is_to_fail(t: Test) {
    t.fault("Gateway.limit").fail(io::ErrorKind::TimedOut).arm();
    FaultyGateway::new(Bank).limit();
}

#[qtest]
#[ignore = "must fail"]
fn method_has_another_name(t: Test) {
    t.fault("Gateway.chrage.after").hold().arm();
}

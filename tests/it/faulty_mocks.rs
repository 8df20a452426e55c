//! `#[faulty]` beside other attributes on the same trait: above `#[automock]`, above and below `#[async_trait]`.

use async_trait::async_trait;
use mockall::automock;
use qtests::{FromFault, faulty, prelude::*, seam};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, FromFault)]
enum Failed {
    #[fault]
    Io(String),
}

#[faulty]
#[automock]
trait Above: Send + Sync {
    fn charge(&self, #[key] order: u64) -> Result<u64, Failed>;
    #[faulty(infallible)]
    fn refund(&self, order: u64) -> Result<u64, Failed>;
}

#[faulty]
#[async_trait]
trait AsyncAbove: Send + Sync {
    async fn charge(&self, #[key] order: u64, names: &[&str]) -> Result<u64, Failed>;
    async fn twice(&mut self, order: u64) -> u64 {
        2 * order
    }
}

#[async_trait]
#[faulty]
trait AsyncBelow {
    async fn charge(&self, #[key] order: u64, names: &[&str]) -> Result<u64, Failed>;
    async fn twice(&mut self, order: u64) -> u64
    where
        Self: Send,
    {
        2 * order
    }
}

#[faulty]
#[automock]
#[async_trait]
trait Three {
    async fn charge(&self, #[field] order: u64) -> io::Result<u64>;
}

#[faulty]
#[async_trait(?Send)]
trait Local {
    async fn charge(&self) -> Result<u64, Failed>;
}

seam! { ABOVE: dyn Above = FaultyAbove::new(Real); }

struct Real;

impl Above for Real {
    fn charge(&self, order: u64) -> Result<u64, Failed> {
        Ok(order)
    }
    fn refund(&self, order: u64) -> Result<u64, Failed> {
        Ok(order)
    }
}

struct Bank;

#[async_trait]
impl AsyncAbove for Bank {
    async fn charge(&self, order: u64, names: &[&str]) -> Result<u64, Failed> {
        Ok(order + names.len() as u64)
    }
}

#[async_trait]
impl AsyncBelow for Bank {
    async fn charge(&self, order: u64, names: &[&str]) -> Result<u64, Failed> {
        Ok(order + names.len() as u64)
    }
}

#[async_trait(?Send)]
impl Local for std::rc::Rc<u64> {
    async fn charge(&self) -> Result<u64, Failed> {
        Ok(**self)
    }
}

fn lost(point: &str) -> Failed {
    Failed::Io(format!("timed out (injected at `{point}`)"))
}

#[qtest]
fn a_mock_is_decorated(t: Test) {
    let mut mock = MockAbove::new();
    mock.expect_charge().times(2).returning(Ok);
    mock.expect_refund().times(1).return_const(Ok(1));
    t.mock(&ABOVE, Arc::new(FaultyAbove::new(mock)));
    t.fault("Above.charge.after").key("7").fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(ABOVE.get().charge(7), Err(lost("Above.charge.after")), "the mock was called all the same");
    assert_eq!((ABOVE.get().charge(8), ABOVE.get().refund(1)), (Ok(8), Ok(1)));
    t.fault("Above.charge").key("9").fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(ABOVE.get().charge(9), Err(lost("Above.charge")), "the mock is not called a third time");
}

#[qtest(workers = 2)]
async fn an_async_trait_is_decorated_above_and_below(t: Test) {
    for point in ["AsyncAbove.charge", "AsyncBelow.charge"] {
        t.fault(format!("{point}.after")).key("7").fail(io::ErrorKind::TimedOut).arm();
        t.fault(point).key("8").fail(io::ErrorKind::TimedOut).arm();
    }
    let above: Box<dyn AsyncAbove> = Box::new(FaultyAsyncAbove::new(Bank));
    let below: Box<dyn AsyncBelow + Send + Sync> = Box::new(FaultyAsyncBelow::new(Bank));
    // Spawned, so the futures must be `Send`.
    let done = t.spawn(async move {
        let above = [above.charge(1, &["a"]).await, above.charge(7, &[]).await, above.charge(8, &[]).await];
        let below = [below.charge(1, &["a"]).await, below.charge(7, &[]).await, below.charge(8, &[]).await];
        (above, below)
    });
    let both = ["AsyncAbove", "AsyncBelow"]
        .map(|name| [Ok(2), Err(lost(&format!("{name}.charge.after"))), Err(lost(&format!("{name}.charge")))]);
    assert_eq!(done.await.unwrap(), both.into());
    let (mut above, mut below) = (FaultyAsyncAbove::new(Bank), FaultyAsyncBelow::new(Bank));
    assert_eq!((above.twice(2).await, below.twice(2).await), (4, 4));
}

#[qtest]
async fn three_attributes_stand_on_one_trait(t: Test) {
    let mut mock = MockThree::new();
    mock.expect_charge().times(1).returning(Ok);
    let mock = FaultyThree::new(mock);
    t.fault("Three.charge").when(|hit| hit.int("order") == Some(1)).fail(io::ErrorKind::TimedOut).arm();
    assert_eq!(mock.charge(1).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert_eq!(mock.charge(2).await.unwrap(), 2);
}

#[qtest]
async fn futures_that_stay_on_their_thread_need_nothing_to_be_sent(t: Test) {
    let local = FaultyLocal::new(std::rc::Rc::new(5));
    t.fault("Local.charge").first(1).fail(io::ErrorKind::TimedOut).arm();
    assert_eq!((local.charge().await, local.charge().await), (Err(lost("Local.charge")), Ok(5)));
}

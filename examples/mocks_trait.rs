//! A payment gateway that a mock of mockall stands in for. Run it with `cargo run --example mocks_trait`.

use qtests::{Test, seam};
use std::{pin::Pin, sync::Arc, time::Duration};

type Answer = Pin<Box<dyn Future<Output = Result<u64, String>> + Send>>;

#[mockall::automock]
trait Gateway: Send + Sync {
    /// Takes the money and returns the number of the receipt. A boxed future, since `async fn` cannot be `dyn`.
    fn charge(&self, cents: u64) -> Answer;
}

struct Bank;

impl Gateway for Bank {
    fn charge(&self, cents: u64) -> Answer {
        Box::pin(async move { Ok(cents * 10) })
    }
}

seam! {
    /// Who takes the money.
    GATEWAY: dyn Gateway = Bank;
}

/// The product: one retry.
async fn pay(cents: u64) -> Result<u64, String> {
    match GATEWAY.get().charge(cents).await {
        Ok(receipt) => Ok(receipt),
        Err(_) => GATEWAY.get().charge(cents).await,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let t = Test::scoped();
    let mut gateway = MockGateway::new();
    // Used up by the first call; the next one that matches answers from then on.
    gateway.expect_charge().times(1).returning(|_| Box::pin(async { Err("declined".to_owned()) }));
    gateway.expect_charge().withf(|cents| *cents == 1_999).times(1).returning(|_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(7)
        })
    });
    t.mock(&GATEWAY, Arc::new(gateway));
    println!("declined once: {:?}", pay(1_999).await);
    t.finish().await.assert();
    println!("the bank itself: {:?}", pay(1_999).await);

    // An expectation that is not met fails the test when it ends, with all that there is to say.
    let t = Test::scoped();
    let mut gateway = MockGateway::new();
    gateway.expect_charge().times(1).returning(|_| Box::pin(async { Ok(7) }));
    t.mock(&GATEWAY, Arc::new(gateway));
    let verdict = t.finish().await;
    let report = verdict.report().expect("nobody paid");
    println!("{}", report.lines().find(|line| line.contains("is not satisfied")).expect("it says so").trim());
}

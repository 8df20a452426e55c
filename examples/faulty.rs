//! A payment gateway whose every call can be lost, and a shop that must not charge twice. Run it with
//! `cargo run --example faulty`.

use qtests::{FromFault, Test, faulty};
use std::{
    io,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

/// What the gateway can answer. A fault becomes one of these, so the shop meets nothing that it would not meet live.
#[derive(Debug, FromFault)]
enum GatewayError {
    #[fault(kind = TimedOut)]
    Timeout,
    #[fault]
    Unreachable(String),
}

/// In a product build the attribute writes a decorator that only passes on.
#[faulty]
trait Gateway {
    /// Takes the money of an order; does nothing if it was taken before.
    async fn charge(&self, #[key] order: u64, cents: u64) -> Result<(), GatewayError>;
}

#[derive(Default)]
struct Bank {
    taken: AtomicU64,
}

impl Gateway for Bank {
    async fn charge(&self, _order: u64, cents: u64) -> Result<(), GatewayError> {
        // The mistake: it does not look whether it has the money already.
        self.taken.fetch_add(cents, SeqCst);
        Ok(())
    }
}

/// The product: one retry after a timeout. Its points are `faulty.buy` and `faulty.buy.after`, after this file.
#[faulty]
async fn buy(gateway: &impl Gateway, #[key] order: u64) -> Result<(), GatewayError> {
    match gateway.charge(order, 1_999).await {
        Err(GatewayError::Timeout) => gateway.charge(order, 1_999).await,
        result => result,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let t = Test::scoped();
    let gateway = FaultyGateway::new(Bank::default());
    let taken = || gateway.inner().taken.load(SeqCst);

    t.fault("Gateway.charge").key("7").first(1).fail(io::ErrorKind::TimedOut).arm();
    println!("the call is lost:   {:?}, {} cents taken", buy(&gateway, 7).await, taken());

    t.fault("Gateway.charge.after").key("8").first(1).fail(io::ErrorKind::TimedOut).arm();
    println!("the answer is lost: {:?}, {} cents taken in all: twice!", buy(&gateway, 8).await, taken());

    t.fault("faulty.buy").key("9").fail_saying(io::ErrorKind::ConnectionRefused, "no route").arm();
    if let Err(GatewayError::Unreachable(why)) = buy(&gateway, 9).await {
        println!("the shop is down:   {why}");
    }

    t.finish().await.assert();
}

//! What a service logs, asked by a test. Run it with `cargo run --features tracing --example logs`.

use qtests::{Test, logs::Level};
use tracing::{Instrument, info, info_span, warn};

async fn charge(order: u32) {
    info!(cents = 1_999, "charged");
    if order == 7 {
        warn!(attempts = 3, "the gateway answered late");
    }
}

/// Each order has a task of its own, and its number is in the span.
async fn checkout(order: u32) {
    tokio::spawn(charge(order).instrument(info_span!("checkout", order)));
}

fn main() {
    let t = Test::scoped();
    t.block_on(async {
        for order in [6, 7, 8] {
            checkout(order).await;
        }
        // Nothing to sleep for: it resolves with the line, past or future.
        let late = t.logs().level(Level::WARN).span("checkout").wait().await;
        println!("waited for: {late}");
        t.logs().containing("charged").wait_for(3).await;
    });
    t.logs().field("order", 7).containing("late").assert_any();
    t.logs().level(Level::ERROR).assert_none();
    for line in t.logs().containing("charged").lines() {
        println!("{line}");
    }
}

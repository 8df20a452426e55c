//! A clock and a function that a test replaces. Run it with `cargo run --example mock`.

use qtests::{Test, seam};
use std::sync::Arc;

trait Clock: Send + Sync {
    fn year(&self) -> u32;
}

struct SystemClock;

impl Clock for SystemClock {
    fn year(&self) -> u32 {
        2026
    }
}

seam! {
    /// What time it is.
    CLOCK: dyn Clock = SystemClock;
    /// What an order costs, in cents.
    PRICE: fn(&str) -> u64 = |_sku| 1_999;
}

fn invoice(sku: &str) -> String {
    format!("{sku}: {} cents, {}", PRICE.get()(sku), CLOCK.get().year())
}

struct Fixed(u32);

impl Clock for Fixed {
    fn year(&self) -> u32 {
        self.0
    }
}

fn main() {
    let t = Test::scoped();
    t.mock(&CLOCK, Arc::new(Fixed(1970))).on_restore(|| println!("(the clock is restored)"));
    println!("{}", invoice("book"));
    {
        let _cheap = t.mock_scoped(&PRICE, Arc::new(|sku: &str| sku.len() as u64));
        println!("{}", invoice("book"));
    }
    println!("{}", invoice("book"));
    drop(t);
    println!("{}", invoice("book"));
}

//! Functions that a test replaces: by a closure, and by one that owns a mock of mockall. Run it with
//! `cargo run --example mocks_function`.

use qtests::{Test, seam};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

seam! {
    /// A number that nobody else has.
    NEXT_ID: fn(&str) -> u64 = |_kind| fastrand::u64(..);
}

/// The product.
fn order(sku: &str) -> String {
    format!("order {} of {sku}", NEXT_ID.get()("order"))
}

/// Exists for its mock: a function has no expectations, a method has.
#[mockall::automock]
trait Ids: Send + Sync {
    fn next(&self, kind: &str) -> u64;
}

fn main() {
    let t = Test::scoped();

    // A closure is enough where only the answer matters. What it counts, the test can read.
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let guard = t.mock_scoped(&NEXT_ID, Arc::new(move |_: &str| counted.fetch_add(1, Relaxed) + 1));
    println!("{}, {}", order("book"), order("pen"));
    println!("{} calls", calls.load(Relaxed));
    drop(guard);

    // The closure owns the mock, so that both are dropped together, and the mock is verified.
    let mut ids = MockIds::new();
    ids.expect_next().withf(|kind| kind == "order").times(1).return_const(42_u64);
    t.mock(&NEXT_ID, Arc::new(move |kind: &str| ids.next(kind)));
    println!("{}", order("lamp"));
}

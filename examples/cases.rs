//! One function, several tests; tests that are tried again, chosen by tags, or kept from running at once. Run it with
//! `cargo run --example cases --all-features`, and once more with `QTESTS_TAGS='!slow'` before it.

use qtests::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

fn price(cents: u64, percent_off: u64) -> u64 {
    cents - cents * percent_off / 100
}

// Three tests: `discounts::none`, `discounts::half` and `discounts::all`.
#[qtest(cases(none(1_000, 0, 1_000), half(1_000, 50, 500), all(1_000, 100, 0)))]
fn discounts(cents: u64, percent_off: u64, expected: u64) {
    assert_eq!(price(cents, percent_off), expected);
}

// It fails once and passes then: that is no success in silence, it is said aloud (and fails with QTESTS_STRICT=1).
#[qtest(retries = 2)]
async fn a_shaky_test() {
    static TRIES: AtomicU32 = AtomicU32::new(0);
    assert!(TRIES.fetch_add(1, Relaxed) > 0, "the first time it does not work");
}

#[qtest(tags("slow"), paused)]
async fn an_hour_goes_by() {
    tokio::time::sleep(Duration::from_secs(3_600)).await;
}

// The two never run at once, neither here nor under nextest, where each has a process of its own.
#[qtest(serial = "the-printer", cases(first(1), second(2)))]
async fn prints(page: u32) {
    println!("page {page}");
}

qtests::main!();

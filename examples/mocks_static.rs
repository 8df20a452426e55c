//! A static method behind a seam, so that tests in parallel can each have their own answer. The contexts of mockall
//! (`MockPrices::of_context()`) cannot do that: they are one for the whole process. Run it with
//! `cargo run --example mocks_static`.

use qtests::{Test, seam};
use std::{sync::Arc, thread};

trait Prices {
    fn of(sku: u32) -> u64;
}

struct List;

impl Prices for List {
    fn of(sku: u32) -> u64 {
        u64::from(sku) * 100
    }
}

seam! {
    /// What a thing costs, in cents.
    PRICE_OF: fn(u32) -> u64 = List::of;
}

/// What the product names where it named `List`: a type with the same static method, which asks the seam.
struct Seamed;

impl Prices for Seamed {
    fn of(sku: u32) -> u64 {
        PRICE_OF.get()(sku)
    }
}

/// The product, which is generic over static methods.
fn total<P: Prices>(skus: &[u32]) -> u64 {
    skus.iter().map(|sku| P::of(*sku)).sum()
}

fn main() {
    // Each thread is a test of its own.
    let tests: Vec<_> = (1..=3_u64)
        .map(|price| {
            thread::spawn(move || {
                let t = Test::scoped();
                t.mock(&PRICE_OF, Arc::new(move |_| price));
                let totals: Vec<u64> = (0..1_000).map(|_| total::<Seamed>(&[1, 2])).collect();
                assert!(totals.iter().all(|total| *total == 2 * price), "the answer of another test");
                println!("at {price} cents each: {}", totals[0]);
            })
        })
        .collect();
    for test in tests {
        test.join().expect("no test sees another's price");
    }
    println!("of the list: {}", total::<Seamed>(&[1, 2]));
}

//! The order of calls over two mocks. Run it with `cargo run --example mocks_sequence`.

use mockall::Sequence;
use qtests::{Test, seam};
use std::sync::Arc;

#[mockall::automock]
trait Stock: Send + Sync {
    fn reserve(&self, sku: u32) -> bool;
    fn release(&self, sku: u32);
}

#[mockall::automock]
trait Payments: Send + Sync {
    fn charge(&self, cents: u64) -> bool;
}

struct Real;

impl Stock for Real {
    fn reserve(&self, _sku: u32) -> bool {
        true
    }

    fn release(&self, _sku: u32) {}
}

impl Payments for Real {
    fn charge(&self, _cents: u64) -> bool {
        true
    }
}

seam! {
    STOCK: dyn Stock = Real;
    PAYMENTS: dyn Payments = Real;
}

/// The product: goods first, then money; no money, no goods.
fn order(sku: u32, cents: u64) -> bool {
    if !STOCK.get().reserve(sku) {
        return false;
    }
    let paid = PAYMENTS.get().charge(cents);
    if !paid {
        STOCK.get().release(sku);
    }
    paid
}

fn main() {
    let t = Test::scoped();
    let (mut stock, mut payments, mut sequence) = (MockStock::new(), MockPayments::new(), Sequence::new());
    // `times` comes before `in_sequence`, which reads it.
    stock.expect_reserve().times(1).in_sequence(&mut sequence).return_const(true);
    payments.expect_charge().times(1).in_sequence(&mut sequence).return_const(false);
    stock.expect_release().times(1).in_sequence(&mut sequence).return_const(());
    t.mock(&STOCK, Arc::new(stock));
    t.mock(&PAYMENTS, Arc::new(payments));
    println!("an order without money: {}", order(1, 1_999));
    drop(t); // all three calls came, and in this order
    println!("an order with money: {}", order(1, 1_999));
}

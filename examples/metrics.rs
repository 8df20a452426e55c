//! What a service records, asked by a test. Run it with `cargo run --features metrics --example metrics`.

use qtests::Test;

struct Shop {
    open: metrics::Gauge,
}

impl Shop {
    fn order(&self, kind: &'static str, cents: u32) {
        metrics::counter!("orders", "kind" => kind).increment(1);
        metrics::histogram!("orders.cents", "kind" => kind).record(cents);
        self.open.increment(1);
    }
}

fn main() {
    let t = Test::scoped();
    let shop = Shop { open: metrics::gauge!("orders.open") };
    shop.order("card", 1_999);
    std::thread::scope(|threads| {
        threads.spawn(qtests::bind(|| shop.order("cash", 501)));
    });

    t.metrics().counter("orders").assert_value(2);
    t.metrics().counter("orders").label("kind", "cash").assert_value(1);
    let cents = t.metrics().histogram("orders.cents");
    println!("{} orders of {} to {} cents", cents.count(), cents.min().unwrap_or(0.0), cents.max().unwrap_or(0.0));
    println!("open: {}", t.metrics().gauge("orders.open").value().unwrap_or(0.0));
    println!("recorded: {}", t.metrics().names().join(", "));
}

//! Settings from the environment, and one test that says otherwise. Run it with `cargo run --example settings`, and once
//! more with `SHOP_PATIENCE=soon` before it.

use qtests::{
    Test,
    config::{Setting, SettingError, table},
};
use std::time::Duration;

static PATIENCE: Setting<Duration> =
    Setting::new("SHOP_PATIENCE", "2s").range("10ms", "1m").meaning("how long a customer waits for payment");
static WORKERS: Setting<u32> = Setting::new("SHOP_WORKERS", "4").range("1", "64").meaning("how many orders at once");

/// A service reads all of them when it starts, and stops if one makes no sense.
fn start() -> Result<String, SettingError> {
    Ok(format!("patience {:?}, workers {}", PATIENCE.get()?, WORKERS.get()?))
}

fn main() {
    print!("{}", table(&[PATIENCE.row(), WORKERS.row()]));
    println!("{}", start().unwrap_or_else(|error| error.to_string()));

    let t = Test::scoped();
    t.configure(&PATIENCE, "50ms");
    println!("in a test: {}", start().unwrap_or_else(|error| error.to_string()));
    t.configure(&WORKERS, "1000");
    println!("in a test: {}", start().unwrap_or_else(|error| error.to_string()));
    drop(t);

    println!("{}", start().unwrap_or_else(|error| error.to_string()));
}

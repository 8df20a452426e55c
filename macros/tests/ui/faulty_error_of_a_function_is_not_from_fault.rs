use qtests::faulty;
use std::fmt;

#[faulty]
fn print() -> fmt::Result {
    Ok(())
}

fn main() {
    let _ = print();
}

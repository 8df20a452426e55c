use qtests::{Injected, faulty};
use std::io;

fn text(injected: Injected) -> String {
    injected.to_string()
}

#[faulty(err = text)]
fn query() -> io::Result<()> {
    Ok(())
}

fn main() {
    let _ = query();
}

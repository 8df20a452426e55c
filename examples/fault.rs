//! A place in the code that a test can make fail, and a test that does. Run it with `cargo run --example fault`.

use qtests::{Test, fault_point};
use std::io;

/// Appends to a log, and tries again once when the disk was slow.
fn append(record: &str) -> io::Result<usize> {
    match write(record) {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => write(record),
        result => result,
    }
}

fn write(record: &str) -> io::Result<usize> {
    // In a product build this line is nothing.
    fault_point!("log.write", length = record.len())?;
    Ok(record.len())
}

fn main() {
    let t = Test::scoped();

    let slow = t.fault("log.write").nth(1).fail(io::ErrorKind::TimedOut).arm();
    println!("slow once:    {:?}", append("order 7"));
    println!("              hit {} times, fired {} times", slow.hits(), slow.fired());

    t.fault("log.write").when(|hit| hit.int("length") > Some(8)).fail(io::ErrorKind::StorageFull).arm();
    println!("short record: {:?}", append("order 8"));
    println!("long record:  {:?}", append("order 9, a long one"));

    drop(t);
    println!("afterwards:   {:?}", append("order 9, a long one"));
}

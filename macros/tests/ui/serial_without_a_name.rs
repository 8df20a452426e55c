use qtests::qtest;

#[qtest(serial = "")]
fn t() {}

fn main() {}

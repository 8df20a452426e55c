use qtests::qtest;

#[qtest(retries = 0)]
fn t() {}

fn main() {}

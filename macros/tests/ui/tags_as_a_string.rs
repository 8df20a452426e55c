use qtests::qtest;

#[qtest(tags = "slow")]
fn t() {}

fn main() {}

use qtests::{Test, qtest};

#[qtest]
const fn t(_t: Test) {}

fn main() {}

use qtests::{Test, qtest};

#[qtest]
async fn t(_t: Test, _other: Test) {}

fn main() {}

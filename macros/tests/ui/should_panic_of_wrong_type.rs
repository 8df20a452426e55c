use qtests::{Test, qtest};

#[qtest]
#[should_panic(expected = 1)]
async fn t(_t: Test) {}

fn main() {}

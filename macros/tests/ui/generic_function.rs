use qtests::{Test, qtest};

#[qtest]
async fn t<T>(_t: Test) {}

fn main() {}

use qtests::{Test, qtest};

#[qtest(timeout = "0s")]
async fn t(_t: Test) {}

fn main() {}

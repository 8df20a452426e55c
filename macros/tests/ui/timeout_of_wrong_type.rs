use qtests::{Test, qtest};

#[qtest(timeout = 30)]
async fn t(_t: Test) {}

fn main() {}

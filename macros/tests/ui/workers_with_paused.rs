use qtests::{Test, qtest};

#[qtest(workers = 2, paused)]
async fn t(_t: Test) {}

fn main() {}

use qtests::{Test, qtest};

#[qtest(workers = -1)]
async fn t(_t: Test) {}

fn main() {}

use qtests::{Test, qtest};

#[qtest(workers = 0)]
async fn t(_t: Test) {}

fn main() {}

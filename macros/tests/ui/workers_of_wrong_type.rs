use qtests::{Test, qtest};

#[qtest(workers = "two")]
async fn t(_t: Test) {}

fn main() {}

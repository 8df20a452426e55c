use qtests::{Test, qtest};

#[qtest(workers)]
async fn t(_t: Test) {}

fn main() {}

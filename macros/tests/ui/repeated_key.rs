use qtests::{Test, qtest};

#[qtest(seed = 1, seed = 2)]
async fn t(_t: Test) {}

fn main() {}

use qtests::{Test, qtest};

#[qtest(seed = 99999999999999999999)]
async fn t(_t: Test) {}

fn main() {}

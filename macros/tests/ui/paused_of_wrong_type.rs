use qtests::{Test, qtest};

#[qtest(paused = "yes")]
async fn t(_t: Test) {}

fn main() {}

use qtests::{Test, qtest};

#[qtest(paused, start_paused = true)]
async fn t(_t: Test) {}

fn main() {}

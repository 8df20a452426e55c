use qtests::{Test, qtest};

#[qtest(flavor = "multi_thread", start_paused = true)]
async fn t(_t: Test) {}

fn main() {}

use qtests::{Test, qtest};

#[qtest(flavor = "current_thread", worker_threads = 2)]
async fn t(_t: Test) {}

fn main() {}

use qtests::{Test, qtest};

#[qtest(teardown_timeout = "3 days")]
async fn t(_t: Test) {}

fn main() {}

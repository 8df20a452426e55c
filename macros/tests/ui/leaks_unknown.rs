use qtests::{Test, qtest};

#[qtest(leaks = "loud")]
async fn t(_t: Test) {}

fn main() {}

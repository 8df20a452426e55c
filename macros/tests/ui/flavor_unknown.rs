use qtests::{Test, qtest};

#[qtest(flavor = "many")]
async fn t(_t: Test) {}

fn main() {}

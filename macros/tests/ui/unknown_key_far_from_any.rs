use qtests::{Test, qtest};

#[qtest(colour = "red")]
async fn t(_t: Test) {}

fn main() {}

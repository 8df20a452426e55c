use qtests::{Test, qtest};

#[qtest]
async fn t(_t: Test) -> u32 { 1 }

fn main() {}

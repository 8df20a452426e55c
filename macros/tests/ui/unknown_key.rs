use qtests::{Test, qtest};

#[qtest(workres = 2)]
async fn t(_t: Test) {}

fn main() {}

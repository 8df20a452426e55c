use qtests::{Test, qtest};

#[qtest(task_panics = "ignore")]
async fn t(_t: Test) {}

fn main() {}

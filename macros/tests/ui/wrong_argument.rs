use qtests::qtest;

#[qtest]
async fn t(_t: u32) {}

fn main() {}

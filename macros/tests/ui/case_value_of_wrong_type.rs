use qtests::qtest;

#[qtest(cases(one(1), two("2")))]
async fn t(_n: u32) {}

fn main() {}

use qtests::qtest;

#[qtest(cases(one(1), two(2, 3)))]
fn t(_n: u32) {}

fn main() {}

use qtests::qtest;

#[qtest(cases(one(1, 2, 3)))]
fn t(_n: u32, _m: u32) {}

fn main() {}

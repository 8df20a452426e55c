use qtests::qtest;

#[qtest(cases(one))]
fn t() {}

fn main() {}

use qtests::qtest;

#[qtest(cases())]
fn t() {}

fn main() {}

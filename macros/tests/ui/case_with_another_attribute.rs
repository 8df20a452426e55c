use qtests::qtest;

#[qtest(cases(#[inline] one()))]
fn t() {}

fn main() {}

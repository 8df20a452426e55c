use qtests::qtest;

#[qtest(isolate = "thread")]
fn t() {}

fn main() {}

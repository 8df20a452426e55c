use qtests::qtest;

#[qtest]
struct NotAFunction;

fn main() {}

use qtests::qtest;

#[qtest]
#[test]
async fn t() {}

fn main() {}

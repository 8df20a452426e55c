use qtests::qtest;
use test_case::test_case;

#[qtest]
#[test_case(1)]
async fn t(number: u32) {
    let _ = number;
}

fn main() {}

use qtests::qtest;
use rstest::rstest;

#[qtest]
#[rstest]
#[case(1)]
fn t(#[case] number: u32) {
    let _ = number;
}

fn main() {}

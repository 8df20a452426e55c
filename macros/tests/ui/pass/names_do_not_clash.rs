//! Names of the user that the expansion could have taken for its own.
#![forbid(unsafe_code)]
#![deny(warnings)]

use qtests::{Test, fault_point, qtest};

const TEST: u32 = 1;
const SITE: &str = "site";

async fn start() -> u32 {
    TEST
}

#[qtest]
async fn calls_start() {
    assert_eq!(start().await, TEST);
}

#[qtest]
fn test(_t: Test) {
    assert!(fault_point!("ui.point", key = SITE).is_ok());
    let _: Result<(), String> = fault_point!("ui.mapped", |_| "failed".to_owned());
}

mod inner {
    #[qtests::qtest]
    async fn start(mut t: qtests::Test) {
        t = t.clone();
        let _ = t;
    }
}

#[qtest(cases(b_c(1), r#match(2)))]
fn a(_n: u32) {}

#[qtest(cases(c(1)))]
fn a_b(_n: u32) {}

#[qtest]
fn a_b_c() {}

#[qtest(cases(r#fn()))]
fn r#try() {}

fn main() {}

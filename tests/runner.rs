//! A test binary with a `main` of its own; `it/runner.rs` runs it as a child.

use qtests::prelude::*;

#[qtest]
async fn first() {}

#[qtest]
fn second(t: Test) {
    assert_eq!(t.name(), "second");
}

mod inner {
    use qtests::prelude::*;

    #[qtest]
    async fn nested(t: Test) {
        assert_eq!(t.name(), "inner::nested");
    }
}

#[qtest]
#[should_panic(expected = "as it should")]
async fn panics() {
    panic!("as it should");
}

#[qtest]
#[ignore = "must fail"]
async fn fails() {
    panic!("it does not work");
}

qtests::main!();

//! What the compiler says about wrong attributes: one file in `tests/ui` for each mistake.

#[test]
fn every_mistake_gets_one_clear_message() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}

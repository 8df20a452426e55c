//! What the compiler says about wrong attributes: one file in `tests/ui` for each mistake.
//!
//! Two tests, because the mistakes are checked in one run of cargo as long as nothing among them must pass.

#[test]
fn every_mistake_gets_one_clear_message() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

#[test]
fn what_is_right_compiles_without_a_warning_beside_other_names() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}

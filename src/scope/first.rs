//! What parts above have called at certain moments, without the scope knowing them.

use super::Scope;

/// Runs when the first test of the process starts, before its body: never before `main`, and never for `--list`. It
/// must not panic.
#[allow(dead_code, reason = "the parts that need it are features")]
pub(crate) struct AtFirstTest(pub(crate) fn());

/// What a part adds to the report of a failing test, below the journal, also to the report of a test for which the part
/// keeps nothing. Whole lines, indented by two; `None` if there is nothing to say.
#[allow(dead_code, reason = "the parts that need it are features")]
pub(crate) struct InReport(pub(crate) fn(&Scope) -> Option<String>);

inventory::collect!(AtFirstTest);
inventory::collect!(InReport);

/// The first test starts.
pub(super) fn begins() {
    inventory::iter::<AtFirstTest>.into_iter().for_each(|at_first_test| at_first_test.0());
}

/// What the parts add to the report of this test.
pub(super) fn sections(scope: &Scope) -> String {
    inventory::iter::<InReport>.into_iter().filter_map(|section| section.0(scope)).collect()
}

//! What it takes to compile a thousand empty tests.

use super::{
    crates::Crate,
    empty_tests::{KINDS, Kind, PEER, TIMED, written},
    measure::{Series, Table, interleaved},
};

/// How often each file is compiled.
const ROUNDS: usize = 3;

/// Compiles the tests of each kind in turn and prints what that took.
pub(crate) fn measure() {
    let tests = written();
    // The dependencies, and everything once.
    for kind in KINDS {
        compile(&tests, kind);
    }
    let kinds = [PEER, TIMED];
    let mut subjects: Vec<Box<dyn FnMut() -> f64>> = Vec::new();
    for kind in kinds {
        let tests = &tests;
        subjects.push(Box::new(move || compile(tests, kind)));
    }
    let samples = interleaved(ROUNDS, &mut subjects);

    let how = format!(
        "1000 empty async tests, dev profile, nothing reused, linked, CPU seconds, {ROUNDS} rounds and their whole range"
    );
    let mut table = Table::new("The compilation of empty tests", &how);
    let [peer, timed] = [0, 1].map(|kind| Series::of(&samples[kind], |seconds| *seconds));
    table.row(PEER.attribute, "s", &peer);
    table.row(TIMED.attribute, "s", &timed);
    table.at_most(1.0, "ratio", "x", &timed.ratio_to(&peer));
    table.print();
}

/// CPU seconds of cargo, rustc and the linker for the tests of one kind.
fn compile(tests: &Crate, kind: Kind) -> f64 {
    tests.write(&kind.file(), &kind.source());
    tests.cargo(&["test", "--no-run", "--quiet", "--test", kind.name]).0.cpu
}

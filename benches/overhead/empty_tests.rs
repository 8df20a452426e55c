//! A thousand empty tests of each kind, each kind a test binary of its own, run in turn.

use super::{
    crates::Crate,
    measure::{Series, Spent, Table, interleaved},
};
use serde_json::Value;
use std::{path::PathBuf, process::Command};

/// How many tests a binary has.
const TESTS: usize = 1_000;

/// How often each binary is run.
const ROUNDS: usize = 21;

/// A kind of test: the name of its binary, and the attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// The name of the test binary.
    pub(crate) name: &'static str,
    /// What stands above each test.
    pub(crate) attribute: &'static str,
}

/// What all others are compared with.
pub(crate) const PEER: Kind = Kind { name: "tokio_test", attribute: "#[tokio::test]" };
/// Without the thread that watches the clock.
pub(crate) const UNTIMED: Kind = Kind { name: "untimed", attribute: "#[qtests::qtest(timeout = \"off\")]" };
/// As people write it.
pub(crate) const TIMED: Kind = Kind { name: "timed", attribute: "#[qtests::qtest]" };

/// All of them, the peer first.
pub(crate) const KINDS: [Kind; 3] = [PEER, UNTIMED, TIMED];

impl Kind {
    /// The file of its tests.
    pub(crate) fn file(self) -> String {
        format!("tests/{}.rs", self.name)
    }

    /// The text of that file.
    pub(crate) fn source(self) -> String {
        (0..TESTS).map(|number| format!("{}\nasync fn empty_{number:04}() {{}}\n", self.attribute)).collect()
    }
}

/// The crate that holds the tests of all kinds.
pub(crate) fn written() -> Crate {
    let dependencies = "qtests = { path = \"{qtests}\" }\n\
                        tokio = { version = \"1\", features = [\"rt\", \"macros\"] }";
    let written = Crate::new("empty-tests", dependencies);
    for kind in KINDS {
        written.write(&kind.file(), &kind.source());
    }
    written
}

/// Builds the test binaries and says where they are, in the order of [`KINDS`].
fn binaries(tests: &Crate) -> [PathBuf; 3] {
    let (_, messages) = tests.cargo(&["test", "--no-run", "--tests", "--message-format=json"]);
    let built: Vec<Value> = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    KINDS.map(|kind| {
        let own = built.iter().find(|message| message["target"]["name"] == kind.name);
        let path = own.and_then(|message| message["executable"].as_str());
        PathBuf::from(path.unwrap_or_else(|| panic!("cargo does not say where the tests `{}` are", kind.name)))
    })
}

/// Runs the binaries in turn and prints what they took.
pub(crate) fn measure() {
    let binaries = binaries(&written());
    let mut subjects: Vec<Box<dyn FnMut() -> Spent>> = Vec::new();
    for binary in &binaries {
        subjects.push(Box::new(move || run(binary)));
    }
    // The first run of each reads it from the disk.
    for subject in &mut subjects {
        subject();
    }
    let samples = interleaved(ROUNDS, &mut subjects);

    let how = format!("{TESTS} empty async tests, `-q --test-threads=2`, dev profile, {ROUNDS} rounds");
    let mut table = Table::new("An empty test", &how);
    for (clock, figure) in [("wall", wall as fn(&Spent) -> f64), ("CPU", cpu)] {
        let [peer, untimed, timed] = [0, 1, 2].map(|kind| Series::of(&samples[kind], figure));
        for (kind, series) in KINDS.iter().zip([&peer, &untimed, &timed]) {
            table.row(&format!("{} {clock}", kind.attribute), "ms", series);
        }
        table.at_most(1.6, &format!("ratio without timeout, {clock}"), "x", &untimed.ratio_to(&peer));
        table.at_most(3.5, &format!("ratio with timeout, {clock}"), "x", &timed.ratio_to(&peer));
    }
    table.print();
}

fn wall(spent: &Spent) -> f64 {
    spent.wall * 1e3
}

fn cpu(spent: &Spent) -> f64 {
    spent.cpu * 1e3
}

fn run(binary: &PathBuf) -> Spent {
    let (spent, output) = Spent::by(Command::new(binary).args(["-q", "--test-threads=2"]));
    let passed = format!("{TESTS} passed");
    assert!(String::from_utf8_lossy(&output.stdout).contains(&passed), "{} must say {passed}", binary.display());
    spent
}

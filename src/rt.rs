//! What code written by the macros of this crate calls. No promise is made about anything in here.

pub use crate::scope::{Body, BodyFuture, BodyResult, Leaks, Meta, Options, Outcome, Target, TaskPanics};
pub use inventory;

use crate::scope;

/// A test as the macro describes it.
#[derive(Debug)]
pub struct Registered {
    /// Where it stands and how it is judged.
    pub meta: Meta,
    /// What it runs.
    pub body: Body,
}

/// A registered test, for binaries with a `main` of their own.
#[derive(Debug)]
pub struct Entry(pub &'static Registered);

inventory::collect!(Entry);

/// Runs a test under libtest.
pub fn run(test: &'static Registered) {
    scope::run(&test.meta, test.body);
}

/// What cargo said about the target while it compiled it.
pub const fn target(tmpdir: Option<&'static str>, binary: Option<&'static str>) -> Target {
    match (tmpdir, binary) {
        (Some(_), _) => Target::Integration,
        (None, Some(name)) => Target::Binary(name),
        (None, None) => Target::Library,
    }
}

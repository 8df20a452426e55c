//! What qtests costs: an empty test, its compilation, a fault point in every state, the lookup of a mock.
//!
//! `cargo bench -p qtests-bench --bench overhead` runs all sections, `-- points seams` those that are named. All subjects
//! of a section are measured in turn in the same run, and what is compared is compared round by round. The budgets hold
//! for an idle machine with two processors; the load is printed beside the figures.

mod compile;
mod crates;
mod empty_tests;
mod inert;
#[path = "../measure/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each bench uses its own part of what all share")]
mod measure;
mod neighbour;
mod points;
mod seams;

use measure::{Section, run_sections};
use std::process::ExitCode;

const SECTIONS: &[Section] = &[
    ("tests", empty_tests::measure),
    ("compile", compile::measure),
    ("inert", inert::measure),
    ("points", points::measure),
    ("seams", seams::measure),
];

fn main() -> ExitCode {
    run_sections("overhead", SECTIONS)
}

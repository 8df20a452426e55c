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
mod measure;
mod neighbour;
mod points;
mod seams;

use measure::load_average;
use std::{env, process::ExitCode};

/// A part of the bench that can be run alone.
type Section = (&'static str, fn());

const SECTIONS: &[Section] = &[
    ("tests", empty_tests::measure),
    ("compile", compile::measure),
    ("inert", inert::measure),
    ("points", points::measure),
    ("seams", seams::measure),
];

fn main() -> ExitCode {
    // cargo passes `--bench`, which says nothing new.
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|name| SECTIONS.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = SECTIONS.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no section `{unknown}`; the sections are {}", known.join(", "));
        return ExitCode::FAILURE;
    }
    println!("overhead: load average at the start: {}", load_average());
    for (name, run) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            run();
        }
    }
    ExitCode::SUCCESS
}

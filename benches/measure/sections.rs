//! The parts of a bench, chosen by name on the command line.

use super::machine::{Neighbours, load_average};
use std::{env, process::ExitCode};

/// A part of a bench that can be run alone.
pub(crate) type Section = (&'static str, fn());

/// Runs the sections that are named on the command line, all if none is, and says after each how busy the machine was.
pub(crate) fn run_sections(bench: &str, sections: &[Section]) -> ExitCode {
    // cargo passes `--bench`, which says nothing new.
    let wanted: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    if let Some(unknown) = wanted.iter().find(|name| sections.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no section `{unknown}`; the sections are {}", known.join(", "));
        return ExitCode::FAILURE;
    }
    println!("{bench}: load average at the start: {}", load_average());
    for (name, run) in sections {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            let neighbours = Neighbours::watch();
            run();
            println!("{}", neighbours.told());
        }
    }
    ExitCode::SUCCESS
}

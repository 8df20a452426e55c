//! A test binary of your own: `harness = false` in `Cargo.toml`, and `qtests::main!();` at the end of the file.
//!
//! It runs the `#[qtest]`s of the binary over libtest-mimic and takes the arguments that libtest takes: filters,
//! `--list`, `--exact`, `--ignored`, `--include-ignored`, `--skip`, `--test-threads`. What tests print is not captured.
//! `cargo nextest` lists and runs such a binary as any other.
//!
//! Plain `#[test]` functions are dropped by rustc in such a binary, without a word: make them `#[qtest]`s.

use crate::{
    rt::{Entry, Registered},
    trial::{self, Conclusion},
};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::process::ExitCode;

/// Writes a `main` that runs the `#[qtest]`s of this binary.
///
/// ```no_run
/// // tests/resilience.rs, with `harness = false` for it in Cargo.toml
/// use qtests::prelude::*;
///
/// #[qtest]
/// async fn the_service_answers() {
///     // ..
/// }
///
/// qtests::main!();
/// ```
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> ::std::process::ExitCode {
            $crate::runner::main()
        }
    };
}

/// Runs the registered tests as the command line says and returns the status for the process.
pub fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut tests: Vec<&'static Registered> = inventory::iter::<Entry>.into_iter().map(|entry| entry.0).collect();
    // The order of registration is the linker's; the order of the sources is the reader's.
    tests.sort_by_key(|test| (test.meta.file, test.meta.line));
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit_code()
}

fn trial(test: &'static Registered) -> Trial {
    let run = move || match trial::run(test).conclusion {
        Conclusion::Passed | Conclusion::Flaky(_) => Ok(Completion::Completed),
        Conclusion::Skipped(why) => Ok(Completion::ignored_with(why)),
        Conclusion::Failed { report, .. } => Err(Failed::from(report)),
    };
    Trial::ignorable_test(test.meta.name(), run).with_ignored_flag(test.meta.ignored)
}

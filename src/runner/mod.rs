//! A test binary of your own: `harness = false` in `Cargo.toml`, and `qtests::main!();` at the end of the file.
//!
//! ```no_run
//! // tests/resilience.rs
//! use qtests::{prelude::*, runner::Trial};
//!
//! #[qtest]
//! async fn the_service_answers() {
//!     // ..
//! }
//!
//! // Trials that are made by code, and what the whole suite needs. Plain `qtests::main!();` runs the `#[qtest]`s.
//! qtests::main!(|runner| runner
//!     .set_up(|t: Test| async move {
//!         let server = t.listener()?; // until the process ends
//!         t.defer_async(async move { drop(server) });
//!         Ok(())
//!     })
//!     .trials(["small", "large"].map(|basket| {
//!         Trial::new(format!("orders::{basket}"), move |t: Test| async move {
//!             t.note(basket);
//!             Ok::<(), io::Error>(())
//!         })
//!         .tags(["orders"])
//!         .timeout(Duration::from_secs(5))
//!     })));
//! ```
//!
//! It runs over libtest-mimic and takes the arguments that libtest takes: one filter, `--list`, `--exact`, `--ignored`,
//! `--include-ignored`, `--skip`, `--test-threads`. What tests print is not captured. `cargo nextest` lists, filters,
//! archives, partitions and runs such a binary as any other.
//!
//! What a runner adds to libtest:
//!
//! | | |
//! |---|---|
//! | trials from code | [`Trial`], with tags, tries, limits, serial groups, a process of their own |
//! | set-up and teardown of the suite | [`Runner::set_up`]; under nextest once for each process; never for `--list` |
//! | a choice by tags, and shares of the suite by a hash | `QTESTS_TAGS`, `QTESTS_PARTITION`: a skipped test counts as ignored |
//! | a summary | flaky tests, set-ups that failed, what was skipped, the slowest |
//! | reports | `QTESTS_JSON` (a line for each test), `QTESTS_JUNIT` (a file for each binary, feature `report`), annotations on GitHub; nextest has reports of its own |
//! | the end | teardowns of the suite and of shared fixtures decide about the status of the process too |
//!
//! After SIGINT, SIGTERM or SIGHUP no test begins; those that run are torn down, then the suite, and the reports tell
//! what ran until then. A second signal ends the process at once.
//!
//! Plain `#[test]` functions are dropped by rustc in such a binary, without a word. The runner looks for them in the
//! sources, and if there are any, a test called `plain_tests_are_run` fails and names them: make them `#[qtest]`s. See
//! [`Runner::plain_tests_may_vanish`] for what the search does not see.

mod binary;
mod github;
mod json;
#[cfg(feature = "report")]
mod junit;
mod record;
mod run;
mod source;
mod suite;
mod summary;
mod trial;
mod vanished;

pub use binary::Binary;
pub use run::{Runner, main};
pub use trial::Trial;

/// Writes a `main` that runs the `#[qtest]`s of this binary; see [`runner`](crate::runner).
///
/// With an argument, a closure from [`Runner`](crate::runner::Runner) to `Runner`, it also runs what that adds.
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
        $crate::main!(|runner| runner);
    };
    ($configure:expr) => {
        fn main() -> ::std::process::ExitCode {
            let binary = $crate::runner::Binary {
                package: ::core::env!("CARGO_PKG_NAME"),
                folder: ::core::env!("CARGO_MANIFEST_DIR"),
                module: ::core::module_path!(),
                file: ::core::file!(),
                target: match (::core::option_env!("CARGO_TARGET_TMPDIR"), ::core::option_env!("CARGO_BIN_NAME")) {
                    (::core::option::Option::Some(_), _) => $crate::rt::Target::Integration,
                    (_, ::core::option::Option::Some(name)) => $crate::rt::Target::Binary(name),
                    _ => $crate::rt::Target::Library,
                },
            };
            $crate::runner::main(binary, $configure)
        }
    };
}

//! What a test logs through `tracing`: asked, waited for, and printed when the test fails.
//!
//! ```
//! use qtests::{Test, logs::Level};
//!
//! fn charge(order: u32, attempts: u32) {
//!     if attempts > 1 {
//!         tracing::warn!(order, attempts, "the gateway answered late");
//!     }
//! }
//!
//! let t = Test::scoped();
//! std::thread::spawn(qtests::bind(|| charge(7, 3))).join().unwrap();
//! t.logs().level(Level::WARN).containing("late").field("order", 7).assert_any();
//! t.logs().level(Level::ERROR).assert_none();
//! assert_eq!(t.logs().count(), 1);
//! ```
//!
//! Lines belong to the test whose thread or task logs them: from tasks, `spawn_blocking`, [`thread::spawn`] and the
//! worker threads of a test alike, and never from a neighbour. One subscriber serves the whole process and asks, line
//! by line, whose it is; a subscriber for each thread would lose lines, since `tracing` remembers for the whole process
//! which places are worth asking (tokio-rs/tracing#3611).
//!
//! A failing test prints the end of its log below its journal. Lines that were logged by no test while it ran, such as
//! those of a thread that nobody has bound ([`bind`](crate::bind)) or of a task that outlived its test, stand apart.
//!
//! # Which lines are kept
//!
//! All from `DEBUG` on. The variable `QTESTS_LOG` says otherwise, in the words of
//! [`Targets`](tracing_subscriber::filter::Targets): `trace`, or `info,checkout=trace` for `INFO` everywhere and all of
//! the target `checkout`. A target that is not named there logs nothing unless a level stands alone. Spans have levels
//! and targets too: a line does not tell of a span that is not kept. [`Logs::assert_none`] refuses to speak of a level,
//! or of a target, that is not kept at all.
//!
//! A test holds its last 10,000 lines; older ones are dropped and counted. The text of a line is cut after 8 KiB. Of
//! lines that belong to no test the process holds the last 1,000.
//!
//! # A subscriber of your own
//!
//! Ours is installed when the first test of the process starts. Code that calls `tracing_subscriber::fmt::init()` later
//! panics, since there can be one only: use `try_init()`, whose error can be ignored. To have both, install your own
//! before the first test and add [`layer`] to it:
//!
//! ```
//! use tracing_subscriber::prelude::*;
//!
//! let _ = tracing_subscriber::registry().with(qtests::logs::layer()).try_init();
//! let t = qtests::Test::scoped();
//! tracing::info!("heard by both");
//! t.logs().containing("heard").assert_any();
//! ```
//!
//! If somebody's subscriber is there first and has no such layer, that is said on the standard error, and
//! [`Test::logs`](crate::Test::logs) panics: it never takes a log that it cannot hear for an empty one. The same holds
//! on a thread that has a subscriber of its own (`set_default`, `with_default`), which keeps its lines from ours. The
//! layer is not found inside a `reload::Layer`.
//!
//! # `#[traced_test]`
//!
//! With the feature `tracing-test` tests of the crate tracing-test and tests of this one live in one binary, in any
//! order, and a function can be both, whichever attribute comes first: `logs_contain` and `logs_assert` then see what
//! [`Test::logs`](crate::Test::logs) sees, also the lines of tasks and threads, and nothing of other tests.
//!
//! ```no_run
//! # #[cfg(all(feature = "tracing-test", feature = "macros"))]
//! # mod tests {
//! use qtests::prelude::*;
//! use tracing_test::traced_test;
//!
//! #[qtest(workers = 2)]
//! #[traced_test]
//! async fn an_order_is_logged() {
//!     tokio::spawn(async { tracing::info!("placed") }).await.unwrap();
//!     assert!(logs_contain("placed"));
//! }
//! # }
//! ```
//!
//! Our subscriber is then installed before `main`, in test binaries that cargo has built, so that it is there before
//! any `#[traced_test]`: a subscriber of your own comes too late there. As in tracing-test, everything that the crate
//! of the tests logs is kept, whatever `QTESTS_LOG` says, unless it names that crate; the rest as it says. Lines of a
//! plain `#[traced_test]` are printed. The buffer that all tests of the process share holds 16 MiB.
//!
//! The attribute has one span for a function, so it does not go with `cases`, which run at once: such a test fails and
//! says so. A test that is tried again does not see the lines of the try before.
//!
//! [`thread::spawn`]: crate::thread::spawn

mod assert;
mod book;
mod install;
mod line;
mod matching;
mod query;
mod route;
mod stray;
mod tail;
#[cfg(feature = "tracing-test")]
mod traced;
mod values;
mod watcher;

pub use book::LOG_LIMIT;
pub use install::layer;
pub use line::{LogField, LogLine, LogSpan};
pub use query::Logs;
#[doc(no_inline)]
pub use tracing::Level;

use crate::scope::{InReport, Scope};

inventory::submit! { InReport(in_report) }

/// What a failing test prints of its log, and of what was logged by no test meanwhile.
fn in_report(scope: &Scope) -> Option<String> {
    let sections: String = [book::section(scope), stray::section(scope)].into_iter().flatten().collect();
    (!sections.is_empty()).then_some(sections)
}

//! Real processes that a test starts, and that never outlive it.
//!
//! ```
//! use qtests::Test;
//! use std::process::Command;
//!
//! let t = Test::scoped();
//! let mut command = Command::new("sleep");
//! command.arg("60");
//! let server = t.process(command)?;
//! assert!(server.try_wait()?.is_none());       // it runs, and is killed when the scope ends
//! # Ok::<(), qtests::Error>(())
//! ```

mod process;
mod reaper;

pub use process::Process;

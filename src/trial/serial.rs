//! Serial groups: of all tests with the same name of a group, one runs at a time, in this process and in all others of
//! the same user on this machine.
//!
//! A lock on a file keeps them apart: the system gives it up when a process ends, however it ends.

use crate::{base::Seed, scope::say};
use rustix::process::getuid;
use std::{
    fs::{self, File, TryLockError},
    io::Write,
    thread,
    time::{Duration, Instant},
};

/// How long somebody waits in silence.
const SILENCE: Duration = Duration::from_secs(10);

/// How often somebody who waits looks again. The file gives no signal that could be waited for with a limit.
const LOOK: Duration = Duration::from_millis(5);

/// The right to run; the next one has it when this is dropped.
#[derive(Debug)]
#[must_use = "dropping this lets the next test of the group run"]
pub(super) struct Turn(#[allow(dead_code, reason = "what is held is the lock")] Option<File>);

/// Waits until no other test of the group runs. The time limit of the test has not begun yet.
pub(super) fn wait_for_turn(group: &str, test: &str) -> Turn {
    let path =
        std::env::temp_dir().join(format!("qtests-serial-{}-{}.lock", getuid().as_raw(), Seed::from_name(group)));
    let opened = File::options().create(true).append(true).open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error) => {
            say(&format!(
                "`{test}` runs beside others of the group `{group}`: cannot lock {}: {error}",
                path.display()
            ));
            return Turn(None);
        }
    };
    let began = Instant::now();
    let mut said = false;
    while let Err(refused) = file.try_lock() {
        if let TryLockError::Error(error) = refused {
            say(&format!(
                "`{test}` runs beside others of the group `{group}`: {} cannot be locked: {error}",
                path.display()
            ));
            return Turn(None);
        }
        if began.elapsed() > SILENCE && !said {
            said = true;
            let holder = fs::read_to_string(&path).unwrap_or_default();
            say(&format!("`{test}` waits for the serial group `{group}`, which is held by {}", holder.trim()));
        }
        thread::park_timeout(LOOK);
    }
    // Who holds it, for those who wait.
    let _ = file.set_len(0).and_then(|()| writeln!(&file, "`{test}` of process {}", std::process::id()));
    Turn(Some(file))
}

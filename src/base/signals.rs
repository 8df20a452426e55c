//! Hears the signals of the process on a thread of its own, so that a runtime that is blocked does not keep anybody from
//! hearing them.

use signal_hook::{iterator::Signals, low_level::emulate_default_handler};
use std::{io, thread};

/// Calls `take` with each of these signals that comes, for the rest of the process's life. If it returns `false`, the
/// process dies by the signal at once.
///
/// A signal that was ignored when the process was started (by `nohup`, say) stays ignored. The thread never ends:
/// signals that nobody hears any more would be lost instead of doing what they do by default.
pub(crate) fn hear(
    thread: &str,
    signals: &[i32],
    mut take: impl FnMut(i32) -> bool + Send + 'static,
) -> io::Result<()> {
    let heeded: Vec<i32> = signals.iter().copied().filter(|signal| !is_ignored(*signal)).collect();
    let mut heard = Signals::new(heeded)?;
    let listen = move || {
        for signal in heard.forever() {
            if !take(signal) {
                let _ = emulate_default_handler(signal);
            }
        }
    };
    thread::Builder::new().name(thread.to_owned()).spawn(listen).map(drop)
}

/// Whether the process was started with this signal ignored, as `nohup` does.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (signal - 1)) != 0
}

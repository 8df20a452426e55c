//! The end of a log, as a failing test prints it.

use super::line::LogLine;
use std::{
    fmt::Write,
    sync::{Mutex, MutexGuard, TryLockError},
    thread,
    time::{Duration, Instant},
};

/// How long a report waits for a log. Nobody holds one for longer than it takes to copy it, unless a thread hangs.
const PATIENCE: Duration = Duration::from_secs(1);

/// Locks, unless a thread hangs that holds it.
pub(super) fn patiently<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    let began = Instant::now();
    loop {
        match mutex.try_lock() {
            Ok(held) => return Some(held),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if began.elapsed() > PATIENCE => return None,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// What the report says instead.
pub(super) fn locked(what: &str) -> String {
    format!("  {what}: unknown, since a thread that hangs holds them\n")
}

/// The last lines, at most `limit` after equal ones in a row are made one, and how many lines they stand for.
pub(super) fn tail<'a>(lines: impl DoubleEndedIterator<Item = &'a LogLine>, limit: usize) -> (usize, String) {
    let mut kept: Vec<(String, &LogLine, usize)> = Vec::new();
    let mut shown = 0;
    for line in lines.rev() {
        let text = format!("{:<5} {}", line.level.as_str(), line.text());
        let full = kept.len() == limit;
        match kept.last_mut() {
            Some((last, _, times)) if *last == text => *times += 1,
            _ if full => break,
            _ => kept.push((text, line, 1)),
        }
        shown += 1;
    }
    let mut tail = String::new();
    // Lines after the first stand below it.
    let indent = format!("\n{:21}", "");
    for (text, line, times) in kept.iter().rev() {
        let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
        let _ = writeln!(tail, "    {} {}{times}", line.time(), text.replace('\n', &indent));
    }
    (shown, tail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::line::tests::line;
    use tracing::Level;

    #[test]
    fn equal_lines_in_a_row_are_one() {
        let lines = ["a", "b", "b", "b", "c\nd"].map(|message| line(Level::INFO, "shop", message));
        let (shown, text) = tail(lines.iter(), 2);
        assert_eq!(shown, 4);
        assert_eq!(
            text,
            "    +0.001204s INFO  shop: b (3 times)\n    +0.001204s INFO  shop: c\n                     d\n"
        );
        assert_eq!(tail(lines[..0].iter(), 2), (0, String::new()));
    }
}

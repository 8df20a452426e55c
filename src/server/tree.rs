//! A process and its descendants, those that have left its group included, as postgres has them: each of its sessions
//! leads a group of its own.
//!
//! Only Linux tells whose children are whose. Elsewhere the list is empty, and what has left the group is not found.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, thread,
    time::{Duration, Instant},
};

/// How long is waited for a process to heed a signal that it cannot refuse. It heeds it late only while the system itself
/// works for it, as on a disk that hangs.
const LIMIT: Duration = Duration::from_secs(2);

/// How often is looked whether it has.
const LOOK: Duration = Duration::from_micros(200);

/// How many descendants are found.
const DESCENDANTS: usize = 10_000;

/// The descendants as they are now, parents before their children; at most 10,000.
pub(super) fn descendants(root: Pid) -> Vec<Pid> {
    walk(root, |_| {})
}

/// Stops the descendants of a process that is told to stop, too, and waits until all of them stand still. Each is stopped
/// before its children are listed, so none is born behind our back.
pub(super) fn freeze(root: Pid) -> Vec<Pid> {
    settle(root, is_still);
    walk(root, |child| {
        let _ = kill_process(child, Signal::STOP);
        settle(child, is_still);
    })
}

/// Kills the descendants of a process, which itself stands still from now on: what cannot await its children leaves them
/// their numbers, so nobody else can get those and be killed in their place.
pub(super) fn kill_descendants(root: Pid) {
    if children(root).is_empty() || kill_process(root, Signal::STOP).is_err() {
        return;
    }
    let all = freeze(root);
    for process in &all {
        let _ = kill_process(*process, Signal::KILL);
    }
    all.into_iter().for_each(|process| settle(process, is_dead));
}

fn walk(root: Pid, mut visit: impl FnMut(Pid)) -> Vec<Pid> {
    let mut found: Vec<Pid> = Vec::new();
    let mut next = Some(root);
    let mut looked = 0;
    while let Some(parent) = next {
        for child in children(parent) {
            if child != root && !found.contains(&child) && found.len() < DESCENDANTS {
                visit(child);
                found.push(child);
            }
        }
        next = found.get(looked).copied();
        looked += 1;
    }
    found
}

fn settle(process: Pid, settled: impl Fn(Pid) -> bool) {
    let began = Instant::now();
    while !settled(process) && began.elapsed() < LIMIT {
        thread::park_timeout(LOOK);
    }
}

/// The threads of a process; none where the system does not tell, or when it is gone.
fn threads(process: Pid) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path().to_str()?.to_owned())).collect()
}

fn children(process: Pid) -> Vec<Pid> {
    let of = |thread: String| fs::read_to_string(format!("{thread}/children")).unwrap_or_default();
    let text: String = threads(process).into_iter().map(of).collect();
    text.split_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?)).collect()
}

/// Whether none of its threads runs. What is gone, or not told of, counts as still.
fn is_still(process: Pid) -> bool {
    threads(process).into_iter().all(|thread| matches!(state(&thread), None | Some('T' | 't' | 'Z' | 'X')))
}

/// Whether it has ended, awaited or not.
fn is_dead(process: Pid) -> bool {
    matches!(state(&format!("/proc/{}", process.as_raw_nonzero())), None | Some('Z' | 'X'))
}

/// The state of a process or a thread, as one letter.
fn state(folder: &str) -> Option<char> {
    let stat = fs::read_to_string(format!("{folder}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

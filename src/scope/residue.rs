//! What the system still holds of a test that is over: child processes, threads, file descriptors.
//!
//! Threads and descriptors belong to the process, so they are told apart only where the test is alone in it. Children
//! are listed by the thread that made them, and so by the test.

use super::{Leaks, finding::Finding, lock, scope::Scope};
use crate::base::environment;
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

/// How long threads and children that were told to end may take. Only a test that is about to fail waits that long.
const GRACE: Duration = Duration::from_secs(1);

/// How many of each kind are named.
const NAMED: usize = 20;

/// What there was before the body, for a test that is looked at.
#[derive(Debug)]
pub(super) struct Before {
    /// Nobody else uses this process.
    alone: bool,
    children: BTreeSet<i32>,
    threads: BTreeMap<i32, String>,
    descriptors: BTreeMap<RawFd, String>,
}

/// Descriptors of qtests itself that live as long as the process; one for each kind of thing that has one.
static OWN: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());

/// Keeps a descriptor of qtests itself from being taken for a leak.
pub(crate) fn is_ours(descriptor: BorrowedFd<'_>) {
    lock(&OWN).push(descriptor.as_raw_fd());
}

/// Whether this test is held to what it leaves: one with `leaks = "strict"`, and any that has a process of its own by
/// `isolate`, whose children must not outlive it.
pub(super) fn counts(scope: &Scope) -> bool {
    scope.options.leaks == Leaks::Strict || environment().isolated.is_some()
}

/// Looks at what there is before the body.
pub(super) fn before(scope: &Scope) -> Before {
    let alone = environment().sole_test.as_deref() == Some(scope.name());
    if alone {
        // A child that detaches itself becomes ours and not the system's, so it is found.
        let _ = set_child_subreaper(Some(getpid()));
    }
    let threads = if alone { threads() } else { BTreeMap::new() };
    let descriptors = if alone { descriptors() } else { BTreeMap::new() };
    Before { alone, children: children(scope, alone), threads, descriptors }
}

/// Looks for what has come and not gone. Children are killed: nobody else will.
pub(super) fn check(scope: &Scope, before: &Before) {
    let weigh = |text: String| {
        scope.find(if scope.options.leaks == Leaks::Strict { Finding::failure(text) } else { Finding::note(text) });
    };
    if scope.options.leaks == Leaks::Off {
        kill_children(scope, before);
        return;
    }
    settle(|| new_children(scope, before).is_empty() && new_threads(before).is_empty());
    for what in kill_children(scope, before).into_iter().take(NAMED) {
        weigh(format!("leak: {what}"));
    }
    if !before.alone || scope.options.leaks != Leaks::Strict {
        return;
    }
    for (id, name) in new_threads(before).into_iter().take(NAMED) {
        weigh(format!("leak: the thread `{name}` ({id}) is still running"));
    }
    for (number, target) in newer(&descriptors(), &before.descriptors).into_iter().take(NAMED) {
        weigh(format!("leak: file descriptor {number} is still open: {target}"));
    }
}

fn settle(settled: impl Fn() -> bool) {
    let began = Instant::now();
    while !settled() && began.elapsed() < GRACE {
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// Kills what is left and returns what it was; what was a child's child becomes ours by that, so it takes several rounds.
fn kill_children(scope: &Scope, before: &Before) -> Vec<String> {
    let mut told = BTreeMap::new();
    for _ in 0..NAMED {
        let left = new_children(scope, before);
        let unseen: Vec<i32> = left.into_iter().filter(|id| !told.contains_key(id)).collect();
        if unseen.is_empty() {
            break;
        }
        for id in unseen {
            told.insert(id, describe_child(id));
            if let Some(pid) = Pid::from_raw(id) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        settle(|| new_children(scope, before).iter().all(|id| told.contains_key(id) && !is_alive(*id)));
    }
    told.into_values().collect()
}

fn new_children(scope: &Scope, before: &Before) -> Vec<i32> {
    children(scope, before.alone).difference(&before.children).copied().collect()
}

/// The children of the threads of this test, or of all threads where it is alone.
fn children(scope: &Scope, alone: bool) -> BTreeSet<i32> {
    let threads: Vec<i32> = if alone { threads().into_keys().collect() } else { scope.home.thread_ids() };
    let of = |id: i32| fs::read_to_string(format!("/proc/self/task/{id}/children")).unwrap_or_default();
    threads.into_iter().flat_map(|id| numbers(&of(id))).filter(|id| !is_reaper(*id)).collect()
}

fn numbers(text: &str) -> Vec<i32> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The shell of ours that kills what a killed test process leaves.
fn is_reaper(id: i32) -> bool {
    fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.ends_with(b"\0qtests-reaper\0"))
}

/// State and name of a process, from the two ends of the parentheses around the name.
fn stat_of(id: i32) -> Option<(char, String)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (front, back) = stat.rsplit_once(") ")?;
    Some((back.chars().next()?, front.split_once('(')?.1.to_owned()))
}

fn is_alive(id: i32) -> bool {
    stat_of(id).is_some_and(|(state, _)| state != 'Z')
}

fn describe_child(id: i32) -> String {
    match stat_of(id) {
        Some(('Z', name)) => format!("the child process `{name}` ({id}) has ended and nobody has awaited it"),
        Some((_, name)) => format!("the child process `{name}` ({id}) was still running and was killed"),
        None => format!("a child process ({id}) was still running"),
    }
}

fn new_threads(before: &Before) -> Vec<(i32, String)> {
    if !before.alone {
        return Vec::new();
    }
    let own = rustix::thread::gettid().as_raw_nonzero().get();
    let foreign = |(id, name): &(i32, String)| *id != own && !name.starts_with("qtests-");
    newer(&threads(), &before.threads).into_iter().filter(foreign).collect()
}

/// The threads of this process with their names, of which the system keeps 15 bytes.
fn threads() -> BTreeMap<i32, String> {
    let named = |id: i32| Some((id, fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?.trim().to_owned()));
    entries("/proc/self/task").filter_map(named).collect()
}

/// The open descriptors of this process and what they stand for, but those of qtests and the one that lists them.
fn descriptors() -> BTreeMap<RawFd, String> {
    let own = lock(&OWN).clone();
    let target = |number: RawFd| {
        let target = fs::read_link(format!("/proc/self/fd/{number}")).ok()?.display().to_string();
        let is_listing = target.ends_with("/fd") && target.starts_with("/proc/");
        (!is_listing && !own.contains(&number)).then_some((number, target))
    };
    entries("/proc/self/fd").filter_map(target).collect()
}

/// The entries of a folder whose names are numbers.
fn entries(folder: &str) -> impl Iterator<Item = i32> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// What is there now and was not there before, under that number and that name; pure.
fn newer(now: &BTreeMap<i32, String>, before: &BTreeMap<i32, String>) -> Vec<(i32, String)> {
    now.iter().filter(|(id, name)| before.get(id) != Some(name)).map(|(id, name)| (*id, name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_number_of_something_that_is_gone_is_new() {
        let map = |pairs: &[(i32, &str)]| pairs.iter().map(|(id, name)| (*id, (*name).to_owned())).collect();
        let (before, now) = (map(&[(1, "a"), (2, "b"), (3, "c")]), map(&[(1, "a"), (2, "x"), (4, "d")]));
        assert_eq!(newer(&now, &before), [(2, "x".to_owned()), (4, "d".to_owned())]);
    }

    #[test]
    fn names_with_parentheses_and_spaces_are_read_whole() {
        let own = std::process::id().try_into().unwrap();
        let (state, name) = stat_of(own).unwrap();
        assert!(state != 'Z' && !name.is_empty());
        assert!(stat_of(i32::MAX).is_none());
    }
}

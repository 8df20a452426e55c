//! What the system still holds of a test that is over: child processes, threads, file descriptors.
//!
//! Threads and descriptors belong to the process, so they are told apart only where the test is alone in it. Children
//! are listed by the thread that made them, and so by the test; those of a thread that has ended are booked to some other
//! thread, so that a test which is not alone is asked for those of the threads of its runtime and of its body.

use super::{Leaks, finding::Finding, lock, scope::Scope};
use crate::base::environment;
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, set_child_subreaper, waitpid};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::fd::{AsRawFd, BorrowedFd, RawFd},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// How long threads and children that were told to end may take. Only a test that is about to fail waits that long.
const GRACE: Duration = Duration::from_secs(1);

/// How many of each kind are named.
const NAMED: usize = 20;

/// How many generations of children are killed.
const ROUNDS: usize = 50;

/// What the system holds at one moment.
#[derive(Clone, Debug, Default)]
struct Held {
    children: BTreeSet<i32>,
    threads: BTreeMap<i32, String>,
    descriptors: BTreeMap<RawFd, String>,
}

/// What there was before the body, for a test that is looked at.
#[derive(Debug)]
pub(super) struct Before {
    /// Nobody else uses this process.
    alone: bool,
    /// The thread of the body; whoever looks later may be another one.
    body: i32,
    held: Held,
    /// Children of the test's threads while these lived: when a thread ends, the system books its children to another.
    seen: Mutex<BTreeSet<i32>>,
}

/// What belongs to the process and not to a test: descriptors and threads of qtests itself, and whatever came while a
/// scope that lasts was set up. It grows with these scopes.
static OF_PROCESS: Mutex<Held> =
    Mutex::new(Held { children: BTreeSet::new(), threads: BTreeMap::new(), descriptors: BTreeMap::new() });

/// What was held when the set-up of a scope that lasts began, by the address of the scope.
static BEFORE_LASTING: Mutex<BTreeMap<usize, Held>> = Mutex::new(BTreeMap::new());

/// Keeps a descriptor of qtests itself from being taken for a leak.
pub(crate) fn is_ours(descriptor: BorrowedFd<'_>) {
    let number = descriptor.as_raw_fd();
    let target = target(number).unwrap_or_default();
    lock(&OF_PROCESS).descriptors.insert(number, target);
}

/// Keeps the calling thread, which is one of qtests itself, from being taken for a leak.
pub(super) fn this_thread_is_ours() {
    if is_alone() {
        lock(&OF_PROCESS).threads.insert(own_thread(), String::new());
    }
}

/// Whether one test has the process for itself.
fn is_alone() -> bool {
    environment().sole_test.is_some()
}

/// The set-up of a scope that lasts begins. Where a test is alone, what comes now is not the test's.
pub(super) fn remember(scope: &Scope) {
    if is_alone() {
        lock(&BEFORE_LASTING).insert(std::ptr::from_ref(scope).addr(), Held::now());
    }
}

/// The set-up is over: what came belongs to the process. The test itself has been waiting meanwhile.
pub(super) fn belongs_to_the_process(scope: &Scope) {
    let Some(before) = lock(&BEFORE_LASTING).remove(&std::ptr::from_ref(scope).addr()) else { return };
    let now = Held::now();
    let mut of_process = lock(&OF_PROCESS);
    of_process.children.extend(now.children.difference(&before.children));
    of_process.threads.extend(now.threads.into_iter().filter(|(id, _)| !before.threads.contains_key(id)));
    of_process.descriptors.extend(newer(&now.descriptors, &before.descriptors));
}

/// Whether this test is held to what it leaves: one with `leaks = "strict"`, and any with `isolate` that has a process
/// of its own, whose children must not outlive it.
pub(super) fn counts(scope: &Scope) -> bool {
    scope.options.leaks == Leaks::Strict || (scope.options.isolate && alone(scope))
}

fn alone(scope: &Scope) -> bool {
    environment().sole_test.as_deref() == Some(scope.name())
}

/// Looks at what there is before the body.
pub(super) fn before(scope: &Scope) -> Before {
    let alone = alone(scope);
    if alone {
        // A child that detaches itself becomes ours and not the system's, so it is found.
        let _ = set_child_subreaper(Some(getpid()));
    }
    let body = own_thread();
    let held = if alone { Held::now() } else { Held { children: children_of([body]), ..Held::default() } };
    Before { alone, body, held, seen: Mutex::default() }
}

/// Remembers the children of the test's threads, while these live.
pub(super) fn sample(scope: &Scope) {
    if let Some(before) = scope.before.get().filter(|before| !before.alone) {
        let threads = scope.home.thread_ids().into_iter().chain([before.body, own_thread()]);
        lock(&before.seen).extend(children_of(threads));
    }
}

/// Looks for what has come and not gone. Children are killed: nobody else will.
pub(super) fn check(scope: &Arc<Scope>) {
    let Some(before) = scope.before.get() else { return };
    let strict = scope.options.leaks == Leaks::Strict;
    let weigh = |text: String| scope.find(if strict { Finding::failure(text) } else { Finding::note(text) });
    settle(|| before.children().is_empty() && (!strict || before.threads().is_empty()));
    let killed = kill_children(before);
    if scope.options.leaks == Leaks::Off {
        return;
    }
    for what in killed.into_iter().take(NAMED) {
        weigh(format!("leak: {what}"));
    }
    if !before.alone || !strict {
        return;
    }
    for (id, name) in before.threads().into_iter().take(NAMED) {
        weigh(format!("leak: the thread `{name}` ({id}) is still running"));
    }
    for (number, target) in before.descriptors().into_iter().take(NAMED) {
        weigh(format!("leak: file descriptor {number} is still open: {target}"));
    }
}

impl Held {
    /// What this process holds.
    fn now() -> Self {
        let threads = threads();
        Self { children: children_of(threads.keys().copied()), threads, descriptors: descriptors() }
    }
}

impl Before {
    /// The children that came and are still there. One that was adopted and has ended is reaped here: its parent is gone,
    /// and nobody else could.
    fn children(&self) -> Vec<i32> {
        let now = if self.alone {
            children_of(threads().into_keys())
        } else {
            let seen = lock(&self.seen).iter().copied().filter(|id| is_our_child(*id)).collect::<BTreeSet<_>>();
            children_of([self.body]).union(&seen).copied().collect()
        };
        let of_process = lock(&OF_PROCESS).children.clone();
        let is_new = |id: &i32| !self.held.children.contains(id) && !of_process.contains(id);
        now.into_iter().filter(is_new).filter(|id| !(self.alone && is_dead(*id) && reap(*id))).collect()
    }

    fn threads(&self) -> Vec<(i32, String)> {
        if !self.alone {
            return Vec::new();
        }
        let of_process = lock(&OF_PROCESS).threads.clone();
        let known = |id: &i32| self.held.threads.contains_key(id) || of_process.contains_key(id) || *id == own_thread();
        // By number alone: a thread has the name of the one that started it until it takes its own.
        threads().into_iter().filter(|(id, _)| !known(id)).collect()
    }

    fn descriptors(&self) -> Vec<(RawFd, String)> {
        let of_process = lock(&OF_PROCESS).descriptors.clone();
        let now = newer(&descriptors(), &self.held.descriptors);
        now.into_iter().filter(|(number, target)| of_process.get(number) != Some(target)).collect()
    }
}

fn settle(settled: impl Fn() -> bool) {
    let began = Instant::now();
    while !settled() && began.elapsed() < GRACE {
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// Kills what is left and returns what it was; what was a child's child becomes ours by that, so it takes several rounds.
fn kill_children(before: &Before) -> Vec<String> {
    let mut told = BTreeMap::new();
    for _ in 0..ROUNDS {
        let unseen: Vec<i32> = before.children().into_iter().filter(|id| !told.contains_key(id)).collect();
        if unseen.is_empty() {
            break;
        }
        for id in &unseen {
            told.insert(*id, describe_child(*id));
            if let Some(pid) = Pid::from_raw(*id) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        settle(|| unseen.iter().all(|id| is_dead(*id)));
    }
    told.into_values().collect()
}

/// The children that these threads of the process have, but for the shell of ours.
fn children_of(threads: impl IntoIterator<Item = i32>) -> BTreeSet<i32> {
    let of = |id: i32| fs::read_to_string(format!("/proc/self/task/{id}/children")).unwrap_or_default();
    threads.into_iter().flat_map(|id| numbers(&of(id))).filter(|id| !is_reaper(*id)).collect()
}

/// Takes note of a child that has ended, so that the system forgets it.
fn reap(id: i32) -> bool {
    Pid::from_raw(id).is_some_and(|pid| waitpid(Some(pid), WaitOptions::NOHANG).is_ok_and(|status| status.is_some()))
}

fn numbers(text: &str) -> Vec<i32> {
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// The shell of ours that kills what a killed test process leaves.
fn is_reaper(id: i32) -> bool {
    fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.ends_with(b"\0qtests-reaper\0"))
}

/// State, name and parent of a process, from the two ends of the parentheses around the name.
fn stat_of(id: i32) -> Option<(char, String, i32)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (front, back) = stat.rsplit_once(") ")?;
    let parent = back.split(' ').nth(1)?.parse().ok()?;
    Some((back.chars().next()?, front.split_once('(')?.1.to_owned(), parent))
}

/// Whether it has ended; a number that nobody has counts as well.
fn is_dead(id: i32) -> bool {
    stat_of(id).is_none_or(|(state, _, _)| state == 'Z')
}

fn is_our_child(id: i32) -> bool {
    stat_of(id).is_some_and(|(_, _, parent)| parent == getpid().as_raw_nonzero().get())
}

fn describe_child(id: i32) -> String {
    match stat_of(id) {
        Some(('Z', name, _)) => format!("the child process `{name}` ({id}) has ended and nobody has awaited it"),
        Some((_, name, _)) => format!("the child process `{name}` ({id}) was still running and was killed"),
        None => format!("a child process ({id}) was still running"),
    }
}

/// The number that the system has given the calling thread.
fn own_thread() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// The threads of this process with their names, of which the system keeps 15 bytes.
fn threads() -> BTreeMap<i32, String> {
    let named = |id: i32| Some((id, fs::read_to_string(format!("/proc/self/task/{id}/comm")).ok()?.trim().to_owned()));
    entries("/proc/self/task").filter_map(named).collect()
}

/// The open descriptors of this process and what they stand for, but the one that lists them.
fn descriptors() -> BTreeMap<RawFd, String> {
    let is_listing = |target: &str| target.ends_with("/fd") && target.starts_with("/proc/");
    let named = |number: RawFd| Some((number, target(number).filter(|target| !is_listing(target))?));
    entries("/proc/self/fd").filter_map(named).collect()
}

/// What a descriptor stands for.
fn target(number: RawFd) -> Option<String> {
    Some(fs::read_link(format!("/proc/self/fd/{number}")).ok()?.display().to_string())
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
        let (state, name, parent) = stat_of(own).unwrap();
        assert!(state != 'Z' && !name.is_empty() && parent > 0);
        assert!(stat_of(i32::MAX).is_none() && is_dead(i32::MAX));
    }
}

//! What a child process took, and what a thread of this one takes.

use nix::{
    sys::{
        resource::{UsageWho, getrusage},
        time::TimeValLike,
    },
    time::{ClockId, clock_gettime},
};
use std::{
    fs,
    process::{Command, Output},
    time::{Duration, Instant},
};

/// What a child process and all its descendants took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// Wall time in seconds.
    pub(crate) wall: f64,
    /// Processor time in seconds, of the user and of the system.
    pub(crate) cpu: f64,
}

impl Spent {
    /// Runs a program to its end, which must be a success. No other child may end meanwhile.
    pub(crate) fn by(command: &mut Command) -> (Self, Output) {
        let (began, before) = (Instant::now(), used(UsageWho::RUSAGE_CHILDREN));
        let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let spent = Self { wall: began.elapsed().as_secs_f64(), cpu: used(UsageWho::RUSAGE_CHILDREN) - before };
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?} ended with {}:\n{errors}", output.status);
        (spent, output)
    }
}

/// Processor time in seconds of this process, or of all its children that have ended.
pub(super) fn used(by: UsageWho) -> f64 {
    let usage = getrusage(by).expect("the usage of this process and its children can be read everywhere");
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
}

/// The processor time of one thread of this process, read from any other; Linux only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadClock(ClockId);

impl ThreadClock {
    /// The clock of the thread with this name.
    ///
    /// # Panics
    /// Unless exactly one thread has the name.
    pub(crate) fn of(name: &str) -> Self {
        let tasks = fs::read_dir("/proc/self/task").expect("Linux lists the threads of a process");
        let named: Vec<i32> = tasks
            .flatten()
            .filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name))
            .filter_map(|task| task.file_name().to_str()?.parse().ok())
            .collect();
        let [number] = named[..] else { panic!("one thread must be named `{name}`, but {} are", named.len()) };
        // The kernel's form of a thread's clock: the complement of its number, the bit that says "a thread", and 2 for
        // the scheduler's own count, which is exact to the nanosecond.
        Self(ClockId::from_raw((!number << 3) | 4 | 2))
    }

    /// Seconds of the processor that the thread has had.
    pub(crate) fn seconds(self) -> f64 {
        Duration::from(clock_gettime(self.0).expect("the thread is alive")).as_secs_f64()
    }
}

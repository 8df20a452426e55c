//! What a child process took, and how busy the machine is.

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use std::{
    fs,
    process::{Command, Output},
    time::Instant,
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
        let (began, before) = (Instant::now(), children());
        let output = command.output().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let spent = Self { wall: began.elapsed().as_secs_f64(), cpu: children() - before };
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?} ended with {}:\n{errors}", output.status);
        (spent, output)
    }
}

/// Processor time in seconds of all children that have ended.
fn children() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage of children can be read everywhere");
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
}

/// The load averages of 1, 5 and 15 minutes, which belong beside every figure.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split_whitespace().take(3).collect();
    if averages.is_empty() { "unknown".to_owned() } else { averages.join(" ") }
}

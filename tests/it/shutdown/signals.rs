//! What signals do to a real process, beside what `shutdown_conformance` sees.

use crate::support;
use qtests::{
    Test, qtest,
    server::Process,
    shutdown::{Shutdown, ShutdownHandle},
};
use std::{
    error::Error,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::time::timeout;

const SECOND: Duration = Duration::from_secs(1);

/// The service of `tests/service.rs` with this sin, started by a shell that executes it after `before`.
fn service(t: &Test, before: &str, sin: &str) -> (Process, String) {
    let mut command = support::heeding("sh");
    command.args(["-c", &format!("{before} exec \"$0\"")]).arg(support::binary("service"));
    command.env("SERVICE_SIN", sin).stdout(Stdio::piped()).stderr(Stdio::null());
    let process = t.process(command).unwrap();
    let mut line = String::new();
    BufReader::new(process.take_stdout().unwrap()).read_line(&mut line).unwrap();
    (process, line.trim().rsplit_once(' ').unwrap().1.to_owned())
}

/// A mask of signals, as the kernel tells it.
fn mask(process: &Process, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

const INT: u64 = 1 << 1;
const TERM: u64 = 1 << 14;

#[qtest]
fn a_second_signal_kills_although_the_runtime_is_blocked(t: Test) {
    let (process, _) = service(&t, "", "blocks its runtime");
    process.terminate().unwrap();
    support::until("the first signal is delivered", || mask(&process, "ShdPnd:") & TERM == 0);
    assert!(process.try_wait().unwrap().is_none(), "the first signal kills");
    // Two that come close together are one, and nobody can ask this service how many it has heard.
    support::until("it is dead", || {
        process.terminate().unwrap();
        process.try_wait().unwrap().is_some()
    });
    assert_eq!(process.try_wait().unwrap().unwrap().signal(), Some(15));
}

#[qtest]
fn a_signal_that_was_ignored_at_the_start_stays_ignored(t: Test) {
    let (process, address) = service(&t, "trap '' TERM;", "none");
    assert_eq!(mask(&process, "SigIgn:") & (TERM | INT), TERM);
    assert_eq!(mask(&process, "SigCgt:") & (TERM | INT), INT);
    (0..3).for_each(|_| process.terminate().unwrap());
    TcpStream::connect(&address).expect("it still serves");
    let killed = Command::new("kill").args(["-s", "INT", &process.id().to_string()]).status().unwrap();
    assert!(killed.success());
    support::until("it has shut down", || process.try_wait().unwrap().is_some());
    assert_eq!(process.try_wait().unwrap().unwrap().code(), Some(0));
}

fn hearing() -> ShutdownHandle {
    Shutdown::new().on_signals().start().unwrap()
}

/// Sends a signal to this process.
fn raise(signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::getpid(), signal).unwrap();
}

/// Sends SIGTERM to this process, and gives whether something comes of it that is awaited.
fn comes_of_a_signal(awaited: impl Future) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut awaited = std::pin::pin!(awaited);
        // It listens before the signal comes.
        assert!(timeout(Duration::ZERO, &mut awaited).await.is_err());
        raise(rustix::process::Signal::TERM);
        timeout(SECOND * 60, awaited).await.is_ok()
    })
}

/// The tests that the next one runs, for what signals do to the process.
mod alone {
    use super::*;

    #[test]
    #[ignore = "it gets a signal"]
    fn one_of_two_was_dropped() {
        drop(hearing());
        let shutdown = hearing();
        assert!(comes_of_a_signal(shutdown.requested()));
    }

    #[test]
    #[ignore = "it gets a signal"]
    fn two_hear_the_same_signal() {
        let (first, second) = (hearing(), hearing());
        assert!(comes_of_a_signal(async { (first.requested().await, second.requested().await) }));
    }

    #[test]
    #[ignore = "it gets a signal"]
    fn tokio_heard_it_before_one_that_was_dropped() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let kind = tokio::signal::unix::SignalKind::terminate();
        let mut heard = runtime.block_on(async { tokio::signal::unix::signal(kind) }).unwrap();
        drop(hearing());
        assert!(comes_of_a_signal(heard.recv()));
    }

    #[test]
    #[ignore = "it takes all places of its process"]
    fn a_thousand_hear_signals() {
        let mut hearing: Vec<_> = (0..1_000).map(|_| hearing()).collect();
        let refused = Shutdown::new().on_signals().start().unwrap_err();
        let cause = refused.source().unwrap().to_string();
        assert!(cause.contains("1000 others hear signals already"), "{refused}: {cause}");
        hearing.pop();
        Shutdown::new().on_signals().start().unwrap();
    }

    #[test]
    #[ignore = "its process dies"]
    fn only_a_guard_and_a_future_are_left() {
        let shutdown = hearing();
        let _left = (shutdown.in_flight(), shutdown.requested());
        drop(shutdown);
        raise(rustix::process::Signal::TERM);
        loop {
            std::thread::park();
        }
    }

    #[test]
    #[ignore = "its process dies"]
    fn a_live_test_has_a_teardown() {
        let t = Test::scoped();
        t.defer(|| println!("torn down"));
        drop(hearing());
        raise(rustix::process::Signal::INT);
        loop {
            std::thread::park();
        }
    }
}

/// Runs one of the tests above; its process heeds signals whatever this one was started with.
fn alone(test: &str) -> (std::process::ExitStatus, String) {
    let mut command = support::clean("env");
    command.arg("--default-signal=HUP,INT,TERM").arg(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--nocapture", &format!("shutdown::signals::alone::{test}")]);
    let output = command.output().unwrap();
    (output.status, support::text(&output))
}

#[test]
fn a_shutdown_that_was_dropped_takes_no_signal_from_others() {
    for test in [
        "one_of_two_was_dropped",
        "two_hear_the_same_signal",
        "tokio_heard_it_before_one_that_was_dropped",
        "a_thousand_hear_signals",
    ] {
        let (status, text) = alone(test);
        assert!(status.success() && text.contains("1 passed"), "{test}: {status}: {text}");
    }
    let (status, text) = alone("a_live_test_has_a_teardown");
    assert_eq!(status.signal(), Some(2), "{text}");
    assert!(text.contains("torn down"), "{text}");
}

#[test]
fn once_all_handles_are_dropped_a_signal_kills() {
    let (status, text) = alone("only_a_guard_and_a_future_are_left");
    assert_eq!(status.signal(), Some(15), "{text}");
}

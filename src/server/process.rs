//! A child process that belongs to a test.

use super::reaper;
use crate::{
    base::{Error, Kind},
    scope::{Test, Undo, lock},
};
use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group, pidfd_open,
        waitid,
    },
};
use std::{
    io,
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    panic::Location,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};
use tokio::io::{Interest, unix::AsyncFd};

/// How often somebody who waits without a runtime looks again.
const LOOK: Duration = Duration::from_millis(2);

/// A child process that belongs to a test: it and its own children are killed when the test ends, whatever way that is,
/// even if the test process is killed itself.
///
/// A process that has ended by itself is not awaited before [`kill`](Process::kill) or the end of the test: until then
/// the system keeps its number, so that nobody else can get it and be killed in its place.
///
/// Clones are the same process; dropping them does nothing.
#[derive(Clone, Debug)]
pub struct Process {
    child: Arc<Mutex<Running>>,
    group: Pid,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Its group was killed and it was awaited: the number may be somebody else's now.
    killed: Option<ExitStatus>,
}

impl Running {
    /// How the process ended, if it did. It is only looked at: awaiting it here would give its number free, and its group
    /// is still to be killed by that number.
    fn ended(&self, group: Pid) -> io::Result<Option<ExitStatus>> {
        if self.killed.is_some() {
            return Ok(self.killed);
        }
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let found = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(group), look))?;
        Ok(found.and_then(|status| exit_status(&status)))
    }
}

/// The status in the form that `std` makes of what `wait` gives.
fn exit_status(status: &WaitIdStatus) -> Option<ExitStatus> {
    let code = status.exit_status().map(|code| (code & 0xff) << 8);
    let core = if status.dumped() { 0x80 } else { 0 };
    code.or_else(|| status.terminating_signal().map(|signal| signal | core)).map(ExitStatus::from_raw)
}

impl Test {
    /// Starts a program in a process group of its own.
    ///
    /// When the test ends the group gets SIGKILL: on return, panic, timeout, a signal and `process::exit` as a
    /// teardown, after SIGKILL or an abort of the test process by a small shell that waits for just that. Between the
    /// start of the program and the report to that shell lie some microseconds in which a SIGKILL leaves the program
    /// running. A child of the program that leaves the group, as a daemon does, is found only in a test that has a process
    /// of its own: `isolate = "process"`.
    ///
    /// # Errors
    /// [`is_missing_program`](Error::is_missing_program) if there is no such program, [`is_ended`](Error::is_ended) if
    /// the test is over; others as the system gives them.
    #[track_caller]
    pub fn process(&self, mut command: Command) -> Result<Process, Error> {
        self.scope.still_open("a process")?;
        let program = command.get_program().to_string_lossy().into_owned();
        let failed = |error: io::Error| {
            let (kind, text) = match error.kind() {
                io::ErrorKind::NotFound => {
                    (Kind::MissingProgram, format!("the program `{program}` is not installed, or not on PATH"))
                }
                _ => (Kind::Other, format!("the program `{program}` cannot be started")),
            };
            Error::new(kind, text).with_source(error)
        };
        reaper::ready().map_err(failed)?;
        let child = command.process_group(0).spawn().map_err(failed)?;
        let group = Pid::from_child(&child);
        reaper::watch(group);
        let process = Process { child: Arc::new(Mutex::new(Running { child, killed: None })), group };
        self.record("process", format!("started `{program}` as {}", process.id()));
        let (place, ours) = (Location::caller(), process.clone());
        let what = format!("the process `{program}` started at {}:{}", place.file(), place.line());
        // It may have ended by itself; then only its children are left to kill.
        let registered = self.scope.undo_at_end(Undo::now(what, move || _ = ours.kill()));
        if registered.is_err() {
            let _ = process.kill();
        }
        registered.map(|()| process)
    }
}

impl Process {
    /// The number of the process, which is that of its group too.
    pub fn id(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    /// Kills the process with its children and waits until it is gone; its status is returned. If it has ended by itself,
    /// its children are killed all the same.
    ///
    /// # Errors
    /// If the system refuses, or somebody else in this process has awaited it: nothing is killed then, since the number
    /// may be a stranger's.
    pub fn kill(&self) -> Result<ExitStatus, Error> {
        let mut running = lock(&self.child);
        if let Some(status) = running.killed {
            return Ok(status);
        }
        let before = running.ended(self.group).inspect_err(|error| {
            if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()) {
                reaper::forget(self.group);
            }
        });
        let before = before.map_err(asked_in_vain)?;
        // The group lives as long as any member does, even when the first process has ended. Not awaited yet, that one
        // holds the number. A group of nothing but ended processes cannot be signalled everywhere.
        match kill_process_group(self.group, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(_) if before.is_some() => {}
            Err(error) => return Err(Error::other("the process cannot be killed").with_source(io::Error::from(error))),
        }
        if before.is_none() {
            // It may have left its group.
            let _ = kill_process(self.group, Signal::KILL);
        }
        // Nothing of the group is left to be killed by the shell, and from here on the number may be a stranger's.
        reaper::forget(self.group);
        let waited = running.child.wait();
        let status = waited.map_err(|error| Error::other("the process cannot be awaited").with_source(error))?;
        running.killed = Some(status);
        Ok(status)
    }

    /// [`terminate`](Process::terminate), and waits for the end, `limit` at most; `None` if the process runs on after that.
    /// Blocks the calling thread.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn stop(&self, limit: Duration) -> Result<Option<ExitStatus>, Error> {
        self.terminate()?;
        let began = Instant::now();
        loop {
            match self.try_wait()? {
                None if began.elapsed() < limit => thread::park_timeout(LOOK),
                ended => return Ok(ended),
            }
        }
    }

    /// Waits until the process has ended. Its standard input is closed first, if it is a pipe that nobody has taken; an
    /// output that is a pipe must be read by somebody ([`take_stdout`](Process::take_stdout)), or the process may wait for
    /// that. Cancel safe.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn wait(&self) -> Result<ExitStatus, Error> {
        drop(self.take_stdin());
        while let Some(end) = self.end_signal()? {
            drop(end.readable().await.map_err(asked_in_vain)?);
        }
        self.try_wait()?.ok_or_else(|| Error::other("the process has ended and has no status"))
    }

    /// What becomes readable when the process ends; nothing if it has ended.
    #[expect(
        deprecated,
        reason = "its successor is unsafe, for types that do not own their descriptor; an OwnedFd does"
    )]
    fn end_signal(&self) -> Result<Option<AsyncFd<OwnedFd>>, Error> {
        let running = lock(&self.child);
        if running.ended(self.group).map_err(asked_in_vain)?.is_some() {
            return Ok(None);
        }
        // Under the lock nobody can have awaited it, so the number is still its own.
        let opened = pidfd_open(self.group, PidfdFlags::empty()).map_err(io::Error::from);
        opened.and_then(|fd| AsyncFd::with_interest(fd, Interest::READABLE)).map(Some).map_err(asked_in_vain)
    }

    /// How the process ended, or `None` while it runs.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn try_wait(&self) -> Result<Option<ExitStatus>, Error> {
        lock(&self.child).ended(self.group).map_err(asked_in_vain)
    }

    /// The standard output of the process, if its command said `stdout(Stdio::piped())` and nobody has taken it yet. Read
    /// it to its end: a process that fills the pipe waits for a reader.
    pub fn take_stdout(&self) -> Option<ChildStdout> {
        lock(&self.child).child.stdout.take()
    }

    /// Its standard error, as [`take_stdout`](Process::take_stdout).
    pub fn take_stderr(&self) -> Option<ChildStderr> {
        lock(&self.child).child.stderr.take()
    }

    /// Its standard input, if its command said `stdin(Stdio::piped())` and nobody has taken it yet.
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        lock(&self.child).child.stdin.take()
    }

    /// Sends SIGTERM to the process alone, as an orchestrator does; not to its children. Nothing if it has ended.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn terminate(&self) -> Result<(), Error> {
        let running = lock(&self.child);
        let failed = |error: io::Error| Error::other("SIGTERM cannot be sent to the process").with_source(error);
        // Under the lock nobody else awaits it, so the number is still its own.
        match running.ended(self.group).map_err(failed)? {
            Some(_) => Ok(()),
            None => kill_process(self.group, Signal::TERM).map_err(|error| failed(error.into())),
        }
    }
}

fn asked_in_vain(error: io::Error) -> Error {
    Error::other("the process cannot be asked").with_source(error)
}

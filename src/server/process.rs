//! A child process that belongs to a test.

use super::{
    output::Output,
    running::{Running, asked_in_vain, not_started, refused},
    tree,
};
use crate::{
    base::{Error, Kind},
    scope::{Scope, Test, Undo, lock},
};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, kill_process_group, pidfd_open};
use std::{
    fmt, io,
    os::fd::OwnedFd,
    panic::Location,
    process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, Weak},
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
/// Clones are the same process, also after a [`restart`](Process::restart); dropping them does nothing.
#[derive(Clone)]
pub struct Process {
    shared: Arc<Shared>,
}

struct Shared {
    scope: Weak<Scope>,
    program: String,
    running: Mutex<Running>,
}

impl Test {
    /// Starts a program in a process group of its own. Its pipes are yours, as the command says; for one that listens on
    /// a port there is [`server`](Test::server), which waits until it does and keeps what it prints.
    ///
    /// When the test ends the group gets SIGKILL: on return, panic, timeout, a signal and `process::exit` as a
    /// teardown, after SIGKILL or an abort of the test process by a small shell that waits for just that. Between the
    /// start of the program and the report to that shell lie some microseconds in which a SIGKILL leaves the program
    /// running. Children that have left the group are killed too, where the system tells whose they are (Linux). A daemon,
    /// whose parent has ended, is nobody's child: it is found only in a test that has a process of its own,
    /// `isolate = "process"`.
    ///
    /// # Errors
    /// [`is_missing_program`](Error::is_missing_program) if there is no such program, [`is_ended`](Error::is_ended) if
    /// the test is over; others as the system gives them.
    #[track_caller]
    pub fn process(&self, command: Command) -> Result<Process, Error> {
        Process::start(self, command, None, Location::caller())
    }
}

impl Process {
    /// Starts a process that is killed when the test ends.
    pub(super) fn start(
        t: &Test,
        command: Command,
        output: Option<Output>,
        place: &Location<'_>,
    ) -> Result<Self, Error> {
        t.scope.still_open("a process")?;
        let program = command.get_program().to_string_lossy().into_owned();
        let running = Running::new(command, output).map_err(|error| not_started(&program, error))?;
        let shared = Shared { scope: t.downgrade(), program, running: Mutex::new(running) };
        let process = Self { shared: Arc::new(shared) };
        let program = &process.shared.program;
        t.record("process", format!("started `{program}` as {}", process.id()));
        let ours = process.clone();
        let what = format!("the process `{program}` started at {}:{}", place.file(), place.line());
        // It may have ended by itself; then only its children are left to kill.
        let registered = t.scope.undo_at_end(Undo::now(what, move || ours.end()));
        if registered.is_err() {
            process.end();
        }
        registered.map(|()| process)
    }

    /// The test is over.
    fn end(&self) {
        let mut running = lock(&self.shared.running);
        running.over = true;
        let _ = running.kill();
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        lock(&self.shared.running)
    }

    fn record(&self, what: &str, id: Pid) {
        if let Some(scope) = self.shared.scope.upgrade() {
            scope.record("process", format!("{what} `{}` ({})", self.shared.program, id.as_raw_nonzero()));
        }
    }

    /// The number of the process, which is that of its group too. A restart gives it another one.
    pub fn id(&self) -> u32 {
        self.group().as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) fn group(&self) -> Pid {
        self.running().group
    }

    /// Kills the process with its children, paused or not, and waits until it is gone; its status is returned. If it has
    /// ended by itself, its children are killed all the same. Blocks the calling thread for that moment.
    ///
    /// # Errors
    /// If the system refuses, or somebody else in this process has awaited it: nothing is killed then, since the number
    /// may be a stranger's.
    pub fn kill(&self) -> Result<ExitStatus, Error> {
        let mut running = self.running();
        if running.killed.is_none() {
            self.record("killing", running.group);
        }
        running.kill()
    }

    /// Kills the process if it runs, and starts the same command again: the same program, arguments, variables and files.
    /// Pipes are new ones: [`take_stdout`](Process::take_stdout) gives the new end.
    ///
    /// # Errors
    /// [`is_ended`](Error::is_ended) if the test is over; others as [`kill`](Process::kill), and as the start.
    pub fn restart(&self) -> Result<(), Error> {
        let mut running = self.running();
        if running.over {
            let text = "the test is over: it starts none of its processes again";
            return Err(Error::new(Kind::Ended, text));
        }
        running.kill()?;
        running.spawn_again().map_err(|error| not_started(&self.shared.program, error))?;
        self.record("started again", running.group);
        Ok(())
    }

    /// Stops the process and its children where they stand (SIGSTOP): they hold their connections and answer nothing, as a
    /// machine that hangs. When this returns, none of them runs. Nothing if it is paused already.
    ///
    /// A paused process is killed at the end of the test like any other. SIGTERM reaches it when it is resumed.
    ///
    /// # Errors
    /// If it has ended, or the system refuses.
    pub fn pause(&self) -> Result<(), Error> {
        let mut running = self.running();
        if running.paused {
            return Ok(());
        }
        if let Some(status) = running.ended().map_err(asked_in_vain)? {
            return Err(Error::other(format!("the process has ended ({status}): there is nothing to pause")));
        }
        kill_process_group(running.group, Signal::STOP).map_err(|error| refused("paused", error))?;
        running.paused = true;
        tree::freeze(running.group);
        self.record("paused", running.group);
        Ok(())
    }

    /// Lets a paused process and its children go on. Nothing if it is not paused.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn resume(&self) -> Result<(), Error> {
        let mut running = self.running();
        if !running.paused {
            return Ok(());
        }
        self.record("resumed", running.group);
        for process in tree::descendants(running.group) {
            let _ = kill_process(process, Signal::CONT);
        }
        kill_process_group(running.group, Signal::CONT).map_err(|error| refused("resumed", error))?;
        running.paused = false;
        Ok(())
    }

    /// Whether it was paused and has not been resumed, killed or started again since.
    pub fn is_paused(&self) -> bool {
        self.running().paused
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

    /// Waits until the process has ended; past a restart, until what was started then has. Its standard input is closed first, if it is a pipe that nobody has taken; an
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
        let running = self.running();
        if running.ended().map_err(asked_in_vain)?.is_some() {
            return Ok(None);
        }
        // Under the lock nobody can have awaited it, so the number is still its own.
        let opened = pidfd_open(running.group, PidfdFlags::empty()).map_err(io::Error::from);
        opened.and_then(|fd| AsyncFd::with_interest(fd, Interest::READABLE)).map(Some).map_err(asked_in_vain)
    }

    /// How the process ended, or `None` while it runs.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn try_wait(&self) -> Result<Option<ExitStatus>, Error> {
        self.running().ended().map_err(asked_in_vain)
    }

    /// The standard output of the process, if its command said `stdout(Stdio::piped())` and nobody has taken it yet. Read
    /// it to its end: a process that fills the pipe waits for a reader.
    pub fn take_stdout(&self) -> Option<ChildStdout> {
        self.running().child.stdout.take()
    }

    /// Its standard error, as [`take_stdout`](Process::take_stdout).
    pub fn take_stderr(&self) -> Option<ChildStderr> {
        self.running().child.stderr.take()
    }

    /// Its standard input, if its command said `stdin(Stdio::piped())` and nobody has taken it yet.
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        self.running().child.stdin.take()
    }

    /// Sends SIGTERM to the process alone, as an orchestrator does; not to its children. Nothing if it has ended.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn terminate(&self) -> Result<(), Error> {
        let running = self.running();
        let failed = |error: io::Error| Error::other("SIGTERM cannot be sent to the process").with_source(error);
        // Under the lock nobody else awaits it, so the number is still its own.
        match running.ended().map_err(failed)? {
            Some(_) => Ok(()),
            None => kill_process(running.group, Signal::TERM).map_err(|error| failed(error.into())),
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { program, .. } = &*self.shared;
        f.debug_struct("Process").field("program", program).field("id", &self.id()).finish_non_exhaustive()
    }
}

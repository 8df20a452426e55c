//! What is known of a child process between its start and the next one, under the lock of its handles.

use super::{output::Output, reaper, tree};
use crate::base::{Error, Kind};
use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group, waitid},
};
use std::{
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
};

pub(super) struct Running {
    pub(super) child: Child,
    /// The group that it leads, with its own number.
    pub(super) group: Pid,
    /// Its group was killed and it was awaited: the number may be somebody else's now.
    pub(super) killed: Option<ExitStatus>,
    pub(super) paused: bool,
    /// The test is over: it is not started again.
    pub(super) over: bool,
    command: Command,
    /// Where its output goes; nothing if that is the user's affair.
    output: Option<Output>,
}

impl Running {
    /// Starts a command for the first time. Its output is read if it is ours.
    pub(super) fn new(mut command: Command, output: Option<Output>) -> io::Result<Self> {
        let (child, group) = spawn(&mut command, output.as_ref())?;
        Ok(Self { child, group, killed: None, paused: false, over: false, command, output })
    }

    /// Starts the same command again, after a kill.
    pub(super) fn spawn_again(&mut self) -> io::Result<()> {
        let (child, group) = spawn(&mut self.command, self.output.as_ref())?;
        (self.child, self.group, self.killed) = (child, group, None);
        Ok(())
    }

    /// How the process ended, if it did. It is only looked at: awaiting it here would give its number free, and its group
    /// is still to be killed by that number.
    pub(super) fn ended(&self) -> io::Result<Option<ExitStatus>> {
        if self.killed.is_some() {
            return Ok(self.killed);
        }
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let found = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(self.group), look))?;
        Ok(found.and_then(|status| exit_status(&status)))
    }

    pub(super) fn kill(&mut self) -> Result<ExitStatus, Error> {
        if let Some(status) = self.killed {
            return Ok(status);
        }
        let before = self.ended().inspect_err(|error| {
            if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()) {
                reaper::forget(self.group);
            }
        });
        let before = before.map_err(asked_in_vain)?;
        if before.is_none() {
            tree::kill_descendants(self.group);
        }
        // The group lives as long as any member does, even when the first process has ended. Not awaited yet, that one
        // holds the number. A group of nothing but ended processes cannot be signalled everywhere.
        match kill_process_group(self.group, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(_) if before.is_some() => {}
            Err(error) => return Err(refused("killed", error)),
        }
        if before.is_none() {
            // It may have left its group.
            let _ = kill_process(self.group, Signal::KILL);
        }
        // Nothing of the group is left to be killed by the shell, and from here on the number may be a stranger's.
        reaper::forget(self.group);
        let waited = self.child.wait();
        let status = waited.map_err(|error| Error::other("the process cannot be awaited").with_source(error))?;
        (self.killed, self.paused) = (Some(status), false);
        Ok(status)
    }
}

/// The status in the form that `std` makes of what `wait` gives.
fn exit_status(status: &WaitIdStatus) -> Option<ExitStatus> {
    let code = status.exit_status().map(|code| (code & 0xff) << 8);
    let core = if status.dumped() { 0x80 } else { 0 };
    code.or_else(|| status.terminating_signal().map(|signal| signal | core)).map(ExitStatus::from_raw)
}

/// Starts a command, and has its output read if it is ours.
fn spawn(command: &mut Command, output: Option<&Output>) -> io::Result<(Child, Pid)> {
    reaper::ready()?;
    let reader = output.map(|output| output.connect(command)).transpose()?;
    let child = command.process_group(0).spawn();
    if let Some((output, reader)) = output.zip(reader) {
        // The command holds the other end of the pipe.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        output.read(reader)?;
    }
    let child = child?;
    let group = Pid::from_child(&child);
    reaper::watch(group);
    Ok((child, group))
}

pub(super) fn not_started(program: &str, error: io::Error) -> Error {
    let (kind, text) = match error.kind() {
        io::ErrorKind::NotFound => {
            (Kind::MissingProgram, format!("the program `{program}` is not installed, or not on PATH"))
        }
        _ => (Kind::Other, format!("the program `{program}` cannot be started")),
    };
    Error::new(kind, text).with_source(error)
}

pub(super) fn refused(what: &str, error: Errno) -> Error {
    Error::other(format!("the process cannot be {what}")).with_source(io::Error::from(error))
}

pub(super) fn asked_in_vain(error: io::Error) -> Error {
    Error::other("the process cannot be asked").with_source(error)
}

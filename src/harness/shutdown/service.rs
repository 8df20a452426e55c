//! The service under judgement as a child process.

use super::{
    ShutdownSubject,
    output::{Printed, never_listens},
    sockets,
};
use crate::base::{Error, Kind};
use crate::scope::Test;
use crate::server::Process;
use std::{
    fs,
    net::SocketAddr,
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::unix::pipe::Receiver,
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// How long a service may take to tell its address and to listen.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How much a service may print before it tells its address.
const START_OUTPUT: u64 = 1 << 20;

/// How often is looked whether something holds. A look at the sockets of a busy host takes some milliseconds, so those
/// are rarer.
pub(super) const LOOK: Duration = Duration::from_millis(2);

/// The service under judgement. Killed with its children when it is dropped.
#[derive(Debug)]
pub(super) struct Service {
    process: Process,
    pub(super) address: SocketAddr,
    /// The sockets that it was seen listening with.
    pub(super) listening: Vec<u64>,
    /// The line that told the address.
    told: Option<String>,
    printed: Printed,
    output: JoinHandle<()>,
}

impl Service {
    /// Starts it and waits until it listens.
    pub(super) async fn start(t: &Test, subject: &impl ShutdownSubject) -> Result<Self, Error> {
        if t.clock_is_paused() {
            return Err(Error::paused_clock("a service under judgement"));
        }
        let mut command = subject.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let process = t.process(command)?;
        let pipe = process.take_stdout().ok_or_else(|| Error::other("the service has no standard output"))?;
        let pipe = Receiver::from_owned_fd(pipe.into()).map_err(unreadable)?;
        // Owned from here on, so that a service that never listens is killed all the same.
        let mut service = Self {
            process,
            address: ([0; 4], 0).into(),
            listening: Vec::new(),
            told: None,
            printed: Printed::default(),
            output: tokio::spawn(async {}),
        };
        let Ok(listens) = timeout(START_LIMIT, service.listens(pipe, subject)).await else {
            let named = service.told.as_deref().map(|line| (service.address, line));
            let text = never_listens(named, &service.printed.last_line(), START_LIMIT);
            return Err(Error::new(Kind::Timeout, text));
        };
        listens?;
        t.record("harness", format!("the service {} listens on {}", service.process.id(), service.address));
        Ok(service)
    }

    async fn listens(&mut self, pipe: Receiver, subject: &impl ShutdownSubject) -> Result<(), Error> {
        let mut lines = BufReader::new(pipe.take(START_OUTPUT)).lines();
        self.address = loop {
            let Some(line) = lines.next_line().await.map_err(unreadable)? else {
                let text = format!(
                    "the service tells no address on its standard output (its last line is: {}): print one, or \
                     override `ShutdownSubject::ready`",
                    self.printed.last_line()
                );
                return Err(Error::other(text));
            };
            self.printed.add(format!("{line}\n").as_bytes());
            if let Some(address) = subject.ready(&line) {
                self.told = Some(line);
                break address;
            }
        };
        let rest = lines.into_inner();
        self.printed.add(rest.buffer());
        self.output = tokio::spawn(self.printed.clone().read(rest.into_inner().into_inner()));
        loop {
            self.remember_listeners()?;
            if !self.listening.is_empty() {
                return Ok(());
            }
            if let Some(status) = self.exited()? {
                return Err(Error::other(format!(
                    "the service ended before it listened on {}: {status} (the address is from its line: {})",
                    self.address,
                    self.told.as_deref().unwrap_or_default()
                )));
            }
            sleep(LOOK).await;
        }
    }

    /// Takes note of the sockets that it listens with now.
    pub(super) fn remember_listeners(&mut self) -> Result<(), Error> {
        let listening = self.look()?.listening;
        let new = listening.into_iter().filter(|inode| !self.listening.contains(inode)).collect::<Vec<_>>();
        self.listening.extend(new);
        Ok(())
    }

    pub(super) fn look(&self) -> Result<sockets::Sockets, Error> {
        sockets::look(self.address).map_err(|error| {
            Error::other("the sockets of the service cannot be seen: /proc/net/tcp is needed, as Linux has it")
                .with_source(error)
        })
    }

    pub(super) fn terminate(&self) -> Result<(), Error> {
        self.process.terminate()
    }

    pub(super) fn exited(&self) -> Result<Option<ExitStatus>, Error> {
        self.process.try_wait()
    }

    /// Waits for the exit, until then at most.
    pub(super) async fn exits(&self, until: Instant) -> Result<Option<ExitStatus>, Error> {
        loop {
            let status = self.exited()?;
            if status.is_some() || Instant::now() >= until {
                return Ok(status);
            }
            sleep(LOOK).await;
        }
    }

    /// The names of the living members of its process group: itself and the children that have not left the group.
    pub(super) fn living(&self) -> Vec<String> {
        let group = self.process.id().to_string();
        let stats = fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| {
            let stat = fs::read_to_string(entry.ok()?.path().join("stat")).ok()?;
            let (name, rest) = stat.rsplit_once(") ")?;
            // After the name in parentheses: state, parent, group. What is dead and not yet awaited does not count.
            let mut fields = rest.split(' ');
            let lives = !matches!(fields.next()?, "Z" | "X") && fields.nth(1)? == group;
            lives.then(|| name.split_once('(').map_or(name, |(_, name)| name).to_owned())
        });
        stats.collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.output.abort();
        // The teardown of the test tries again.
        let _ = self.process.kill();
    }
}

fn unreadable(error: std::io::Error) -> Error {
    Error::other("the standard output of the service cannot be read").with_source(error)
}

//! A server that runs.

use super::{
    builder::{self, BeforeStart},
    output::Output,
    process::Process,
    ready::{NotReady, Ready},
};
use crate::{base::Error, scope::Test};
use std::{fmt, net::SocketAddr, process::ExitStatus, sync::Arc, time::Duration};

/// A server in a process of its own, with its port; made by [`Test::server`]. It is gone when the test ends.
///
/// Clones are the same server; dropping them does nothing.
#[derive(Clone)]
pub struct Server {
    pub(super) test: Test,
    pub(super) name: String,
    pub(super) process: Process,
    pub(super) output: Output,
    pub(super) ready: Ready,
    pub(super) limit: Duration,
    pub(super) address: SocketAddr,
    pub(super) before: Option<BeforeStart>,
    /// One restart at a time.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

impl Server {
    /// Where it listens, on 127.0.0.1: the same for all its life, and kept from others while it is dead.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// The process, to be waited for or asked to end.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The last lines that it printed, the oldest first; at most 20. The journal of the test has more.
    pub fn last_lines(&self) -> Vec<String> {
        self.output.last()
    }

    /// Makes it hang: its connections stay open, new ones are taken by the system, and nothing is answered. See
    /// [`Process::pause`].
    ///
    /// # Errors
    /// If it has ended, or the system refuses.
    pub fn pause(&self) -> Result<(), Error> {
        self.process.pause()
    }

    /// Lets it go on after a [`pause`](Server::pause), with all that was sent to it meanwhile.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn resume(&self) -> Result<(), Error> {
        self.process.resume()
    }

    /// Whether it was paused and not resumed, killed or started again since.
    pub fn is_paused(&self) -> bool {
        self.process.is_paused()
    }

    /// Kills it, as a crash does: its connections break, and new ones are refused. See [`Process::kill`].
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&self) -> Result<ExitStatus, Error> {
        self.process.kill()
    }

    /// Kills it if it runs, starts the same command on the same port, with the files that it left, and waits until it is
    /// ready. One at a time: whoever calls meanwhile waits.
    ///
    /// Cancel safe: what was started meanwhile is the server.
    ///
    /// # Errors
    /// As its first start, and [`is_ended`](Error::is_ended) if the test is over.
    pub async fn restart(&self) -> Result<(), Error> {
        let _turn = self.turn.lock().await;
        if self.test.clock_is_paused() {
            return Err(Error::paused_clock("a server"));
        }
        self.process.kill()?;
        if let Some(before) = &self.before {
            before();
        }
        self.process.restart()?;
        match self.get_ready().await {
            Ok(()) => Ok(()),
            Err(not_ready) => {
                let _ = self.process.kill();
                Err(self.not_ready(not_ready))
            }
        }
    }

    /// Waits until it is ready. If it is not, all that it printed has been read.
    pub(super) async fn get_ready(&self) -> Result<(), NotReady> {
        let ready = self.ready.wait(&self.process, &self.output, self.address, self.limit).await;
        match &ready {
            Ok(()) => self.test.record("server", format!("{} is ready on {}", self.name, self.address)),
            Err(NotReady::Ended(_)) => self.output.settle().await,
            Err(_) => {}
        }
        ready
    }

    /// What is said of a server that is not ready.
    pub(super) fn not_ready(&self, why: NotReady) -> Error {
        let Self { name, ready, limit, address, .. } = self;
        let last = self.output.last();
        match why {
            NotReady::Ended(status) => Error::other(builder::failure(name, &builder::ended_early(status), &last)),
            NotReady::Late => {
                let why = format!("is not ready after {limit:?}: {}", ready.missing(*address));
                builder::late(builder::failure(name, &why, &last))
            }
            NotReady::Unknown(error) => error,
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("name", &self.name).field("addr", &self.address).finish_non_exhaustive()
    }
}

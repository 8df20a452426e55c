//! When a server is ready.

use super::{output::Output, port, process::Process};
use crate::base::Error;
use std::{fmt, net::SocketAddr, pin::Pin, process::ExitStatus, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// How often is looked again: soon at first, since many servers start in milliseconds, and then more rarely, since a look
/// has its price on a busy machine.
const LOOKS: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(40)];

/// When a server is ready; for [`ready_when`](super::ServerBuilder::ready_when).
#[derive(Clone)]
#[must_use = "a server waits for it only when its builder is told"]
pub struct Ready(pub(super) How);

#[derive(Clone)]
pub(super) enum How {
    Port,
    Line(String),
    Probe(Probe),
    /// The port, and then the probe: so no stranger on that port is asked.
    Served(Probe),
}

type Probe = Arc<dyn Fn(SocketAddr) -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;

impl Ready {
    /// When the process, or a child of it, listens on the port that it was given. It is looked for in the tables of the
    /// system and not connected to. Where there are no such tables (other systems than Linux), when anybody does.
    pub fn port() -> Self {
        Self(How::Port)
    }

    /// When it has printed a line that contains this text, on its standard output or error.
    pub fn line(text: impl Into<String>) -> Self {
        Self(How::Line(text.into()))
    }

    /// When the closure, which is given the address, says so. It is asked again and again; an answer that takes longer
    /// than the server has is given up.
    pub fn probe<F>(probe: impl Fn(SocketAddr) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self(How::Probe(Arc::new(move |address| Box::pin(probe(address)))))
    }

    /// When the process, or a child of it, listens on its port and the probe says that it is ready.
    pub(super) fn served<F>(probe: impl Fn(SocketAddr) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        Self(How::Served(Arc::new(move |address| Box::pin(probe(address)))))
    }

    /// The text of the line that is waited for.
    pub(super) fn awaited(&self) -> Option<String> {
        if let How::Line(text) = &self.0 { Some(text.clone()) } else { None }
    }

    /// What has not happened when a server is late.
    pub(super) fn missing(&self, address: SocketAddr) -> String {
        match &self.0 {
            How::Port => format!("neither it nor a child of it listens on {address}"),
            How::Line(text) => format!("no line of its output contains {text:?}"),
            How::Served(_) => format!("it does not answer on {address}"),
            How::Probe(_) => format!("its probe of {address} did not say that it is"),
        }
    }

    /// Waits until the server is ready, has ended, or has had its time.
    pub(super) async fn wait(
        &self,
        process: &Process,
        output: &Output,
        address: SocketAddr,
        limit: Duration,
    ) -> Result<(), NotReady> {
        let limit = Instant::now() + limit;
        let ready = timeout_at(limit, self.holds(process, output, address));
        tokio::select! {
            // What is ready and ends at once is not ready.
            biased;
            ended = process.wait() => Err(NotReady::Ended(ended?)),
            ready = ready => match process.try_wait()? {
                Some(status) => Err(NotReady::Ended(status)),
                None => ready.map_err(|_| NotReady::Late),
            },
        }
    }

    async fn holds(&self, process: &Process, output: &Output, address: SocketAddr) {
        let mut look = LOOKS[0];
        loop {
            let holds = match &self.0 {
                How::Port => port::listens(process.group(), address.port()),
                How::Line(_) => return drop(output.awaited().await),
                How::Probe(probe) => probe(address).await,
                How::Served(probe) => port::listens(process.group(), address.port()) && probe(address).await,
            };
            if holds {
                return;
            }
            sleep(look).await;
            look = (look * 2).min(LOOKS[1]);
        }
    }
}

/// Why a server is not ready.
#[derive(Debug)]
pub(super) enum NotReady {
    Ended(ExitStatus),
    Late,
    Unknown(Error),
}

impl From<Error> for NotReady {
    fn from(error: Error) -> Self {
        Self::Unknown(error)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            How::Port => f.write_str("Ready::port()"),
            How::Line(text) => write!(f, "Ready::line({text:?})"),
            How::Probe(_) | How::Served(_) => f.write_str("Ready::probe(..)"),
        }
    }
}

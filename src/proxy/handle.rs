//! The handles that a test holds: the proxy and the toxics on it.

use std::fmt;
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::{mpsc, oneshot};

use crate::base::{Error, Seed};
use crate::scope::{Part as _, Test};

use super::desk::Order;
use super::engine::Engine;
use super::state::{Armed, State};
use super::toxic::{Direction, Toxic};
use super::upstream::Upstream;

/// A TCP proxy in front of one server, on a port of its own; made by [`Test::proxy`].
///
/// The test owns it: it stops when the test ends, and not when its handles are dropped. Clones are handles on the same
/// proxy.
#[derive(Clone)]
pub struct FaultProxy {
    state: Arc<State>,
    orders: mpsc::UnboundedSender<Order>,
}

impl FaultProxy {
    pub(super) async fn start(test: &Test, upstream: Upstream, seed: Seed) -> Result<FaultProxy, Error> {
        if test.clock_is_paused() {
            return Err(Error::paused_clock("a proxy"));
        }
        let engine = Engine::of(test);
        // A test that closed in the meantime has stopped its parts before this one was made.
        if let Err(ended) = test.scope.still_open("a proxy") {
            engine.shut_down();
            return Err(ended);
        }
        let (state, orders) = engine.open(upstream, seed).await?;
        Ok(FaultProxy { state, orders })
    }

    /// Where clients connect: a port on 127.0.0.1 that stays the same, also through a [`Down`](super::Down).
    pub fn addr(&self) -> SocketAddr {
        self.state.addr
    }

    /// The server behind it, as it was given to [`Test::proxy`].
    pub fn upstream(&self) -> &Upstream {
        &self.state.upstream
    }

    /// How many connections are open now.
    pub fn connections(&self) -> usize {
        self.state.live.load(Relaxed)
    }

    /// What has passed since the proxy was made.
    pub fn stats(&self) -> ProxyStats {
        ProxyStats {
            accepted: self.state.accepted.load(Relaxed),
            upstream_bytes: self.state.bytes(Direction::Upstream).load(Relaxed),
            downstream_bytes: self.state.bytes(Direction::Downstream).load(Relaxed),
        }
    }

    /// Arms a toxic. When this returns, it is in force for all live connections and for new ones.
    ///
    /// It stays until it is removed or the test ends; dropping the handle does not remove it. Several toxics act in the
    /// order in which they were added. One that nothing ever meets fails a test whose body passed, unless it is
    /// `.optional()`.
    ///
    /// # Errors
    /// If the test is over, if 1,000 toxics are in force already, or if the port cannot refuse connections
    /// ([`Down`](super::Down) only).
    ///
    /// # Cancel safety
    /// Dropped before it returns, it leaves the toxic armed or not; at the latest the end of the test removes it.
    #[track_caller]
    pub fn add<T: Into<Toxic>>(&self, toxic: T) -> impl Future<Output = Result<ActiveToxic, Error>> + Send + use<T> {
        let (toxic, at, orders) = (toxic.into(), Location::caller(), self.orders.clone());
        async move {
            let (reply, answer) = oneshot::channel();
            let _ = orders.send(Order::Arm { toxic, at, reply });
            let armed = answer.await.map_err(|_| over("added to"))??;
            Ok(ActiveToxic { armed, orders })
        }
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)
    }
}

/// What has passed through a [`FaultProxy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyStats {
    /// Connections accepted, also those that could not be taken on to the server.
    pub accepted: u64,
    /// Bytes passed on from clients to the server.
    pub upstream_bytes: u64,
    /// Bytes passed on from the server to clients.
    pub downstream_bytes: u64,
}

/// A toxic that was added to a [`FaultProxy`]. Dropping it does not remove the toxic. Clones are handles on the same
/// toxic.
#[derive(Clone)]
pub struct ActiveToxic {
    armed: Arc<Armed>,
    orders: mpsc::UnboundedSender<Order>,
}

impl ActiveToxic {
    /// Takes the toxic away. When this returns, all live connections and new ones are without it, and what it held back
    /// is on its way.
    ///
    /// Removing it twice is no error.
    ///
    /// # Errors
    /// If the test is over (then the proxy is gone as well), or if the port cannot accept connections again
    /// ([`Down`](super::Down) only).
    ///
    /// # Cancel safety
    /// Once polled, the toxic will be removed, whether or not this is awaited to its end.
    pub async fn remove(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        let _ = self.orders.send(Order::Remove { id: self.armed.id, reply });
        answer.await.map_err(|_| over("removed from"))?
    }

    /// Whether anything has met it: the rule by which an unmet toxic fails the test.
    pub fn fired(&self) -> bool {
        self.armed.has_fired()
    }

    /// How often it acted; what is counted, the toxic's own page says under "counts as met".
    ///
    /// Connects that a `Down` refused are not among them, since nobody can count those.
    pub fn met(&self) -> u64 {
        self.armed.met.load(Relaxed)
    }

    /// How many bytes it dropped.
    pub fn dropped(&self) -> u64 {
        self.armed.dropped.load(Relaxed)
    }

    /// How many bytes it corrupted.
    pub fn corrupted(&self) -> u64 {
        self.armed.corrupted.load(Relaxed)
    }
}

impl fmt::Debug for ActiveToxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActiveToxic({}, met {})", self.armed.spec, self.met())
    }
}

fn over(what: &str) -> Error {
    Error::other(format!("the toxic cannot be {what} the proxy: the test is over"))
}

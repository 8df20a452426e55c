//! The handles that a test holds: the proxy and the toxics on it.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tokio::sync::{mpsc, oneshot};

use crate::base::{Error, Origin, Seed};
use crate::scope::{Part as _, Test};

use super::address::Address;
use super::builder::Plan;
use super::desk::Order;
use super::engine::Engine;
use super::state::{Armed, State};
use super::stats::ProxyStats;
use super::toxic::Toxic;
use super::upstream::Upstream;

/// A proxy in front of one server, on a port or a Unix socket of its own; made by [`Test::proxy`].
///
/// The test owns it: it stops when the test ends, and not when its handles are dropped. Clones are handles on the same
/// proxy.
#[derive(Clone)]
pub struct FaultProxy {
    state: Arc<State>,
    orders: mpsc::UnboundedSender<Order>,
}

impl FaultProxy {
    pub(super) async fn start(test: &Test, plan: Plan, seed: Seed) -> Result<FaultProxy, Error> {
        test.scope.still_open("a proxy")?;
        if test.clock_is_paused() {
            return Err(Error::paused_clock("a proxy"));
        }
        let engine = Engine::of(test);
        // A test that closed in the meantime has stopped its parts before this one was made.
        if let Err(ended) = test.scope.still_open("a proxy") {
            engine.shut_down();
            return Err(ended);
        }
        let (state, orders) = engine.open(plan, seed).await?;
        Ok(FaultProxy { state, orders })
    }

    /// Where clients connect: an address that stays the same, also through a [`Down`](super::Down).
    ///
    /// # Panics
    /// If the proxy listens on a Unix socket: that is at [`path`](Self::path).
    #[track_caller]
    pub fn addr(&self) -> SocketAddr {
        match &self.state.address {
            Address::Tcp(addr) => *addr,
            Address::Unix(path) => {
                panic!("the proxy listens on the Unix socket {}: ask for its path()", path.display())
            }
        }
    }

    /// The Unix socket to which clients connect.
    ///
    /// # Panics
    /// If the proxy listens on TCP: that is at [`addr`](Self::addr).
    #[track_caller]
    pub fn path(&self) -> &Path {
        match &self.state.address {
            Address::Unix(path) => path,
            Address::Tcp(addr) => panic!("the proxy listens on {addr}, which is no Unix socket: ask for its addr()"),
        }
    }

    /// The name that it was given by [`ProxyBuilder::named`](super::ProxyBuilder::named).
    pub fn name(&self) -> Option<&str> {
        self.state.name.as_deref()
    }

    /// The server behind it, as it was given to [`Test::proxy`].
    pub fn upstream(&self) -> &Upstream {
        &self.state.upstream
    }

    /// How many connections are open now.
    pub fn connections(&self) -> usize {
        self.state.live.load(Relaxed)
    }

    /// What has happened since the proxy was made.
    pub fn stats(&self) -> ProxyStats {
        ProxyStats::of(&self.state)
    }

    /// The toxics that are in force, in the order of their arming: also those that the proxy was made with.
    pub fn toxics(&self) -> Vec<ActiveToxic> {
        let handle = |armed| ActiveToxic { armed, orders: self.orders.clone() };
        self.state.armed().into_iter().map(handle).collect()
    }

    /// Arms a toxic. When this returns, it is in force for all live connections and for new ones.
    ///
    /// It stays until it is removed or the test ends; dropping the handle does not remove it. Several toxics act in the
    /// order in which they were added. One that nothing ever meets fails a test whose body passed, unless it is
    /// `.optional()`.
    ///
    /// # Errors
    /// If the test is over, if 1,000 toxics are in force already, if the toxic cannot choose connections as it was told
    /// to (see [`Toxic`]), or if the port cannot refuse connections or leave them without an answer
    /// ([`Down`](super::Down), [`Refuse`](super::Refuse) and [`NoConnect`](super::NoConnect) only).
    ///
    /// # Cancel safety
    /// Dropped before it returns, it leaves the toxic armed or not; at the latest the end of the test removes it.
    #[track_caller]
    pub fn add<T: Into<Toxic>>(&self, toxic: T) -> impl Future<Output = Result<ActiveToxic, Error>> + Send + use<T> {
        self.add_at(toxic.into(), Origin::caller())
    }

    pub(super) fn address(&self) -> &Address {
        &self.state.address
    }

    pub(super) fn add_at(
        &self,
        toxic: Toxic,
        origin: Origin,
    ) -> impl Future<Output = Result<ActiveToxic, Error>> + Send + use<> {
        let orders = self.orders.clone();
        async move {
            let (reply, answer) = oneshot::channel();
            let _ = orders.send(Order::Arm { toxic, origin, reply });
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

/// A toxic that was added to a [`FaultProxy`]. Dropping it does not remove the toxic. Clones are handles on the same
/// toxic.
#[derive(Clone)]
pub struct ActiveToxic {
    pub(super) armed: Arc<Armed>,
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
    /// ([`Down`](super::Down), [`Refuse`](super::Refuse) and [`NoConnect`](super::NoConnect) only).
    ///
    /// # Cancel safety
    /// Once polled, the toxic will be removed, whether or not this is awaited to its end.
    pub async fn remove(&self) -> Result<(), Error> {
        self.removed().await.unwrap_or_else(|| Err(over("removed from")))
    }

    /// `None` if the proxy is gone, and the toxic with it.
    pub(super) async fn removed(&self) -> Option<Result<(), Error>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.orders.send(Order::Remove { id: self.armed.id, reply });
        answer.await.ok()
    }

    /// Whether anything has met it: the rule by which an unmet toxic fails the test.
    pub fn fired(&self) -> bool {
        self.armed.has_fired()
    }

    /// How often it acted; what is counted, the toxic's own page says under "counts as met".
    ///
    /// Connects that it refused or left without an answer are not among them, since nobody can count those.
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
        write!(f, "ActiveToxic({}, met {})", self.armed, self.met())
    }
}

fn over(what: &str) -> Error {
    Error::other(format!("the toxic cannot be {what} the proxy: the test is over"))
}

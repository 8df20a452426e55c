//! How a test asks for a proxy.

use std::fmt;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use crate::base::{Error, Origin};
use crate::scope::Test;

use super::address::Address;
use super::handle::FaultProxy;
use super::planned::Orders;
use super::toxic::Toxic;
use super::upstream::Upstream;
use super::when_down::WhenDown;

/// A proxy that is being described; awaiting it starts it. Made by [`Test::proxy`].
///
/// ```
/// # use qtests::{Test, proxy::{Latency, WhenDown}};
/// # use std::time::Duration;
/// # async fn example(t: Test, server: std::net::SocketAddr) -> Result<(), qtests::Error> {
/// let payments = t
///     .proxy(server)
///     .named("payments")                                  // how the journal calls it
///     .with(Latency::of(Duration::from_millis(20)))       // in force before the first client gets in
///     .on("[::1]:0")
///     .when_down(WhenDown::Hold)
///     .await?;
/// assert!(payments.addr().is_ipv6());
/// # Ok(())
/// # }
/// ```
#[must_use = "a proxy does not exist before it is awaited"]
pub struct ProxyBuilder {
    test: Test,
    upstream: Upstream,
    name: Option<String>,
    listen: Option<Listen>,
    toxics: Vec<(Toxic, Origin)>,
    when_down: WhenDown,
}

enum Listen {
    Tcp(String),
    Unix(PathBuf),
}

/// What the engine makes a proxy of.
pub(super) struct Plan {
    pub(super) upstream: Upstream,
    pub(super) name: Option<String>,
    pub(super) address: Address,
    pub(super) toxics: Vec<(Toxic, Origin)>,
    pub(super) when_down: WhenDown,
}

impl Test {
    /// Describes a proxy in front of `upstream`: a `SocketAddr`, `"host:port"`, `(host, port)`, or
    /// [`Upstream::unix`]. Awaiting it starts the proxy.
    ///
    /// It listens on a free port of 127.0.0.1 or, for a Unix socket, on one in the directory of the test, unless it is
    /// told otherwise. The server need not run yet. A name is looked up once, here.
    ///
    /// # Errors
    /// Awaiting errs if `upstream` is not an address or its name cannot be resolved, if the test's clock is paused, if
    /// the name is taken, if it cannot listen, if a toxic cannot be armed, or if the test is over.
    ///
    /// # Panics
    /// Awaiting panics if the directory of the test is needed and cannot be made.
    ///
    /// # Cancel safety
    /// Dropped before it returns, it may leave a proxy that nobody uses; it stops with the test.
    pub fn proxy(&self, upstream: impl Into<Upstream>) -> ProxyBuilder {
        ProxyBuilder {
            test: self.clone(),
            upstream: upstream.into(),
            name: None,
            listen: None,
            toxics: Vec::new(),
            when_down: WhenDown::default(),
        }
    }
}

impl ProxyBuilder {
    /// Gives it a name, by which the journal and the findings call it. Each name stands once in a test. Defaults to its
    /// number in the test.
    pub fn named(mut self, name: impl Into<String>) -> ProxyBuilder {
        self.name = Some(name.into());
        self
    }

    /// Arms a toxic before the first client gets in. May be said several times; they act in this order. Its handle is
    /// among [`FaultProxy::toxics`].
    #[track_caller]
    pub fn with(mut self, toxic: impl Into<Toxic>) -> ProxyBuilder {
        self.toxics.push((toxic.into(), Origin::caller()));
        self
    }

    /// Listens on this local address, an IP address and a port: `"[::1]:0"`, a `SocketAddr`, an `IpAddr`. Port 0 is any
    /// free port; a fixed one must be free, so two tests that run at the same time cannot both have it. Defaults to
    /// `127.0.0.1:0`.
    pub fn on(mut self, addr: impl fmt::Display) -> ProxyBuilder {
        self.listen = Some(Listen::Tcp(addr.to_string()));
        self
    }

    /// Listens on a Unix socket at this path, which must not exist and is removed with the proxy. Defaults to a path in
    /// the directory of the test if the upstream is a Unix socket.
    ///
    /// How a Unix socket ends cannot be chosen, also where a toxic says it: the peer gets "connection reset" if it had sent
    /// what nobody has read, and an end of file otherwise.
    pub fn on_unix(mut self, path: impl AsRef<Path>) -> ProxyBuilder {
        self.listen = Some(Listen::Unix(path.as_ref().to_owned()));
        self
    }

    /// What clients get while the server cannot be reached. Defaults to [`WhenDown::Reset`].
    pub fn when_down(mut self, when_down: WhenDown) -> ProxyBuilder {
        self.when_down = when_down;
        self
    }

    async fn start(self) -> Result<FaultProxy, Error> {
        let test = self.test;
        test.scope.still_open("a proxy")?;
        let address = match self.listen {
            Some(Listen::Tcp(text)) => Address::parse(&text)?,
            Some(Listen::Unix(path)) => Address::Unix(path),
            None if self.upstream.is_unix() => Address::in_dir(test.dir()),
            None => Address::parse("127.0.0.1:0")?,
        };
        let mut orders = Orders::for_name(&test, self.name.as_deref());
        let mut toxics = std::mem::take(&mut orders.at_once);
        toxics.extend(self.toxics);
        let plan = Plan { upstream: self.upstream, name: self.name, address, toxics, when_down: self.when_down };
        let proxy = FaultProxy::start(&test, plan, test.seed()).await?;
        orders.start(&test, &proxy)?;
        Ok(proxy)
    }
}

impl IntoFuture for ProxyBuilder {
    type Output = Result<FaultProxy, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.start())
    }
}

impl fmt::Debug for ProxyBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let toxics: Vec<_> = self.toxics.iter().map(|(toxic, _)| toxic).collect();
        f.debug_struct("ProxyBuilder")
            .field("upstream", &self.upstream.to_string())
            .field("name", &self.name)
            .field("toxics", &toxics)
            .field("when_down", &self.when_down)
            .finish_non_exhaustive()
    }
}

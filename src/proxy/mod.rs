//! A TCP proxy that goes wrong on demand, in this process, on a free port, owned by one test.
//!
//! Put it between the code under test and a server, then add and remove toxics while both run:
//! ```
//! use std::time::{Duration, Instant};
//! use qtests::{Test, proxy::{Down, Latency}};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! # async fn example(t: Test, server: std::net::SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
//!
//! let wire = t.proxy(server).await?;
//! let mut client = tokio::net::TcpStream::connect(wire.addr()).await?;
//!
//! let slow = wire.add(Latency::of(Duration::from_millis(200))).await?;
//! let sent = Instant::now();
//! client.write_all(b"ping").await?;
//! client.read_exact(&mut [0; 4]).await?;
//! assert!(sent.elapsed() >= Duration::from_millis(200));
//! slow.remove().await?;
//!
//! let down = wire.add(Down::new()).await?;
//! assert_eq!(client.read(&mut [0; 4]).await?, 0);
//! assert!(tokio::net::TcpStream::connect(wire.addr()).await.is_err());
//! down.remove().await?;
//! tokio::net::TcpStream::connect(wire.addr()).await?;
//! # Ok(())
//! # }
//! # let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # rt.block_on(async {
//! #     let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
//! #     let addr = server.local_addr().unwrap();
//! #     tokio::spawn(async move {
//! #         while let Ok((mut stream, _)) = server.accept().await {
//! #             tokio::spawn(async move { let (mut r, mut w) = stream.split(); tokio::io::copy(&mut r, &mut w).await });
//! #         }
//! #     });
//! #     let t = Test::scoped();
//! #     example(Test::clone(&t), addr).await.unwrap();
//! # });
//! ```
//!
//! | I want to ... | |
//! |---|---|
//! | make a server slow, with a spread or a long tail | [`Latency`] |
//! | make the wire narrow | [`Bandwidth`] |
//! | make a server go away and come back on the same port | [`Down`] |
//! | break connections, now, in a while, or in the middle of a reply | [`Reset`], [`Limit`], [`Truncate`] |
//! | cut the network, both ways or one way, and tell nobody | [`Blackhole`], [`Timeout`] |
//! | lose packets as TCP sees it | [`Stall`] |
//! | change bytes on their way | [`Corrupt`] |
//! | let messages arrive in small pieces | [`Slicer`] |
//! | let connections close late | [`SlowClose`] |
//! | see that traffic passes at all | [`Noop`] |
//! | keep toxics in files | [`ToxicSpec`] |
//!
//! **Without toxics** it passes bytes through, keeps half-closed connections (a client may shut down its write side and
//! still read the reply) and passes a peer's reset on to the other one.
//!
//! **It runs on a thread of its own**, so the code under test may block, be synchronous, or live in another runtime or
//! process. It uses real timers: a test with a paused clock is refused.
//!
//! **If the server is not there**, starting the proxy works all the same: each client is reset, and the journal says
//! that the upstream refused.
//!
//! **Bounds.** A direction of a connection holds back at most 4 MiB, what it costs to keep them included, and what the
//! last read of 64 KiB gave, cut into pieces; then the sender is held back. Nothing limits the
//! number of connections but the number of open files: each takes two, and one more for each direction that a toxic has
//! delayed and for each reset that is to come. At most 1,000 toxics are in force on a proxy at the same time.
//!
//! To fail calls rather than connections, use fault points, see [`fault`](mod@crate::fault).

mod connection;
mod desk;
mod drain;
mod engine;
mod gate;
mod handle;
mod line;
mod link;
mod refusals;
mod site;
mod state;
mod timer;
mod toxic;
mod upstream;

pub use handle::{ActiveToxic, FaultProxy, ProxyStats};
pub use toxic::{
    Bandwidth, Blackhole, Corrupt, DirectionSpec, Down, EndSpec, Latency, Limit, Noop, Reset, Slicer, SlowClose, Stall,
    Timeout, Toxic, ToxicSpec, Truncate,
};
pub use upstream::Upstream;

use crate::base::Error;
use crate::scope::Test;

impl Test {
    /// Starts a proxy in front of `upstream` (a `SocketAddr`, `"host:port"` or `(host, port)`), on a free port of
    /// 127.0.0.1.
    ///
    /// The server need not run yet. A name is looked up once, here.
    ///
    /// # Errors
    /// If `upstream` is not an address or its name cannot be resolved, if the test's clock is paused, if no port can be
    /// bound, or if the test is over.
    ///
    /// # Cancel safety
    /// Dropped before it returns, it may leave a proxy that nobody uses; it stops with the test.
    pub async fn proxy(&self, upstream: impl Into<Upstream>) -> Result<FaultProxy, Error> {
        self.scope.still_open("a proxy")?;
        FaultProxy::start(self, upstream.into(), self.seed()).await
    }
}

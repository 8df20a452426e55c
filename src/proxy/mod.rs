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
//! | make a server go away and come back on the same port | [`Down`], also with [`reset`](Down::reset), [`freeze`](Down::freeze) |
//! | let nobody new in | [`Refuse`], [`NoConnect`] (connecting hangs), [`AcceptDelay`] (the answer comes late) |
//! | break connections, now, in a while, or in the middle of a reply | [`Reset`], [`Close`], [`HalfOpen`], [`Limit`], [`Truncate`] |
//! | interrupt the network, and lose nothing | [`FaultProxy::partition`], [`Test::partition`], [`Partition`] |
//! | cut the network, both ways or one way, and tell nobody | [`Blackhole`], [`Timeout`] |
//! | lose packets as TCP sees it | [`Stall`] |
//! | change bytes on their way | [`Corrupt`] |
//! | let messages arrive in small pieces | [`Slicer`] |
//! | let connections close late | [`SlowClose`] |
//! | see that traffic passes at all | [`Noop`] |
//! | do it to some connections only | [`first`](Toxic::first), [`connection`](Toxic::connection), [`toxicity`](Toxic::toxicity), [`matching`](Toxic::matching) |
//! | have it in force before the first client | [`ProxyBuilder::with`] |
//! | do it at given times, or again and again | [`FaultProxy::toxic`] on a [timeline](crate::Test::timeline) |
//! | proxy a Unix socket, IPv6, a fixed port | [`Upstream::unix`], [`ProxyBuilder::on`], [`ProxyBuilder::on_unix`] |
//! | keep toxics in files | [`ToxicSpec`] |
//! | see what has passed, and what was injected | [`FaultProxy::stats`], [`Test::journal`] |
//!
//! The first three requests fail and then all is well, from the first client on:
//! ```
//! # use qtests::{Error, Test, proxy::Reset};
//! # async fn example(t: Test, server: std::net::SocketAddr) -> Result<(), Error> {
//! let wire = t.proxy(server).named("orders").with(Reset::now().first(3)).await?;
//! let reads = wire.add(Reset::after_bytes(100).matching(|first| first.starts_with(b"GET")).optional()).await?;
//! # reads.remove().await?;
//! # for _ in 0..3 {
//! #     let client = tokio::net::TcpStream::connect(wire.addr()).await;
//! #     if let Ok(mut client) = client { tokio::io::AsyncReadExt::read(&mut client, &mut [0]).await.unwrap_err(); }
//! # }
//! # Ok(())
//! # }
//! # let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! # rt.block_on(async {
//! #     let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
//! #     let t = Test::scoped();
//! #     example(Test::clone(&t), server.local_addr().unwrap()).await.unwrap();
//! # });
//! ```
//!
//! **Without toxics** it passes bytes through, keeps half-closed connections (a client may shut down its write side and
//! still read the reply) and passes a peer's reset on to the other one: after what that peer had sent before, and what was
//! passed on already, as far as the other one takes it within 1 s.
//!
//! **It runs on a thread of its own**, so the code under test may block, be synchronous, or live in another runtime or
//! process. It uses real timers: a test with a paused clock is refused.
//!
//! **If the server is not there**, starting the proxy works all the same: each client is reset, and the journal says
//! that the upstream refused. [`WhenDown`] says it otherwise.
//!
//! **TLS** passes through, and can be stalled or cut in the middle of its handshake. It is not terminated here: toxics see
//! the bytes of its records, so a predicate on the first bytes sees the client's hello, and a changed byte breaks the
//! connection. To look inside, put the proxy behind whatever ends TLS.
//!
//! **Bounds.** A direction of a connection holds back at most 4 MiB, what it costs to keep them included, and what the
//! last read of 64 KiB gave, cut into pieces; then the sender is held back. Nothing limits the
//! number of connections but the number of open files: each takes two, and one more for each direction that a toxic has
//! delayed and for each reset that is to come. At most 1,000 toxics are in force on a proxy at the same time. Of each
//! connection the first 1 KiB that its client sent is kept.
//!
//! [`Test::partition`]: crate::Test::partition
//! [`Test::journal`]: crate::Test::journal
//!
//! To fail calls rather than connections, use fault points, see [`fault`](mod@crate::fault).

mod address;
mod again;
mod builder;
mod chosen;
mod connection;
mod desk;
mod drain;
mod end;
mod engine;
mod gate;
mod handle;
mod line;
mod link;
mod opening;
mod partitioned;
mod planned;
mod refusals;
mod site;
mod state;
mod stats;
mod stream;
mod timer;
mod toxic;
mod unix_gate;
mod upstream;
mod when_down;

pub use again::ProxyToxic;
pub use builder::ProxyBuilder;
pub use handle::{ActiveToxic, FaultProxy};
pub use partitioned::ActivePartition;
pub use stats::ProxyStats;
pub use toxic::{
    AcceptDelay, Bandwidth, Blackhole, Close, Corrupt, DirectionSpec, Down, EndSpec, HalfOpen, Latency, Limit,
    LivingSpec, NoConnect, Noop, Partition, Refuse, Reset, Slicer, SlowClose, Stall, Timeout, Toxic, ToxicKind,
    ToxicSpec, Truncate,
};
pub use upstream::Upstream;
pub use when_down::WhenDown;

//! What is measured: the ways from a client to a server.

use super::{measure::ThreadClock, peer::Peer};
use qtests::{Scoped, Test, proxy::FaultProxy};
use std::net::SocketAddr;

/// A way from a client to a server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// No proxy at all.
    Direct,
    /// The proxy of qtests without toxics.
    Qtests,
    /// `copy_bidirectional` as it is, with buffers of 8 KiB.
    Copy8,
    /// `copy_bidirectional_with_sizes`, with buffers of 64 KiB.
    Copy64,
}

impl Kind {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: [Kind; 4] = [Kind::Direct, Kind::Qtests, Kind::Copy8, Kind::Copy64];

    /// How the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Direct => "direct",
            Kind::Qtests => "qtests",
            Kind::Copy8 => "copy_bidirectional 8 KiB",
            Kind::Copy64 => "copy_bidirectional 64 KiB",
        }
    }

    /// Opens the way to `server`. Only one of each kind at a time: their threads are told apart by their names.
    pub(crate) fn open(self, server: SocketAddr) -> Way {
        match self {
            Kind::Direct => Way { addr: server, clock: None, _keeps: Keeps::Nothing },
            Kind::Qtests => {
                let wire = Wire::open(server);
                let clock = Some(ThreadClock::of("qtests-proxy"));
                Way { addr: wire.proxy.addr(), clock, _keeps: Keeps::Qtests(wire) }
            }
            Kind::Copy8 | Kind::Copy64 => {
                let (name, buffer) = if matches!(self, Kind::Copy8) { ("copy-8k", 8) } else { ("copy-64k", 64) };
                let peer = Peer::start(name, server, buffer * 1024);
                let clock = Some(ThreadClock::of(name));
                Way { addr: peer.addr(), clock, _keeps: Keeps::Peer(peer) }
            }
        }
    }
}

/// An open way; it is closed when this is dropped.
pub(crate) struct Way {
    /// Where clients connect.
    pub(crate) addr: SocketAddr,
    clock: Option<ThreadClock>,
    _keeps: Keeps,
}

#[expect(dead_code, reason = "they are held, and stop what they stand for when they are dropped")]
enum Keeps {
    Nothing,
    Qtests(Wire),
    Peer(Peer),
}

impl Way {
    /// Processor time of the proxy's thread in seconds; 0 without a proxy.
    pub(crate) fn cpu(&self) -> f64 {
        self.clock.map_or(0.0, ThreadClock::seconds)
    }
}

/// A proxy of qtests, and the test that owns it.
pub(crate) struct Wire {
    pub(crate) proxy: FaultProxy,
    pub(crate) test: Scoped,
}

impl Wire {
    /// A proxy in front of `server`, in a test of its own.
    pub(crate) fn open(server: SocketAddr) -> Self {
        let test = Test::scoped();
        let proxy = test.block_on(test.proxy(server)).expect("a proxy can be opened");
        Self { proxy, test }
    }
}

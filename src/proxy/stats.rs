//! What a proxy has counted.

use std::sync::atomic::Ordering::Relaxed;

use super::state::State;

/// What has happened at a [`FaultProxy`](super::FaultProxy) since it was made.
///
/// Refused connects are not among it: the kernel answers those and tells nobody, see [`Down`](super::Down).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyStats {
    /// Connections accepted, also those that could not be taken on to the server.
    pub accepted: u64,
    /// Connections that are open now.
    pub live: u64,
    /// Connections that the kernel had let in, and that a [`Down`](super::Down) ended before they were accepted.
    pub turned_away: u64,
    /// Connections that were reset because the server could not be reached.
    pub unreachable: u64,
    /// Connections that toxics reset.
    pub reset: u64,
    /// Connections that toxics closed.
    pub closed: u64,
    /// Bytes read from clients.
    pub upstream_read: u64,
    /// Bytes passed on from clients to the server.
    pub upstream_bytes: u64,
    /// Bytes from clients that toxics dropped.
    pub upstream_dropped: u64,
    /// Bytes from clients that toxics changed.
    pub upstream_corrupted: u64,
    /// Bytes read from the server.
    pub downstream_read: u64,
    /// Bytes passed on from the server to clients.
    pub downstream_bytes: u64,
    /// Bytes from the server that toxics dropped.
    pub downstream_dropped: u64,
    /// Bytes from the server that toxics changed.
    pub downstream_corrupted: u64,
}

impl ProxyStats {
    pub(super) fn of(proxy: &State) -> ProxyStats {
        use super::toxic::Direction::{Downstream, Upstream};

        let (up, down, ends) = (proxy.traffic(Upstream), proxy.traffic(Downstream), &proxy.ends);
        ProxyStats {
            accepted: proxy.accepted.load(Relaxed),
            live: proxy.live.load(Relaxed) as u64,
            turned_away: ends.turned_away.load(Relaxed),
            unreachable: ends.unreachable.load(Relaxed),
            reset: ends.reset.load(Relaxed),
            closed: ends.closed.load(Relaxed),
            upstream_read: up.read.load(Relaxed),
            upstream_bytes: up.passed.load(Relaxed),
            upstream_dropped: up.dropped.load(Relaxed),
            upstream_corrupted: up.corrupted.load(Relaxed),
            downstream_read: down.read.load(Relaxed),
            downstream_bytes: down.passed.load(Relaxed),
            downstream_dropped: down.dropped.load(Relaxed),
            downstream_corrupted: down.corrupted.load(Relaxed),
        }
    }
}

//! What can go wrong on a wire. One toxic is one file; its line below registers it.
//!
//! A toxic acts at up to three places and says nothing at the others:
//! - *the door* ([`Spec::refuses`]): new connections are refused and live ones closed while it is armed;
//! - *a whole connection* ([`Spec::cut_after`]): it is cut some time after it opened;
//! - *one direction of one connection* ([`Spec::effect`]): what passes is delayed, changed, split, swallowed or cut
//!   short.

mod down;
mod latency;
mod reset;

pub use down::Down;
pub use latency::Latency;
pub use reset::Reset;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::Seed;

/// Any toxic, ready to be given to [`FaultProxy::add`](crate::proxy::FaultProxy::add).
///
/// It is made from [`Latency`], [`Down`] and [`Reset`] with `into()`, which `add` does by itself.
#[derive(Clone)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Toxic(pub(in crate::proxy) Arc<dyn Spec>);

impl Toxic {
    fn new(spec: impl Spec) -> Toxic {
        Toxic(Arc::new(spec))
    }
}

impl fmt::Debug for Toxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Toxic({})", self.0)
    }
}

/// What a toxic is; its `Display` is how the journal and the findings call it.
pub(in crate::proxy) trait Spec: fmt::Display + Send + Sync + 'static {
    /// Whether it may stay unmet without a finding.
    fn is_optional(&self) -> bool;

    /// What would have met it, for the finding of one that never was.
    fn misses(&self) -> &'static str {
        "it met no bytes and no connection"
    }

    /// Whether new connections are refused, and live ones closed, while it is armed.
    fn refuses(&self) -> bool {
        false
    }

    /// How long after its opening (or after the arming, if that is later) a connection is reset.
    fn cut_after(&self) -> Option<Duration> {
        None
    }

    /// What it does to one direction of one connection.
    fn effect(&self, _link: &LinkId) -> Option<Box<dyn Effect>> {
        None
    }
}

/// What one toxic does to one direction of one connection, with the state that this takes.
pub(in crate::proxy) trait Effect: Send {
    /// Takes what arrived at `at` and hands on what leaves, and when.
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>);
}

/// What travels along a link, in order.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Item {
    /// What one read gave, or a part of it; never empty.
    Bytes(Vec<u8>),
    /// The sender closed its write side.
    Eof,
    /// Here the toxic of this number cuts the connection.
    Cut {
        /// The number of the toxic that cuts.
        toxic: u64,
        /// How it is cut.
        how: Cut,
    },
}

impl Item {
    /// How much of the link's limit it takes: its bytes and what it costs to keep them.
    pub(in crate::proxy) fn weight(&self) -> usize {
        let bytes = if let Item::Bytes(bytes) = self { bytes.len() } else { 0 };
        bytes + size_of::<(Instant, Item)>()
    }
}

/// How a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Cut {
    /// Orderly: both peers read an end of file.
    Fin,
    /// Abruptly: both peers get "connection reset".
    Rst,
}

/// Where an [`Effect`] puts what leaves it.
pub(in crate::proxy) struct Outlet<'a> {
    held: &'a mut VecDeque<(Instant, Item)>,
    weight: &'a mut usize,
    met: &'a mut u64,
}

impl<'a> Outlet<'a> {
    pub(in crate::proxy) fn new(
        held: &'a mut VecDeque<(Instant, Item)>,
        weight: &'a mut usize,
        met: &'a mut u64,
    ) -> Outlet<'a> {
        Outlet { held, weight, met }
    }

    /// Lets the item leave at `release`, but never before the one in front of it.
    pub(in crate::proxy) fn release(&mut self, item: Item, release: Instant) {
        let release = self.held.back().map_or(release, |(last, _)| release.max(*last));
        *self.weight += item.weight();
        self.held.push_back((release, item));
    }

    /// Says that the toxic has done its work once: this is what it counts as met. A cut is counted by the connection.
    pub(in crate::proxy) fn met(&mut self) {
        *self.met += 1;
    }
}

/// `delay` after `at`; a delay beyond what the clock can express is a hundred years.
pub(in crate::proxy) fn later(at: Instant, delay: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    at.checked_add(delay).unwrap_or_else(|| at + CENTURY)
}

/// One direction of one connection, as one toxic sees it: all that a repeatable draw may depend on.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct LinkId {
    /// The seed of the test.
    pub(in crate::proxy) seed: Seed,
    /// The number of the proxy in the test, from 1.
    pub(in crate::proxy) proxy: u64,
    /// The number of the connection at the proxy, from 1.
    pub(in crate::proxy) connection: u64,
    /// The number of the toxic at the proxy, from 1.
    pub(in crate::proxy) toxic: u64,
    /// Which way the bytes go.
    pub(in crate::proxy) direction: Direction,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Direction {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Upstream => "upstream",
            Direction::Downstream => "downstream",
        })
    }
}

/// The directions that a toxic acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ways {
    One(Direction),
    Both,
}

impl Ways {
    fn include(self, direction: Direction) -> bool {
        self == Ways::Both || self == Ways::One(direction)
    }
}

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ways::One(direction) => direction.fmt(f),
            Ways::Both => f.write_str("both ways"),
        }
    }
}

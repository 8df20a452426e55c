//! What can go wrong on a wire. One toxic is one file; its line below registers it.
//!
//! A toxic acts at up to three places and says nothing at the others:
//! - *the door* ([`Spec::refuses`]): new connections are refused and live ones closed while it is armed;
//! - *a whole connection* ([`Spec::cut_after`]): it is cut some time after it opened;
//! - *one direction of one connection* ([`Spec::effect`]): what passes is delayed, changed, split, swallowed or cut
//!   short.

mod bandwidth;
mod blackhole;
mod build;
mod corrupt;
mod down;
mod latency;
mod limit;
mod noop;
mod outlet;
#[cfg(test)]
mod probe;
mod range;
mod reset;
mod slicer;
mod slow_close;
mod spec;
mod spread;
mod stall;
mod timeout;
mod truncate;

pub use bandwidth::Bandwidth;
pub use blackhole::Blackhole;
pub use corrupt::Corrupt;
pub use down::Down;
pub use latency::Latency;
pub use limit::Limit;
pub use noop::Noop;
pub use reset::Reset;
pub use slicer::Slicer;
pub use slow_close::SlowClose;
pub use spec::{DirectionSpec, EndSpec, ToxicSpec};
pub use stall::Stall;
pub use timeout::Timeout;
pub use truncate::Truncate;

pub(in crate::proxy) use outlet::{Outlet, Tally};

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::Seed;

/// Any toxic, ready to be given to [`FaultProxy::add`](crate::proxy::FaultProxy::add).
///
/// It is made from each of the toxics with `into()`, which `add` does by itself, and from a [`ToxicSpec`] with
/// `try_into()`.
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

    /// How long after its opening (or after the arming, if that is later) a connection is cut.
    fn cut_after(&self) -> Option<Duration> {
        None
    }

    /// How a connection is cut then.
    fn cut_how(&self) -> Cut {
        Cut::Rst
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

    /// Whether the link may go on reading; if not, the sender is held back.
    fn reads(&self) -> bool {
        true
    }

    /// What follows that which it still holds, when the toxic is removed.
    fn removed(&mut self) -> Option<Item> {
        None
    }
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
        self.bytes() + size_of::<(Instant, Item)>()
    }

    /// How many bytes it is.
    pub(in crate::proxy) fn bytes(&self) -> usize {
        if let Item::Bytes(bytes) = self { bytes.len() } else { 0 }
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

impl LinkId {
    /// A draw in `0.0..1.0` that depends on nothing but the place and what the toxic adds to it.
    pub(in crate::proxy) fn draw(&self, place: &[u64; 2]) -> f64 {
        let [first, second] = *place;
        self.seed.draw_unit_at(&[self.proxy, self.connection, self.toxic, self.direction as u64, first, second])
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ_by_place() {
        let link = LinkId { seed: Seed::new(7), proxy: 1, connection: 2, toxic: 3, direction: Direction::Downstream };
        assert_eq!(link.draw(&[5, 0]), link.draw(&[5, 0]));
        let others = [
            LinkId { seed: Seed::new(8), ..link },
            LinkId { proxy: 2, ..link },
            LinkId { connection: 3, ..link },
            LinkId { toxic: 4, ..link },
            LinkId { direction: Direction::Upstream, ..link },
        ];
        assert!(others.iter().all(|other| other.draw(&[5, 0]) != link.draw(&[5, 0])));
        assert!([[6, 0], [5, 1], [0, 5]].iter().all(|place| link.draw(place) != link.draw(&[5, 0])));
    }
}

//! What can go wrong on a wire. One toxic is one file; its line below registers it.
//!
//! A toxic acts at up to four places and says nothing at the others:
//! - *the door* ([`Spec::door`]): new connections are refused, or never come about, while it is armed;
//! - *a whole connection* ([`Spec::expels`], [`Spec::cut`], [`Spec::admission`]): it is ended at the arming or some time
//!   after it opened, or let in late;
//! - *the way of a connection* ([`Spec::freezes`]): nothing passes while it is armed, and nothing is lost;
//! - *one direction of one connection* ([`Spec::effect`]): what passes is delayed, changed, split, swallowed or cut
//!   short.
//!
//! Which connections meet it is no affair of the toxic: that is the [`Choice`] beside it.

#[macro_use]
mod macros;

mod accept_delay;
mod bandwidth;
mod blackhole;
mod build;
mod choice;
mod close;
mod corrupt;
mod direction;
mod down;
mod half_open;
mod latency;
mod limit;
mod no_connect;
mod noop;
mod outlet;
mod partition;
#[cfg(test)]
mod probe;
mod range;
mod refuse;
mod reset;
mod slicer;
mod slow_close;
mod spec;
mod spread;
mod stall;
mod timeout;
mod truncate;

pub use accept_delay::AcceptDelay;
pub use bandwidth::Bandwidth;
pub use blackhole::Blackhole;
pub use close::Close;
pub use corrupt::Corrupt;
pub use down::Down;
pub use half_open::HalfOpen;
pub use latency::Latency;
pub use limit::Limit;
pub use no_connect::NoConnect;
pub use noop::Noop;
pub use partition::Partition;
pub use refuse::Refuse;
pub use reset::Reset;
pub use slicer::Slicer;
pub use slow_close::SlowClose;
pub use spec::{DirectionSpec, EndSpec, LivingSpec, ToxicKind, ToxicSpec};
pub use stall::Stall;
pub use timeout::Timeout;
pub use truncate::Truncate;

pub(in crate::proxy) use outlet::{Outlet, Tally};

pub(in crate::proxy) use choice::{Answer, Candidate, Choice, HEARD};
pub(in crate::proxy) use direction::{BOTH, Direction, LinkId};

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use direction::Ways;

chooses_connections!(
    AcceptDelay,
    Bandwidth,
    Blackhole,
    Close,
    Corrupt,
    HalfOpen,
    Latency,
    Limit,
    Noop,
    Partition,
    Reset,
    Slicer,
    SlowClose,
    Stall,
    Timeout,
    Truncate,
);
may_go_unmet!(
    AcceptDelay,
    Bandwidth,
    Blackhole,
    Close,
    Corrupt,
    Down,
    HalfOpen,
    Latency,
    Limit,
    NoConnect,
    Noop,
    Partition,
    Refuse,
    Reset,
    Slicer,
    SlowClose,
    Stall,
    Timeout,
    Truncate,
);

/// Any toxic, with the connections that meet it: what [`FaultProxy::add`](crate::proxy::FaultProxy::add) takes.
///
/// Every toxic turns into it with `into()`, which `add` does by itself, or as soon as it is told which connections are
/// to meet it: `Latency::of(..).first(3)`. Without such a condition every connection meets it, live ones and new ones.
/// Several conditions must all hold. From a [`ToxicSpec`] it is made with `try_into()`.
///
/// A connection is asked once for each toxic: when it is accepted or, if it is live, when the toxic is armed. Toxics
/// that act before there is a connection ([`Down`], [`Refuse`], [`NoConnect`]) cannot choose.
#[derive(Clone)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Toxic {
    pub(in crate::proxy) spec: Arc<dyn Spec>,
    pub(in crate::proxy) choice: Choice,
}

impl Toxic {
    fn new(spec: impl Spec) -> Toxic {
        Toxic { spec: Arc::new(spec), choice: Choice::default() }
    }

    /// Only the first `n` connections that are accepted after the arming meet it; after them the proxy is healthy
    /// again. Live connections do not count and do not meet it. Beside other conditions: the first `n` that fulfil
    /// those.
    ///
    /// # Panics
    /// If `n` is 0.
    #[track_caller]
    pub fn first(mut self, n: u64) -> Toxic {
        self.choice.first(n);
        self
    }

    /// Only the connection of this number meets it, from 1 in the order in which the proxy accepted them, live or yet
    /// to come. May be said several times.
    ///
    /// # Panics
    /// If `number` is 0, or if more than 1,000 connections are named.
    #[track_caller]
    pub fn connection(mut self, number: u64) -> Toxic {
        self.choice.connection(number);
        self
    }

    /// Each connection meets it with this probability, whole and from its beginning to its end: it is drawn once.
    /// Defaults to 1.0.
    ///
    /// The draw repeats with the test's seed: it depends on the number of the proxy, of the connection and of the
    /// toxic. With 0.0 nothing happens to any connection. Where a draw decides, the draw is what a test must bring
    /// about: one that was never made fails it, one that chose nobody does not.
    ///
    /// # Panics
    /// Unless `p` is from 0.0 to 1.0.
    #[track_caller]
    pub fn toxicity(mut self, p: f64) -> Toxic {
        self.choice.toxicity(p);
        self
    }

    /// Only connections meet it whose client begins with what the closure wants.
    ///
    /// It is decided at the first chunk that the client sends, which meets the toxic already, and not again: the
    /// closure sees at most 1 KiB of it. For a connection that is live it sees what its client sent first, up to 1 KiB,
    /// however it was cut into chunks. Clients that send nothing are not met. A later call replaces the closure.
    ///
    /// The closure runs on the proxy's thread and must not block. If it panics, the connection is not met, and the test
    /// fails.
    pub fn matching(mut self, wanted: impl Fn(&[u8]) -> bool + Send + Sync + 'static) -> Toxic {
        self.choice.matching(Arc::new(wanted));
        self
    }

    /// Lets the test pass even if nothing meets this toxic. Defaults to failing such a test.
    pub fn optional(mut self) -> Toxic {
        self.choice.optional();
        self
    }

    /// Why it cannot be armed so, if it cannot.
    pub(in crate::proxy) fn nonsense(&self) -> Option<String> {
        if self.spec.door().is_some() && !self.choice.is_everyone() {
            return Some(format!(
                "`{self}` cannot choose connections: it acts before there are any; choose with Close, Reset or HalfOpen"
            ));
        }
        if self.choice.listens() && self.spec.acts_before_bytes() {
            return Some(format!("`{self}` cannot be chosen by what the client sends: it acts before that"));
        }
        None
    }
}

impl fmt::Display for Toxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.spec, self.choice)
    }
}

impl fmt::Debug for Toxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Toxic({self})")
    }
}

/// What becomes of a client that connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::proxy) enum Door {
    /// It gets in.
    Open,
    /// It gets no answer.
    Stalled,
    /// It is refused.
    Refusing,
}

/// What a toxic is; its `Display` is how the journal and the findings call it.
pub(in crate::proxy) trait Spec: fmt::Display + Send + Sync + 'static {
    /// Whether it may stay unmet without a finding, whatever was said beside it.
    fn is_optional(&self) -> bool {
        false
    }

    /// What would have met it, for the finding of one that never was.
    fn misses(&self) -> &'static str {
        "it met no bytes and no connection"
    }

    /// What it does to new connections before they are accepted.
    fn door(&self) -> Option<Door> {
        None
    }

    /// How it ends the connections that are live when it is armed.
    fn expels(&self) -> Option<Cut> {
        None
    }

    /// How long after its opening (or after the arming, if that is later) a connection is cut, and how.
    fn cut(&self) -> Option<(Duration, Cut)> {
        None
    }

    /// How much later a new connection is let in.
    fn admission(&self) -> Option<Duration> {
        None
    }

    /// Whether nothing passes this way while it is armed.
    fn freezes(&self, _direction: Direction) -> bool {
        false
    }

    /// What it does to one direction of one connection.
    fn effect(&self, _link: &LinkId) -> Option<Box<dyn Effect>> {
        None
    }

    /// Whether it meets a connection by being there, before any bytes do.
    fn acts_before_bytes(&self) -> bool {
        self.admission().is_some() || BOTH.iter().any(|direction| self.freezes(*direction))
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
    /// By half: the server reads an end of file, the client is told nothing.
    HalfOpen,
}

/// `delay` after `at`; a delay beyond what the clock can express is a hundred years.
pub(in crate::proxy) fn later(at: Instant, delay: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);
    at.checked_add(delay).unwrap_or_else(|| at + CENTURY)
}

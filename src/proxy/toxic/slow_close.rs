//! The connection closes late.

use std::fmt;
use std::time::{Duration, Instant};

use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Ways, later};

/// Passes the bytes at once, and their end of file later: the receiver waits for more that never comes.
///
/// Each direction has an end of its own: a client that shuts down its write side ends the upstream direction only. A
/// reset is not delayed. On removal, an end that is held back is passed on at once.
///
/// Counts as met: each end of file that it delayed.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct SlowClose {
    delay: Duration,
    ways: Ways,
}

has_ways!(SlowClose, downstream by default);

impl SlowClose {
    /// Delays the end of what the server sends.
    pub fn of(delay: Duration) -> SlowClose {
        SlowClose { delay, ways: Ways::One(Direction::Downstream) }
    }
}

impl fmt::Display for SlowClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slow close {:?} {}", self.delay, self.ways)
    }
}

impl Spec for SlowClose {
    fn misses(&self) -> &'static str {
        "no end of file met it"
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        self.ways.include(link.direction).then(|| Box::new(Linger { delay: self.delay }) as Box<dyn Effect>)
    }
}

/// Holds back the end of one link.
struct Linger {
    delay: Duration,
}

impl Effect for Linger {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        if item == Item::Eof {
            out.met();
            out.release(item, later(at, self.delay));
        } else {
            out.release(item, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::probe::{Probe, chunk};

    #[test]
    fn only_the_end_is_late() {
        let mut probe = Probe::of(&SlowClose::of(Duration::from_millis(70)));
        assert_eq!(probe.bytes(b"abc", 1), [chunk(1, b"abc")]);
        assert_eq!(probe.tally.met, 0);
        assert_eq!(probe.pass(Item::Eof, 2), [(72, Item::Eof)]);
        assert_eq!(probe.tally.met, 1);
    }
}

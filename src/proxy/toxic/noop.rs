//! Nothing goes wrong.

use std::fmt;
use std::time::Instant;

use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Ways};

/// Passes everything on unchanged and only counts: for a test that must show that traffic passes here, and for tables
/// of toxics with a row that changes nothing.
///
/// Counts as met: each chunk (what one read gave) that passed.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Noop {
    ways: Ways,
}

has_ways!(Noop, downstream by default);

impl Default for Noop {
    fn default() -> Noop {
        Noop::new()
    }
}

impl Noop {
    /// Counts what the server sends.
    pub fn new() -> Noop {
        Noop { ways: Ways::One(Direction::Downstream) }
    }
}

impl fmt::Display for Noop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "noop {}", self.ways)
    }
}

impl Spec for Noop {
    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        self.ways.include(link.direction).then(|| Box::new(Count) as Box<dyn Effect>)
    }
}

/// Counts the chunks of one link.
struct Count;

impl Effect for Count {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        if matches!(item, Item::Bytes(_)) {
            out.met();
        }
        out.release(item, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::probe::{Probe, chunk};

    #[test]
    fn it_counts_and_changes_nothing() {
        let mut probe = Probe::of(&Noop::new());
        assert_eq!(probe.bytes(b"abc", 1), [chunk(1, b"abc")]);
        assert_eq!(probe.pass(Item::Eof, 2), [(2, Item::Eof)]);
        assert_eq!(probe.tally.met, 1);
    }
}

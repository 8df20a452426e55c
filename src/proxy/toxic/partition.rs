//! The network between client and server is interrupted.

use std::fmt;

use super::{Direction, Spec, Ways};

/// Freezes connections: nothing passes, nobody is told, and nothing is lost. A network that is interrupted for less time
/// than the peers' systems give up after.
///
/// What the peers send waits in the buffers of their systems; when those are full, writing waits too. Ends of file and
/// resets wait as well. New connections are accepted, and then wait without an answer; the server does not see them. On
/// removal all of it passes, in order.
///
/// With [`upstream`](Self::upstream) or [`downstream`](Self::downstream) only one way is frozen. New connections wait
/// then, too: opening one takes both ways.
///
/// Counts as met: each connection that it froze, whether or not bytes were to pass.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Partition {
    ways: Ways,
}

has_ways!(Partition, both by default);

impl Partition {
    /// Nothing passes, both ways, until this toxic is removed.
    #[expect(clippy::new_without_default, reason = "a default of something that breaks a server would say nothing")]
    pub fn new() -> Partition {
        Partition { ways: Ways::Both }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {}", self.ways)
    }
}

impl Spec for Partition {
    fn misses(&self) -> &'static str {
        "it froze no connection"
    }

    fn freezes(&self, direction: Direction) -> bool {
        self.ways.include(direction)
    }
}

//! Nothing arrives, and some time later the connection is closed.

use std::fmt;
use std::time::Duration;

use super::blackhole::Drain;
use super::{Cut, Direction, Effect, LinkId, Spec, Ways};

/// Drops what is sent and closes the connection after a time, as a middlebox that has lost its state.
///
/// - The time runs from the arming, or from the opening of a connection that is opened later, whether or not bytes
///   pass.
/// - The end is an end of file (FIN) on both sides. What the other direction carries passes until then.
/// - On removal a connection that lost bytes is closed the same way, since it has a hole; others go on as if nothing
///   had been.
///
/// Counts as met: each chunk, and each end of file, that it dropped, and each connection that it closed.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Timeout {
    after: Option<Duration>,
    ways: Ways,
}

has_ways!(Timeout, downstream by default);

impl Timeout {
    /// Drops what the server sends, and closes connections after `delay`.
    pub fn after(delay: Duration) -> Timeout {
        Timeout { after: Some(delay), ..Timeout::never() }
    }

    /// Drops what the server sends, and never closes a connection.
    pub fn never() -> Timeout {
        Timeout { after: None, ways: Ways::One(Direction::Downstream) }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            Some(delay) => write!(f, "timeout after {delay:?} {}", self.ways),
            None => write!(f, "timeout never {}", self.ways),
        }
    }
}

impl Spec for Timeout {
    fn cut(&self) -> Option<(Duration, Cut)> {
        self.after.map(|delay| (delay, Cut::Fin))
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        self.ways.include(link.direction).then(|| Box::new(Drain::new(Cut::Fin, link.toxic)) as Box<dyn Effect>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::Item;
    use crate::proxy::toxic::probe::{LINK, Probe};

    #[test]
    fn it_drops_everything_and_closes_in_time_or_never() {
        let mut probe = Probe::of(&Timeout::never());
        assert_eq!(probe.bytes(b"abc", 1), []);
        assert_eq!(probe.pass(Item::Eof, 1), []);
        assert_eq!((probe.tally.met, probe.tally.dropped), (2, 3));
        assert_eq!(probe.effect.removed(), Some(Item::Cut { toxic: LINK.toxic, how: Cut::Fin }));
        assert_eq!(Timeout::never().cut(), None);
        assert_eq!(Timeout::after(Duration::from_secs(3)).cut(), Some((Duration::from_secs(3), Cut::Fin)));
    }
}

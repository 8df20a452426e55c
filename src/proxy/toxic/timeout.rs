//! Nothing arrives, and some time later the connection is closed.

use std::fmt;
use std::time::Duration;

use super::blackhole::Drain;
use super::{Cut, Direction, Effect, LinkId, Spec, Toxic, Ways};

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
    optional: bool,
}

impl Timeout {
    /// Drops what the server sends, and closes connections after `delay`.
    pub fn after(delay: Duration) -> Timeout {
        Timeout { after: Some(delay), ..Timeout::never() }
    }

    /// Drops what the server sends, and never closes a connection.
    pub fn never() -> Timeout {
        Timeout { after: None, ways: Ways::One(Direction::Downstream), optional: false }
    }

    /// Drops what the client sends.
    pub fn upstream(mut self) -> Timeout {
        self.ways = Ways::One(Direction::Upstream);
        self
    }

    /// Drops what the server sends. This is the default.
    pub fn downstream(mut self) -> Timeout {
        self.ways = Ways::One(Direction::Downstream);
        self
    }

    /// Drops both directions.
    pub fn both(mut self) -> Timeout {
        self.ways = Ways::Both;
        self
    }

    /// Lets the test pass even if nothing ever meets this toxic. Defaults to failing such a test.
    pub fn optional(mut self) -> Timeout {
        self.optional = true;
        self
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

impl From<Timeout> for Toxic {
    fn from(timeout: Timeout) -> Toxic {
        Toxic::new(timeout)
    }
}

impl Spec for Timeout {
    fn is_optional(&self) -> bool {
        self.optional
    }

    fn cut_after(&self) -> Option<Duration> {
        self.after
    }

    fn cut_how(&self) -> Cut {
        Cut::Fin
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
        assert_eq!(Timeout::never().cut_after(), None);
        assert_eq!(Timeout::after(Duration::from_secs(3)).cut_after(), Some(Duration::from_secs(3)));
    }
}

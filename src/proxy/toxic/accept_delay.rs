//! The server accepts late.

use std::fmt;
use std::time::Duration;

use super::Spec;

/// Accepts new connections late: a server that is too busy to accept.
///
/// Connecting succeeds at once, since the kernel answers for the server, and what the client sends is kept. Nothing is
/// read, and the server sees no connection, until `delay` has passed; then all is as usual. Several of them add up. To
/// let connecting itself hang, use [`NoConnect`](crate::proxy::NoConnect).
///
/// On removal those that wait are let in at once. Live connections do not meet it.
///
/// Counts as met: each connection that was let in late.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct AcceptDelay {
    delay: Duration,
}

impl AcceptDelay {
    /// New connections are let in after `delay`.
    pub fn of(delay: Duration) -> AcceptDelay {
        AcceptDelay { delay }
    }
}

impl fmt::Display for AcceptDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accept delay {:?}", self.delay)
    }
}

impl Spec for AcceptDelay {
    fn misses(&self) -> &'static str {
        "no connection was accepted meanwhile"
    }

    fn admission(&self) -> Option<Duration> {
        Some(self.delay)
    }
}

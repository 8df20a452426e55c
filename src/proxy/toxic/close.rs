//! The connection is closed while it is in use.

use std::fmt;
use std::time::Duration;

use super::{Cut, Spec};

/// Closes connections: both the client and the server read an end of file (FIN), whether or not bytes pass. A server
/// that limits the age of its connections does that.
///
/// What the peer's system has taken is read before the end. What is on its way, in toxics such as
/// [`Latency`](crate::proxy::Latency) or in the buffers of the system, can be lost; who goes on writing gets "broken pipe"
/// or "connection reset".
///
/// Counts as met: each connection that it closed.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Close {
    delay: Duration,
}

impl Close {
    /// Closes live connections at once, and new ones as soon as they are accepted: the server does not see those.
    pub fn now() -> Close {
        Close::after(Duration::ZERO)
    }

    /// Closes a live connection `delay` after the arming, and a new one `delay` after it was accepted.
    pub fn after(delay: Duration) -> Close {
        Close { delay }
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.delay {
            Duration::ZERO => f.write_str("close now"),
            delay => write!(f, "close after {delay:?}"),
        }
    }
}

impl Spec for Close {
    fn misses(&self) -> &'static str {
        "it closed no connection"
    }

    fn cut(&self) -> Option<(Duration, Cut)> {
        Some((self.delay, Cut::Fin))
    }
}

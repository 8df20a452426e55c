//! The server has forgotten the connection, and the client does not know.

use std::fmt;
use std::time::Duration;

use super::{Cut, Spec};

/// Leaves connections half open (RFC 9293, 3.5.1): the server's side is closed, and the client is told nothing. A host
/// that lost its power does that, and a router that forgot the connection.
///
/// The client's connection stays open: what it sends is taken and dropped, and it never gets an answer. Only its own
/// time limits and keep-alives can find out. A new connection is accepted, and the server never sees it. What was on its
/// way in either direction is lost.
///
/// On removal new connections are as usual. One that is half open stays so until its client sends something: then it is
/// reset, as a host that is back answers what it does not know.
///
/// Counts as met: each connection that was left half open.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct HalfOpen {
    delay: Duration,
}

impl HalfOpen {
    /// Live connections at once, and new ones as soon as they are accepted.
    #[expect(clippy::new_without_default, reason = "a default of something that breaks a server would say nothing")]
    pub fn new() -> HalfOpen {
        HalfOpen::after(Duration::ZERO)
    }

    /// A live connection `delay` after the arming, and a new one `delay` after it was accepted.
    pub fn after(delay: Duration) -> HalfOpen {
        HalfOpen { delay }
    }
}

impl fmt::Display for HalfOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.delay {
            Duration::ZERO => f.write_str("half open"),
            delay => write!(f, "half open after {delay:?}"),
        }
    }
}

impl Spec for HalfOpen {
    fn misses(&self) -> &'static str {
        "it left no connection half open"
    }

    fn cut(&self) -> Option<(Duration, Cut)> {
        Some((self.delay, Cut::HalfOpen))
    }
}

//! The connection is reset by its peer.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use super::limit::Fuse;
use super::range::{Checked, accept, at_least_one};
use super::{Cut, Direction, Effect, LinkId, Spec, Ways};

/// Resets connections: both the client and the server get "connection reset by peer" (RST).
///
/// It acts on live connections, also on idle ones, and on new ones for as long as it is armed. A connection that it did
/// not reset is left as it was: removing the toxic leaves nothing behind.
///
/// What the proxy has passed on is in the peer's receive buffer when the reset arrives. Linux lets the peer read it
/// before the error; other systems may throw it away, as RFC 9293 allows. What the proxy itself still holds, for
/// instance in a [`Latency`](crate::proxy::Latency), is lost.
///
/// Counts as met: each connection that it reset. Bytes that pass below the limit of [`after_bytes`](Self::after_bytes)
/// do not count.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Reset {
    when: When,
}

#[derive(Clone, Copy, Debug)]
enum When {
    Time(Duration),
    Bytes { limit: NonZeroU64, ways: Ways },
}

impl Reset {
    /// Resets live connections at once, and new ones as soon as they are accepted: the server does not see those, and
    /// the client may get the error from connecting already.
    pub fn now() -> Reset {
        Reset::after(Duration::ZERO)
    }

    /// Resets a live connection `delay` after the arming, and a new one `delay` after it was accepted, whether or not
    /// bytes pass.
    pub fn after(delay: Duration) -> Reset {
        Reset { when: When::Time(delay) }
    }

    /// Resets a connection once `bytes` have passed from the server to the client, counted from the arming and for each
    /// connection by itself.
    ///
    /// Exactly this many bytes reach the client: before it resets, the proxy waits until the client's system has taken
    /// them. After a second it resets all the same, and the journal says that bytes were lost. (Other systems than
    /// Linux cannot be asked; there it waits for 20 ms.)
    ///
    /// # Panics
    /// If `bytes` is 0: that is [`Reset::now`].
    #[track_caller]
    pub fn after_bytes(bytes: u64) -> Reset {
        accept("Reset::after_bytes", Reset::try_after_bytes(bytes))
    }

    pub(super) fn try_after_bytes(bytes: u64) -> Checked<Reset> {
        let limit = at_least_one(bytes, "Reset::now() resets before the first byte")?;
        Ok(Reset { when: When::Bytes { limit, ways: Ways::One(Direction::Downstream) } })
    }

    /// Counts what the client sends.
    ///
    /// # Panics
    /// Unless made by [`after_bytes`](Self::after_bytes): the other resets have no direction.
    #[track_caller]
    pub fn upstream(self) -> Reset {
        self.counting(Ways::One(Direction::Upstream), "upstream")
    }

    /// Counts what the server sends. This is the default.
    ///
    /// # Panics
    /// Unless made by [`after_bytes`](Self::after_bytes): the other resets have no direction.
    #[track_caller]
    pub fn downstream(self) -> Reset {
        self.counting(Ways::One(Direction::Downstream), "downstream")
    }

    /// Counts each direction by itself; the first to reach the limit resets the connection.
    ///
    /// # Panics
    /// Unless made by [`after_bytes`](Self::after_bytes): the other resets have no direction.
    #[track_caller]
    pub fn both(self) -> Reset {
        self.counting(Ways::Both, "both")
    }

    #[track_caller]
    fn counting(mut self, chosen: Ways, setting: &str) -> Reset {
        match &mut self.when {
            When::Bytes { ways, .. } => *ways = chosen,
            When::Time(_) => {
                panic!("Reset::{setting} is for Reset::after_bytes only: a reset in time always cuts both directions")
            }
        }
        self
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::Time(delay) if delay.is_zero() => f.write_str("reset now"),
            When::Time(delay) => write!(f, "reset after {delay:?}"),
            When::Bytes { limit, ways } => write!(f, "reset after {limit} bytes {ways}"),
        }
    }
}

impl Spec for Reset {
    fn misses(&self) -> &'static str {
        "it reset no connection"
    }

    fn cut(&self) -> Option<(Duration, Cut)> {
        match self.when {
            When::Time(delay) => Some((delay, Cut::Rst)),
            When::Bytes { .. } => None,
        }
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        match self.when {
            When::Bytes { limit, ways } if ways.include(link.direction) => {
                Some(Box::new(Fuse { left: limit.get(), how: Cut::Rst, toxic: link.toxic }))
            }
            _ => None,
        }
    }
}

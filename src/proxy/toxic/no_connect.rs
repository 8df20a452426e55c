//! Connecting takes for ever.

use std::fmt;

use super::{Door, Spec};

/// Lets connecting hang: no client gets an answer, neither yes nor no, so that it meets its own connect timeout. Live
/// connections go on. For Linux, and not for Unix sockets.
///
/// The listener's queue is made as short as possible and filled, so that the kernel drops the first packet (SYN) of each
/// new connection, as a host that is gone or a firewall does.
///
/// On removal the clients that still wait get in when their system sends its SYN again: after 1 s, 2 s and so on at
/// first, then at longer and longer intervals. New ones get in at once.
///
/// Counts as met: connects that were dropped, by the kernel's own count (`ListenOverflows` of this network namespace).
/// That tells whether there was any, but not how many, and not whose: an unmet `NoConnect` can be overlooked while other
/// tests do the same.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct NoConnect(());

impl NoConnect {
    /// Connecting hangs until this toxic is removed.
    #[expect(clippy::new_without_default, reason = "a default of something that breaks a server would say nothing")]
    pub fn new() -> NoConnect {
        NoConnect(())
    }
}

impl fmt::Display for NoConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connect")
    }
}

impl Spec for NoConnect {
    fn misses(&self) -> &'static str {
        "nobody on this machine tried to connect in vain meanwhile"
    }

    fn door(&self) -> Option<Door> {
        Some(Door::Stalled)
    }
}

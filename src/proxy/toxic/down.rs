//! The server is down: nobody gets in, and who was in is out.

use std::fmt;

use super::{Cut, Direction, Door, Spec};

/// Refuses new connections and ends the live ones, while the port stays the proxy's.
///
/// - Connecting fails with "connection refused", as if no server were running. On Linux no other process can take the
///   port meanwhile; elsewhere the port is given up and bound again on removal, which fails if somebody took it.
/// - Live connections are closed at once with an end of file (FIN) on both sides: a server that was stopped. With
///   [`reset`](Self::reset) both sides get "connection reset": one that was killed. With [`freeze`](Self::freeze) they
///   stay open and nothing passes: one whose host is gone.
/// - On removal the same address accepts connections again.
///
/// Counts as met: each live connection that it ended or froze. A *refused* connect is answered by the kernel and no
/// unprivileged process is told of it. On Linux the proxy therefore reads the kernel's own count of failed connects
/// (`AttemptFails` of this network namespace): while that stands still, nobody was refused; once it moves, this toxic
/// is taken as fired. It may have been somebody else's refusal, so an unmet `Down` can be overlooked while other tests
/// are being refused, but a `Down` that did refuse somebody is never called unmet. Elsewhere, and on a Unix socket, a
/// `Down` is always taken as fired.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Down {
    living: Living,
}

/// What becomes of the connections that are live at the arming.
#[derive(Clone, Copy, Debug)]
enum Living {
    Ended(Cut),
    Frozen,
}

impl Down {
    /// The server is down until this toxic is removed.
    #[expect(clippy::new_without_default, reason = "a default of something that breaks a server would say nothing")]
    pub fn new() -> Down {
        Down { living: Living::Ended(Cut::Fin) }
    }

    /// Resets live connections (RST). Defaults to closing them.
    pub fn reset(mut self) -> Down {
        self.living = Living::Ended(Cut::Rst);
        self
    }

    /// Keeps live connections, and lets nothing pass: nothing is read, so that what the peers send fills their buffers
    /// and passes, in order, on removal. Defaults to closing them.
    pub fn freeze(mut self) -> Down {
        self.living = Living::Frozen;
        self
    }
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.living {
            Living::Ended(Cut::Rst) => "down with resets",
            Living::Ended(_) => "down",
            Living::Frozen => "down and frozen",
        })
    }
}

impl Spec for Down {
    fn misses(&self) -> &'static str {
        match self.living {
            Living::Ended(_) => "it closed no connection, and nobody on this machine was refused one meanwhile",
            Living::Frozen => "it froze no connection, and nobody on this machine was refused one meanwhile",
        }
    }

    fn door(&self) -> Option<Door> {
        Some(Door::Refusing)
    }

    fn expels(&self) -> Option<Cut> {
        match self.living {
            Living::Ended(cut) => Some(cut),
            Living::Frozen => None,
        }
    }

    fn freezes(&self, _direction: Direction) -> bool {
        matches!(self.living, Living::Frozen)
    }
}

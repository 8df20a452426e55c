//! The server is down: nobody gets in, and who was in is out.

use std::fmt;

use super::{Spec, Toxic};

/// Refuses new connections and closes the live ones, while the port stays the proxy's.
///
/// - Connecting fails with "connection refused", as if no server were running. On Linux no other process can take the
///   port meanwhile; elsewhere the port is given up and bound again on removal, which fails if somebody took it.
/// - Live connections are closed at once with an end of file (FIN) on both sides. For an abrupt end add
///   [`Reset`](crate::proxy::Reset) first.
/// - On removal the same address accepts connections again.
///
/// Counts as met: each live connection that it closed. A *refused* connect is answered by the kernel and no
/// unprivileged process is told of it. On Linux the proxy therefore reads the kernel's own count of failed connects
/// (`AttemptFails` of this network namespace): while that stands still, nobody was refused; once it moves, this toxic
/// is taken as fired. It may have been somebody else's refusal, so an unmet `Down` can be overlooked while other tests
/// are being refused, but a `Down` that did refuse somebody is never called unmet. Elsewhere a `Down` is always taken
/// as fired.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Down {
    optional: bool,
}

impl Down {
    /// The server is down until this toxic is removed.
    pub fn new() -> Down {
        Down::default()
    }

    /// Lets the test pass even if nobody meets this toxic. Defaults to failing such a test.
    pub fn optional(mut self) -> Down {
        self.optional = true;
        self
    }
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("down")
    }
}

impl From<Down> for Toxic {
    fn from(down: Down) -> Toxic {
        Toxic::new(down)
    }
}

impl Spec for Down {
    fn is_optional(&self) -> bool {
        self.optional
    }

    fn misses(&self) -> &'static str {
        "it closed no connection, and nobody on this machine was refused one meanwhile"
    }

    fn refuses(&self) -> bool {
        true
    }
}

//! What a proxy does while its server is not there.

use std::time::Duration;

/// What clients of a proxy get while the server behind it cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenDown {
    /// They are reset as soon as they have connected. The proxy looks for the server at each connection.
    #[default]
    Reset,
    /// They are refused, as by the absent server itself. Since a client has connected before the proxy knows, the first
    /// one is reset; from then on the proxy looks for the server every 20 ms, with a connection that it closes at once,
    /// and lets clients in again when it is there. A server that is absent from the beginning refuses the first one,
    /// too.
    Refuse,
    /// They are connected and wait, and what they send is kept, until the server is there. The proxy looks for it every
    /// 20 ms. As in a queue of a server that does not accept, those who have left meanwhile are not missed: what they sent
    /// reaches the server all the same.
    Hold,
}

impl WhenDown {
    /// The time between two looks for the server.
    pub(super) const PAUSE: Duration = Duration::from_millis(20);
}

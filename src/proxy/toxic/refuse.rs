//! Nobody gets in; who is in stays.

use std::fmt;

use super::{Door, Spec};

/// Refuses new connections, while live ones go on and the port stays the proxy's: a server that has reached its limit
/// of connections, or is draining.
///
/// For how connecting fails, and for what counts as met, see [`Down`](crate::proxy::Down): a refusal leaves no trace
/// but the kernel's count of failed connects.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Refuse(());

impl Refuse {
    /// Connections are refused until this toxic is removed.
    #[expect(clippy::new_without_default, reason = "a default of something that breaks a server would say nothing")]
    pub fn new() -> Refuse {
        Refuse(())
    }
}

impl fmt::Display for Refuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refuse")
    }
}

impl Spec for Refuse {
    fn misses(&self) -> &'static str {
        "nobody on this machine was refused a connection meanwhile"
    }

    fn door(&self) -> Option<Door> {
        Some(Door::Refusing)
    }
}

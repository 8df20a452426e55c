//! Where a proxy listens.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::base::Error;

/// Tells the sockets in one directory from each other.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The address of a proxy: what was asked for, and later what it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Address, Error> {
        let port_or_not = text.parse().or_else(|_| text.parse::<IpAddr>().map(|ip| (ip, 0).into()));
        port_or_not.map(Address::Tcp).map_err(|_| {
            Error::invalid(format!("`{text}` is no local address: write an IP address and a port, such as [::1]:0"))
        })
    }

    /// A Unix socket in this directory.
    pub(super) fn in_dir(dir: &Path) -> Address {
        // The whole path has room for about a hundred bytes.
        Address::Unix(dir.join(format!("wire-{}", NEXT.fetch_add(1, Relaxed))))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(addr) => addr.fmt(f),
            Address::Unix(path) => path.display().fmt(f),
        }
    }
}

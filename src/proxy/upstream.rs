//! Where a proxy sends what its clients say.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;

use crate::base::Error;

/// The address of the real server: a [`SocketAddr`], `"host:port"` or `(host, port)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    text: String,
}

impl Upstream {
    /// Looks the name up once; the proxy keeps what it finds here.
    pub(super) async fn resolve(&self) -> Result<Vec<SocketAddr>, Error> {
        if let Ok(addr) = self.text.parse() {
            return Ok(vec![addr]);
        }
        let port = self.text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        let Some(Ok(_)) = port else {
            return Err(Error::invalid(format!("upstream `{}` is not of the form host:port", self.text)));
        };
        let unknown = || Error::other(format!("upstream `{}` cannot be resolved", self.text));
        let addrs: Vec<_> =
            tokio::net::lookup_host(&self.text).await.map_err(|error| unknown().with_source(error))?.collect();
        if addrs.is_empty() { Err(unknown()) } else { Ok(addrs) }
    }
}

/// Connects to the first address that answers.
pub(super) async fn dial(addrs: &[SocketAddr]) -> Result<TcpStream, Unreachable> {
    let mut last = None;
    for &addr in addrs {
        match TcpStream::connect(addr).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(Unreachable { addr, error }),
        }
    }
    Err(last.unwrap_or_else(|| Unreachable {
        addr: ([0, 0, 0, 0], 0).into(),
        error: io::ErrorKind::AddrNotAvailable.into(),
    }))
}

/// An upstream that did not take a connection.
pub(super) struct Unreachable {
    addr: SocketAddr,
    error: io::Error,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.error.kind() == io::ErrorKind::ConnectionRefused {
            write!(f, "upstream {} refused the connection (is the server running?)", self.addr)
        } else {
            write!(f, "upstream {} could not be reached: {}", self.addr, self.error)
        }
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<SocketAddr> for Upstream {
    fn from(addr: SocketAddr) -> Upstream {
        Upstream { text: addr.to_string() }
    }
}

impl From<&str> for Upstream {
    fn from(text: &str) -> Upstream {
        Upstream { text: text.to_owned() }
    }
}

impl From<String> for Upstream {
    fn from(text: String) -> Upstream {
        Upstream { text }
    }
}

impl From<&String> for Upstream {
    fn from(text: &String) -> Upstream {
        Upstream { text: text.clone() }
    }
}

impl From<(&str, u16)> for Upstream {
    fn from((host, port): (&str, u16)) -> Upstream {
        Upstream { text: format!("{host}:{port}") }
    }
}

impl From<(IpAddr, u16)> for Upstream {
    fn from((host, port): (IpAddr, u16)) -> Upstream {
        SocketAddr::new(host, port).into()
    }
}

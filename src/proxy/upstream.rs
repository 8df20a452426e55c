//! Where a proxy sends what its clients say.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use tokio::net::{TcpStream, UnixStream};

use crate::base::Error;

use super::stream::Stream;

/// The address of the real server: a [`SocketAddr`], `"host:port"`, `(host, port)`, or the path of a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Tcp(String),
    Unix(PathBuf),
}

/// What an upstream's name stands for.
pub(super) enum Resolved {
    Tcp(Vec<SocketAddr>),
    Unix(PathBuf),
}

impl Upstream {
    /// A server that listens on a Unix socket.
    pub fn unix(path: impl AsRef<Path>) -> Upstream {
        Upstream { place: Place::Unix(path.as_ref().to_owned()) }
    }

    pub(super) fn is_unix(&self) -> bool {
        matches!(self.place, Place::Unix(_))
    }

    /// Looks the name up once; the proxy keeps what it finds here.
    pub(super) async fn resolve(&self) -> Result<Resolved, Error> {
        match &self.place {
            Place::Tcp(text) => resolve(text).await.map(Resolved::Tcp),
            Place::Unix(path) => Ok(Resolved::Unix(path.clone())),
        }
    }

    fn tcp(text: impl Into<String>) -> Upstream {
        Upstream { place: Place::Tcp(text.into()) }
    }
}

async fn resolve(text: &str) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(addr) = text.parse() {
        return Ok(vec![addr]);
    }
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    let Some(Ok(_)) = port else {
        return Err(Error::invalid(format!("upstream `{text}` is not of the form host:port")));
    };
    let unknown = || Error::other(format!("upstream `{text}` cannot be resolved"));
    let addrs: Vec<_> = tokio::net::lookup_host(text).await.map_err(|error| unknown().with_source(error))?.collect();
    if addrs.is_empty() { Err(unknown()) } else { Ok(addrs) }
}

/// Connects to the first address that answers.
pub(super) async fn dial(upstream: &Resolved) -> Result<Stream, Unreachable> {
    let addrs = match upstream {
        Resolved::Tcp(addrs) => addrs,
        Resolved::Unix(path) => {
            let stream = UnixStream::connect(path).await;
            return stream.map(Stream::Unix).map_err(|error| Unreachable::new(path.display(), error));
        }
    };
    let mut last = None;
    for addr in addrs {
        match TcpStream::connect(addr).await {
            Ok(stream) => return Ok(Stream::Tcp(stream)),
            Err(error) => last = Some(Unreachable::new(addr, error)),
        }
    }
    Err(last.unwrap_or_else(|| Unreachable::new("nowhere", io::ErrorKind::AddrNotAvailable.into())))
}

/// An upstream that did not take a connection.
pub(super) struct Unreachable {
    addr: String,
    error: io::Error,
}

impl Unreachable {
    fn new(addr: impl fmt::Display, error: io::Error) -> Unreachable {
        Unreachable { addr: addr.to_string(), error }
    }
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
        match &self.place {
            Place::Tcp(text) => f.write_str(text),
            Place::Unix(path) => path.display().fmt(f),
        }
    }
}

impl From<SocketAddr> for Upstream {
    fn from(addr: SocketAddr) -> Upstream {
        Upstream::tcp(addr.to_string())
    }
}

impl From<&str> for Upstream {
    fn from(text: &str) -> Upstream {
        Upstream::tcp(text)
    }
}

impl From<String> for Upstream {
    fn from(text: String) -> Upstream {
        Upstream::tcp(text)
    }
}

impl From<&String> for Upstream {
    fn from(text: &String) -> Upstream {
        Upstream::tcp(text)
    }
}

impl From<(&str, u16)> for Upstream {
    fn from((host, port): (&str, u16)) -> Upstream {
        Upstream::tcp(format!("{host}:{port}"))
    }
}

impl From<(IpAddr, u16)> for Upstream {
    fn from((host, port): (IpAddr, u16)) -> Upstream {
        SocketAddr::new(host, port).into()
    }
}

/// The path of a Unix socket.
impl From<PathBuf> for Upstream {
    fn from(path: PathBuf) -> Upstream {
        Upstream::unix(path)
    }
}

/// The path of a Unix socket.
impl From<&Path> for Upstream {
    fn from(path: &Path) -> Upstream {
        Upstream::unix(path)
    }
}

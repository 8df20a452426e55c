//! What a service tells its judge.

use std::{
    error::Error,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    process::Command,
    time::Duration,
};

/// What came of a request: `Ok` for a complete and right answer only.
pub type Answer = Result<(), Box<dyn Error + Send + Sync>>;

/// A request that is not awaited to its end.
pub type EndlessRequest = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A service that is to be judged: how it is started and asked.
pub trait ShutdownSubject: Send + Sync + 'static {
    /// Starts the service: on port 0 if it can, and with its standard output free, for [`ready`](Self::ready) reads it.
    fn command(&self) -> Command;

    /// Sends one request on a connection of its own and waits for the answer.
    ///
    /// It must take a noticeable while, 300 ms or more, so that it is still in flight when the signal comes, and send
    /// what it has to say as soon as it is connected. `Ok` is for a complete and right answer only; a refusal (503, a
    /// connection that is closed) is an error. If this host is short of something (descriptors, ports), hand on the
    /// [`std::io::Error`] as it is or as the source of yours, so that it is not taken for a refusal.
    ///
    /// # What counts as accepted
    /// A request counts as *accepted* when the service has accepted the connection and read all that has come on it,
    /// seen twice in a row some milliseconds apart. For that to mean that the request was read, the client must have
    /// written it by then, which holds for one that is a task of the test's runtime and writes at once. It does **not**
    /// hold for
    ///
    /// - **TLS**, and whatever else shakes hands first: connected and read may be a handshake that is half done. A
    ///   service that then rightly refuses the request seems to cut it off. Judge it on a port without TLS;
    /// - **a client on a thread** (`spawn_blocking`, a blocking HTTP client): it may be connected and not have written
    ///   yet. It cannot be stopped either when the round is over, and keeps its thread until it ends by itself. Use an
    ///   async client;
    /// - **a pool or HTTP/2**, where requests share connections: 8 connections are waited for. Switch it off.
    fn request(&self, address: SocketAddr) -> impl Future<Output = Answer> + Send;

    /// The address of the service, if this line of its standard output tells it. Defaults to the first socket address
    /// in the line, with `0.0.0.0` and `[::]` taken for the loopback address.
    fn ready(&self, line: &str) -> Option<SocketAddr> {
        address_in(line)
    }

    /// How long the service may take from the signal to its exit. Defaults to 10 s.
    fn limit(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// The status that it exits with after SIGTERM. Defaults to 0.
    fn exit_code(&self) -> i32 {
        0
    }

    /// A request that never ends by itself, if the service has one: a subscription, a stream, a hanging upload. Without
    /// one a property is not applicable. Defaults to none.
    fn endless(&self, _address: SocketAddr) -> Option<EndlessRequest> {
        None
    }
}

/// The first socket address in a text.
fn address_in(text: &str) -> Option<SocketAddr> {
    let mut words = text.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']')));
    let address: SocketAddr = words.find_map(|word| {
        // A sentence may end after the address, and "http:" or "bound:" leave a colon or more before it.
        let word = word.trim_end_matches(['.', ':']);
        let mut starts = std::iter::once(0).chain(word.match_indices(':').map(|(at, _)| at + 1));
        starts.find_map(|start| word[start..].parse().ok())
    })?;
    Some(match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, address.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, address.port()).into(),
        _ => address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_in_a_line_is_found() {
        for (line, address) in [
            ("listening on 127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("INFO http://127.0.0.1:80/ (pid 7)", Some("127.0.0.1:80")),
            ("addr=0.0.0.0:4000, tls=false", Some("127.0.0.1:4000")),
            ("12:30:01 ready at [::]:9000.", Some("[::1]:9000")),
            ("12:30:01 bound to 10.0.0.1:1: fine", Some("10.0.0.1:1")),
            ("bound:10.0.0.1:1 or 10.0.0.2:2", Some("10.0.0.1:1")),
            ("starting", None),
        ] {
            assert_eq!(address_in(line), address.map(|text| text.parse().unwrap()), "{line}");
        }
    }
}

//! A port for a server: chosen before it starts, and kept for it.

use super::tree;
use crate::base::Error;
use rustix::process::Pid;
use socket2::{Domain, Socket, Type};
use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
};

/// A port of 127.0.0.1 that is kept for a server, also while that is dead: a socket is bound to it and does not listen.
/// The system gives the port to nobody who asks for any free one, and connections are refused. A server that sets
/// `SO_REUSEADDR`, as nearly all do, can listen on it nevertheless.
#[derive(Debug)]
pub(super) struct Reservation {
    /// Held for what it keeps others from.
    _socket: Socket,
    port: u16,
}

impl Reservation {
    pub(super) fn new() -> Result<Self, Error> {
        let bind = || -> io::Result<(Socket, u16)> {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_reuse_address(true)?;
            socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
            let port = socket.local_addr()?.as_socket_ipv4().map_or(0, |address| address.port());
            Ok((socket, port))
        };
        let bound = bind().map_err(|error| Error::other("no port of 127.0.0.1 is free").with_source(error));
        bound.map(|(_socket, port)| Self { _socket, port })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

/// Whether somebody has the port, now that a server which should have had it has ended.
pub(super) fn is_taken(port: u16) -> bool {
    let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

/// Whether the process or one of its descendants listens on the port. It is not connected to: a server may take one
/// connection only, or log each. Where the system does not tell, a connection tells whether anybody listens.
pub(super) fn listens(root: Pid, port: u16) -> bool {
    let Ok(table) = fs::read_to_string("/proc/net/tcp") else {
        return std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
    };
    let mut listening = listeners(&table, port);
    listening.extend(listeners(&fs::read_to_string("/proc/net/tcp6").unwrap_or_default(), port));
    let holds = |process: Pid| holds_any(process, &listening);
    !listening.is_empty() && (holds(root) || tree::descendants(root).into_iter().any(holds))
}

/// The names of the sockets that listen on a port; pure. The columns are number, local address, remote address, state
/// (0A is LISTEN), and further on the number of the socket.
fn listeners(table: &str, port: u16) -> Vec<String> {
    let port = format!(":{port:04X}");
    let listener = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let listens = columns.get(1)?.ends_with(&port) && *columns.get(3)? == "0A";
        listens.then(|| columns.get(9).map(|number| format!("socket:[{number}]"))).flatten()
    };
    table.lines().skip(1).filter_map(listener).collect()
}

fn holds_any(process: Pid, sockets: &[String]) -> bool {
    let entries = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).into_iter().flatten();
    let mut targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.any(|target| target.to_str().is_some_and(|target| sockets.iter().any(|socket| socket == target)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_that_listen_on_the_very_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n\
             1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0\n\
             2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0\n";
        assert_eq!(listeners(table, 8080), ["socket:[111]"]);
        assert_eq!(listeners(table, 8082), Vec::<String>::new());
    }

    #[test]
    fn a_reserved_port_is_given_to_nobody_else_refuses_connections_and_can_be_listened_on() {
        let reserved = Reservation::new().unwrap();
        let others: Vec<Reservation> = (0..200).map(|_| Reservation::new().unwrap()).collect();
        assert!(others.iter().all(|other| other.port() != reserved.port()));
        let address = (Ipv4Addr::LOCALHOST, reserved.port());
        let refused = std::net::TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert!(!is_taken(reserved.port()));
        // The standard library sets SO_REUSEADDR.
        let listener = std::net::TcpListener::bind(address).unwrap();
        assert!(is_taken(reserved.port()));
        let own = Pid::from_raw(std::process::id().try_into().unwrap()).unwrap();
        assert!(listens(own, reserved.port()));
        drop(listener);
        assert!(!listens(own, reserved.port()) && std::net::TcpStream::connect(address).is_err());
    }
}

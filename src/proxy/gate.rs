//! The listening socket: it can refuse connections without giving up its port.
//!
//! Linux answers a connect to a bound socket that does not listen with "connection refused". `shutdown(SHUT_RD)` takes
//! a listening socket there and `listen` takes it back, on the same descriptor and port. Two details make that safe:
//! - The port must have been asked for by number: a port that the kernel chose goes back to it as soon as the socket
//!   stops listening.
//! - `SO_REUSEADDR` must be on to listen again while old connections linger, and off while refusing: otherwise anyone
//!   could bind the port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that nobody has accepted yet; the kernel lowers it to its own limit.
const BACKLOG: i32 = 1024;

/// A door on a loopback port that can be shut and opened again.
pub(super) struct Gate {
    /// Bound from beginning to end on Linux; elsewhere it is replaced at each opening.
    socket: Socket,
    addr: SocketAddr,
    /// The same socket, known to the runtime; only while the gate is open. It must be registered anew at each opening,
    /// since the runtime never forgets that a socket was shut down.
    listener: Option<TcpListener>,
}

impl Gate {
    /// An open gate on a free port.
    pub(super) fn open_any() -> io::Result<Gate> {
        let chosen = bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let addr =
            chosen.local_addr()?.as_socket().ok_or_else(|| io::Error::other("a TCP socket without an address"))?;
        // Both hold the port for a moment, so that it is never free in between.
        let socket = if cfg!(target_os = "linux") { bind(addr)? } else { chosen };
        let mut gate = Gate { socket, addr, listener: None };
        gate.listen()?;
        Ok(gate)
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Lets connections in again, on the same port.
    pub(super) fn open(&mut self) -> io::Result<()> {
        if self.listener.is_some() {
            return Ok(());
        }
        if cfg!(target_os = "linux") {
            self.socket.set_reuse_address(true)?;
        } else {
            self.socket = bind(self.addr)?;
        }
        self.listen()
    }

    /// Refuses connections from now on; gives back those that were let in and not yet accepted.
    pub(super) fn close(&mut self) -> io::Result<Vec<Socket>> {
        if self.listener.take().is_none() {
            return Ok(Vec::new());
        }
        let waiting = std::iter::from_fn(|| self.socket.accept().ok()).map(|(socket, _)| socket).collect();
        if cfg!(target_os = "linux") {
            self.socket.set_reuse_address(false)?;
            self.socket.shutdown(std::net::Shutdown::Read)?;
        } else {
            // An unbound socket in its place closes the bound one.
            self.socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        }
        Ok(waiting)
    }

    /// The next connection; waits for ever while the gate is closed. Cancel safe.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.listener {
            Some(listener) => listener.accept().await,
            None => std::future::pending().await,
        }
    }

    fn listen(&mut self) -> io::Result<()> {
        self.socket.listen(BACKLOG)?;
        self.listener = Some(TcpListener::from_std(self.socket.try_clone()?.into())?);
        Ok(())
    }
}

fn bind(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    // On Windows this option would let others take a port in use.
    socket.set_reuse_address(cfg!(unix))?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

/// Ends the connection with an end of file, also where unread bytes would make closing a reset.
pub(super) fn finish<'a>(socket: impl Into<SockRef<'a>>) {
    // A peer that is gone already is ended.
    let _ = socket.into().shutdown(std::net::Shutdown::Write);
}

//! The listening socket: it can refuse connections, or leave them without an answer, without giving up its port.
//!
//! Linux answers a connect to a bound socket that does not listen with "connection refused". `shutdown(SHUT_RD)` takes
//! a listening socket there and `listen` takes it back, on the same descriptor and port. Two details make that safe:
//! - The port must have been asked for by number: a port that the kernel chose goes back to it as soon as the socket
//!   stops listening.
//! - `SO_REUSEADDR` must be on to listen again while old connections linger, and off while refusing: otherwise anyone
//!   could bind the port.
//!
//! A listener with a backlog of 0 and one connection in its queue drops what else comes, without an answer. The one
//! connection is the gate's own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use super::address::Address;
use super::stream::Stream;
use super::toxic::Door;
use super::unix_gate::UnixGate;

/// Connections that nobody has accepted yet; the kernel lowers it to its own limit.
pub(super) const BACKLOG: i32 = 1024;

/// How often the gate tries to be the one that fills the queue, and how many milliseconds each try waits.
const FILLS: usize = 50;
const FILL_WAIT: usize = 20;

/// A connection that was let in, and who it is.
pub(super) type Visitor = (Stream, String);

/// A door that can be shut, stalled and opened again.
pub(super) enum Gate {
    Tcp(TcpGate),
    Unix(UnixGate),
}

impl Gate {
    /// A gate that refuses, so that nobody gets in before all is ready. Port 0 is any free port.
    pub(super) fn shut(address: &Address) -> io::Result<Gate> {
        Ok(match address {
            Address::Tcp(addr) => Gate::Tcp(TcpGate::shut(*addr)?),
            Address::Unix(path) => Gate::Unix(UnixGate::shut(path)?),
        })
    }

    pub(super) fn address(&self) -> Address {
        match self {
            Gate::Tcp(gate) => Address::Tcp(gate.addr),
            Gate::Unix(gate) => Address::Unix(gate.path().to_owned()),
        }
    }

    /// Turns the door, and adds those that were let in before and not yet accepted. If it fails, the door is as it was.
    pub(super) async fn set(&mut self, door: Door, visitors: &mut Vec<Visitor>) -> io::Result<()> {
        match self {
            Gate::Tcp(gate) => gate.set(door, visitors).await,
            Gate::Unix(gate) => gate.set(door, visitors),
        }
    }

    /// The next connection; waits for ever unless the door is open. Cancel safe.
    pub(super) async fn accept(&self) -> io::Result<Visitor> {
        match self {
            Gate::Tcp(gate) => gate.accept().await,
            Gate::Unix(gate) => gate.accept().await,
        }
    }
}

pub(super) struct TcpGate {
    /// Bound from beginning to end on Linux; elsewhere it is replaced at each opening.
    socket: Socket,
    addr: SocketAddr,
    door: Door,
    /// The same socket, known to the runtime; only while the door is open. It must be registered anew at each opening,
    /// since the runtime never forgets that a socket was shut down.
    listener: Option<TcpListener>,
    /// The gate's own connection, which fills the queue while the door is stalled.
    filler: Option<Socket>,
}

impl TcpGate {
    fn shut(wanted: SocketAddr) -> io::Result<TcpGate> {
        let chosen = bind(wanted)?;
        let addr = local(&chosen)?;
        // Both hold the port for a moment, so that it is never free in between. A port that was asked for is ours.
        let any = wanted.port() == 0 && cfg!(target_os = "linux");
        let socket = if any { bind(addr)? } else { chosen };
        let mut gate = TcpGate { socket, addr, door: Door::Refusing, listener: None, filler: None };
        // A second bind with the same options is only refused beside a listener, so listening is what claims the port.
        gate.socket.listen(BACKLOG)?;
        gate.refuse()?;
        Ok(gate)
    }

    async fn set(&mut self, door: Door, visitors: &mut Vec<Visitor>) -> io::Result<()> {
        if self.door == door {
            return Ok(());
        }
        self.listener = None;
        let mut waiting = Vec::new();
        let turned = self.turn(door, &mut waiting).await;
        // Whoever has left meanwhile has nothing to wait for.
        visitors.extend(waiting.into_iter().filter_map(|socket| visitor(socket).ok()));
        if turned.is_ok() {
            self.door = door;
        }
        self.filler = self.filler.take().filter(|_| self.door == Door::Stalled);
        if turned.is_err() {
            // It stays what it was.
            match self.door {
                Door::Open => self.open()?,
                Door::Refusing => self.refuse()?,
                Door::Stalled => {}
            }
        }
        turned
    }

    async fn turn(&mut self, door: Door, waiting: &mut Vec<Socket>) -> io::Result<()> {
        match door {
            Door::Open => {
                self.listen(BACKLOG)?;
                // Behind it stand those whose first packet came again.
                self.collect(waiting);
                self.open()
            }
            Door::Stalled => self.stall(waiting).await,
            Door::Refusing => {
                self.collect(waiting);
                self.refuse()
            }
        }
    }

    /// Lets the runtime know the socket, which listens.
    fn open(&mut self) -> io::Result<()> {
        self.socket.listen(BACKLOG)?;
        self.listener = Some(TcpListener::from_std(self.socket.try_clone()?.into())?);
        Ok(())
    }

    fn listen(&mut self, backlog: i32) -> io::Result<()> {
        if self.door == Door::Refusing {
            if cfg!(target_os = "linux") {
                self.socket.set_reuse_address(true)?;
            } else {
                self.socket = bind(self.addr)?;
            }
        }
        self.socket.listen(backlog)
    }

    fn refuse(&mut self) -> io::Result<()> {
        if cfg!(target_os = "linux") {
            self.socket.set_reuse_address(false)?;
            self.socket.shutdown(std::net::Shutdown::Read)
        } else {
            // An unbound socket in its place closes the bound one.
            self.socket = Socket::new(Domain::for_address(self.addr), Type::STREAM, Some(Protocol::TCP))?;
            Ok(())
        }
    }

    async fn stall(&mut self, waiting: &mut Vec<Socket>) -> io::Result<()> {
        if !cfg!(target_os = "linux") {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux leaves a connect without an answer"));
        }
        self.listen(0)?;
        for _ in 0..FILLS {
            self.collect(waiting);
            let filler = Socket::new(Domain::for_address(self.addr), Type::STREAM, Some(Protocol::TCP))?;
            filler.set_nonblocking(true)?;
            // It cannot be refused; where a client was faster it gets no answer, and the client is collected.
            let _ = filler.connect(&self.addr.into());
            for _ in 0..FILL_WAIT {
                if filler.peer_addr().is_ok() {
                    self.filler = Some(filler);
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "clients connect faster than its queue can be filled"))
    }

    /// Takes in all that wait, except for the gate's own connection.
    fn collect(&mut self, waiting: &mut Vec<Socket>) {
        let own = self.filler.as_ref().and_then(|filler| local(filler).ok());
        while let Ok((socket, peer)) = self.socket.accept() {
            if own.is_none() || peer.as_socket() != own {
                waiting.push(socket);
            }
        }
    }

    async fn accept(&self) -> io::Result<Visitor> {
        match &self.listener {
            Some(listener) => listener.accept().await.map(|(stream, peer)| (Stream::Tcp(stream), peer.to_string())),
            None => std::future::pending().await,
        }
    }
}

fn visitor(socket: Socket) -> io::Result<Visitor> {
    socket.set_nonblocking(true)?;
    let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
    let peer = peer.map_or_else(|| "a client that is gone".to_owned(), |peer| peer.to_string());
    Ok((Stream::Tcp(TcpStream::from_std(socket.into())?), peer))
}

fn local(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("a TCP socket without an address"))
}

fn bind(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // On Windows this option would let others take a port in use.
    socket.set_reuse_address(cfg!(unix))?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    Ok(socket)
}

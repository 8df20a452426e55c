//! Clients and servers with threads of their own, so that they take as little as possible from what is measured.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};
use tokio::net::TcpSocket;

/// What the ends read and write at once; more than any proxy does.
pub(crate) const BUFFER: usize = 128 * 1024;

/// Connections that a listener holds until they are accepted, as many as the proxy of qtests lets wait. The usual 128
/// are too few for a thousand clients at once: those beyond try again after a second, and the bench would measure that.
const BACKLOG: u32 = 1024;

/// Nothing here waits so long for a byte unless it hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// A server that serves each connection on a thread of its own, to the end of the process.
pub(crate) fn server(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let addr = listener.local_addr().expect("a bound socket has an address");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = prepared(stream.expect("a connection can be accepted"));
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    addr
}

/// A listener for the current runtime that does not turn away many clients at once.
pub(crate) fn patient_listener() -> tokio::net::TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port is free");
    socket.listen(BACKLOG).expect("a bound socket can listen")
}

/// A connection that fails rather than hangs.
pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    prepared(TcpStream::connect(addr).expect("the way is open"))
}

fn prepared(stream: TcpStream) -> TcpStream {
    stream.set_nodelay(true).expect("a socket takes the option");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket takes the option");
    stream.set_write_timeout(Some(LIMIT)).expect("a socket takes the option");
    stream
}

/// Reads to the end of the stream, then says how many bytes that were: needs half-closed connections to be kept.
pub(crate) fn counting() -> SocketAddr {
    server(|mut stream| {
        let mut buffer = vec![0; BUFFER];
        let mut count = 0_u64;
        while let read @ 1.. = stream.read(&mut buffer).expect("the client sends") {
            count += read as u64;
        }
        stream.write_all(&count.to_be_bytes()).expect("the client reads");
    })
}

/// Sends back what it gets.
pub(crate) fn echo() -> SocketAddr {
    server(|mut stream| {
        let mut buffer = vec![0; BUFFER];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if stream.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    })
}

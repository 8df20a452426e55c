//! The server behind the proxy: it checks what comes and tells the client's side of the process what it saw.

use super::{
    book::{Book, Served},
    header::{Header, Service},
    wire::{MAX_CHUNK, Pattern, Stream},
};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    runtime,
};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Starts it on a thread of its own; it ends with the process.
pub(crate) fn start(book: Arc<Book>, pattern: Pattern) -> SocketAddr {
    let (told, tell) = mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        runtime.block_on(async {
            let socket = TcpSocket::new_v4().expect("a socket can be made");
            socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a port is free");
            let listener = socket.listen(BACKLOG).expect("a bound socket can listen");
            let _ = told.send(listener.local_addr().expect("a bound socket has an address"));
            loop {
                let (stream, _) = listener.accept().await.expect("a connection can be accepted");
                tokio::spawn(serve(stream, book.clone(), pattern.clone()));
            }
        });
    });
    tell.recv().expect("the server says where it listens")
}

async fn serve(mut stream: TcpStream, book: Arc<Book>, pattern: Pattern) {
    let mut bytes = [0; Header::LEN];
    if stream.set_nodelay(true).is_err() || stream.read_exact(&mut bytes).await.is_err() {
        // Cut before it said who it is; a client in a round without cuts misses its answer.
        return;
    }
    let Some(header) = Header::from_bytes(bytes) else {
        return book.fail(format!("the server got {bytes:?} for a header"));
    };
    let report = book.take(header.number);
    let (up, down) = header.streams();
    let (mut received, mut sent) = (pattern.stream(up), pattern.stream(down));
    let ended = match header.service {
        Service::Echo => echo(&mut stream, &mut received, &mut sent).await,
        Service::Flood => flood(&mut stream, &mut received, &mut sent).await,
        Service::Reply(bytes) => reply(&mut stream, &mut received, &mut sent, bytes).await,
    };
    book.checked(received.done());
    if received.wrong() > 0 {
        book.fail(format!("connection {}: the server received {} wrong bytes", header.number, received.wrong()));
    }
    let served = Served { received: received.done(), sent: sent.done(), finished: ended.is_ok() };
    if let Some(report) = report {
        let _ = report.send(served);
    }
}

async fn echo(stream: &mut TcpStream, received: &mut Stream, sent: &mut Stream) -> io::Result<()> {
    let mut buffer = vec![0; 4096];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return stream.shutdown().await;
        }
        received.check(&buffer[..read]);
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            let taken = stream.write(rest).await?;
            sent.advance(taken);
            rest = &rest[taken..];
        }
    }
}

async fn flood(stream: &mut TcpStream, received: &mut Stream, sent: &mut Stream) -> io::Result<()> {
    let (mut from, mut to) = stream.split();
    let over = AtomicBool::new(false);
    let incoming = async {
        check_all(&mut from, received).await?;
        over.store(true, Relaxed);
        Ok(())
    };
    let outgoing = async {
        while !over.load(Relaxed) {
            send(&mut to, sent, MAX_CHUNK as u64).await?;
        }
        to.shutdown().await
    };
    tokio::try_join!(incoming, outgoing).map(|_| ())
}

async fn reply(stream: &mut TcpStream, received: &mut Stream, sent: &mut Stream, bytes: u64) -> io::Result<()> {
    let (mut from, mut to) = stream.split();
    check_all(&mut from, received).await?;
    send(&mut to, sent, bytes).await?;
    to.shutdown().await
}

/// Reads to the end of file and checks each byte.
pub(crate) async fn check_all(from: &mut (impl AsyncRead + Unpin), bytes: &mut Stream) -> io::Result<()> {
    let mut buffer = vec![0; MAX_CHUNK];
    loop {
        match from.read(&mut buffer).await? {
            0 => return Ok(()),
            read => bytes.check(&buffer[..read]),
        }
    }
}

/// Sends the next `len` bytes of the stream.
pub(crate) async fn send(to: &mut (impl AsyncWrite + Unpin), bytes: &mut Stream, len: u64) -> io::Result<()> {
    let end = bytes.done() + len;
    while bytes.done() < end {
        let size = usize::try_from(end - bytes.done()).unwrap_or(MAX_CHUNK).min(MAX_CHUNK);
        let taken = to.write(bytes.next(size)).await?;
        bytes.advance(taken);
    }
    Ok(())
}

//! The clients: what each kind does on a connection, and whether what became of it is right.

use super::{
    book::{Book, Served},
    header::{Header, Service},
    server::{check_all, send},
    wire::{MAX_CHUNK, Pattern, Stream},
};
use fastrand::Rng;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};

/// What a client does with its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Sends and receives as fast as it can until the round is over.
    Bulk,
    /// A small message there and back, again and again, until the round is over.
    PingPong,
    /// Says nothing until the round is over, then a message there and back.
    Idle,
    /// Sends, closes its side, and reads the reply after that.
    HalfClosed,
    /// A message there and back.
    Short,
}

/// The clients of a round.
pub(crate) const CREW: [(Kind, usize); 5] =
    [(Kind::Bulk, 4), (Kind::PingPong, 8), (Kind::Idle, 16), (Kind::HalfClosed, 4), (Kind::Short, 4)];

/// The longest pause of a client before it opens its next connection.
const MAX_PAUSE: u64 = 20;

/// The most that a half-closed connection carries each way.
const MAX_REQUEST: u64 = 300_000;

/// One client of a round.
pub(crate) struct Client {
    pub(crate) kind: Kind,
    pub(crate) proxy: SocketAddr,
    pub(crate) book: Arc<Book>,
    pub(crate) pattern: Pattern,
    pub(crate) random: Rng,
    /// Whether connections may be refused and cut.
    pub(crate) rough: bool,
    /// Turns true when the round is over.
    pub(crate) over: watch::Receiver<bool>,
}

/// Both streams of a connection as the client saw them.
struct Seen {
    sent: Stream,
    received: Stream,
    end: io::Result<()>,
}

impl Client {
    /// Opens one connection after the other until the round is over, and has finished the last one then.
    pub(crate) async fn run(mut self) {
        loop {
            self.connect_once().await;
            if *self.over.borrow() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(self.random.u64(0..=MAX_PAUSE))).await;
        }
    }

    /// One connection from its beginning to its end.
    pub(crate) async fn connect_once(&mut self) {
        let service = match self.kind {
            Kind::Bulk => Service::Flood,
            Kind::HalfClosed => Service::Reply(self.random.u64(0..=MAX_REQUEST)),
            Kind::PingPong | Kind::Idle | Kind::Short => Service::Echo,
        };
        let (number, served) = self.book.open();
        let header = Header { number, service };
        let seen = self.converse(header).await;
        // If the server never took it, it never heard of the connection.
        let unheard = self.book.take(number).is_some();
        let served = if unheard { None } else { served.await.ok() };
        self.judge(number, &seen, served);
    }

    async fn converse(&mut self, header: Header) -> Seen {
        let (up, down) = header.streams();
        let mut seen = Seen { sent: self.pattern.stream(up), received: self.pattern.stream(down), end: Ok(()) };
        seen.end = async {
            let mut stream = TcpStream::connect(self.proxy).await?;
            stream.set_nodelay(true)?;
            stream.write_all(&header.to_bytes()).await?;
            match self.kind {
                Kind::Bulk => self.flood(&mut stream, &mut seen.sent, &mut seen.received).await,
                Kind::HalfClosed => self.ask(&mut stream, &mut seen.sent, &mut seen.received).await,
                _ => self.play(&mut stream, &mut seen.sent, &mut seen.received).await,
            }
        }
        .await;
        seen
    }

    async fn flood(&mut self, stream: &mut TcpStream, sent: &mut Stream, received: &mut Stream) -> io::Result<()> {
        let (mut from, mut to) = stream.split();
        let outgoing = async {
            while !*self.over.borrow() {
                let most = if self.random.bool() { 100 } else { MAX_CHUNK as u64 };
                send(&mut to, sent, self.random.u64(1..=most)).await?;
            }
            to.shutdown().await
        };
        tokio::try_join!(outgoing, check_all(&mut from, received)).map(|_| ())
    }

    async fn ask(&mut self, stream: &mut TcpStream, sent: &mut Stream, received: &mut Stream) -> io::Result<()> {
        let (mut from, mut to) = stream.split();
        send(&mut to, sent, self.random.u64(0..=MAX_REQUEST)).await?;
        to.shutdown().await?;
        check_all(&mut from, received).await
    }

    /// Messages there and back, then the end of file there and back.
    async fn play(&mut self, stream: &mut TcpStream, sent: &mut Stream, received: &mut Stream) -> io::Result<()> {
        if self.kind == Kind::Idle {
            // The sender is there as long as the round.
            let _ = self.over.wait_for(|over| *over).await;
        }
        loop {
            let len = self.random.usize(1..=1_000);
            send(stream, sent, len as u64).await?;
            let mut reply = vec![0; len];
            stream.read_exact(&mut reply).await?;
            received.check(&reply);
            if self.kind != Kind::PingPong || *self.over.borrow() {
                break;
            }
        }
        stream.shutdown().await?;
        check_all(stream, received).await
    }

    fn judge(&self, number: u64, seen: &Seen, served: Option<Served>) {
        let (sent, received) = (seen.sent.done(), seen.received.done());
        self.book.checked(received);
        let fail = |what: String| self.book.fail(format!("connection {number} ({:?}): {what}", self.kind));
        if seen.received.wrong() > 0 {
            fail(format!("the client received {} wrong bytes", seen.received.wrong()));
        }
        if self.rough {
            return self.judge_rough(&fail, seen, served);
        }
        if let Err(error) = &seen.end {
            fail(format!("the client met an error after {sent} bytes up and {received} down: {error}"));
        }
        match served {
            None => fail(format!("the server never heard of it; the client sent {sent} bytes")),
            Some(served) if served.received != sent || served.sent != received || !served.finished => {
                fail(format!("not all arrived: {sent} bytes up, {received} bytes down, {served:?}"));
            }
            Some(_) => {}
        }
    }

    /// A proxy that goes down ends connections in order, so an end of file alone does not say that all has arrived.
    fn judge_rough(&self, fail: &dyn Fn(String), seen: &Seen, served: Option<Served>) {
        let (sent, received) = (seen.sent.done(), seen.received.done());
        let whole = |served: Served| served.finished && served.received == sent && served.sent == received;
        if seen.end.is_err() || !served.is_some_and(whole) {
            self.book.cut();
        }
        if let Some(served) = served.filter(|served| served.received > sent || served.sent < received) {
            fail(format!("more arrived than was sent: {sent} bytes up, {received} bytes down, {served:?}"));
        }
    }
}

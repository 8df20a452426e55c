//! Clients and servers on real sockets, for the tests of the proxy and its toxics.

use qtests::{
    Scoped, Test,
    proxy::{ActiveToxic, FaultProxy, Toxic},
};
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// Nothing here takes this long unless it hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Control calls need no runtime of their own, so the bodies can block.
pub(crate) fn wait<T>(future: impl IntoFuture<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        tokio::time::timeout(LIMIT, future.into_future()).await.expect("a control call must not hang")
    })
}

/// A server that serves each connection on a thread of its own; it ends with the process.
pub(crate) fn server(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    addr
}

pub(crate) fn echo() -> SocketAddr {
    server(|mut stream| {
        stream.set_nodelay(true).unwrap();
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if stream.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    })
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// What a client gets that says nothing; a reset may come so early that connecting already tells it.
pub(crate) fn first_read(addr: SocketAddr) -> io::Result<usize> {
    TcpStream::connect(addr)?.read(&mut [0; 1])
}

pub(crate) fn ping(stream: &mut TcpStream) -> io::Result<Duration> {
    let sent = Instant::now();
    stream.write_all(b"ping")?;
    let mut reply = [0; 4];
    stream.read_exact(&mut reply)?;
    assert_eq!(&reply, b"ping");
    Ok(sent.elapsed())
}

/// Reads to the end, whatever it is.
pub(crate) fn read_all(stream: &mut TcpStream) -> (Vec<u8>, io::Result<()>) {
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (all, Ok(())),
            Ok(read) => all.extend(&buffer[..read]),
            Err(error) => return (all, Err(error)),
        }
    }
}

pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "never happened: {what}");
        thread::sleep(ms(1));
    }
}

pub(crate) fn proxied(upstream: SocketAddr) -> (Scoped, FaultProxy) {
    let t = Test::scoped();
    let wire = wait(t.proxy(upstream)).unwrap();
    (t, wire)
}

/// A small generator for test data; quality does not matter.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }
}

/// Sends `data` in random chunks and checks that exactly that comes back.
pub(crate) fn exchange(addr: SocketAddr, seed: u64, len: usize) {
    let mut random = Random(seed);
    let data = random.bytes(len);
    let mut stream = connect(addr);
    let mut writer = stream.try_clone().unwrap();
    let sent = data.clone();
    let sender = thread::spawn(move || {
        let mut rest = &sent[..];
        while !rest.is_empty() {
            let most = if random.below(2) == 0 { 100 } else { 100_000 };
            let (chunk, tail) = rest.split_at(rest.len().min(1 + random.below(most) as usize));
            writer.write_all(chunk).unwrap();
            rest = tail;
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let (received, end) = read_all(&mut stream);
    sender.join().unwrap();
    end.unwrap();
    assert_eq!(received.len(), data.len());
    assert!(received == data, "bytes were changed or reordered");
}

/// Replies only after the client's end of file.
pub(crate) fn summing() -> SocketAddr {
    server(|mut stream| {
        let (request, _) = read_all(&mut stream);
        thread::sleep(ms(50));
        let _ = stream.write_all(format!("got {}", request.len()).as_bytes());
    })
}

/// A connection through a proxy, seen along one direction.
pub(crate) struct Way {
    pub(crate) t: Scoped,
    pub(crate) wire: FaultProxy,
    pub(crate) sender: TcpStream,
    pub(crate) receiver: TcpStream,
    pub(crate) upstream: bool,
    /// Bytes that have gone this way already.
    pub(crate) before: u64,
}

impl Way {
    pub(crate) fn new(upstream: bool, live: bool) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (t, wire) = proxied(listener.local_addr().unwrap());
        let mut client = connect(wire.addr());
        let mut server = listener.accept().unwrap().0;
        server.set_nodelay(true).unwrap();
        server.set_read_timeout(Some(LIMIT)).unwrap();
        server.set_write_timeout(Some(LIMIT)).unwrap();
        if live {
            for _ in 0..2 {
                client.write_all(b"ping").unwrap();
                server.read_exact(&mut [0; 4]).unwrap();
                server.write_all(b"pong").unwrap();
                client.read_exact(&mut [0; 4]).unwrap();
            }
        }
        let (sender, receiver) = if upstream { (client, server) } else { (server, client) };
        Way { t, wire, sender, receiver, upstream, before: if live { 8 } else { 0 } }
    }

    pub(crate) fn add(&self, down: impl Into<Toxic>, up: impl Into<Toxic>) -> ActiveToxic {
        wait(self.wire.add(if self.upstream { up.into() } else { down.into() })).unwrap()
    }

    pub(crate) fn expect(&mut self, bytes: &[u8]) {
        let mut received = vec![0; bytes.len()];
        self.receiver.read_exact(&mut received).unwrap();
        assert!(received == bytes, "bytes were changed or reordered");
    }

    /// The other direction works.
    pub(crate) fn expect_back(&mut self) {
        self.receiver.write_all(b"back").unwrap();
        let mut back = [0; 4];
        self.sender.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"back");
    }

    pub(crate) fn expect_silence(&mut self) {
        self.receiver.set_read_timeout(Some(ms(30))).unwrap();
        let error = self.receiver.read(&mut [0; 1]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        self.receiver.set_read_timeout(Some(LIMIT)).unwrap();
    }

    pub(crate) fn expect_end(&mut self, end: Result<(), ErrorKind>) {
        for stream in [&mut self.receiver, &mut self.sender] {
            let (bytes, met) = read_all(stream);
            assert_eq!((bytes.len(), met.map_err(|error| error.kind())), (0, end));
        }
    }

    pub(crate) fn journal_has(&self, text: &str) -> bool {
        self.t.journal().iter().any(|line| line.contains(text))
    }
}

/// Each direction, each on a connection that is idle and on one that is not.
pub(crate) fn each_way(body: impl Fn(Way)) {
    for (upstream, live) in [(false, false), (false, true), (true, false), (true, true)] {
        body(Way::new(upstream, live));
    }
}

//! Streams whose reads and writes a test can make go wrong.

mod call;
mod poll;
mod side;

use super::{Decision, Place, Value, numbers::next_number};
use call::Call;
use side::Side;
use std::{fmt, io};

/// A stream, a socket or one end of a pipe in memory, whose reads and writes a test can make fail, wait, come in pieces or
/// change.
///
/// ```
/// use qtests::{Test, fault::FaultStream};
/// use std::{io, time::Duration};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> io::Result<()> {
///
/// let t = Test::scoped();
/// let (client, mut server) = tokio::io::duplex(64);
/// let mut client = FaultStream::new("db", client);
///
/// // The first write takes a second, lets three bytes pass, and then the connection breaks.
/// let broken = t.fault("stream.db.first_write");
/// broken.delay(Duration::from_secs(1)).short(3).fail(io::ErrorKind::BrokenPipe).arm();
///
/// let error = client.write_all(b"select 1").await.unwrap_err();
/// assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
/// drop(client);
/// let mut arrived = String::new();
/// server.read_to_string(&mut arrived).await?;
/// assert_eq!(arrived, "sel");
/// # Ok(())
/// # }
/// ```
///
/// It works under a paused clock, over sockets and over [`tokio::io::duplex`]. To break connections of code that cannot
/// be given a stream, or that runs in another process, use a [proxy](crate::proxy).
///
/// # Points
///
/// A stream is made with a name of one's choice, and its points are called after it. They can be armed before it is made.
///
/// | point | when |
/// |---|---|
/// | `stream.NAME.connect` | in [`connect`](Self::connect), before the connection is opened |
/// | `stream.NAME.first_write` | a write before any byte was written |
/// | `stream.NAME.write` | a write afterwards |
/// | `stream.NAME.first_read` | a read before any byte was read |
/// | `stream.NAME.read` | a read afterwards |
/// | `stream.NAME.close` | a shutdown of the writing side, before it happens |
///
/// A call comes by one point: the first read of a stream is *not* at `stream.NAME.read`. A first write that fails without
/// writing anything is followed by another first one. Calls with an empty buffer and a flush come by none, and dropping a
/// stream is no shutdown.
///
/// Hits have these arguments: `key` is the number of the stream among those of its name in the test, from 1, where an
/// attempt to [`connect`](Self::connect) counts (0 for a stream that was made outside of any test); `stream` is the name;
/// `offset` (except at `connect`) says how many bytes have passed in this direction so far, at `close` how many were
/// written; `length` (where bytes pass) how many bytes the buffer holds or has room for.
///
/// ```
/// # use qtests::{Test, fault::FaultStream};
/// # use std::io;
/// # use tokio::io::AsyncReadExt;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let t = Test::scoped();
/// // The second connection to the cache dies once a kilobyte has been read from it.
/// let late = t.fault("stream.cache.read").key("2").when(|hit| hit.int("offset") >= Some(1024));
/// late.fail(io::ErrorKind::ConnectionReset).arm();
/// # let (_first, mut second) = (FaultStream::new("cache", io::empty()), FaultStream::new("cache", tokio::io::repeat(7)));
/// # assert!(second.read_exact(&mut [0; 1024]).await.is_ok());
/// # assert_eq!(second.read_u8().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
/// # }
/// ```
///
/// # What faults do
///
/// First what stands before `short` and `corrupt` in the fault, then the call with its bytes, and what follows at the *next*
/// call of this direction (for writes also a flush or a shutdown), before that call comes by a point of its own. So
/// `.short(3).fail(..)` passes three bytes and then fails. Of several faults that fire at one call, the one that was armed
/// first acts first.
///
/// | action | here |
/// |---|---|
/// | `fail`, `fail_os`, `fail_with` | the call gives the error; no byte has passed, and none is lost |
/// | `delay` | the call takes so much longer, on tokio's clock |
/// | `hang` | a stall: the call does not come back until the test ends or the fault is disarmed; the other direction goes on |
/// | `hold` | a stall that ends with [`release`](super::ActiveFault::release) |
/// | `panic` | the call panics; the stream can be used further |
/// | `short(n)` | a short read or write: `n` bytes pass at most, as the contract of streams allows |
/// | `short(0)` | of a read: the end of the stream, from now on. Of a write: it writes nothing this once, so that `write_all` gives `WriteZero` |
/// | `corrupt` | one bit of what is read or written is flipped; nothing, if the read gives no bytes |
///
/// After an end by `short(0)` reads give what still follows in the fault, then the end again and again, and come by no point.
/// If the stream takes a part of a corrupted write only, the flipped bit may be in the rest, and is flipped when that is
/// written; a bit that is still to be flipped is not joined by a second one.
///
/// # One call, one decision
///
/// Faults are asked when a call is polled first. A fault that is armed later, while a read waits for bytes, does not meet
/// that read but the next one. The test that is asked is that of the thread that polls.
///
/// # Cancel safety
///
/// Reads and writes lose no bytes when they are dropped before they return, if those of the wrapped stream do not. Who
/// drops a call and calls again in the same direction goes on with the first call: what is left of a delay is waited for,
/// and no fault is asked again.
///
/// # Streams that are not `Unpin`
///
/// The wrapped stream is `Unpin`, as sockets are; pin others first: `FaultStream::new("db", Box::pin(stream))`.
pub struct FaultStream<S> {
    inner: S,
    name: Name,
    read: Side,
    write: Side,
    close: Call,
}

impl<S> FaultStream<S> {
    /// Wraps a stream, or one half of one. Nothing happens at its points until a test arms them.
    ///
    /// # Panics
    /// If the name is empty, or if the process has 10,000 points of streams, layers and pools: up to six for each name.
    #[track_caller]
    pub fn new(name: &str, stream: S) -> Self {
        Self::called(Name::new(name), stream)
    }

    /// Opens a connection and wraps it, with the point `stream.NAME.connect` before it is opened.
    ///
    /// ```
    /// # use qtests::{Test, fault::FaultStream};
    /// # use std::{io, time::Duration};
    /// # use tokio::{net::{TcpListener, TcpStream}, time::timeout};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> io::Result<()> {
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let addr = listener.local_addr()?;
    /// let t = Test::scoped();
    /// t.fault("stream.db.connect").first(1).fail(io::ErrorKind::ConnectionRefused).arm();
    ///
    /// let open = || FaultStream::connect("db", TcpStream::connect(addr));
    /// assert_eq!(open().await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    /// assert!(open().await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What the test injects, and then `connect` was not polled; else the error of `connect`.
    ///
    /// # Panics
    /// As [`new`](Self::new), and if the test injects a panic.
    ///
    /// # Cancel safety
    /// As that of `connect`.
    pub async fn connect(name: &str, connect: impl Future<Output = io::Result<S>>) -> io::Result<Self> {
        let name = Name::new(name);
        if let Some(decision) = name.decide(name.point("connect"), None, None) {
            decision.run().await?;
        }
        Ok(Self::called(name, connect.await?))
    }

    fn called(name: Name, inner: S) -> Self {
        let side = |first, rest| Side::new(name.point(first), name.point(rest));
        let (read, write) = (side("first_read", "read"), side("first_write", "write"));
        Self { inner, name, read, write, close: Call::New }
    }

    /// The wrapped stream.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The wrapped stream. What is read from it or written to it comes by no point, and is not counted.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The wrapped stream, without its faults.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> fmt::Debug for FaultStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (read, written) = (self.read.offset(), self.write.offset());
        write!(f, "FaultStream({} {}, {read} bytes read, {written} written)", self.name.text, self.name.number)
    }
}

/// What a stream is called.
struct Name {
    text: String,
    /// Which of this name it is in its test.
    number: u64,
    /// The point that every stream has.
    close: Place,
}

impl Name {
    #[track_caller]
    fn new(text: &str) -> Self {
        assert!(!text.is_empty(), "a stream has a name, by which a test arms its points: `stream.NAME.read`");
        // Made before the number: the names that are numbered are no more than there may be places.
        let close = place(text, "close");
        Self { text: text.to_owned(), number: next_number(text), close }
    }

    #[track_caller]
    fn point(&self, point: &str) -> Place {
        place(&self.text, point)
    }

    /// What is to happen at a point.
    fn decide(&self, place: Place, offset: Option<u64>, length: Option<usize>) -> Option<Decision> {
        let known = [("key", Value::Int(self.number.into())), ("stream", Value::Str(&self.text))];
        let offset = offset.map(|offset| ("offset", Value::Int(offset.into())));
        let length = length.map(|length| ("length", Value::Int(length as i128)));
        match (offset, length) {
            (Some(offset), Some(length)) => place.decide(&[known[0], known[1], offset, length]),
            (Some(offset), None) => place.decide(&[known[0], known[1], offset]),
            _ => place.decide(&known),
        }
    }
}

#[track_caller]
fn place(name: &str, point: &str) -> Place {
    Place::new(&format!("stream.{name}.{point}"))
}

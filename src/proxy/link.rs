//! One direction of one connection: reads from one peer, passes the toxics, writes to the other.

use std::io;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connection::Connection;
use super::line::{Front, Line};
use super::stream::{ReadHalf, WriteHalf};
use super::timer::{Timer, wait};
use super::toxic::{Cut, Direction, Item};

/// What one read takes at most.
const READ: usize = 64 * 1024;

/// What a link may hold back before it stops reading, so that the sender feels it.
const MAX_WEIGHT: usize = 4 * 1024 * 1024;

/// Why a link ended other than by an end of file.
pub(super) enum Broken {
    /// The toxic of this number cut the connection, after what went in this direction.
    Cut { toxic: u64, how: Cut },
    /// The sender is gone, or the system gives no timer.
    Source(io::Error),
    /// The receiver takes no more. What it had sent before may still wait to be read.
    Sink(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Source(error)
    }
}

pub(super) struct Link<'a> {
    connection: &'a Connection,
    direction: Direction,
    from: ReadHalf<'a>,
    to: WriteHalf<'a>,
    buffer: Box<[u8]>,
    line: Line,
    /// The version of the proxy's toxics that `line` stands for.
    seen: u64,
    timer: Option<Timer>,
    /// Whether the sender has closed its write side; nothing is read after that.
    eof: bool,
}

impl<'a> Link<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        direction: Direction,
        from: ReadHalf<'a>,
        to: WriteHalf<'a>,
    ) -> Link<'a> {
        let buffer = vec![0; READ].into_boxed_slice();
        // Version 0 is before the first arming, when a line is empty.
        Link { connection, direction, from, to, buffer, line: Line::default(), seen: 0, timer: None, eof: false }
    }

    /// Runs until the end of file has been passed on.
    pub(super) async fn run(mut self) -> Result<(), Broken> {
        loop {
            self.catch_up();
            if self.line.is_clear() {
                if self.eof {
                    return self.finish().await;
                }
                self.straight().await?;
            } else if self.detour().await? {
                return Ok(());
            }
        }
    }

    /// The way of bytes that meet no toxic; ends when there are some, or at the end of file.
    async fn straight(&mut self) -> Result<(), Broken> {
        loop {
            let read = self.from.read(&mut self.buffer).await?;
            if read == 0 {
                self.eof = true;
                self.end_of_file();
                return Ok(());
            }
            self.connection.arrived(self.direction, &self.buffer[..read]).await;
            // What arrived after an arming must meet the toxic, also if the arming found this link waiting here.
            if self.connection.version() != self.seen {
                self.catch_up();
                self.line.push(Item::Bytes(self.buffer[..read].to_vec()), Instant::now());
                return Ok(());
            }
            let mut done = 0;
            while done < read {
                let wrote = self.to.write(&self.buffer[done..read]).await.map_err(Broken::Sink)?;
                if wrote == 0 {
                    return Err(Broken::Sink(io::ErrorKind::WriteZero.into()));
                }
                done += wrote;
                self.line.bypassed(wrote);
                self.passed(wrote);
            }
        }
    }

    /// The way past the toxics. Returns whether the end of file has been passed on; if not, the toxics have gone.
    async fn detour(&mut self) -> Result<bool, Broken> {
        loop {
            self.catch_up();
            self.line.advance(Instant::now());
            self.report();
            let front = match self.line.front() {
                Some(Front::Cut { toxic, how }) => {
                    return Err(Broken::Cut { toxic, how });
                }
                Some(Front::Eof) => return self.finish().await.map(|()| true),
                Some(Front::Bytes(bytes)) => Some(bytes),
                None if self.line.is_clear() => return Ok(false),
                None => None,
            };
            let may_read = !self.eof && self.line.weight() < MAX_WEIGHT && self.line.reads();
            let due = self.line.next_release();
            tokio::select! {
                biased;
                () = self.connection.changed(self.seen) => {}
                wrote = write(&mut self.to, front) => {
                    let wrote = wrote.map_err(Broken::Sink)?;
                    self.passed(wrote);
                    self.line.consume(wrote);
                }
                expired = wait(&mut self.timer, due) => expired?,
                read = self.from.read(&mut self.buffer), if may_read => match read? {
                    0 => {
                        self.eof = true;
                        self.end_of_file();
                    }
                    read => {
                        self.connection.arrived(self.direction, &self.buffer[..read]).await;
                        self.catch_up();
                        self.line.push(Item::Bytes(self.buffer[..read].to_vec()), Instant::now());
                    }
                },
            }
        }
    }

    /// Passes on that the sender has nothing more to say.
    async fn finish(&mut self) -> Result<(), Broken> {
        if self.connection.is_broken() {
            // The sender is gone: the system told that to the other link, and calls it an end of file here.
            return Err(Broken::Source(io::ErrorKind::ConnectionReset.into()));
        }
        self.to.shutdown().await.map_err(Broken::Sink)
    }

    fn end_of_file(&mut self) {
        self.catch_up();
        if !self.line.is_clear() {
            self.line.push(Item::Eof, Instant::now());
        }
    }

    /// Makes the line stand for the toxics that are in force now.
    fn catch_up(&mut self) {
        let version = self.connection.version();
        if version == self.seen {
            return;
        }
        self.seen = version;
        let armed = self.connection.state().armed();
        let ids: Vec<_> = armed.iter().map(|armed| armed.id).collect();
        self.line.keep_only(&ids, Instant::now());
        for toxic in armed.iter().filter(|toxic| self.connection.meets(toxic)) {
            if self.line.has(toxic.id) {
                continue;
            }
            let link = self.connection.state().link(self.connection.number(), toxic.id, self.direction);
            if let Some(effect) = toxic.spec.effect(&link) {
                self.line.add(toxic.id, effect);
            }
        }
        self.report();
    }

    fn report(&mut self) {
        for (toxic, tally) in self.line.take_tallies() {
            self.connection.tally(toxic, &tally, self.direction);
        }
    }

    fn passed(&self, bytes: usize) {
        self.connection.passed(self.direction, bytes);
    }
}

async fn write(to: &mut WriteHalf<'_>, bytes: Option<&[u8]>) -> io::Result<usize> {
    match bytes {
        Some(bytes) => to.write(bytes).await,
        None => std::future::pending().await,
    }
}

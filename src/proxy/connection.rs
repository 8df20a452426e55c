//! One connection: both its sockets, its two links, and how it ends.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::net::TcpStream;

use crate::scope::lock;

use super::drain;
use super::gate;
use super::link::{Broken, Link};
use super::site::Site;
use super::state::{Armed, State, count};
use super::timer::wait;
use super::toxic::{Cut, Direction, Tally};
use super::upstream::{Unreachable, dial};

/// First meetings that the journal tells of, for each connection.
const MAX_TOLD: usize = 100;

/// How long a cut waits for what the toxic let pass to be taken: a reset throws away what is still on this side.
const MAX_DRAIN: Duration = Duration::from_secs(1);

/// A client and the connection to the server that was made for it. One task runs it, links and all.
pub(super) struct Connection {
    number: u64,
    site: Arc<Site>,
    opened: Instant,
    upstream_bytes: AtomicU64,
    downstream_bytes: AtomicU64,
    sentence: OnceLock<Sentence>,
    /// The one waker of the one task: it can be kept, since it never changes.
    waker: OnceLock<Waker>,
    told: Mutex<Vec<(u64, Direction)>>,
    ended: AtomicBool,
}

/// That a connection is to be cut, how, and by which toxic.
pub(super) struct Sentence {
    how: Cut,
    by: Arc<Armed>,
}

impl Sentence {
    /// What an armed toxic means for a connection that is live now.
    pub(super) fn by(armed: &Arc<Armed>, connection: &Connection) -> Option<Sentence> {
        if armed.spec.refuses() {
            return Some(Sentence { how: Cut::Fin, by: armed.clone() });
        }
        let due = armed.cut_due(connection.opened)?;
        (due <= Instant::now()).then(|| Sentence { how: armed.spec.cut_how(), by: armed.clone() })
    }
}

/// How a connection ended.
enum End {
    /// Both sides said that they were done.
    Finished,
    Cut(Cut, Option<Arc<Armed>>),
    Broken(io::Error),
    Unreachable(Unreachable),
}

impl Connection {
    pub(super) fn new(number: u64, site: Arc<Site>) -> Connection {
        Connection {
            number,
            site,
            opened: Instant::now(),
            upstream_bytes: AtomicU64::new(0),
            downstream_bytes: AtomicU64::new(0),
            sentence: OnceLock::new(),
            waker: OnceLock::new(),
            told: Mutex::default(),
            ended: AtomicBool::new(false),
        }
    }

    /// Serves the client until the connection has ended.
    pub(super) async fn run(&self, mut client: TcpStream) {
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let _ = self.waker.set(waker);
        let mut server = None;
        let end = tokio::select! {
            biased;
            end = self.sentenced() => end,
            end = self.carry(&mut client, &mut server) => end,
        };
        // Told first: whoever sees the connection end may end the test at once, and asks which toxic met something.
        self.tell_end(&end);
        Self::close(&end, client, server);
    }

    /// Cuts it as soon as its task runs.
    pub(super) fn sentence(&self, sentence: Sentence) {
        let _ = self.sentence.set(sentence);
        self.wake();
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Waits until the toxics are no longer those of version `seen`, or the connection is to be cut.
    pub(super) async fn changed(&self, seen: u64) {
        poll_fn(|_| {
            if self.state().version() == seen && self.sentence.get().is_none() {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }

    /// Books what a toxic did to this connection.
    pub(super) fn tally(&self, toxic: u64, tally: &Tally, direction: Direction) {
        let Some(armed) = self.state().find(toxic) else { return };
        armed.tally(tally);
        for offset in &tally.corrupted_at {
            let by = &armed.spec;
            self.site.record(&format!("corrupted byte {offset} of conn {} {direction}, by `{by}`", self.number));
        }
        let mut told = lock(&self.told);
        if tally.met > 0 && told.len() < MAX_TOLD && !told.contains(&(toxic, direction)) {
            told.push((toxic, direction));
            self.site.record(&format!("`{}` met conn {} ({direction})", armed.spec, self.number));
        }
    }

    /// Counts bytes that were passed on.
    pub(super) fn passed(&self, direction: Direction, bytes: usize) {
        count(self.bytes(direction), bytes as u64);
        count(self.state().bytes(direction), bytes as u64);
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn state(&self) -> &State {
        &self.site.state
    }

    pub(super) fn site(&self) -> &Site {
        &self.site
    }

    fn bytes(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Upstream => &self.upstream_bytes,
            Direction::Downstream => &self.downstream_bytes,
        }
    }

    /// Waits until something ends the connection from outside its links.
    async fn sentenced(&self) -> End {
        let mut timer = None;
        loop {
            if let Some(Sentence { how, by }) = self.sentence.get() {
                return End::Cut(*how, Some(by.clone()));
            }
            let seen = self.state().version();
            let next = self.state().armed().into_iter().filter_map(|armed| Some((armed.cut_due(self.opened)?, armed)));
            let next = next.min_by_key(|(due, _)| *due);
            let due = next.as_ref().map(|(due, _)| *due);
            tokio::select! {
                biased;
                () = self.changed(seen) => {}
                expired = wait(&mut timer, due) => return match expired {
                    Ok(()) => {
                        let how = next.as_ref().map_or(Cut::Rst, |(_, armed)| armed.spec.cut_how());
                        End::Cut(how, next.map(|(_, armed)| armed))
                    }
                    Err(error) => End::Broken(error),
                },
            }
        }
    }

    /// Connects to the server and runs both links to their end.
    async fn carry(&self, client: &mut TcpStream, server: &mut Option<TcpStream>) -> End {
        let server = match dial(&self.site.upstream).await {
            Ok(stream) => server.insert(stream),
            Err(unreachable) => return End::Unreachable(unreachable),
        };
        // Small messages must not wait for acknowledgements that the direct connection would not have waited for.
        if let Err(error) = client.set_nodelay(true).and_then(|()| server.set_nodelay(true)) {
            return End::Broken(error);
        }
        let links = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let up = Link::new(self, Direction::Upstream, from_client, to_server);
            let down = Link::new(self, Direction::Downstream, from_server, to_client);
            tokio::try_join!(up.run(), down.run())
        };
        match links {
            Ok(_) => End::Finished,
            Err(Broken::Peer(error)) => End::Broken(error),
            Err(Broken::Cut { toxic, how, direction }) => {
                let receiver = if direction == Direction::Upstream { server } else { client };
                if tokio::time::timeout(MAX_DRAIN, drain::sent(receiver)).await.is_err() {
                    self.site.record(&format!(
                        "conn {} loses bytes: its receiver did not take them within {MAX_DRAIN:?}",
                        self.number
                    ));
                }
                End::Cut(how, self.state().find(toxic))
            }
        }
    }

    fn close(end: &End, client: TcpStream, server: Option<TcpStream>) {
        for stream in [Some(client), server].into_iter().flatten() {
            match end {
                End::Finished => {}
                End::Cut(Cut::Fin, _) => gate::finish(&stream),
                // A direct connection would pass a peer's reset on, too.
                End::Cut(Cut::Rst, _) | End::Broken(_) | End::Unreachable(_) => {
                    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                }
            }
        }
    }

    fn tell_end(&self, end: &End) {
        self.ended.store(true, Relaxed);
        let (number, passed) = (self.number, Passed(self));
        match end {
            End::Finished => self.site.record(&format!("conn {number} closed after {passed}")),
            End::Broken(error) => self.site.record(&format!("conn {number} broke after {passed}: {error}")),
            End::Unreachable(why) => self.site.record(&format!("conn {number} closed with a reset: {why}")),
            End::Cut(how, by) => {
                let verb = if *how == Cut::Rst { "reset" } else { "closed" };
                let name = by.as_ref().map_or_else(
                    || "a removed toxic".to_owned(),
                    |by| {
                        count(&by.met, 1);
                        format!("`{}`", by.spec)
                    },
                );
                self.site.record(&format!("{verb} conn {number} after {passed}, by {name}"));
            }
        }
    }

    /// For a task that did not come to its end.
    pub(super) fn tell_if_unended(&self) {
        if !self.ended.load(Relaxed) {
            self.site.record(&format!("conn {} closed after {}: the proxy stopped", self.number, Passed(self)));
        }
    }
}

/// The bytes that a connection has carried, for the journal.
struct Passed<'a>(&'a Connection);

impl fmt::Display for Passed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let down = self.0.downstream_bytes.load(Relaxed);
        let up = self.0.upstream_bytes.load(Relaxed);
        write!(f, "{down} bytes down and {up} up")
    }
}

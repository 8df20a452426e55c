//! One connection: both its sockets, its two links, and what its toxics do to it as a whole.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::sync::Notify;

use crate::scope::lock;

use super::chosen::Chosen;
use super::end::End;
use super::link::{Broken, Link};
use super::site::Site;
use super::state::{Armed, State, count};
use super::stream::Stream;
use super::timer::wait;
use super::toxic::{BOTH, Cut, Direction, Tally};

/// First meetings that the journal tells of, for each connection.
const MAX_TOLD: usize = 100;

/// How long an end waits for what was passed on before it to be taken: a reset throws away what is still on this side.
const MAX_DRAIN: Duration = Duration::from_secs(1);

/// A client and the connection to the server that was made for it. One task runs it, links and all.
pub(super) struct Connection {
    number: u64,
    site: Arc<Site>,
    pub(super) opened: Instant,
    chosen: Chosen,
    upstream_bytes: AtomicU64,
    downstream_bytes: AtomicU64,
    sentence: Mutex<Option<Sentence>>,
    is_half_open: AtomicBool,
    /// Whether one of its peers takes no more.
    is_broken: AtomicBool,
    /// Whether no toxic keeps it from being let in any more.
    is_in: AtomicBool,
    /// Told when it has been left half open, which its task outlives, and when its task ends.
    pub(super) severed: Notify,
    /// The one waker of the one task: it can be kept, since it never changes.
    waker: OnceLock<Waker>,
    told: Mutex<Vec<(u64, Direction)>>,
    ended: AtomicBool,
}

/// That a connection is to be cut, how, and by which toxic.
#[derive(Clone)]
pub(super) struct Sentence {
    pub(super) how: Cut,
    by: Arc<Armed>,
}

impl Sentence {
    /// What an armed toxic means for a connection that is live now.
    pub(super) fn by(armed: &Arc<Armed>, connection: &Connection) -> Option<Sentence> {
        if !connection.meets(armed) {
            return None;
        }
        armed.spec.expels().map(|how| Sentence { how, by: armed.clone() }).or_else(|| Self::due(armed, connection))
    }

    /// What it means to one that is new.
    fn due(armed: &Arc<Armed>, connection: &Connection) -> Option<Sentence> {
        let (due, how) = armed.cut_due(connection.opened)?;
        let is_done = how == Cut::HalfOpen && connection.is_half_open.load(Relaxed);
        (due <= Instant::now() && !is_done).then(|| Sentence { how, by: armed.clone() })
    }
}

impl Connection {
    pub(super) fn new(number: u64, site: Arc<Site>) -> Connection {
        Connection {
            number,
            site,
            opened: Instant::now(),
            chosen: Chosen::new(number),
            upstream_bytes: AtomicU64::new(0),
            downstream_bytes: AtomicU64::new(0),
            sentence: Mutex::default(),
            is_half_open: AtomicBool::new(false),
            is_broken: AtomicBool::new(false),
            is_in: AtomicBool::new(false),
            severed: Notify::new(),
            waker: OnceLock::new(),
            told: Mutex::default(),
            ended: AtomicBool::new(false),
        }
    }

    /// Serves the client until the connection has ended.
    pub(super) async fn run(&self, mut client: Stream) {
        let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
        let _ = self.waker.set(waker);
        let mut server = None;
        let mut end = tokio::select! {
            biased;
            end = self.sentenced(false) => end,
            end = self.carry(&mut client, &mut server) => end,
        };
        if let End::Cut(Cut::HalfOpen, by) = end {
            server.take().into_iter().for_each(Stream::finish);
            end = self.half_open(&mut client, by).await;
        }
        self.ended.store(true, Relaxed);
        // Told first: whoever sees the connection end may end the test at once, and asks which toxic met something.
        end.tell(self);
        end.close([Some(client), server]);
    }

    /// Cuts it as soon as its task runs.
    pub(super) fn sentence(&self, sentence: Sentence) {
        let mut pronounced = lock(&self.sentence);
        // The first one counts, except that one which ends the connection comes before one that does not.
        if pronounced.as_ref().is_none_or(|earlier| earlier.how == Cut::HalfOpen) {
            *pronounced = Some(sentence);
        }
        drop(pronounced);
        self.wake();
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// What its toxics are: another number means that they are others.
    pub(super) fn version(&self) -> u64 {
        self.state().version() + self.chosen.version()
    }

    /// Whether the toxic is one for this connection, as far as is known now.
    pub(super) fn meets(&self, armed: &Armed) -> bool {
        self.chosen.meets(armed, self.state())
    }

    /// Waits until the toxics are no longer those of version `seen`, or the connection is to be cut.
    pub(super) async fn changed(&self, seen: u64) {
        poll_fn(
            |_| {
                if self.version() == seen && lock(&self.sentence).is_none() { Poll::Pending } else { Poll::Ready(()) }
            },
        )
        .await;
    }

    /// Books what a toxic did to this connection.
    pub(super) fn tally(&self, toxic: u64, tally: &Tally, direction: Direction) {
        let Some(armed) = self.state().find(toxic) else { return };
        armed.tally(tally);
        let traffic = self.state().traffic(direction);
        count(&traffic.dropped, tally.dropped);
        count(&traffic.corrupted, tally.corrupted);
        for offset in &tally.corrupted_at {
            self.site.record(&format!("corrupted byte {offset} of conn {} {direction}, by `{armed}`", self.number));
        }
        let mut told = lock(&self.told);
        if tally.met > 0 && told.len() < MAX_TOLD && !told.contains(&(toxic, direction)) {
            told.push((toxic, direction));
            let passed = self.bytes(direction).load(Relaxed);
            let number = self.number;
            self.site.record(&format!("`{armed}` met conn {number} ({direction}) after {passed} bytes that way"));
        }
    }

    /// Books a toxic that acts on the connection by being there.
    pub(super) fn met_whole(&self, armed: &Armed) {
        if armed.spec.acts_before_bytes() && self.meets(armed) {
            count(&armed.met, 1);
            self.site.record(&format!("`{armed}` met conn {}", self.number));
        }
    }

    /// Takes note of bytes that were read. Waits for ever if by them the connection is to be cut: its task sees to that,
    /// and they go no further.
    pub(super) async fn arrived(&self, direction: Direction, bytes: &[u8]) {
        count(&self.state().traffic(direction).read, bytes.len() as u64);
        if direction == Direction::Downstream {
            return;
        }
        let waited = self.chosen.hear(bytes, self.state());
        if waited.is_empty() {
            return;
        }
        let sentence = waited.iter().filter(|armed| self.meets(armed)).find_map(|armed| Sentence::due(armed, self));
        // The other direction and the timers of cuts look anew.
        self.wake();
        if let Some(sentence) = sentence {
            count(&self.state().traffic(direction).dropped, bytes.len() as u64);
            self.sentence(sentence);
            std::future::pending().await
        }
    }

    /// Counts bytes that were passed on.
    pub(super) fn passed(&self, direction: Direction, bytes: usize) {
        count(self.bytes(direction), bytes as u64);
        count(&self.state().traffic(direction).passed, bytes as u64);
    }

    /// Whether a toxic that lets connections in late comes too late for it.
    pub(super) fn is_in(&self) -> bool {
        self.is_in.load(Relaxed)
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

    pub(super) fn bytes(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Upstream => &self.upstream_bytes,
            Direction::Downstream => &self.downstream_bytes,
        }
    }

    /// For a task that did not come to its end.
    pub(super) fn tell_if_unended(&self) {
        if !self.ended.load(Relaxed) {
            End::Stopped.tell(self);
        }
    }

    /// Waits until something ends the connection from outside its links.
    async fn sentenced(&self, half_open: bool) -> End {
        let mut timer = None;
        loop {
            if let Some(Sentence { how, by }) = lock(&self.sentence).take() {
                return End::Cut(how, Some(by));
            }
            let seen = self.version();
            let cuts = self.state().armed().into_iter().filter_map(|armed| {
                let (due, how) = armed.cut_due(self.opened).filter(|(_, how)| !half_open || *how != Cut::HalfOpen)?;
                self.meets(&armed).then_some((due, how, armed))
            });
            let next = cuts.min_by_key(|(due, ..)| *due);
            let due = next.as_ref().map(|(due, ..)| *due);
            tokio::select! {
                biased;
                () = self.changed(seen) => {}
                expired = wait(&mut timer, due) => return match (expired, next) {
                    (Ok(()), Some((_, how, by))) => End::Cut(how, Some(by)),
                    (Ok(()), None) => continue,
                    (Err(error), _) => End::Broken(error),
                },
            }
        }
    }

    /// Connects to the server and runs both links to their end.
    async fn carry(&self, client: &mut Stream, server: &mut Option<Stream>) -> End {
        if let Err(error) = self.let_in().await {
            return End::Broken(error);
        }
        self.is_in.store(true, Relaxed);
        let server = match self.thawed(&BOTH, self.reach()).await {
            Ok(stream) => server.insert(stream),
            Err(unreachable) => return End::Unreachable(unreachable),
        };
        // Small messages must not wait for acknowledgements that the direct connection would not have waited for.
        if let Err(error) = client.send_at_once().and_then(|()| server.send_at_once()) {
            return End::Broken(error);
        }
        let links = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let up = Link::new(self, Direction::Upstream, from_client, to_server);
            let down = Link::new(self, Direction::Downstream, from_server, to_client);
            let has_ended = AtomicBool::new(false);
            tokio::try_join!(
                self.to_its_end(Direction::Upstream, up.run(), &has_ended),
                self.to_its_end(Direction::Downstream, down.run(), &has_ended)
            )
        };
        let Err((broken, direction)) = links else { return End::Finished };
        // Whoever is left gets what was passed on to it.
        let towards_client = (direction == Direction::Downstream) != matches!(broken, Broken::Sink(_));
        let receiver = if towards_client { client } else { server };
        if tokio::time::timeout(MAX_DRAIN, receiver.sent()).await.is_err() {
            self.site.record(&format!(
                "conn {} loses bytes: its receiver did not take them within {MAX_DRAIN:?}",
                self.number
            ));
        }
        match broken {
            Broken::Source(error) | Broken::Sink(error) => End::Broken(error),
            Broken::Cut { toxic, how } => End::Cut(how, self.state().find(toxic)),
        }
    }

    /// Runs one of the two links. Where its receiver takes no more, the other link still gets the time to pass on what
    /// that receiver had sent: the answer of a server that reads no further, as to an upload that is too large.
    async fn to_its_end(
        &self,
        direction: Direction,
        link: impl Future<Output = Result<(), Broken>>,
        other_has_ended: &AtomicBool,
    ) -> Result<(), (Broken, Direction)> {
        let result = self.thawed(&[direction], link).await;
        if let Err(Broken::Sink(_)) = result {
            self.is_broken.store(true, Relaxed);
            self.wake();
            let other = poll_fn(|_| if other_has_ended.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending });
            // What is not passed on by then is lost, as it is where nothing waits for it.
            let _ = tokio::time::timeout(MAX_DRAIN, other).await;
        }
        other_has_ended.store(true, Relaxed);
        self.wake();
        result.map_err(|broken| (broken, direction))
    }

    /// Whether one of its peers takes no more.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Relaxed)
    }

    /// Runs a part of the connection, as long as no toxic freezes one of these directions.
    async fn thawed<F: Future>(&self, directions: &[Direction], part: F) -> F::Output {
        let mut part = pin!(part);
        let (mut seen, mut frozen) = (None, false);
        poll_fn(|cx| {
            let version = self.version();
            if seen != Some(version) {
                seen = Some(version);
                frozen = self.state().armed().iter().any(|armed| {
                    directions.iter().any(|direction| armed.spec.freezes(*direction)) && self.meets(armed)
                });
            }
            if frozen { Poll::Pending } else { part.as_mut().poll(cx) }
        })
        .await
    }

    /// What is left of a connection whose server has forgotten it: takes what the client sends, and drops it.
    async fn half_open(&self, client: &mut Stream, by: Option<Arc<Armed>>) -> End {
        let toxic = by.as_ref().map_or(0, |by| by.id);
        if let Some(by) = by {
            count(&by.met, 1);
            self.site.record(&format!("conn {} is half open after {}, by `{by}`", self.number, End::passed(self)));
        }
        self.is_half_open.store(true, Relaxed);
        self.severed.notify_one();
        tokio::select! {
            biased;
            end = self.sentenced(true) => end,
            end = self.swallow(client, toxic) => end,
        }
    }

    async fn swallow(&self, client: &mut Stream, toxic: u64) -> End {
        let in_force = || self.state().armed().iter().any(|armed| armed.id == toxic);
        let (mut from_client, _to_client) = client.split();
        let mut buffer = vec![0; 16 * 1024];
        loop {
            match from_client.read(&mut buffer).await {
                Err(error) => return End::Broken(error),
                Ok(_) if !in_force() => return End::Unknown,
                // Whether it is gone or only has nothing more to say, nobody answers.
                Ok(0) => break,
                Ok(read) => {
                    let traffic = self.state().traffic(Direction::Upstream);
                    count(&traffic.read, read as u64);
                    count(&traffic.dropped, read as u64);
                }
            }
        }
        poll_fn(|_| if in_force() { Poll::Pending } else { Poll::Ready(End::Unknown) }).await
    }
}

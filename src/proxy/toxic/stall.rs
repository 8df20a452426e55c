//! Now and then everything waits, as after a lost packet.

use std::fmt;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use super::range::{Checked, accept, at_least_one, probability};
use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Ways, later};

/// The data of a packet: 1,500 bytes of Ethernet less 40 of the headers of IPv4 and TCP (RFC 9293, 3.7.1).
const PACKET: usize = 1_460;

/// Lets everything behind some place of the stream wait, in order: what an application sees when TCP loses a packet and
/// sends it again. Nothing is lost, since TCP loses nothing.
///
/// Without [`every`](Self::every) or [`probability`](Self::probability) each direction stalls once, at the first bytes
/// that meet it. Stalls behind each other add up. The draws repeat with the test's seed. On removal, what is still held
/// leaves at once.
///
/// Counts as met: each stall. Packets that a probability spares do not make a test vacuous.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Stall {
    pause: Duration,
    when: When,
    ways: Ways,
}

has_ways!(Stall, downstream by default);

#[derive(Clone, Copy, Debug)]
enum When {
    Once,
    Every(NonZeroU64),
    Probability(f64),
}

impl Stall {
    /// Stalls what the server sends for so long.
    pub fn of(pause: Duration) -> Stall {
        Stall { pause, when: When::Once, ways: Ways::One(Direction::Downstream) }
    }

    /// Stalls for 200 ms, the least time for which Linux waits before it sends a lost packet again (`TCP_RTO_MIN` in
    /// its `include/net/tcp.h`; RFC 6298 asks for a second). On a fast network that is what the first loss costs.
    pub fn rto() -> Stall {
        Stall::of(Duration::from_millis(200))
    }

    /// Stalls once in each run of so many bytes, at a drawn place. The runs count from the opening of the connection,
    /// so the places do not depend on how reads cut the stream. Defaults to once.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn every(self, bytes: u64) -> Stall {
        accept("Stall::every", self.try_every(bytes))
    }

    pub(super) fn try_every(mut self, bytes: u64) -> Checked<Stall> {
        self.when = When::Every(at_least_one(bytes, "1 stalls at every byte")?);
        Ok(self)
    }

    /// Stalls at each packet with this probability, where a packet is what came at once, of 1,460 bytes at most.
    /// Defaults to once.
    ///
    /// # Panics
    /// Unless it is above 0.0 and at most 1.0.
    #[track_caller]
    pub fn probability(self, probability: f64) -> Stall {
        accept("Stall::probability", self.try_probability(probability))
    }

    pub(super) fn try_probability(mut self, value: f64) -> Checked<Stall> {
        self.when = When::Probability(probability(value)?);
        Ok(self)
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stall {:?}", self.pause)?;
        match self.when {
            When::Once => f.write_str(" once")?,
            When::Every(bytes) => write!(f, " every {bytes} bytes")?,
            When::Probability(p) => write!(f, " probability {p}")?,
        }
        write!(f, " {}", self.ways)
    }
}

impl Spec for Stall {
    fn misses(&self) -> &'static str {
        "no byte came by at which it was to stall"
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        let losses = Losses { stall: *self, link: *link, chunks: 0, until: None };
        self.ways.include(link.direction).then(|| Box::new(losses) as Box<dyn Effect>)
    }
}

/// The stalls of one link.
struct Losses {
    stall: Stall,
    link: LinkId,
    chunks: u64,
    /// Nothing leaves before this.
    until: Option<Instant>,
}

impl Losses {
    /// At which places of a chunk it stalls, in order.
    fn places(&self, offset: u64, len: usize) -> Vec<usize> {
        match self.stall.when {
            When::Once if self.chunks == 0 => vec![0],
            When::Once => Vec::new(),
            When::Every(bytes) => {
                let end = offset.saturating_add(len as u64);
                (offset / bytes..=(end - 1) / bytes)
                    .map(|run| {
                        (run * bytes.get()).saturating_add((self.link.draw(&[run, 0]) * bytes.get() as f64) as u64)
                    })
                    .filter(|place| (offset..end).contains(place))
                    // It fits, since it is below the length of the chunk.
                    .map(|place| (place - offset) as usize)
                    .collect()
            }
            When::Probability(p) => {
                (0..len).step_by(PACKET).filter(|place| self.link.draw(&[self.chunks, *place as u64]) < p).collect()
            }
        }
    }
}

impl Effect for Losses {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        let Item::Bytes(mut bytes) = item else { return out.release(item, at) };
        if matches!(self.stall.when, When::Probability(_)) {
            out.reached();
        }
        let mut done = 0;
        let places = self.places(out.offset(), bytes.len());
        self.chunks += 1;
        for place in places {
            if place > done {
                let behind = bytes.split_off(place - done);
                out.release(
                    Item::Bytes(std::mem::replace(&mut bytes, behind)),
                    self.until.map_or(at, |until| until.max(at)),
                );
                done = place;
            }
            out.met();
            self.until = Some(later(self.until.map_or(at, |until| until.max(at)), self.stall.pause));
        }
        // No place is behind the last byte, so something is left.
        out.release(Item::Bytes(bytes), self.until.map_or(at, |until| until.max(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::probe::Probe;
    use proptest::prelude::*;

    /// At which offsets stalls of 200 ms lie when bytes come in chunks of these lengths, all at the same time.
    fn stalls(stall: Stall, chunks: &[usize]) -> (Vec<u64>, u64) {
        let mut probe = Probe::of(&stall);
        let (mut found, mut offset, mut last) = (Vec::new(), 0, 0);
        for (release, bytes) in chunks.iter().flat_map(|len| probe.lengths(*len, 0)) {
            assert!(bytes > 0, "a chunk is never empty");
            found.extend(std::iter::repeat_n(offset, ((release - last) / 200) as usize));
            last = release;
            offset += bytes as u64;
        }
        assert_eq!(offset, chunks.iter().sum::<usize>() as u64);
        (found, probe.tally.met)
    }

    #[test]
    fn a_stall_that_was_told_nothing_comes_once() {
        assert_eq!(stalls(Stall::rto(), &[10, 10, 10]), (vec![0], 1));
    }

    #[test]
    fn what_comes_after_a_stall_is_not_delayed() {
        let mut probe = Probe::of(&Stall::rto());
        let left: Vec<_> = [0, 100, 199, 201].into_iter().flat_map(|at| probe.lengths(1, at)).collect();
        assert_eq!(left, [(200, 1), (200, 1), (200, 1), (201, 1)]);
    }

    #[test]
    fn every_run_of_bytes_stalls_once() {
        let (places, met) = stalls(Stall::rto().every(1_000), &[777; 100]);
        assert_eq!(places.len() as u64, met);
        for run in 0..77 {
            let within = places.iter().filter(|place| (run * 1_000..(run + 1) * 1_000).contains(*place)).count();
            assert_eq!(within, 1, "run {run}");
        }
        assert_eq!(stalls(Stall::rto().every(1), &[5]).0, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn packets_stall_with_their_probability() {
        let (places, _) = stalls(Stall::rto().probability(0.1), &[PACKET * 10; 1_000]);
        // The standard deviation of 10,000 draws at 0.1 is 30.
        assert!((850..1_150).contains(&places.len()), "{}", places.len());
        assert!(places.iter().all(|place| place % PACKET as u64 == 0));
        assert_eq!(stalls(Stall::rto().probability(1.0), &[1, 1]).0, [0, 1]);
    }

    proptest! {
        #[test]
        fn how_reads_cut_the_stream_moves_no_stall_of_a_run(
            every in 1_u64..5_000,
            chunks in prop::collection::vec(1_usize..9_000, 1..30),
        ) {
            let stall = Stall::rto().every(every);
            prop_assert_eq!(stalls(stall, &chunks), stalls(stall, &[chunks.iter().sum()]));
        }
    }
}

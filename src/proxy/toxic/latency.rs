//! Everything takes longer, in order and at full throughput.

use std::fmt;
use std::time::{Duration, Instant};

use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Toxic, Ways, later};

/// Delays what passes: each chunk leaves `latency` (plus or minus `jitter`) after it arrived.
///
/// - The delay runs from each chunk's *arrival*, so chunks that follow each other closely are not delayed one after the
///   other, and throughput is not cut (up to 4 MiB of a direction can be on the way; then the sender is held back).
/// - The order is kept: a chunk never leaves before the one in front of it. The end of the stream is delayed like a
///   chunk.
/// - The delay is one way. A request and its reply are delayed once with [`downstream`](Self::downstream), twice with
///   [`both`](Self::both).
/// - Opening a connection is not delayed: the proxy accepts it at once. Neither is a peer's reset: it overtakes what is
///   held, which is lost.
/// - On removal, what is still held leaves at once, in order.
///
/// Counts as met: each chunk (what one read gave) that it delayed.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Latency {
    latency: Duration,
    jitter: Duration,
    ways: Ways,
    optional: bool,
}

impl Latency {
    /// A delay of `latency`, without jitter, from the server to the client.
    pub fn of(latency: Duration) -> Latency {
        Latency { latency, jitter: Duration::ZERO, ways: Ways::One(Direction::Downstream), optional: false }
    }

    /// Spreads the delay evenly over `latency - jitter ..= latency + jitter`. Defaults to none.
    ///
    /// The draws repeat with the test's seed: they depend on the proxy, the connection's number, the direction and the
    /// chunk's number only.
    ///
    /// # Panics
    /// If `jitter` is larger than the latency.
    #[track_caller]
    pub fn jitter(mut self, jitter: Duration) -> Latency {
        assert!(
            jitter <= self.latency,
            "Latency::jitter must not be above the latency ({:?}), but is {jitter:?}",
            self.latency
        );
        self.jitter = jitter;
        self
    }

    /// Delays what the client sends.
    pub fn upstream(mut self) -> Latency {
        self.ways = Ways::One(Direction::Upstream);
        self
    }

    /// Delays what the server sends. This is the default.
    pub fn downstream(mut self) -> Latency {
        self.ways = Ways::One(Direction::Downstream);
        self
    }

    /// Delays both directions, each by the whole latency.
    pub fn both(mut self) -> Latency {
        self.ways = Ways::Both;
        self
    }

    /// Lets the test pass even if no bytes ever meet this toxic. Defaults to failing such a test.
    pub fn optional(mut self) -> Latency {
        self.optional = true;
        self
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "latency {:?}", self.latency)?;
        if !self.jitter.is_zero() {
            write!(f, " +- {:?}", self.jitter)?;
        }
        write!(f, " {}", self.ways)
    }
}

impl From<Latency> for Toxic {
    fn from(latency: Latency) -> Toxic {
        Toxic::new(latency)
    }
}

impl Spec for Latency {
    fn is_optional(&self) -> bool {
        self.optional
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        let link = *link;
        self.ways
            .include(link.direction)
            .then(|| Box::new(Delay { latency: self.latency, jitter: self.jitter, link, chunks: 0 }) as Box<dyn Effect>)
    }
}

/// The delay line of one link.
struct Delay {
    latency: Duration,
    jitter: Duration,
    link: LinkId,
    chunks: u64,
}

impl Effect for Delay {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        let delay = spread(self.latency, self.jitter, draw(&self.link, self.chunks));
        self.chunks += 1;
        if matches!(item, Item::Bytes(_)) {
            out.met();
        }
        out.release(item, later(at, delay));
    }
}

/// The delay within `latency +- jitter` that a draw stands for; all draws are equally likely.
fn spread(latency: Duration, jitter: Duration, share: f64) -> Duration {
    if jitter.is_zero() {
        return latency;
    }
    // In two halves, since twice the jitter need not be a duration.
    (latency - jitter).saturating_add(jitter.mul_f64(share)).saturating_add(jitter.mul_f64(share))
}

/// A draw in `0.0..1.0` that depends on nothing but the place and the number of the chunk there.
fn draw(link: &LinkId, chunk: u64) -> f64 {
    link.seed.draw_unit_at(&[link.proxy, link.connection, link.toxic, link.direction as u64, chunk])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    const LINK: LinkId =
        LinkId { seed: Seed::new(7), proxy: 1, connection: 2, toxic: 3, direction: Direction::Downstream };

    #[test]
    fn draws_repeat_and_differ_by_place() {
        assert_eq!(draw(&LINK, 5), draw(&LINK, 5));
        let others = [
            LinkId { seed: Seed::new(8), ..LINK },
            LinkId { proxy: 2, ..LINK },
            LinkId { connection: 3, ..LINK },
            LinkId { toxic: 4, ..LINK },
            LinkId { direction: Direction::Upstream, ..LINK },
        ];
        assert!(others.iter().all(|other| draw(other, 5) != draw(&LINK, 5)));
        assert_ne!(draw(&LINK, 5), draw(&LINK, 6));
    }

    #[test]
    fn the_spread_is_even_and_stays_within_the_jitter() {
        let (latency, jitter) = (Duration::from_millis(200), Duration::from_millis(50));
        let delays: Vec<_> = (0..20_000).map(|chunk| spread(latency, jitter, draw(&LINK, chunk))).collect();
        assert!(delays.iter().all(|delay| (latency - jitter..=latency + jitter).contains(delay)));
        for quarter in 0..4 {
            let from = latency - jitter + jitter * quarter / 2;
            let share = delays.iter().filter(|delay| (from..from + jitter / 2).contains(delay)).count();
            assert!((4_700..5_300).contains(&share), "quarter {quarter} holds {share} of 20,000");
        }
        assert_eq!(spread(latency, latency, 0.0), Duration::ZERO);
        assert_eq!(spread(latency, Duration::ZERO, 0.999), latency);
    }
}

//! Everything takes longer, in order and at full throughput.

use std::fmt;
use std::time::{Duration, Instant};

use super::range::{Checked, accept};
use super::spread::Spread;
use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Ways, later};

/// Delays what passes: each chunk leaves `latency` (always the same, or spread) after it arrived.
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
    spread: Spread,
    ways: Ways,
}

has_ways!(Latency, downstream by default);

impl Latency {
    /// A delay of `latency`, always the same, from the server to the client.
    pub fn of(latency: Duration) -> Latency {
        Latency { latency, spread: Spread::None, ways: Ways::One(Direction::Downstream) }
    }

    /// Spreads the delay evenly over `latency - jitter ..= latency + jitter`. Defaults to none.
    ///
    /// The draws repeat with the test's seed: they depend on the proxy, the connection's number, the direction and the
    /// chunk's number only. The same holds for [`normal`](Self::normal) and [`pareto`](Self::pareto); of the three, the
    /// last one that is asked for counts.
    ///
    /// # Panics
    /// If `jitter` is larger than the latency.
    #[track_caller]
    pub fn jitter(self, jitter: Duration) -> Latency {
        accept("Latency::jitter", self.try_jitter(jitter))
    }

    pub(super) fn try_jitter(mut self, jitter: Duration) -> Checked<Latency> {
        self.spread = Spread::even(self.latency, jitter)?;
        Ok(self)
    }

    /// Spreads the delay normally around the latency, with the standard deviation `sigma`. Defaults to none.
    ///
    /// A draw below 0 counts as 0, which raises the mean a little unless the latency is several `sigma`: by 0.85 % of
    /// `sigma` at two. Drawn as by Box and Muller (1958), "A note on the generation of random normal deviates":
    /// `latency + sigma * sqrt(-2 ln u) * cos(2 pi v)`.
    pub fn normal(mut self, sigma: Duration) -> Latency {
        self.spread = if sigma.is_zero() { Spread::None } else { Spread::Normal(sigma) };
        self
    }

    /// Spreads the delay with a long tail: the latency is the least delay, and a share of `(latency / x)^shape` of the
    /// chunks is delayed by more than `x`. Defaults to none.
    ///
    /// It is the Pareto distribution (type I) with the latency as its scale, drawn as `latency / u^(1 / shape)`, the
    /// inverse of its distribution function. The mean is `latency * shape / (shape - 1)`; there is none if the shape is
    /// 1.0 or below. The median is `latency * 2^(1 / shape)`. A shape of 3.0 delays one chunk in 1,000 by more than ten
    /// times the latency. Since order is kept, the chunks behind wait for such a one.
    ///
    /// # Panics
    /// Unless `shape` is above 0.0 and finite.
    #[track_caller]
    pub fn pareto(self, shape: f64) -> Latency {
        accept("Latency::pareto", self.try_pareto(shape))
    }

    pub(super) fn try_pareto(mut self, shape: f64) -> Checked<Latency> {
        self.spread = Spread::pareto(shape)?;
        Ok(self)
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "latency {:?}{} {}", self.latency, self.spread, self.ways)
    }
}

impl Spec for Latency {
    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        let link = *link;
        self.ways
            .include(link.direction)
            .then(|| Box::new(Delay { latency: self.latency, spread: self.spread, link, chunks: 0 }) as Box<dyn Effect>)
    }
}

/// The delay line of one link.
struct Delay {
    latency: Duration,
    spread: Spread,
    link: LinkId,
    chunks: u64,
}

impl Effect for Delay {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        let delay = self.spread.delay(self.latency, |which| self.link.draw(&[self.chunks, which]));
        self.chunks += 1;
        if matches!(item, Item::Bytes(_)) {
            out.met();
        }
        out.release(item, later(at, delay));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::probe::Probe;

    #[test]
    fn chunks_and_the_end_leave_in_order_after_their_own_delay() {
        let ms = Duration::from_millis;
        let mut probe = Probe::of(&Latency::of(ms(100)));
        assert_eq!(probe.lengths(3, 1), [(101, 3)]);
        assert_eq!(probe.pass(Item::Eof, 2), [(102, Item::Eof)]);
        assert_eq!(probe.tally.met, 1);
        for spread in
            [Latency::of(ms(100)).jitter(ms(100)), Latency::of(ms(100)).normal(ms(50)), Latency::of(ms(1)).pareto(1.0)]
        {
            let times = |toxic| (0..50).flat_map(|_| Probe::of(&toxic).lengths(1, 0)).collect::<Vec<_>>();
            let mut probe = Probe::of(&spread);
            let delays: Vec<_> = (0..50).flat_map(|_| probe.lengths(1, 0)).collect();
            assert!(delays.iter().any(|delay| delay != &delays[0]), "{spread}: {delays:?}");
            assert!(times(spread).iter().all(|delay| delay == &delays[0]), "the first draw repeats");
        }
    }

    #[test]
    fn the_last_spread_counts() {
        let ms = Duration::from_millis;
        let name = |latency: Latency| latency.to_string();
        assert_eq!(name(Latency::of(ms(9)).jitter(ms(2)).pareto(2.5)), "latency 9ms pareto 2.5 downstream");
        assert_eq!(name(Latency::of(ms(9)).pareto(2.5).normal(ms(3)).both()), "latency 9ms normal 3ms both ways");
        assert_eq!(name(Latency::of(ms(9)).normal(ms(3)).jitter(ms(0))), "latency 9ms downstream");
    }
}

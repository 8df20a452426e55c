//! The wire carries only so many bytes a second.

use std::fmt;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use super::range::{Checked, accept, at_least_one};
use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Ways, later};

/// Limits each direction of each connection to a number of bytes a second.
///
/// - It is a token bucket: `n` bytes that arrive at an idle wire leave `n / rate` later, as from a wire that needs so
///   long to carry them; the first byte waits, too. With a [`burst`](Self::burst), so many bytes are free after a
///   rest.
/// - Chunks are cut into pieces of 5 ms, so the flow is smooth. Each piece has an absolute time at which it leaves,
///   counted from the end of the last rest: a late timer delays one piece, and errors do not add up.
/// - At most 4 MiB of a direction wait in the proxy; then the sender is held back.
/// - The end of the stream leaves behind the last byte, in order. On removal, what is still held leaves at once.
///
/// Counts as met: each chunk (what one read gave) that went through it.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Bandwidth {
    rate: NonZeroU64,
    burst: u64,
    ways: Ways,
}

has_ways!(Bandwidth, downstream by default);

impl Bandwidth {
    /// So many bytes a second from the server to the client, without a burst.
    ///
    /// # Panics
    /// If it is 0: that is [`Blackhole`](crate::proxy::Blackhole).
    #[track_caller]
    pub fn of(bytes_per_second: u64) -> Bandwidth {
        accept("Bandwidth::of", Bandwidth::try_of(bytes_per_second))
    }

    pub(super) fn try_of(bytes_per_second: u64) -> Checked<Bandwidth> {
        let rate = at_least_one(bytes_per_second, "Blackhole::new() lets nothing pass")?;
        Ok(Bandwidth { rate, burst: 0, ways: Ways::One(Direction::Downstream) })
    }

    /// Lets so many bytes pass at once after a rest; the wire is rested when it has been idle for as long as it takes
    /// to carry them. Over any time `t` at most `burst + rate * t` bytes leave. Defaults to 0.
    pub fn burst(mut self, bytes: u64) -> Bandwidth {
        self.burst = bytes;
        self
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bandwidth {} bytes/s", self.rate)?;
        if self.burst > 0 {
            write!(f, " burst {}", self.burst)?;
        }
        write!(f, " {}", self.ways)
    }
}

impl Spec for Bandwidth {
    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        let bucket = Bucket { rate: self.rate, burst: self.burst, busy: None };
        self.ways.include(link.direction).then(|| Box::new(bucket) as Box<dyn Effect>)
    }
}

/// The token bucket of one link.
struct Bucket {
    rate: NonZeroU64,
    burst: u64,
    busy: Option<Busy>,
}

/// What has happened since the bucket was full.
#[derive(Clone, Copy)]
struct Busy {
    since: Instant,
    bytes: u64,
}

impl Bucket {
    /// When the last of `bytes` leaves that arrive at `at`.
    fn leave(&mut self, bytes: usize, at: Instant) -> Instant {
        let busy = self.busy.filter(|busy| later(busy.since, self.time(busy.bytes)) > at);
        let mut busy = busy.unwrap_or(Busy { since: at, bytes: 0 });
        busy.bytes = busy.bytes.saturating_add(bytes as u64);
        self.busy = Some(busy);
        later(busy.since, self.time(busy.bytes.saturating_sub(self.burst))).max(at)
    }

    /// How long the wire takes for so many bytes, to the nanosecond above.
    fn time(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes % self.rate) * 1_000_000_000;
        let rest = nanos.div_ceil(u128::from(self.rate.get()));
        // It is below a second, or a whole one.
        Duration::from_secs(bytes / self.rate).saturating_add(Duration::from_nanos(u64::try_from(rest).unwrap_or(0)))
    }

    /// What the wire carries in 5 ms.
    fn piece(&self) -> usize {
        usize::try_from(self.rate.get() / 200).unwrap_or(usize::MAX).max(1)
    }
}

impl Effect for Bucket {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        // The end of the stream leaves behind what is in front of it.
        let Item::Bytes(bytes) = item else { return out.release(item, at) };
        out.met();
        for piece in bytes.chunks(self.piece()) {
            out.release(Item::Bytes(piece.to_vec()), self.leave(piece.len(), at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bucket(rate: u64, burst: u64) -> Bucket {
        Bucket { rate: NonZeroU64::new(rate).unwrap(), burst, busy: None }
    }

    /// Its length, its arrival and when it leaves, in ms.
    type Chunk = (usize, u64, u64);

    #[test]
    fn bytes_leave_when_the_wire_has_carried_them() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        // The rate, the burst, and the chunks.
        let table: &[(u64, u64, &[Chunk])] = &[
            (1_000, 0, &[(1, 0, 1), (9, 0, 10), (10, 5, 20), (10, 100, 110)]),
            (1_000, 10, &[(10, 0, 0), (10, 0, 10), (5, 14, 15), (10, 100, 100), (1, 100, 101)]),
            // Half rested: half of the burst is back.
            (1_000, 10, &[(10, 0, 0), (10, 5, 10)]),
            (1, 0, &[(60, 0, 60_000), (60, 0, 120_000)]),
            (u64::MAX, u64::MAX, &[(65_536, 3, 3)]),
        ];
        for (rate, burst, chunks) in table {
            let mut bucket = bucket(*rate, *burst);
            for (bytes, at, leaves) in *chunks {
                let leaves = start + ms(*leaves);
                assert_eq!(bucket.leave(*bytes, start + ms(*at)), leaves, "{rate} {burst} {bytes} {at}");
            }
        }
    }

    #[test]
    fn errors_do_not_add_up_over_an_hour_of_odd_pieces() {
        let start = Instant::now();
        let mut bucket = bucket(1_234_567, 0);
        let mut last = start;
        let mut bytes = 0_u64;
        while bytes < 1_234_567 * 3_600 {
            bytes += 6_172;
            last = bucket.leave(6_172, start);
        }
        let exact = bytes as f64 / 1_234_567.0;
        assert!((last - start).as_secs_f64() - exact < 2e-6, "{:?} for {exact} s", last - start);
        assert!((last - start).as_secs_f64() >= exact - 1e-9);
    }

    proptest! {
        #[test]
        fn no_span_of_time_carries_more_than_the_burst_and_the_rate(
            rate in 1_u64..2_000_000,
            burst in 0_u64..100_000,
            chunks in prop::collection::vec((1_usize..20_000, 0_u64..20_000_000), 1..40),
        ) {
            let start = Instant::now();
            let (mut bucket, mut at, mut left) = (bucket(rate, burst), start, Vec::new());
            for (bytes, pause) in chunks {
                at += Duration::from_nanos(pause);
                let leaves = bucket.leave(bytes, at);
                prop_assert!(leaves >= at);
                left.push((leaves, bytes as u64));
            }
            for from in 0..left.len() {
                let mut sum = 0;
                for (leaves, bytes) in &left[from + 1..] {
                    sum += bytes;
                    let most = burst as f64 + (*leaves - left[from].0).as_secs_f64() * rate as f64;
                    // A nanosecond of a rounded time.
                    prop_assert!(sum as f64 <= most + 1.0, "{sum} bytes where {most} may pass");
                }
            }
        }
    }
}

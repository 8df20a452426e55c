//! What was sent at once arrives in small pieces.

use std::fmt;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use super::range::{Checked, accept, at_least_one};
use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Ways, later};

/// Cuts what passes into pieces, each written by itself, so that code which takes one read for one message fails.
///
/// - The pieces are `average` bytes long; with a [`variation`](Self::variation) each length in `average - variation ..=
///   average + variation` is equally likely, so the mean is exactly `average`. The places of the cuts are counted in
///   bytes from the arming and repeat with the test's seed.
/// - Order and bytes are kept. A chunk never waits for bytes that are not there: its end is one more cut, and the next
///   chunk begins with the rest of the piece.
/// - Without a [`delay`](Self::delay) the receiver's system may put pieces together again before they are read.
/// - On removal, what is still held leaves at once.
///
/// Counts as met: each chunk (what one read gave) that it cut or delayed.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Slicer {
    average: NonZeroU64,
    variation: u64,
    delay: Duration,
    ways: Ways,
}

has_ways!(Slicer, downstream by default);

impl Slicer {
    /// Cuts what the server sends into pieces of `average` bytes.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn of(average: u64) -> Slicer {
        accept("Slicer::of", Slicer::try_of(average))
    }

    pub(super) fn try_of(average: u64) -> Checked<Slicer> {
        let average = at_least_one(average, "a piece is one byte at least")?;
        let ways = Ways::One(Direction::Downstream);
        Ok(Slicer { average, variation: 0, delay: Duration::ZERO, ways })
    }

    /// Makes the pieces up to so many bytes shorter or longer. Defaults to 0: all are alike.
    ///
    /// # Panics
    /// Unless it is below the average.
    #[track_caller]
    pub fn variation(self, bytes: u64) -> Slicer {
        accept("Slicer::variation", self.try_variation(bytes))
    }

    pub(super) fn try_variation(mut self, bytes: u64) -> Checked<Slicer> {
        if bytes >= self.average.get() {
            return Err(format!("must be below the average ({}), but is {bytes}", self.average));
        }
        self.variation = bytes;
        Ok(self)
    }

    /// Lets each piece leave so long after the one in front of it. Defaults to none.
    pub fn delay(mut self, delay: Duration) -> Slicer {
        self.delay = delay;
        self
    }
}

impl fmt::Display for Slicer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slicer {}", self.average)?;
        if self.variation > 0 {
            write!(f, " +- {}", self.variation)?;
        }
        f.write_str(" bytes")?;
        if !self.delay.is_zero() {
            write!(f, " delay {:?}", self.delay)?;
        }
        write!(f, " {}", self.ways)
    }
}

impl Spec for Slicer {
    fn misses(&self) -> &'static str {
        "no chunk was longer than a piece"
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        let knives = Knives { slicer: *self, link: *link, pieces: 0, left: 0, last: None };
        self.ways.include(link.direction).then(|| Box::new(knives) as Box<dyn Effect>)
    }
}

/// Cuts what passes on one link.
struct Knives {
    slicer: Slicer,
    link: LinkId,
    /// How many pieces have begun.
    pieces: u64,
    /// How much of the last of them is to come.
    left: u64,
    /// When the last piece leaves.
    last: Option<Instant>,
}

impl Knives {
    /// The length of the piece with this number.
    fn length(&self, piece: u64) -> u64 {
        let Slicer { average, variation, .. } = self.slicer;
        // In floating point, since twice the variation and one need not be a u64.
        let lengths = 2.0 * variation as f64 + 1.0;
        let above = (self.link.draw(&[piece, 0]) * lengths) as u64;
        (average.get() - variation).saturating_add(above)
    }
}

impl Effect for Knives {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        let Item::Bytes(bytes) = item else { return out.release(item, at) };
        let (mut rest, mut met) = (&bytes[..], false);
        while !rest.is_empty() {
            if self.left == 0 {
                self.left = self.length(self.pieces);
                self.pieces += 1;
            }
            let (piece, behind) = rest.split_at(rest.len().min(usize::try_from(self.left).unwrap_or(usize::MAX)));
            self.left -= piece.len() as u64;
            let release = self.last.map_or(at, |last| later(last, self.slicer.delay).max(at));
            self.last = Some(release);
            out.release(Item::Bytes(piece.to_vec()), release);
            met |= !behind.is_empty() || release > at;
            rest = behind;
        }
        if met {
            out.met();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::probe::{LINK, Probe};
    use proptest::prelude::*;

    fn knives(slicer: Slicer) -> Knives {
        Knives { slicer, link: LINK, pieces: 0, left: 0, last: None }
    }

    #[test]
    fn pieces_have_their_lengths_and_their_times() {
        let mut probe = Probe::of(&Slicer::of(100).delay(Duration::from_millis(10)));
        assert_eq!(probe.lengths(250, 0), [(0, 100), (10, 100), (20, 50)]);
        // The rest of the piece, and then whole ones.
        assert_eq!(probe.lengths(160, 5), [(30, 50), (40, 100), (50, 10)]);
        assert_eq!(probe.lengths(90, 100), [(100, 90)]);
        assert_eq!(probe.tally.met, 2, "the last chunk was neither cut nor delayed");
    }

    #[test]
    fn a_thousand_bytes_in_hundreds_are_ten_pieces() {
        let pieces = Probe::of(&Slicer::of(100)).lengths(1_000, 3);
        assert_eq!(pieces, [(3, 100); 10]);
    }

    #[test]
    fn the_mean_of_the_pieces_is_the_average_and_all_lengths_are_equally_likely() {
        let knives = knives(Slicer::of(100).variation(50));
        let lengths: Vec<_> = (0..50_000).map(|piece| knives.length(piece)).collect();
        assert_eq!((lengths.iter().min(), lengths.iter().max()), (Some(&50), Some(&150)));
        let mean = lengths.iter().sum::<u64>() as f64 / 50_000.0;
        // The standard error is 29.2 / sqrt(50,000), 0.13.
        assert!((mean - 100.0).abs() < 0.6, "{mean}");
        let ends = lengths.iter().filter(|length| [50, 150].contains(*length)).count();
        // 2 of 101 lengths: 990 of 50,000.
        assert!((850..1_130).contains(&ends), "{ends}");
    }

    #[test]
    fn the_longest_average_varies_within_its_bounds() {
        let knives = knives(Slicer::of(u64::MAX).variation(u64::MAX - 1));
        assert!((0..100).all(|piece| knives.length(piece) > 0));
    }

    proptest! {
        #[test]
        fn bytes_and_their_order_are_kept_and_the_cuts_stay_where_they_are(
            average in 1_u64..400,
            share in 0.0_f64..1.0,
            chunks in prop::collection::vec(1_usize..2_000, 1..20),
        ) {
            let slicer = Slicer::of(average).variation((average as f64 * share) as u64);
            let data: Vec<u8> = (0..chunks.iter().sum::<usize>()).map(|index| (index / 7) as u8).collect();
            // The bytes that leave, and behind which of them there are cuts.
            let cut = |chunks: &[usize]| {
                let (mut probe, mut rest, mut bytes, mut cuts) = (Probe::of(&slicer), &data[..], vec![], vec![]);
                for len in chunks {
                    let (chunk, behind) = rest.split_at(*len);
                    for (_, item) in probe.bytes(chunk, 0) {
                        let Item::Bytes(piece) = item else { panic!("{item:?}") };
                        assert!(!piece.is_empty());
                        bytes.extend(piece);
                        cuts.push(bytes.len());
                    }
                    rest = behind;
                }
                (bytes, cuts)
            };
            let (bytes, cuts) = cut(&chunks);
            prop_assert!(bytes == data);
            let (_, alone) = cut(&[data.len()]);
            prop_assert!(alone.iter().all(|place| cuts.contains(place)));
        }
    }
}

//! Bytes arrive changed.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Instant;

use super::range::{Checked, accept, at_least_one, probability};
use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Ways};

/// Bytes whose bit errors are drawn from one start, so that the draws of a place cost no more than so many.
const BLOCK: u64 = 4_096;

/// Changes bytes on their way, as a broken memory or a wrong translation does (TCP's checksum finds most errors of the
/// wire itself): what the receiver must find out by a checksum of its own.
///
/// Which bytes are changed, and how, depends on the test's seed, the proxy, the connection's number, the direction, the
/// toxic's number at its proxy and the byte's offset only, not on how reads cut the stream. Offsets count from the
/// opening of the connection, from 0, in each direction; bytes that a toxic in front has dropped are not among them.
/// The journal tells of the first ten of a direction.
///
/// Counts as met: each chunk (what one read gave) in which it changed something.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Corrupt {
    which: Which,
    ways: Ways,
}

has_ways!(Corrupt, downstream by default);

#[derive(Clone, Copy, Debug)]
enum Which {
    Bits(f64),
    ByteAt(u64),
    Every(NonZeroU64),
}

impl Corrupt {
    /// Flips each bit that the server sends with this probability, the bit error rate.
    ///
    /// The gap to the next flipped bit is drawn from the geometric distribution, `1 + floor(ln u / ln(1 - rate))`:
    /// Devroye (1986), "Non-Uniform Random Variate Generation", X.2. Bytes that happen to stay as they are do not make
    /// a test vacuous.
    ///
    /// # Panics
    /// Unless `rate` is above 0.0 and at most 1.0.
    #[track_caller]
    pub fn bits(rate: f64) -> Corrupt {
        accept("Corrupt::bits", Corrupt::try_bits(rate))
    }

    pub(super) fn try_bits(rate: f64) -> Checked<Corrupt> {
        Ok(Corrupt::downstream_of(Which::Bits(probability(rate)?)))
    }

    /// Changes the one byte at this offset of what the server sends.
    pub fn byte_at(offset: u64) -> Corrupt {
        Corrupt::downstream_of(Which::ByteAt(offset))
    }

    /// Changes each `n`th byte that the server sends: those at the offsets `n - 1`, `2 n - 1` and so on.
    ///
    /// # Panics
    /// If `n` is 0.
    #[track_caller]
    pub fn every(n: u64) -> Corrupt {
        accept("Corrupt::every", Corrupt::try_every(n))
    }

    pub(super) fn try_every(n: u64) -> Checked<Corrupt> {
        Ok(Corrupt::downstream_of(Which::Every(at_least_one(n, "1 changes every byte")?)))
    }

    fn downstream_of(which: Which) -> Corrupt {
        Corrupt { which, ways: Ways::One(Direction::Downstream) }
    }
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.which {
            Which::Bits(rate) => write!(f, "corrupt bits {rate} {}", self.ways),
            Which::ByteAt(offset) => write!(f, "corrupt byte at {offset} {}", self.ways),
            Which::Every(n) => write!(f, "corrupt every {n} bytes {}", self.ways),
        }
    }
}

impl Spec for Corrupt {
    fn misses(&self) -> &'static str {
        "no byte came by that it was to change"
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        let damage = Damage { which: self.which, link: *link };
        self.ways.include(link.direction).then(|| Box::new(damage) as Box<dyn Effect>)
    }
}

/// Changes the bytes of one link.
struct Damage {
    which: Which,
    link: LinkId,
}

impl Effect for Damage {
    fn pass(&mut self, mut item: Item, at: Instant, out: &mut Outlet<'_>) {
        if let Item::Bytes(bytes) = &mut item {
            let changed = match self.which {
                Which::Bits(rate) => {
                    out.reached();
                    self.flip(rate, bytes, out)
                }
                Which::ByteAt(offset) => self.change(offset, bytes, out),
                Which::Every(n) => {
                    let mut changed = false;
                    // The first of the places at or behind the chunk's first byte.
                    let mut place = (out.offset() / n).checked_add(1).and_then(|turn| turn.checked_mul(n.get()));
                    while let Some(next) = place.filter(|next| self.change(next - 1, bytes, out)) {
                        changed = true;
                        place = next.checked_add(n.get());
                    }
                    changed
                }
            };
            if changed {
                out.met();
            }
        }
        out.release(item, at);
    }
}

impl Damage {
    /// Changes the byte at this offset, if it is in the chunk.
    fn change(&self, offset: u64, bytes: &mut [u8], out: &mut Outlet<'_>) -> bool {
        let index = offset.checked_sub(out.offset()).and_then(|index| usize::try_from(index).ok());
        let Some(byte) = index.and_then(|index| bytes.get_mut(index)) else { return false };
        // Never 0, which would change nothing.
        *byte ^= 1 + (self.link.draw(&[offset, 0]) * 255.0) as u8;
        out.corrupted(offset);
        true
    }

    /// Flips bits of the chunk at this rate.
    fn flip(&self, rate: f64, bytes: &mut [u8], out: &mut Outlet<'_>) -> bool {
        let first = out.offset();
        let end = first + bytes.len() as u64;
        let mut last = None;
        for block in first / BLOCK..end.div_ceil(BLOCK) {
            for bit in self.flips(rate, block) {
                let offset = block * BLOCK + bit / 8;
                if offset >= end {
                    break;
                }
                let Some(index) = offset.checked_sub(first) else { continue };
                // It fits, since it is below the length of the chunk.
                bytes[index as usize] ^= 1 << (bit % 8);
                // A bit is flipped once at most, so the byte is changed.
                if last != Some(offset) {
                    last = Some(offset);
                    out.corrupted(offset);
                }
            }
        }
        last.is_some()
    }

    /// The bits of a block that are flipped, in order. Gaps have no memory, so each block can begin anew.
    fn flips(&self, rate: f64, block: u64) -> impl Iterator<Item = u64> {
        let mut next = 0_u64;
        (0..)
            .map(move |number| {
                let gap = (1.0 - self.link.draw(&[block, number])).ln() / (-rate).ln_1p();
                next = next.saturating_add(gap as u64).saturating_add(1);
                next - 1
            })
            .take_while(|bit| *bit < BLOCK * 8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;
    use crate::proxy::toxic::Tally;
    use crate::proxy::toxic::probe::{LINK, Probe};
    use proptest::prelude::*;

    /// What arrives of `data`, whose first byte has this offset, when it comes in chunks of these lengths.
    fn passed(toxic: Corrupt, link: LinkId, offset: u64, data: &[u8], chunks: &[usize]) -> (Vec<u8>, Tally) {
        let mut probe = Probe::on(&toxic, link);
        probe.offset = offset;
        let (mut rest, mut lengths, mut passed) = (data, chunks.iter().cycle(), Vec::new());
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at(rest.len().min(*lengths.next().unwrap()));
            for (_, item) in probe.bytes(chunk, 0) {
                let Item::Bytes(bytes) = item else { panic!("{item:?}") };
                passed.extend(bytes);
            }
            rest = behind;
        }
        (passed, probe.tally)
    }

    fn changed(from: &[u8], to: &[u8]) -> Vec<usize> {
        assert_eq!(from.len(), to.len());
        (0..from.len()).filter(|index| from[*index] != to[*index]).collect()
    }

    #[test]
    fn the_named_bytes_change_and_no_others() {
        let data = [0; 1_000];
        let table: &[(Corrupt, u64, &[usize])] = &[
            (Corrupt::byte_at(5), 0, &[5]),
            (Corrupt::byte_at(1_005), 1_000, &[5]),
            (Corrupt::byte_at(5), 6, &[]),
            (Corrupt::byte_at(u64::MAX), 0, &[]),
            (Corrupt::every(300), 0, &[299, 599, 899]),
            (Corrupt::every(300), 299, &[0, 300, 600, 900]),
            (Corrupt::every(300), 300, &[299, 599, 899]),
            (Corrupt::every(u64::MAX), 0, &[]),
            (Corrupt::every(500), u64::MAX - 2_000, &[384, 884]),
        ];
        for (toxic, offset, expected) in table {
            let (bytes, tally) = passed(*toxic, LINK, *offset, &data, &[64]);
            assert_eq!(changed(&data, &bytes), *expected, "{toxic} from {offset}");
            assert_eq!(tally.corrupted, expected.len() as u64);
        }
        let (bytes, _) = passed(Corrupt::every(1), LINK, 0, &data, &[64]);
        assert_eq!(changed(&data, &bytes).len(), 1_000);
    }

    #[test]
    fn so_many_bits_are_flipped_as_the_rate_says() {
        for rate in [1e-6, 0.001, 0.3, 1.0] {
            let data = vec![0; 1_000_000];
            let (bytes, tally) = passed(Corrupt::bits(rate), LINK, 0, &data, &[65_536]);
            let flipped: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
            let expected = 8e6 * rate;
            // Five standard deviations of a binomial distribution.
            let slack = 5.0 * (expected * (1.0 - rate)).sqrt();
            assert!((f64::from(flipped) - expected).abs() <= slack, "{flipped} at {rate}, not {expected}");
            assert_eq!(tally.corrupted, changed(&data, &bytes).len() as u64);
            assert!(tally.reached);
        }
    }

    #[test]
    fn another_place_has_other_errors() {
        let data = vec![0; 10_000];
        let at = |link| passed(Corrupt::bits(0.01).both(), link, 0, &data, &[512]).0;
        assert_ne!(at(LINK), at(LinkId { connection: 3, ..LINK }));
        assert_ne!(at(LINK), at(LinkId { direction: Direction::Upstream, ..LINK }));
        assert_ne!(at(LINK), at(LinkId { seed: Seed::new(8), ..LINK }));
    }

    proptest! {
        #[test]
        fn how_reads_cut_the_stream_changes_nothing(
            which in prop_oneof![
                (0.0001_f64..0.2).prop_map(Corrupt::bits),
                (0_u64..30_000).prop_map(Corrupt::byte_at),
                (1_u64..3_000).prop_map(Corrupt::every),
            ],
            chunks in prop::collection::vec(1_usize..9_000, 1..10),
            start in 0_u64..10_000,
        ) {
            let data: Vec<u8> = (0..20_000_u32).map(|index| index as u8).collect();
            let whole = passed(which, LINK, 0, &data, &[usize::MAX]).0;
            prop_assert!(passed(which, LINK, 0, &data, &chunks).0 == whole);
            // Also where the toxic is armed in the middle of the stream.
            let late = passed(which, LINK, start, &data[start as usize..], &chunks).0;
            prop_assert!(late == whole[start as usize..]);
        }
    }
}

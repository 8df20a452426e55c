//! One number that makes a run repeatable.

use std::fmt;

/// One number that makes a test repeatable: all randomness of a test is drawn from it.
///
/// It is derived from the name of the test, unless the attribute says `seed = ..` or the environment
/// `QTESTS_SEED=<number>` (or `random`). A draw is `hash(seed, site, key, hit number)`, so that what happens at one
/// place does not depend on other places or on the timing of threads.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(u64);

impl Seed {
    /// The seed with this number.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The seed that a name has when nobody says otherwise: the same on every machine and in every version.
    pub fn from_name(name: &str) -> Self {
        // Six decimal digits are enough to tell tests apart and short enough to be typed.
        Self(hash(name) % 1_000_000)
    }

    /// The number itself.
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The draw for the `hit`th time that `key` is met at `site`: evenly distributed over all 64-bit numbers.
    pub fn draw(self, site: &str, key: &str, hit: u64) -> u64 {
        let site = fnv1a(site.as_bytes(), FNV_START);
        // The byte between the two keeps ("ab", "c") and ("a", "bc") apart.
        let place = fnv1a(key.as_bytes(), fnv1a(&[0xff], site));
        mix(mix(mix(self.0).wrapping_add(place)).wrapping_add(hit))
    }

    /// The same draw as a number in `0.0..1.0`.
    pub fn draw_unit(self, site: &str, key: &str, hit: u64) -> f64 {
        unit(self.draw(site, key, hit))
    }

    /// The draw, as a number in `0.0..1.0`, for a place that is known by numbers.
    pub(crate) fn draw_unit_at(self, place: &[u64]) -> f64 {
        unit(place.iter().fold(mix(self.0), |hash, part| mix(hash ^ mix(*part))))
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({})", self.0)
    }
}

/// A number for a name, evenly distributed: the same on every machine and in every version.
pub(super) fn hash(name: &str) -> u64 {
    mix(fnv1a(name.as_bytes(), FNV_START))
}

/// The 53 upper bits are what an f64 can hold.
fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1_u64 << 53) as f64
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
fn fnv1a(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixer_matches_the_published_sequence_of_splitmix64() {
        // The first outputs of SplitMix64 started at 0.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn fnv_matches_its_published_vectors() {
        assert_eq!(fnv1a(b"", FNV_START), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar", FNV_START), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn draws_differ_by_site_key_hit_and_seed_but_repeat() {
        let seed = Seed::new(7);
        let draw = seed.draw("db", "k", 1);
        assert_eq!(draw, seed.draw("db", "k", 1));
        for other in [seed.draw("dbk", "", 1), seed.draw("db", "k", 2), Seed::new(8).draw("db", "k", 1)] {
            assert_ne!(draw, other);
        }
    }

    #[test]
    fn unit_draws_are_even() {
        let mean: f64 = (0..20_000).map(|hit| Seed::new(1).draw_unit("site", "", hit)).sum::<f64>() / 20_000.0;
        // The standard error of the mean of 20,000 uniform draws is 0.002.
        assert!((mean - 0.5).abs() < 0.01, "mean {mean}");
    }
}

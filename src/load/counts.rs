//! Log-linear counters: a histogram with a fixed relative error, made for counting fast. Pure.

/// Counts values in buckets whose width grows with the value: at most `2^-SUB` of it.
///
/// With `m` the position of the value's highest bit and `s = max(0, m - SUB)`, value `v` belongs to bucket
/// `(s << SUB) + (v >> s)`. So values below `2^SUB` are exact, and each doubling above has `2^SUB` buckets: the
/// layout of HdrHistogram (Gil Tene), without its unit and highest value.
///
/// Memory follows the largest value seen, never the number of values: at most 7,424 buckets for `SUB = 7`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts<const SUB: u32> {
    buckets: Vec<u64>,
    total: u64,
    max: u64,
}

impl<const SUB: u32> Counts<SUB> {
    /// Counts `value` once.
    #[inline]
    pub(super) fn add(&mut self, value: u64) {
        let bucket = Self::bucket(value);
        if bucket >= self.buckets.len() {
            // A whole doubling at a time, so that growing stays rare.
            self.buckets.resize((bucket | ((1 << SUB) - 1)) + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.total += 1;
        self.max = self.max.max(value);
    }

    /// Adds what `other` has counted; exact, in any order.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.buckets.len() > self.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many values were counted.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The largest value, exactly; 0 if there is none.
    pub(super) fn max(&self) -> u64 {
        self.max
    }

    /// How many values lie above the bucket of `value`: those within `2^-SUB` of it may not be told apart and do not
    /// count.
    pub(super) fn above(&self, value: u64) -> u64 {
        self.buckets.iter().skip(Self::bucket(value) + 1).sum()
    }

    /// By how much the values above the bucket of `bound` exceed it, all together.
    pub(super) fn excess(&self, bound: u64) -> u128 {
        let above = self.buckets.iter().enumerate().skip(Self::bucket(bound) + 1);
        above.map(|(bucket, n)| u128::from(Self::middle(bucket).saturating_sub(bound)) * u128::from(*n)).sum()
    }

    /// The value with `rank` values below it (0 is the smallest), to the width of its bucket; `None` if there are not
    /// so many.
    pub(super) fn at_rank(&self, rank: u64) -> Option<u64> {
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen > rank
        })?;
        Some(Self::middle(bucket).min(self.max))
    }

    /// The value below which the share `q` of all values lies; 0 if there are none.
    pub(super) fn quantile(&self, q: f64) -> u64 {
        self.at_rank(rank(q, self.total)).unwrap_or(0)
    }

    fn bucket(value: u64) -> usize {
        let shift = (63 - (value | 1).leading_zeros()).saturating_sub(SUB);
        ((shift as usize) << SUB) + (value >> shift) as usize
    }

    /// The middle of a bucket: the inverse of [`Self::bucket`].
    fn middle(bucket: usize) -> u64 {
        let doubling = (bucket >> SUB) as u32;
        if doubling == 0 {
            return bucket as u64;
        }
        let shift = doubling - 1;
        let lowest = ((bucket & ((1 << SUB) - 1)) as u64 | (1 << SUB)) << shift;
        lowest + ((1 << shift) >> 1)
    }
}

/// The rank of quantile `q` among `total` values: the number of values below it.
pub(super) fn rank(q: f64, total: u64) -> u64 {
    ((q * total as f64).ceil() as u64).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(values: &[u64]) -> Counts<7> {
        let mut counts = Counts::default();
        values.iter().for_each(|value| counts.add(*value));
        counts
    }

    #[test]
    fn small_values_are_exact() {
        let hundred = counts(&(1..=100).collect::<Vec<_>>());
        for (q, value) in [(0.5, 50), (0.9, 90), (0.99, 99), (1.0, 100)] {
            assert_eq!(hundred.quantile(q), value, "quantile {q}");
        }
        assert_eq!((hundred.above(99), hundred.above(100), hundred.above(0)), (1, 0, 100));
    }

    #[test]
    fn the_extremes_of_u64_are_counted() {
        let ends = counts(&[0, u64::MAX]);
        assert_eq!((ends.total(), ends.max(), ends.above(u64::MAX - 1), ends.above(1)), (2, u64::MAX, 0, 1));
        assert_eq!(ends.buckets.len(), 7_424);
    }

    #[test]
    fn nothing_counted_gives_zero() {
        let none = Counts::<7>::default();
        assert_eq!((none.quantile(0.99), none.above(0), none.at_rank(0)), (0, 0, None));
    }

    proptest! {
        #[test]
        fn a_bucket_is_never_wider_than_the_promised_share(value in any::<u64>()) {
            let middle = Counts::<7>::middle(Counts::<7>::bucket(value));
            prop_assert!(value.abs_diff(middle) <= value / 128, "{value} is shown as {middle}");
        }

        #[test]
        fn buckets_keep_the_order(a in any::<u64>(), b in any::<u64>()) {
            prop_assert!((a <= b) <= (Counts::<3>::bucket(a) <= Counts::<3>::bucket(b)));
        }

        #[test]
        fn merging_is_the_same_as_counting_in_one_place(
            a in prop::collection::vec(any::<u64>(), 0..50),
            b in prop::collection::vec(0..5_000_u64, 0..50),
        ) {
            let mut merged = counts(&a);
            merged.merge(&counts(&b));
            let both = counts(&[a, b].concat());
            prop_assert_eq!(merged.max(), both.max());
            prop_assert_eq!(merged.total(), both.total());
            prop_assert_eq!(merged.buckets, both.buckets);
        }
    }
}

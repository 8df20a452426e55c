//! What a fault does to bytes that pass a point.

/// What happens to the bytes of one read or write.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Damage {
    /// So many bytes pass at most.
    pub(crate) short: Option<usize>,
    /// Where one bit is flipped, as a share of what passes.
    flip: Option<f64>,
}

impl Damage {
    pub(super) fn shorten(&mut self, limit: usize) {
        self.short = Some(self.short.map_or(limit, |known| known.min(limit)));
    }

    pub(super) fn flip_at(&mut self, share: f64) {
        self.flip = Some(share);
    }

    /// How many of `length` bytes pass.
    pub(crate) fn passing(&self, length: usize) -> usize {
        self.short.map_or(length, |limit| limit.min(length))
    }

    /// Whether the bytes change.
    pub(crate) fn corrupts(&self) -> bool {
        self.flip.is_some()
    }

    /// Which bit of so many bytes is flipped, if any.
    pub(crate) fn flipped_bit(&self, length: usize) -> Option<usize> {
        let bits = length * 8;
        self.flip.filter(|_| bits > 0).map(|share| ((bits as f64 * share) as usize).min(bits - 1))
    }

    /// Flips the bit, if there is one to be flipped.
    pub(crate) fn corrupt(&self, bytes: &mut [u8]) {
        if let Some(bit) = self.flipped_bit(bytes.len()) {
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exactly_one_bit_is_flipped(bytes in proptest::collection::vec(any::<u8>(), 1..50), share in 0.0..1.0_f64) {
            let mut damage = Damage::default();
            damage.flip_at(share);
            let mut changed = bytes.clone();
            damage.corrupt(&mut changed);
            let flipped: u32 = bytes.iter().zip(&changed).map(|(a, b)| (a ^ b).count_ones()).sum();
            prop_assert_eq!(flipped, 1);
        }
    }

    #[test]
    fn the_shortest_limit_holds() {
        let mut damage = Damage::default();
        assert_eq!(damage.passing(7), 7);
        damage.shorten(5);
        damage.shorten(6);
        assert_eq!((damage.passing(7), damage.passing(3)), (5, 3));
    }
}

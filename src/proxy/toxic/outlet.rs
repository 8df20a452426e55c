//! Where a toxic puts what leaves it, and what it tells about it.

use std::collections::VecDeque;
use std::time::Instant;

use super::Item;

/// Corrupted bytes that the journal tells of one by one, for each toxic on each link.
const MAX_TOLD: usize = 10;

/// Where an [`Effect`](super::Effect) puts what leaves it.
pub(in crate::proxy) struct Outlet<'a> {
    held: &'a mut VecDeque<(Instant, Item)>,
    weight: &'a mut usize,
    tally: &'a mut Tally,
    offset: u64,
}

impl<'a> Outlet<'a> {
    /// `offset` is that of the first byte that is about to pass.
    pub(in crate::proxy) fn new(
        held: &'a mut VecDeque<(Instant, Item)>,
        weight: &'a mut usize,
        tally: &'a mut Tally,
        offset: u64,
    ) -> Outlet<'a> {
        Outlet { held, weight, tally, offset }
    }

    /// Lets the item leave at `release`, but never before the one in front of it.
    pub(in crate::proxy) fn release(&mut self, item: Item, release: Instant) {
        let release = self.held.back().map_or(release, |(last, _)| release.max(*last));
        *self.weight += item.weight();
        self.held.push_back((release, item));
    }

    /// The offset of the chunk's first byte among all bytes that came this way since the connection was opened, from 0.
    /// What toxics in front have dropped is not among them.
    pub(in crate::proxy) fn offset(&self) -> u64 {
        self.offset
    }

    /// Says that the toxic has done its work once: this is what it counts as met. A cut is counted by the connection.
    pub(in crate::proxy) fn met(&mut self) {
        self.tally.met += 1;
    }

    /// Says that a draw decided that nothing was done: a probability is not to blame for that.
    pub(in crate::proxy) fn reached(&mut self) {
        self.tally.reached = true;
    }

    /// Says that so many bytes go no further.
    pub(in crate::proxy) fn dropped(&mut self, bytes: usize) {
        self.tally.dropped += bytes as u64;
    }

    /// Says that the byte at this offset is no longer what it was.
    pub(in crate::proxy) fn corrupted(&mut self, offset: u64) {
        self.tally.corrupted += 1;
        if self.tally.told < MAX_TOLD {
            self.tally.told += 1;
            self.tally.corrupted_at.push(offset);
        }
    }
}

/// What one toxic did on one link since it was last asked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::proxy) struct Tally {
    /// How often it did its work.
    pub(in crate::proxy) met: u64,
    /// Whether bytes came by that a draw let pass.
    pub(in crate::proxy) reached: bool,
    /// Bytes that it dropped.
    pub(in crate::proxy) dropped: u64,
    /// Bytes that it corrupted.
    pub(in crate::proxy) corrupted: u64,
    /// The offsets of the first of them.
    pub(in crate::proxy) corrupted_at: Vec<u64>,
    /// How many offsets were told in all.
    told: usize,
}

impl Tally {
    /// What it holds, if there is something; it starts anew.
    pub(in crate::proxy) fn take(&mut self) -> Option<Tally> {
        let told = self.told;
        let news = self.met > 0 || self.reached || self.dropped > 0 || self.corrupted > 0;
        news.then(|| std::mem::replace(self, Tally { told, ..Tally::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_corrupted_bytes_are_told_one_by_one_and_all_are_counted() {
        let (mut held, mut weight, mut tally) = (VecDeque::new(), 0, Tally::default());
        for offset in 0..25 {
            Outlet::new(&mut held, &mut weight, &mut tally, 0).corrupted(offset);
        }
        let first = tally.take().unwrap();
        assert_eq!((first.corrupted, first.corrupted_at), (25, (0..10).collect()));
        assert_eq!(tally.take(), None);
        Outlet::new(&mut held, &mut weight, &mut tally, 0).corrupted(25);
        let second = tally.take().unwrap();
        assert_eq!((second.corrupted, second.corrupted_at), (1, Vec::new()));
    }
}

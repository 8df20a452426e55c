//! Collections with a hard limit.

use std::collections::VecDeque;

/// The last `limit` items; older ones are dropped and counted.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    items: VecDeque<T>,
    limit: usize,
    dropped: u64,
}

impl<T> Ring<T> {
    /// An empty ring for `limit` items, which must not be 0. Takes no memory until the first push.
    pub(crate) const fn new(limit: usize) -> Self {
        assert!(limit > 0);
        Self { items: VecDeque::new(), limit, dropped: 0 }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.items.len() == self.limit {
            self.items.pop_front();
            self.dropped += 1;
        }
        self.items.push_back(item);
    }

    /// The items that are still held, the oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.iter()
    }

    /// All items ever pushed, the dropped ones too.
    pub(crate) fn pushed(&self) -> u64 {
        self.dropped + self.items.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_last_items_stay_and_the_rest_is_counted(limit in 1_usize..20, count in 0_usize..60) {
            let mut ring = Ring::new(limit);
            (0..count).for_each(|item| ring.push(item));
            let kept: Vec<usize> = ring.iter().copied().collect();
            prop_assert_eq!(kept, (count.saturating_sub(limit)..count).collect::<Vec<_>>());
            prop_assert_eq!(ring.pushed(), count as u64);
        }
    }
}

//! Under which heading a failure is counted. Pure.

use std::collections::BTreeMap;

/// At most so many different categories are kept; the rest is counted together.
pub(super) const MOST_CATEGORIES: usize = 32;
/// A category is cut after so many characters.
const LONGEST: usize = 120;
const REST: &str = "other";

/// The category of an error's text: runs of digits become `#`, so that ids, ports and times do not make each error its
/// own kind.
pub(super) fn category(text: &str) -> String {
    let mut out = String::new();
    let mut in_digits = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        if !(digit && in_digits) {
            out.push(if digit { '#' } else { c });
        }
        in_digits = digit;
    }
    if let Some((end, _)) = out.char_indices().nth(LONGEST) {
        out.truncate(end);
    }
    out
}

/// How often each category was met.
#[derive(Debug, Clone, Default)]
pub(super) struct Categories(BTreeMap<String, u64>);

impl Categories {
    /// Counts `count` failures of `category`, or of "other" if there are too many categories already.
    pub(super) fn add(&mut self, category: String, count: u64) {
        if let Some(known) = self.0.get_mut(&category) {
            *known += count;
        } else if self.0.len() < MOST_CATEGORIES || category == REST {
            self.0.insert(category, count);
        } else {
            *self.0.entry(REST.to_owned()).or_default() += count;
        }
    }

    /// Adds what `other` has counted; the most frequent categories of both keep their name.
    pub(super) fn merge(&mut self, other: Self) {
        let mut all = std::mem::take(&mut self.0);
        for (category, count) in other.0 {
            *all.entry(category).or_default() += count;
        }
        for (category, count) in by_frequency(all) {
            self.add(category, count);
        }
    }

    /// The categories, the most frequent first.
    pub(super) fn into_sorted(self) -> Vec<(String, u64)> {
        by_frequency(self.0)
    }
}

fn by_frequency(counts: BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let mut sorted: Vec<_> = counts.into_iter().collect();
    // Stable: equally frequent ones stay in the order of the alphabet, so a report can be compared with another.
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_and_ports_do_not_make_categories() {
        for (text, expected) in [
            ("timed out after 1500 ms", "timed out after # ms"),
            ("127.0.0.1:5432 refused", "#.#.#.#:# refused"),
            ("no digits", "no digits"),
            ("", ""),
            ("7", "#"),
        ] {
            assert_eq!(category(text), expected);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(category(&"ü".repeat(500)).chars().count(), LONGEST);
    }

    #[test]
    fn merging_keeps_the_names_of_the_most_frequent() {
        let mut rare = Categories::default();
        (0..32).for_each(|i| rare.add(format!("rare {i}"), 1));
        let mut frequent = Categories::default();
        frequent.add("frequent".to_owned(), 100);
        rare.merge(frequent);
        let sorted = rare.into_sorted();
        assert_eq!(sorted[0], ("frequent".to_owned(), 100));
        assert_eq!(sorted.iter().map(|(_, n)| n).sum::<u64>(), 132);
    }

    proptest! {
        #[test]
        fn there_are_never_too_many_categories_and_no_failure_is_lost(
            kinds in prop::collection::vec(0..100_u8, 0..300),
            split in 0..300_usize,
        ) {
            let (mut left, mut right) = (Categories::default(), Categories::default());
            for (i, kind) in kinds.iter().enumerate() {
                let side = if i < split { &mut left } else { &mut right };
                side.add(format!("kind {}", char::from(kind + 32)), 1);
            }
            left.merge(right);
            let sorted = left.into_sorted();
            prop_assert!(sorted.len() <= MOST_CATEGORIES + 1);
            prop_assert_eq!(sorted.iter().map(|(_, n)| *n).sum::<u64>(), kinds.len() as u64);
        }
    }
}

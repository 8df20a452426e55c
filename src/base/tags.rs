//! Which tests are chosen by their tags.

use super::SettingValue;

/// A choice by tags, such as `db,mail,!slow`: a test is chosen if it has one of the plain tags, should there be any, and
/// none of those after `!`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TagFilter {
    wanted: Vec<String>,
    unwanted: Vec<String>,
}

impl TagFilter {
    /// Whether a test with these tags is chosen.
    pub(crate) fn chooses(&self, tags: &[&str]) -> bool {
        let has = |list: &[String]| list.iter().any(|tag| tags.contains(&tag.as_str()));
        (self.wanted.is_empty() || has(&self.wanted)) && !has(&self.unwanted)
    }
}

impl SettingValue for TagFilter {
    const KIND: &'static str = "tags with commas, those after `!` unwanted, such as `db,!slow`";

    fn parse(text: &str) -> Option<Self> {
        let mut filter = Self::default();
        for word in text.split(',').map(str::trim).filter(|_| !text.is_empty()) {
            let (list, tag) = match word.strip_prefix('!') {
                Some(tag) => (&mut filter.unwanted, tag.trim()),
                None => (&mut filter.wanted, word),
            };
            if tag.is_empty() || tag.contains(char::is_whitespace) {
                return None;
            }
            list.push(tag.to_owned());
        }
        Some(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(filter: &str, tags: &[&str]) -> bool {
        TagFilter::parse(filter).unwrap().chooses(tags)
    }

    #[test]
    fn without_a_filter_every_test_is_chosen() {
        assert!(chosen("", &[]) && chosen("", &["slow"]));
    }

    #[test]
    fn one_wanted_tag_is_enough_and_one_unwanted_is_too_much() {
        assert!(chosen("db,mail", &["mail"]) && !chosen("db,mail", &["slow"]) && !chosen("db", &[]));
        assert!(chosen("!slow", &[]) && !chosen("!slow", &["db", "slow"]));
        assert!(chosen("db,!slow", &["db"]) && !chosen(" db , ! slow ", &["db", "slow"]));
    }

    #[test]
    fn empty_words_are_refused() {
        for text in [",", "a,,b", "!", "a b"] {
            assert_eq!(TagFilter::parse(text), None, "{text:?}");
        }
    }
}

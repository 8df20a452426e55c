//! Near names for a name that does not exist, so that a typo costs one glance.

/// At most three of `known` that are near to `name`, the nearest first. Near is an edit distance of at most a third
/// of the name, or one name being part of the other.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (name.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|other| {
            let distance = edit_distance(name, other);
            let inside = name.len() > 2 && (other.contains(name) || name.contains(other));
            (distance <= limit || inside).then_some((distance, other))
        })
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, other)| other).collect()
}

/// Levenshtein's distance, by the two-row form of Wagner and Fischer (1974).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_textbook() {
        for (a, b, distance) in [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(edit_distance(a, b), distance, "{a:?} to {b:?}");
        }
    }

    #[test]
    fn the_nearest_name_comes_first_and_strangers_not_at_all() {
        let known = ["db.query", "db.quit", "mail.send", "wal.append"];
        assert_eq!(nearest("db.qury", known), ["db.query", "db.quit"]);
        assert_eq!(nearest("mail", known), ["mail.send"]);
        assert!(nearest("something else", known).is_empty());
    }
}

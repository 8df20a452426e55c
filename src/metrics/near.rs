//! Whether a name is a slip of another one. Pure.
//!
//! An answer is refused for it, so it is stricter than a hint: metrics of one service have names that are alike, such as
//! `orders.placed` and `orders.failed`, or `http.4xx` and `http.5xx`.

/// Whether the names have the same letters and differ in their case or in what stands between their words, or differ in
/// one word by one letter that was added, left out, swapped with its neighbour, or is another one. Short words, the first
/// letter of a word, and words with digits are never slips.
pub(super) fn is_slip(name: &str, other: &str) -> bool {
    if name == other {
        return false;
    }
    let (words, others) = (words(name), words(other));
    if words.concat() == others.concat() {
        return true;
    }
    let mut differing = words.iter().zip(&others).filter(|(word, other)| word != other);
    match (words.len() == others.len(), differing.next(), differing.next()) {
        (true, Some((word, other)), None) => is_slip_of_word(word, other),
        _ => false,
    }
}

fn words(name: &str) -> Vec<String> {
    name.split(|letter: char| !letter.is_alphanumeric()).map(str::to_lowercase).collect()
}

fn is_slip_of_word(word: &str, other: &str) -> bool {
    let (mut a, mut b): (Vec<char>, Vec<char>) = (word.chars().collect(), other.chars().collect());
    if a.len() > b.len() {
        std::mem::swap(&mut a, &mut b);
    }
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    if same == 0 || a.iter().chain(&b).any(|letter| !letter.is_alphabetic()) {
        return false;
    }
    let (rest, longer) = (&a[same..], &b[same..]);
    match b.len() - a.len() {
        1 => b.len() >= 4 && rest == &longer[1..],
        0 => {
            let is_swapped =
                rest.len() >= 2 && rest[0] == longer[1] && rest[1] == longer[0] && rest[2..] == longer[2..];
            (b.len() >= 4 && is_swapped) || (b.len() >= 6 && rest[1..] == longer[1..])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_one_wrong_letter_is_a_slip() {
        for (name, other) in [
            ("order.failed", "orders.failed"),
            ("orders.failed", "order.failed"),
            ("latncy", "latency"),
            ("latnecy", "latency"),
            ("latemcy", "latency"),
            ("latenc", "latency"),
            ("orders_failed", "orders.failed"),
            ("ordersFailed", "orders.failed"),
            ("kin", "kind"),
        ] {
            assert!(is_slip(name, other), "{name} {other}");
        }
    }

    #[test]
    fn names_that_are_only_alike_are_no_slips() {
        for (name, other) in [
            ("orders", "orders"),
            ("orders", "orders.failed"),
            ("orders.placed", "orders.failed"),
            ("orders.opened", "order.failed"),
            ("http.4xx", "http.5xx"),
            ("http.200", "http.2000"),
            ("node.a", "node.b"),
            ("io.sync", "io.async"),
            ("bytes.send", "bytes.sent"),
            ("hit", "hot"),
            ("miss", "hits"),
            ("", "a"),
            ("..", "orders"),
        ] {
            assert!(!is_slip(name, other), "{name} {other}");
        }
    }
}

//! How counts are written in reports.

/// A count in groups of thousands: `9,981`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counts_are_written_in_groups_of_thousands() {
        for (n, text) in [(0, "0"), (999, "999"), (9_981, "9,981"), (1_234_567, "1,234,567")] {
            assert_eq!(count(n), text);
        }
    }
}

//! Durations as they are written in the attribute.

/// Reads `"500ms"`, `"1.5s"` or `"2m"` as milliseconds.
pub(crate) fn parse_millis(text: &str) -> Result<u64, String> {
    const FORM: &str = "write a number with a unit, such as \"500ms\", \"30s\" or \"2m\"";
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "ms" => 1.0,
        "s" => 1_000.0,
        "m" | "min" => 60_000.0,
        "h" => 3_600_000.0,
        "" => return Err(format!("a duration needs a unit: {FORM}")),
        other => return Err(format!("unknown unit `{other}`: {FORM}")),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{text}` is not a duration: {FORM}"))?;
    let millis = (number * factor).round();
    // Ten years; beyond it a typo is likelier than a wish.
    if !(1.0..=3.2e11).contains(&millis) {
        return Err(format!("`{text}` is out of range: a limit is at least \"1ms\" and at most ten years"));
    }
    // In range, so nothing is cut off.
    Ok(millis as u64)
}

#[cfg(test)]
mod tests {
    use super::parse_millis;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, millis) in [("500ms", 500), ("1.5s", 1_500), ("2m", 120_000), (" 1 h ", 3_600_000)] {
            assert_eq!(parse_millis(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_the_form() {
        for text in ["", "30", "s", "3 days", "1.2.3s", "0s", "-1s", "999999999h"] {
            let refusal = parse_millis(text).unwrap_err();
            assert!(refusal.contains("\"500ms\"") || refusal.contains("out of range"), "{text}: {refusal}");
        }
    }
}

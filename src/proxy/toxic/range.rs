//! Which values the settings of toxics take. Each refusal is a sentence without its subject: a builder puts its method
//! in front of it and panics, a plan puts the name of its setting there.

use std::num::NonZeroU64;

/// A value that is in range, or what is wrong with it.
pub(super) type Checked<T> = Result<T, String>;

/// The value, for a builder.
///
/// # Panics
/// If it is out of range.
#[track_caller]
pub(super) fn accept<T>(setting: &str, checked: Checked<T>) -> T {
    match checked {
        Ok(value) => value,
        Err(why) => panic!("{setting} {why}"),
    }
}

/// A number from 1; `instead` says what 0 would have meant.
pub(super) fn at_least_one(value: u64, instead: &str) -> Checked<NonZeroU64> {
    NonZeroU64::new(value).ok_or_else(|| format!("must be above 0, but is 0; {instead}"))
}

/// A probability at which something can happen.
pub(super) fn probability(value: f64) -> Checked<f64> {
    if value > 0.0 && value <= 1.0 {
        Ok(value)
    } else {
        Err(format!("must be above 0.0 and at most 1.0, but is {value}"))
    }
}

/// Refuses two settings that say different things of the same; each with whether it was given.
pub(super) fn at_most_one(settings: &[(&str, bool)]) -> Checked<()> {
    let mut given = settings.iter().filter(|(_, given)| *given).map(|(name, _)| name);
    match (given.next(), given.next()) {
        (Some(first), Some(second)) => Err(format!("`{first}` and `{second}` exclude each other: give one of them")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_lies_above_0_and_at_most_at_1() {
        for fine in [f64::MIN_POSITIVE, 0.5, 1.0] {
            assert_eq!(probability(fine), Ok(fine));
        }
        for nonsense in [0.0, -0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            assert!(probability(nonsense).unwrap_err().ends_with(&format!("but is {nonsense}")));
        }
    }
}

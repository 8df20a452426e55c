//! How many arrivals a load run makes each second.

use std::fmt;

/// Above this one dispatcher cannot start arrivals at all, so a larger number is a slip of the pen.
const MOST_PER_SEC: f64 = 1e7;

/// A number of arrivals (or completions) in a unit of time; always positive and finite.
///
/// ```
/// use qtests::load::Rate;
///
/// assert_eq!(Rate::per_minute(90).as_per_sec(), 1.5);
/// assert_eq!(Rate::per_sec(0.5).to_string(), "0.5/s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// `n` arrivals a second.
    ///
    /// # Panics
    /// If `n` is not a number, not positive, or above 10 million a second.
    #[must_use]
    #[track_caller]
    pub fn per_sec(n: impl Into<f64>) -> Self {
        Self::checked(n.into(), "Rate::per_sec")
    }

    /// `n` arrivals a minute.
    ///
    /// # Panics
    /// If `n` is not a number, not positive, or above 600 million a minute.
    #[must_use]
    #[track_caller]
    pub fn per_minute(n: impl Into<f64>) -> Self {
        Self::checked(n.into() / 60.0, "Rate::per_minute")
    }

    /// The rate in arrivals a second.
    #[must_use]
    pub fn as_per_sec(self) -> f64 {
        self.0
    }

    #[track_caller]
    fn checked(per_sec: f64, setting: &str) -> Self {
        assert!(
            per_sec > 0.0 && per_sec <= MOST_PER_SEC,
            "{setting}: the rate must be above 0 and at most {MOST_PER_SEC:.0} a second, it is {per_sec} a second"
        );
        Self(per_sec)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;
    use std::panic::catch_unwind;

    #[test]
    fn nonsense_rates_are_refused() {
        for n in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e9] {
            assert!(catch_unwind(|| Rate::per_sec(n)).is_err(), "{n} a second");
            assert!(catch_unwind(|| Rate::per_minute(n * 60.0)).is_err(), "{n} a second, by the minute");
        }
    }

    #[test]
    fn integers_and_fractions_are_taken() {
        assert_eq!(Rate::per_sec(500), Rate::per_sec(500.0));
        assert_eq!(Rate::per_minute(60_u32), Rate::per_sec(1_u8));
    }
}

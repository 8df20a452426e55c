//! How figures are written in reports: few digits, units always shown. Pure.

pub(super) use crate::base::count;
use std::time::Duration;

/// A duration with three digits: `318 ms`, `2.1 ms`, `1.5 s`, `40 us`.
pub(super) fn duration(d: Duration) -> String {
    let nanos = d.as_nanos() as f64;
    let (value, unit) = match d.as_nanos() {
        0..1_000 => return format!("{} ns", d.as_nanos()),
        1_000..1_000_000 => (nanos / 1e3, "us"),
        1_000_000..1_000_000_000 => (nanos / 1e6, "ms"),
        _ => (nanos / 1e9, "s"),
    };
    format!("{} {unit}", three_digits(value))
}

/// A share as per cent with two or three digits, without the sign: 0.0191 is `1.9`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent {
        p if p == 0.0 || p >= 99.95 => 0,
        p if p >= 0.1 => 1,
        p if p >= 0.01 => 2,
        _ => 4,
    };
    trimmed(format!("{percent:.decimals$}"))
}

/// A number as its author wrote it, without the noise of binary fractions: 0.999 * 100 is `99.9`.
pub(super) fn plain(number: f64) -> String {
    trimmed(format!("{number:.6}"))
}

/// A number with three digits at least.
pub(super) fn three_digits(value: f64) -> String {
    let decimals = match value {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    trimmed(format!("{value:.decimals$}"))
}

fn trimmed(number: String) -> String {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.').to_owned() } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_three_digits_and_their_unit() {
        for (nanos, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (40_000, "40 us"),
            (2_100_000, "2.1 ms"),
            (318_400_000, "318 ms"),
            (300_000_000, "300 ms"),
            (1_500_000_000, "1.5 s"),
            (61_000_000_000, "61 s"),
        ] {
            assert_eq!(duration(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn shares_stay_readable() {
        for (share, text) in
            [(0.0, "0"), (0.019_1, "1.9"), (0.000_3, "0.03"), (0.000_01, "0.001"), (0.5, "50"), (1.0, "100")]
        {
            assert_eq!(percent(share), text);
        }
        assert_eq!((plain(99.9), plain(0.999 * 100.0), plain(450.0)), ("99.9".into(), "99.9".into(), "450".into()));
    }
}

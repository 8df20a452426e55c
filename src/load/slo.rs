//! What a service promises: a plain specification, judged elsewhere. Pure.

use super::{
    Rate,
    figures::{duration, plain},
};
use std::{fmt, time::Duration};

/// A service level objective: one or more conditions that a load run must meet all together.
///
/// ```
/// use qtests::load::{Rate, Slo};
/// use std::time::Duration;
///
/// let slo = Slo::p99(Duration::from_millis(300))
///     .and(Slo::p50(Duration::from_millis(40)))
///     .error_rate(0.01)
///     .and(Slo::throughput(Rate::per_sec(450)));
/// assert_eq!(slo.to_string(), "p99 < 300 ms, p50 < 40 ms, error rate <= 1 %, throughput >= 450/s");
/// ```
///
/// **Latency** (`p50` ... `quantile`) speaks about the response time, counted from the *intended* start, of all
/// arrivals: a failed or shed one counts as too slow however fast it failed, because a fast error is no service.
/// So `Slo::p99(..)` can never be met with more than 1 % of failures.
///
/// Bounds are compared to within 0.8 %: that is the width of the counters behind a verdict.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an objective does nothing until a report is checked against it"]
pub struct Slo {
    conditions: Vec<Condition>,
}

/// One condition of an objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Condition {
    /// At most the share `1 - q` of all arrivals responds later than `bound`.
    Latency { q: f64, bound: Duration },
    /// At most this share of all arrivals fails, is shed or stays unfinished.
    ErrorRate { max: f64 },
    /// At least so many arrivals succeed a second.
    Throughput { min: Rate },
}

impl Slo {
    /// Half of all responses come within `bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    #[track_caller]
    pub fn p50(bound: Duration) -> Self {
        Self::quantile(0.5, bound)
    }

    /// 90 % of all responses come within `bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    #[track_caller]
    pub fn p90(bound: Duration) -> Self {
        Self::quantile(0.9, bound)
    }

    /// 95 % of all responses come within `bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    #[track_caller]
    pub fn p95(bound: Duration) -> Self {
        Self::quantile(0.95, bound)
    }

    /// 99 % of all responses come within `bound`. To be proven this takes some 450 arrivals, more if they come in
    /// bursts.
    ///
    /// # Panics
    /// If `bound` is zero.
    #[track_caller]
    pub fn p99(bound: Duration) -> Self {
        Self::quantile(0.99, bound)
    }

    /// 99.9 % of all responses come within `bound`. To be proven this takes some 4,500 arrivals, more if they come in
    /// bursts.
    ///
    /// # Panics
    /// If `bound` is zero.
    #[track_caller]
    pub fn p999(bound: Duration) -> Self {
        Self::quantile(0.999, bound)
    }

    /// The share `q` of all responses comes within `bound`.
    ///
    /// # Panics
    /// If `q` is not between 0 and 1 (both excluded), or `bound` is zero.
    #[track_caller]
    pub fn quantile(q: f64, bound: Duration) -> Self {
        assert!(q > 0.0 && q < 1.0, "Slo::quantile: q must lie between 0 and 1, it is {q}");
        assert!(!bound.is_zero(), "Slo: the latency bound of {} must be above zero", quantile_name(q));
        Self::of(Condition::Latency { q, bound })
    }

    /// At most the share `max` of all arrivals fails, is shed, or stays unfinished.
    ///
    /// With 0 the objective speaks about this very run: one failure violates it, none meets it.
    ///
    /// # Panics
    /// If `max` is not within 0 and 1.
    #[track_caller]
    pub fn errors(max: f64) -> Self {
        assert!((0.0..=1.0).contains(&max), "Slo: the error rate must lie within 0 and 1, it is {max}");
        Self::of(Condition::ErrorRate { max })
    }

    /// At least `min` arrivals a second succeed, counted when they *end* within the measured time.
    ///
    /// Set it somewhat below the offered rate: what is under way when the measured time ends is not counted.
    pub fn throughput(min: Rate) -> Self {
        Self::of(Condition::Throughput { min })
    }

    /// Adds the conditions of `other`.
    pub fn and(mut self, other: Self) -> Self {
        self.conditions.extend(other.conditions);
        self
    }

    /// Adds the condition [`Slo::errors`].
    ///
    /// # Panics
    /// If `max` is not within 0 and 1.
    #[track_caller]
    pub fn error_rate(self, max: f64) -> Self {
        self.and(Self::errors(max))
    }

    pub(super) fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn of(condition: Condition) -> Self {
        Self { conditions: vec![condition] }
    }
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, condition) in self.conditions.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{condition}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency { q, bound } => write!(f, "{} < {}", quantile_name(*q), duration(*bound)),
            Self::ErrorRate { max } => write!(f, "error rate <= {} %", plain(max * 100.0)),
            Self::Throughput { min } => write!(f, "throughput >= {min}"),
        }
    }
}

/// `p99` for 0.99, `p99.9` for 0.999.
pub(super) fn quantile_name(q: f64) -> String {
    format!("p{}", plain(q * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn nonsense_objectives_are_refused() {
        for q in [0.0, 1.0, 1.5, -0.1, f64::NAN, f64::INFINITY] {
            assert!(catch_unwind(|| Slo::quantile(q, MS)).is_err(), "quantile {q}");
        }
        for max in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
            assert!(catch_unwind(|| Slo::errors(max)).is_err(), "error rate {max}");
            assert!(catch_unwind(|| Slo::p99(MS).error_rate(max)).is_err(), "error rate {max}");
        }
        assert!(catch_unwind(|| Slo::p99(Duration::ZERO)).is_err());
    }

    #[test]
    fn an_objective_is_printed_as_it_was_meant() {
        for (slo, text) in [
            (Slo::p50(MS), "p50 < 1 ms"),
            (Slo::p90(MS), "p90 < 1 ms"),
            (Slo::p95(MS), "p95 < 1 ms"),
            (Slo::p999(MS * 1_500), "p99.9 < 1.5 s"),
            (Slo::quantile(0.9999, MS / 1_000), "p99.99 < 1 us"),
            (Slo::errors(0.001), "error rate <= 0.1 %"),
        ] {
            assert_eq!(slo.to_string(), text);
        }
    }

    #[test]
    fn joined_objectives_keep_all_conditions() {
        let both = Slo::p50(MS).and(Slo::p99(MS).error_rate(0.0));
        assert_eq!(both.conditions().len(), 3);
    }
}

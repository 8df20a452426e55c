//! When each arrival is due, and to which slice of the run it belongs. Pure: knows no clock.

use std::time::Duration;

/// Into how many equal slices the measured time is cut for the verdict.
pub(super) const SLICES: usize = 20;

/// Arrivals at equal distances: arrival `k` is due at `k / rate`, whatever happened to the earlier ones.
///
/// A late start never shifts those after it; that is what keeps the run free of coordinated omission
/// (Gil Tene, "How NOT to Measure Latency"; the README of wrk2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    per_sec: f64,
    arrivals: u64,
}

impl Schedule {
    /// The arrivals of `[0, end)` at `per_sec`.
    pub(super) fn paced(per_sec: f64, end: Duration) -> Self {
        let mut schedule = Self { per_sec, arrivals: u64::MAX };
        schedule.arrivals = schedule.due(end.saturating_sub(Duration::from_nanos(1)));
        schedule
    }

    /// How many arrivals there are.
    pub(super) fn arrivals(&self) -> u64 {
        self.arrivals
    }

    /// When arrival `k` is due, counted from the start of the run.
    pub(super) fn at(&self, k: u64) -> Duration {
        // f64 is exact to the nanosecond up to 2^53 ns, which is 104 days.
        Duration::from_nanos((k as f64 / self.per_sec * 1e9).round() as u64)
    }

    /// How many arrivals are due once `elapsed` has passed: exactly those with `at(k) <= elapsed`.
    pub(super) fn due(&self, elapsed: Duration) -> u64 {
        let mut count = (elapsed.as_secs_f64() * self.per_sec) as u64;
        // The estimate is off by one or two at most; `at` has the last word, so that whoever slept until `at(k)` finds
        // k due.
        while self.at(count) <= elapsed {
            count += 1;
        }
        while count > 0 && self.at(count - 1) > elapsed {
            count -= 1;
        }
        count.min(self.arrivals)
    }
}

/// The time of a run: first the warm-up, then the measured time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) warm_up: Duration,
    pub(super) hold: Duration,
}

impl Window {
    /// From the start of the run to the last arrival.
    pub(super) fn total(&self) -> Duration {
        self.warm_up.saturating_add(self.hold)
    }

    /// The slice which the instant `offset` after the start belongs to; `None` outside the measured time.
    pub(super) fn slice(&self, offset: Duration) -> Option<usize> {
        let into = offset.checked_sub(self.warm_up).filter(|into| *into < self.hold)?;
        // In u64, which divides much faster than u128: this is done for each iteration, and 2^64 ns are 29 years of 20
        // slices.
        Some((into.as_nanos() as u64 * SLICES as u64 / self.hold.as_nanos() as u64) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_number_of_arrivals_is_rate_times_time() {
        for (per_sec, millis, arrivals) in
            [(500.0, 5_000, 2_500), (1.0, 999, 1), (1.0, 1_001, 2), (333.0, 1_000, 333), (0.1, 1, 1)]
        {
            let schedule = Schedule::paced(per_sec, Duration::from_millis(millis));
            assert_eq!(schedule.arrivals(), arrivals, "{per_sec}/s for {millis} ms");
        }
    }

    #[test]
    fn the_warm_up_belongs_to_no_slice() {
        let window = Window { warm_up: Duration::from_secs(1), hold: Duration::from_secs(2) };
        let slice = |millis| window.slice(Duration::from_millis(millis));
        assert_eq!(
            [slice(999), slice(1_000), slice(1_099), slice(1_100), slice(2_999), slice(3_000)],
            [None, Some(0), Some(0), Some(1), Some(19), None]
        );
    }

    proptest! {
        #[test]
        fn due_counts_exactly_the_arrivals_that_are_due(per_sec in 0.01..1e7_f64, elapsed in 0..100_000_000_000_u64) {
            let schedule = Schedule { per_sec, arrivals: u64::MAX };
            let elapsed = Duration::from_nanos(elapsed);
            let due = schedule.due(elapsed);
            prop_assert!(schedule.at(due) > elapsed);
            prop_assert!(due == 0 || schedule.at(due - 1) <= elapsed);
        }

        #[test]
        fn arrivals_never_go_back_in_time(per_sec in 0.01..1e7_f64, k in 0..1_000_000_000_u64) {
            let schedule = Schedule { per_sec, arrivals: u64::MAX };
            prop_assert!(schedule.at(k) <= schedule.at(k + 1));
        }

        #[test]
        fn every_arrival_of_the_hold_has_a_slice(hold in 1..10_000_000_000_u64, at in 0.0..1.0_f64) {
            let window = Window { warm_up: Duration::from_nanos(17), hold: Duration::from_nanos(hold) };
            let offset = Duration::from_nanos(17 + (hold as f64 * at) as u64);
            prop_assert!(window.slice(offset).is_some_and(|slice| slice < SLICES) || offset >= window.total());
        }
    }
}

//! What a run remembers of each slice and each point in time. Pure.

use super::{
    counts::{Counts, rank},
    judge::Tally,
    schedule::{SLICES, Window},
};
use std::time::Duration;

/// The counters behind a verdict: enough to judge any bound after the run.
#[derive(Debug, Clone, Default)]
pub(super) struct Slice {
    /// Response times of the arrivals that succeeded, in ns.
    pub(super) response: Counts<7>,
    /// Their service times.
    pub(super) service: Counts<7>,
    pub(super) failed: u64,
    pub(super) shed: u64,
    /// Ages of the unfinished ones, from the intended start: their responses would have been longer still.
    pub(super) unfinished: Counts<7>,
    /// Ages from the first poll of those unfinished ones that had one.
    pub(super) unfinished_service: Counts<7>,
    /// Successes that *ended* in this slice, whenever they began.
    pub(super) completed: u64,
}

impl Slice {
    /// Arrivals of this slice, whatever became of them.
    pub(super) fn offered(&self) -> u64 {
        self.response.total() + self.lost() + self.unfinished.total()
    }

    /// Those that are too slow for any bound.
    pub(super) fn lost(&self) -> u64 {
        self.failed + self.shed
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.failed += other.failed;
        self.shed += other.shed;
        self.unfinished.merge(&other.unfinished);
        self.unfinished_service.merge(&other.unfinished_service);
        self.completed += other.completed;
    }
}

/// All slices of a run and their sum.
#[derive(Debug, Clone)]
pub(super) struct Slices {
    each: Vec<Slice>,
    all: Slice,
}

impl Slices {
    pub(super) fn new(each: Vec<Slice>) -> Self {
        let mut all = Slice::default();
        each.iter().for_each(|slice| all.merge(slice));
        Self { each, all }
    }

    pub(super) fn each(&self) -> &[Slice] {
        &self.each
    }

    /// The sum of all slices.
    pub(super) fn all(&self) -> &Slice {
        &self.all
    }

    /// For each slice, how many arrivals `over` finds too slow, and how many lie above the p90 of the run.
    pub(super) fn tallies(&self, over: impl Fn(&Slice) -> u64) -> Vec<Tally> {
        let p90 = self.response_at(rank(0.9, self.all.offered()));
        let over_p90 = |slice: &Slice| match p90 {
            Some(bound) => slice.response.above(bound) + slice.lost() + slice.unfinished.total(),
            None => slice.lost() + slice.unfinished.total(),
        };
        self.each
            .iter()
            .map(|slice| Tally { offered: slice.offered(), over: over(slice), over_p90: over_p90(slice) })
            .collect()
    }

    /// The response time with so many arrivals below it, where failed, shed and unfinished ones are slower than all
    /// others; `None` if it is one of those.
    pub(super) fn response_at(&self, rank: u64) -> Option<u64> {
        self.all.response.at_rank(rank)
    }
}

/// A timeline has at most so many points.
pub(super) const MOST_POINTS: u128 = 1_000;
const SHORTEST_POINT: Duration = Duration::from_millis(10);

/// One point of the timeline, still growing.
#[derive(Debug, Clone, Default)]
pub(super) struct Moment {
    pub(super) offered: u64,
    pub(super) failed: u64,
    /// Coarse on purpose, there are up to 1,000 of them on each thread: in microseconds, right to 6 %.
    pub(super) response: Counts<3>,
}

impl Moment {
    pub(super) fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.failed += other.failed;
        self.response.merge(&other.response);
    }
}

/// The width of a timeline's points: 10 ms, doubled until at most 1,000 of them cover the run.
///
/// The length of a run is known when it begins, so the doubling is done beforehand instead of merging points on the
/// way.
pub(super) fn point_width(window: &Window) -> Duration {
    let mut width = SHORTEST_POINT;
    while window.total().as_nanos().div_ceil(width.as_nanos()) > MOST_POINTS {
        width *= 2;
    }
    width
}

/// One empty slice for each of the verdict's [`SLICES`].
pub(super) fn empty() -> Vec<Slice> {
    vec![Slice::default(); SLICES]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_arrival_that_failed_is_slower_than_all_that_succeeded() {
        let mut slice = Slice { failed: 1, shed: 1, ..Slice::default() };
        (0..98).for_each(|ns| slice.response.add(ns));
        let slices = Slices::new(vec![slice]);
        assert_eq!((slices.response_at(97), slices.response_at(98)), (Some(97), None));
        let tally = slices.tallies(|s| s.response.above(96) + s.lost())[0];
        assert_eq!((tally.offered, tally.over, tally.over_p90), (100, 3, 10));
    }

    proptest! {
        #[test]
        fn the_timeline_covers_the_run_with_at_most_1000_points(warm_up in 0..100_000_u64, hold in 1..10_000_000_u64) {
            let window = Window { warm_up: Duration::from_millis(warm_up), hold: Duration::from_millis(hold) };
            let width = point_width(&window);
            prop_assert!(width * 1_000 >= window.total());
            prop_assert!(width == SHORTEST_POINT || width * 500 < window.total());
        }
    }
}

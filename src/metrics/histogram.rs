//! The values of one histogram, within limits. Pure.

use std::collections::VecDeque;

/// How many values a histogram keeps; older ones are dropped.
const VALUES: usize = 10_000;

/// What was recorded under one key.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// The last values, the oldest first, each with a number that grows over all histograms of a test.
    pub(super) values: VecDeque<(u64, f64)>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY, values: VecDeque::new() }
    }
}

impl Histogram {
    /// Takes a value `times` times. `room` is how many values all histograms of the test can still keep; without room a
    /// value takes the place of the oldest one here, and is only counted if there is none.
    pub(super) fn record(&mut self, (number, value): (u64, f64), times: usize, room: &mut usize) {
        if times == 0 {
            return;
        }
        self.count += times as u64;
        self.sum += value * times as f64;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        for _ in 0..times.min(VALUES) {
            if self.values.len() < VALUES && *room > 0 {
                *room -= 1;
            } else if self.values.pop_front().is_none() {
                break;
            }
            self.values.push_back((number, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_are_counted_and_the_last_are_kept() {
        let (mut histogram, mut room) = (Histogram::default(), 1_000_000);
        (0..VALUES + 5).for_each(|value| histogram.record((value as u64, value as f64), 1, &mut room));
        assert_eq!((histogram.count, histogram.values.len(), room), (10_005, VALUES, 990_000));
        assert_eq!((histogram.min, histogram.max), (0.0, 10_004.0));
        assert_eq!((histogram.values.front(), histogram.values.back()), (Some(&(5, 5.0)), Some(&(10_004, 10_004.0))));
        histogram.record((10_005, -1.0), 1_000_000_000, &mut room);
        assert_eq!((histogram.count, histogram.values.len(), histogram.min), (1_000_010_005, VALUES, -1.0));
        assert!(histogram.values.iter().all(|value| *value == (10_005, -1.0)));
    }

    #[test]
    fn without_room_the_oldest_value_gives_way() {
        let (mut full, mut late, mut room) = (Histogram::default(), Histogram::default(), 2);
        (1..=3).for_each(|value| full.record((value, value as f64), 1, &mut room));
        late.record((4, 7.0), 2, &mut room);
        assert_eq!((full.values, full.count, full.sum), (VecDeque::from([(2, 2.0), (3, 3.0)]), 3, 6.0));
        assert_eq!((late.values.len(), late.count, late.sum, room), (0, 2, 14.0, 0));
    }
}

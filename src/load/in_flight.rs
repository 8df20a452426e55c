//! Which arrivals are under way, so that each is booked exactly once: by whoever finishes it or by the end of the run.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// One place for each arrival that may be under way at the same time.
///
/// Invariant: an arrival belongs to whoever takes its intended start out of the seat. A task does so under the lock of
/// the recorder that then books it; the driver does so first and locks the recorders afterwards. So nothing is counted
/// twice, and nothing that was taken can be missing when the recorders are merged, not even if a task cannot be
/// stopped.
#[derive(Debug)]
pub(super) struct InFlight {
    seats: Box<[Seat]>,
    free: Mutex<Vec<usize>>,
}

/// Both are nanoseconds since the start of the run plus one, so that 0 means none.
#[derive(Debug, Default)]
struct Seat {
    intended: AtomicU64,
    started: AtomicU64,
}

/// An arrival that was still under way when the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) intended: Duration,
    /// When it was first polled, if it ever was.
    pub(super) started: Option<Duration>,
}

impl InFlight {
    pub(super) fn new(most: usize) -> Self {
        Self {
            seats: (0..most).map(|_| Seat::default()).collect(),
            // Taken from the end: the same few seats are used again and again and stay in the cache.
            free: Mutex::new((0..most).rev().collect()),
        }
    }

    /// A free seat, or `None` if as many arrivals are under way as there may be.
    pub(super) fn reserve(&self) -> Option<usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Gives a reserved seat back.
    pub(super) fn release(&self, seat: usize) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(seat);
    }

    /// An arrival is under way.
    pub(super) fn enter(&self, seat: usize, intended: Duration) {
        self.seats[seat].started.store(0, Ordering::Relaxed);
        self.seats[seat].intended.store(mark(intended), Ordering::Release);
    }

    /// It was polled for the first time.
    pub(super) fn start(&self, seat: usize, at: Duration) {
        self.seats[seat].started.store(mark(at), Ordering::Relaxed);
    }

    /// It ended; `false` if the run has booked it as unfinished already.
    pub(super) fn leave(&self, seat: usize) -> bool {
        self.seats[seat].intended.swap(0, Ordering::AcqRel) != 0
    }

    /// Takes all arrivals that are still under way.
    pub(super) fn take_rest(&self) -> Vec<Left> {
        let left = |seat: &Seat| {
            let intended = unmark(seat.intended.swap(0, Ordering::AcqRel))?;
            Some(Left { intended, started: unmark(seat.started.load(Ordering::Relaxed)) })
        };
        self.seats.iter().filter_map(left).collect()
    }
}

fn mark(offset: Duration) -> u64 {
    offset.as_nanos() as u64 + 1
}

fn unmark(mark: u64) -> Option<Duration> {
    mark.checked_sub(1).map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_is_booked_by_its_task_or_by_the_end_never_by_both() {
        let in_flight = InFlight::new(2);
        let (a, b) = (in_flight.reserve().unwrap(), in_flight.reserve().unwrap());
        assert_eq!(in_flight.reserve(), None);
        in_flight.enter(a, Duration::ZERO);
        in_flight.enter(b, Duration::from_nanos(5));
        in_flight.start(b, Duration::from_nanos(9));
        assert!(in_flight.leave(a));
        let left = Left { intended: Duration::from_nanos(5), started: Some(Duration::from_nanos(9)) };
        assert_eq!(in_flight.take_rest(), [left]);
        assert!(!in_flight.leave(b));
        in_flight.release(a);
        assert_eq!(in_flight.reserve(), Some(a));
    }
}

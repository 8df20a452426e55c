//! Whether a runtime that was cut had anything left to do: all of its threads parked, for how long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How long all threads must have been parked to count as idle. A runtime that works parks too, for moments.
const LONG: Duration = Duration::from_millis(50);

/// The parked threads of one runtime.
#[derive(Debug)]
pub(super) struct Idle {
    began: Instant,
    /// How many threads drive the runtime.
    threads: usize,
    parked: AtomicUsize,
    /// When a thread was last parked, in nanoseconds since the beginning.
    last: AtomicU64,
}

impl Idle {
    pub(super) fn new(workers: usize) -> Arc<Self> {
        let (parked, last) = (AtomicUsize::new(0), AtomicU64::new(0));
        Arc::new(Self { began: Instant::now(), threads: workers.max(1), parked, last })
    }

    pub(super) fn parks(&self) {
        let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
        self.parked.fetch_add(1, Ordering::Release);
    }

    pub(super) fn unparks(&self) {
        self.parked.fetch_sub(1, Ordering::Release);
    }

    /// For how long all threads have been parked, if they are.
    pub(super) fn all_for(&self) -> Option<Duration> {
        if self.parked.load(Ordering::Acquire) < self.threads {
            return None;
        }
        let idle = self.began.elapsed().saturating_sub(Duration::from_nanos(self.last.load(Ordering::Relaxed)));
        (idle >= LONG).then_some(idle)
    }
}

/// What a report says of a test that was cut while nothing of it could go on by itself.
pub(super) fn hint(idle: Duration) -> String {
    format!(
        "no task of the test had run for {:.1} s before that: it waited for something that did not come (a lock that is \
         never released, a message that is never sent, a peer that never answers, or a long sleep)",
        idle.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_idle_when_all_of_its_threads_have_been_parked_for_a_while() {
        let mut idle = Arc::into_inner(Idle::new(2)).unwrap();
        idle.began = Instant::now().checked_sub(Duration::from_secs(5)).unwrap();
        assert_eq!(idle.all_for(), None);
        idle.parks();
        assert_eq!(idle.all_for(), None, "one of two still runs");
        idle.parks();
        assert_eq!(idle.all_for(), None, "only just now");
        *idle.last.get_mut() = 2_000_000_000;
        assert!(idle.all_for().is_some_and(|idle| (2_900..4_000).contains(&idle.as_millis())));
        idle.unparks();
        assert_eq!(idle.all_for(), None);
    }
}

//! Trying again: a few times, with growing pauses, and only where it helps.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroU32,
    time::Duration,
};
use tokio::time::sleep;

/// An error that knows whether to try again.
pub(crate) trait Repeatable {
    /// Whether the same call may end better, and does no harm if the first one was carried out
    /// after all.
    fn is_worth_repeating(&self) -> bool;
}

/// How often to try, and how long to wait in between.
#[derive(Clone, Debug)]
pub struct Backoff {
    /// How often to try in all, so 1 never repeats. Bounded, since a service that is down is not
    /// helped by more calls. Defaults to 3.
    pub attempts: NonZeroU32,
    /// The pause after the first attempt; it doubles after each further one. Defaults to 50 ms.
    pub first: Duration,
    /// The longest pause. Defaults to 400 ms.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::MIN.saturating_add(2),
            first: Duration::from_millis(50),
            longest: Duration::from_millis(400),
        }
    }
}

impl Backoff {
    /// The pause after an attempt (1, 2, ...), for a caller of this name: between a half and the
    /// whole of what the doubling says.
    ///
    /// A service that was down for a moment has many callers waiting, and must not meet them all
    /// again at the same instant. So each waits for a time of its own; it follows from the
    /// name, hence the same order always waits the same time.
    fn pause(&self, name: &str, attempt: u32) -> Duration {
        let whole = self.whole_pause(attempt);
        let mut hasher = DefaultHasher::new();
        (name, attempt).hash(&mut hasher);
        let share = f64::from((hasher.finish() >> 32) as u32) / f64::from(u32::MAX);
        whole / 2 + (whole / 2).mul_f64(share)
    }

    fn whole_pause(&self, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.longest)
    }

    /// All pauses together, at their longest.
    pub(crate) fn longest_pauses(&self) -> Duration {
        (1..self.attempts.get()).map(|attempt| self.whole_pause(attempt)).sum()
    }
}

/// Calls until it goes well, the error is not worth repeating, or the attempts are used up; the
/// last answer counts.
///
/// `call` is given the number of the attempt: 1, 2, ...
pub(crate) async fn retry<T, E, F>(backoff: &Backoff, name: &str, mut call: impl FnMut(u32) -> F) -> Result<T, E>
where
    E: Repeatable,
    F: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    loop {
        match call(attempt).await {
            Err(error) if error.is_worth_repeating() && attempt < backoff.attempts.get() => {
                sleep(backoff.pause(name, attempt)).await;
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_the_longest_and_is_never_less_than_half() {
        let backoff = Backoff::default();
        for (attempt, whole) in [(1, 50), (2, 100), (3, 200), (4, 400), (5, 400), (u32::MAX, 400)] {
            let whole = Duration::from_millis(whole);
            let pause = backoff.pause("order", attempt);
            assert!(whole / 2 <= pause && pause <= whole, "after attempt {attempt}: {pause:?} of {whole:?}");
        }
    }

    #[test]
    fn two_orders_do_not_come_back_at_the_same_instant() {
        let backoff = Backoff::default();
        assert_ne!(backoff.pause("one", 1), backoff.pause("other", 1));
    }
}

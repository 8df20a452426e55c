//! What follows from a second signal. Pure.

use super::judge::{Seen, too_busy};
use crate::harness::Verdict;
use std::time::Duration;

/// A drain that ends this soon after the second signal may have ended because of it.
const AT_ONCE: Duration = Duration::from_millis(50);

/// A second signal is sent as soon as the service is seen to have heeded the first one. When that takes longer than this,
/// the service may be about to cut its requests off.
const LATE: Duration = Duration::from_millis(200);

/// Whoever exits this soon after the second signal does so because of it, if requests were left unanswered.
const PROMPT: Duration = Duration::from_millis(250);

/// The second signal of a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Second {
    /// How long after the first.
    pub(super) after: Duration,
    /// How many requests were in flight.
    pub(super) pending: usize,
    /// The service had surely heeded the first one; two that come close together are one.
    pub(super) sure: bool,
}

impl Second {
    /// Whether it came so late that the service may have cut its requests off by itself, as its drain may be limited.
    pub(super) fn is_late(&self) -> bool {
        self.after > LATE
    }
}

/// When a service exited although requests were in flight.
pub(super) fn cut_off(seen: &Seen) -> Option<Duration> {
    let exit = seen.exit.as_ref()?;
    (seen.unanswered > 0 || seen.requests.iter().any(|request| request.answer.is_err())).then_some(exit.after)
}

/// What is left of a verdict on a late second signal, when the service cuts its requests off `by_itself` after one signal.
pub(super) fn second_or_by_itself(verdict: Verdict, ended: Option<Duration>, by_itself: Option<Duration>) -> Verdict {
    match (ended, by_itself) {
        (Some(ended), Some(by_itself)) if verdict.is_held() && ended + PROMPT >= by_itself => {
            Verdict::Inconclusive(format!(
                "it exited {ended:.0?} after the first signal, and with one signal alone it cuts its requests off after \
                 {by_itself:.0?}"
            ))
        }
        _ => verdict,
    }
}

/// What follows from a second signal.
pub(super) fn second(seen: &Seen, signal: Second, limit: Duration) -> Verdict {
    let Second { after, pending, sure } = signal;
    let unsure = || Verdict::Inconclusive("it was not seen to heed the first signal before the second".to_owned());
    let Some(exit) = &seen.exit else {
        let text = format!("it was still running {limit:?} after the first signal, in spite of the second");
        return if sure { Verdict::Broken(text) } else { unsure() };
    };
    let went_on = exit.after.saturating_sub(after);
    let cut = seen.unanswered + seen.requests.iter().filter(|request| request.answer.is_err()).count();
    // If all were answered the drain was over when it exited, and the end by a signal may be its usual one.
    let (soon, until) = match cut {
        0 => (AT_ONCE, "all were answered".to_owned()),
        cut => (PROMPT, format!("it cut {cut} of them off")),
    };
    match cut {
        // Requests were in flight, so it had not come to the end by itself.
        1.. if went_on <= soon => Verdict::Held,
        0 if went_on <= soon => {
            Verdict::Inconclusive(format!("its drain was over {went_on:.0?} after the second signal anyway"))
        }
        _ if !sure => unsure(),
        _ if went_on < soon + seen.hiccup * 5 => too_busy(seen),
        _ => Verdict::Broken(format!(
            "with {pending} requests in flight it went on for {went_on:.0?} after the second signal, until {until}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::judge::tests::{MS, exit, graceful},
        *,
    };

    #[test]
    fn a_second_signal_must_cut_something_or_kill() {
        let (signal, limit) = (Second { after: MS * 30, pending: 2, sure: true }, MS * 1_000);
        let judge = |seen: &Seen| second(seen, signal, limit);
        let mut seen = graceful();
        assert!(judge(&seen).is_broken(), "it went on to the end of its drain");
        assert!(second(&seen, Second { sure: false, ..signal }, limit).is_inconclusive(), "two may have been one");
        assert!(judge(&Seen { hiccup: MS * 100, ..seen.clone() }).is_inconclusive(), "it may have been late");
        exit(&mut seen).code = None;
        exit(&mut seen).signal = Some(15);
        assert!(judge(&seen).is_broken(), "it died by the signal at the end of its drain");
        exit(&mut seen).after = MS * 40;
        assert!(judge(&seen).is_inconclusive(), "its drain was over anyway");
        seen.requests[0].answer = Err("reset".to_owned());
        assert!(judge(&seen).is_held());
        exit(&mut seen).after = MS * 200;
        assert!(judge(&seen).is_held());
        exit(&mut seen).after = MS * 330;
        assert!(judge(&seen).is_broken(), "it cut them off at a limit of its own");
        assert!(judge(&Seen { hiccup: MS * 100, ..seen.clone() }).is_inconclusive(), "it may have been late");
        assert!(second(&seen, Second { sure: false, ..signal }, limit).is_inconclusive(), "two may have been one");
        seen.exit = None;
        assert!(judge(&seen).is_broken());
    }

    #[test]
    fn a_late_second_signal_proves_nothing_where_one_signal_would_have_cut_requests_off_by_then() {
        let mut seen = graceful();
        assert_eq!(cut_off(&seen), None);
        seen.unanswered = 1;
        assert_eq!(cut_off(&seen), Some(MS * 310));
        assert!(Second { after: MS * 201, pending: 2, sure: true }.is_late());
        let by_itself = Some(MS * 900);
        let held = |ended: u32| second_or_by_itself(Verdict::Held, Some(MS * ended), by_itself).is_held();
        assert!(held(640) && !held(650) && !held(905));
        assert!(second_or_by_itself(Verdict::Held, Some(MS * 905), None).is_held(), "alone it answers all");
        let broken = Verdict::Broken("it went on".to_owned());
        assert!(second_or_by_itself(broken, Some(MS * 905), by_itself).is_broken());
    }
}

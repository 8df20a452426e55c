//! What follows from what was seen. Pure.

use super::ShutdownProperty;
use crate::harness::Verdict;
use std::time::Duration;

/// A request that has ended. Times count from the signal; what was before it is 0.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) began: Duration,
    pub(super) ended: Duration,
    pub(super) answer: Result<(), String>,
}

/// How a service exited.
#[derive(Clone, Debug)]
pub(super) struct Exit {
    pub(super) after: Duration,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) port_is_free: bool,
    /// The members of its process group that are still alive.
    pub(super) living: Vec<String>,
}

/// All that was seen of one shutdown.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The requests that were accepted before the signal.
    pub(super) requests: Vec<Attempt>,
    /// How many of those never ended.
    pub(super) unanswered: usize,
    /// The requests that were sent after the signal and have ended.
    pub(super) probes: Vec<Attempt>,
    /// Why a request that was sent after the signal could not be made, if this host was short of something.
    pub(super) local: Option<String>,
    /// The longest that whoever watched was kept from watching: how busy this host was.
    pub(super) hiccup: Duration,
    /// How many connections that were made after the signal were seen accepted at the same time.
    pub(super) taken: usize,
    /// How many connections waited to be accepted when it was last looked.
    pub(super) queued: usize,
    /// At how many looks in a row, the last among them, many waited and no more had been accepted.
    pub(super) left: usize,
    /// `None` if it had not exited at its limit.
    pub(super) exit: Option<Exit>,
}

/// If the watch was interrupted for longer, what it did not see does not count.
const LONGEST_HICCUP: Duration = Duration::from_millis(100);

/// How many requests sent after the signal it takes to say that they were taken in all the while.
const ENOUGH: usize = 5;

/// So many that are accepted at the same time are no accident of the moment.
const TAKEN: usize = 3;

/// So many connections in the accept queue are more than a service that still accepts leaves there.
pub(super) const QUEUED: usize = 5;

/// A queue that is left alone for so many looks in a row is left for good; a service that has heard the signal late has
/// accepted some before.
const LEFT: usize = 2;

/// Two things that were seen no further apart may have happened the other way round.
const APART: Duration = Duration::from_millis(20);

/// What one shutdown says about each of the properties that it can speak about.
pub(super) fn judge(seen: &Seen, code: i32, limit: Duration) -> Vec<(ShutdownProperty, Verdict)> {
    vec![
        (ShutdownProperty::AcceptedIsAnswered, answered(seen)),
        (ShutdownProperty::StopsAccepting, stops(seen)),
        (ShutdownProperty::ExitsInTime, exits(seen, limit)),
        (ShutdownProperty::ExitsWithItsCode, status(seen, code)),
        (ShutdownProperty::LeavesNothing, leaves(seen)),
    ]
}

/// What a round says that did not come as far as the signal.
pub(super) fn nothing(why: &str) -> Vec<(ShutdownProperty, Verdict)> {
    ShutdownProperty::ALL[..5].iter().map(|property| (*property, Verdict::Inconclusive(why.to_owned()))).collect()
}

fn answered(seen: &Seen) -> Verdict {
    let failed: Vec<&String> = seen.requests.iter().filter_map(|request| request.answer.as_ref().err()).collect();
    let count = seen.requests.len() + seen.unanswered;
    match (failed.first(), seen.unanswered) {
        (None, 0) => Verdict::Held,
        // It may still answer them; that it takes too long is for another property.
        (None, unanswered) if seen.exit.is_none() => Verdict::Inconclusive(format!(
            "{unanswered} of {count} requests that were accepted before SIGTERM were not answered within the limit, and \
             it still ran"
        )),
        (first, unanswered) => {
            let first = first.map_or(String::new(), |error| format!(", the first with: {error}"));
            let failed = failed.len();
            Verdict::Broken(format!(
                "of {count} requests that were accepted before SIGTERM {failed} failed and {unanswered} never ended{first}"
            ))
        }
    }
}

/// A service has stopped accepting when a request that was sent after the signal is refused while those from before it
/// are still under way. A request that fails with the exit is no refusal, and one that is refused when the last of
/// those was answered comes too late.
fn stops(seen: &Seen) -> Verdict {
    let (served, failed): (Vec<&Attempt>, Vec<&Attempt>) = seen.probes.iter().partition(|probe| probe.answer.is_ok());
    let last = seen.requests.iter().map(|request| request.ended).max().unwrap_or_default();
    let drain_end = if seen.unanswered > 0 && seen.exit.is_none() { Duration::MAX } else { last };
    let apart = APART.max(seen.hiccup * 2);
    let first_refusal = failed.iter().map(|probe| probe.ended).filter(|ended| *ended + apart <= drain_end).min();
    if let Some(refusal) = first_refusal {
        let again = served.iter().filter(|probe| probe.began > refusal).count();
        return match again {
            0 => Verdict::Held,
            again => Verdict::Broken(format!(
                "{again} requests that were sent after the first refusal, {refusal:.0?} after SIGTERM, were accepted again"
            )),
        };
    }
    if seen.hiccup > LONGEST_HICCUP {
        return too_busy(seen);
    }
    let (count, taken) = (seen.probes.len(), seen.taken);
    match served.len() {
        served if served >= ENOUGH => Verdict::Broken(format!(
            "{served} of {count} requests that were sent after SIGTERM were accepted and answered, and none was \
             refused while it drained"
        )),
        _ if seen.left >= LEFT => Verdict::Held,
        _ if taken >= TAKEN && seen.queued < QUEUED => Verdict::Broken(format!(
            "{taken} requests that were sent after SIGTERM were accepted while it drained, and not answered"
        )),
        _ => Verdict::Inconclusive(match &seen.local {
            Some(error) => format!("this host could not make the requests that would show it: {error}"),
            None if seen.queued >= QUEUED => {
                format!("{} connections were left in its queue, but not watched for long enough", seen.queued)
            }
            None => "the drain was over before a new request could be tried".to_owned(),
        }),
    }
}

fn exits(seen: &Seen, limit: Duration) -> Verdict {
    match &seen.exit {
        Some(_) => Verdict::Held,
        None => Verdict::Broken(format!("it was still running {limit:?} after SIGTERM")),
    }
}

pub(super) fn too_busy(seen: &Seen) -> Verdict {
    Verdict::Inconclusive(format!("this host was too busy to watch it for {:.0?}", seen.hiccup))
}

fn did_not_exit() -> Verdict {
    Verdict::Inconclusive("it did not exit".to_owned())
}

fn status(seen: &Seen, code: i32) -> Verdict {
    let Some(exit) = &seen.exit else { return did_not_exit() };
    match (exit.code, exit.signal) {
        (Some(found), _) if found == code => Verdict::Held,
        (Some(found), _) => Verdict::Broken(format!("it exited with status {found}, declared is {code}")),
        (None, signal) => Verdict::Broken(format!("it was killed by signal {}", signal.unwrap_or_default())),
    }
}

fn leaves(seen: &Seen) -> Verdict {
    let Some(exit) = &seen.exit else { return did_not_exit() };
    let mut left = Vec::new();
    if !exit.port_is_free {
        left.push("its port still accepts connections".to_owned());
    }
    if !exit.living.is_empty() {
        left.push(format!("processes that it started still run: {}", exit.living.join(", ")));
    }
    if left.is_empty() { Verdict::Held } else { Verdict::Broken(left.join("; ")) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const MS: Duration = Duration::from_millis(1);

    fn attempt(began: u32, ended: u32, served: bool) -> Attempt {
        let answer = if served { Ok(()) } else { Err("connection refused".to_owned()) };
        Attempt { began: MS * began, ended: MS * ended, answer }
    }

    /// Requests that are answered 300 ms after the signal, one late request that just gets in and others that do not.
    pub(crate) fn graceful() -> Seen {
        let late = [attempt(1, 301, true)].into_iter();
        let exit = Exit { after: MS * 310, code: Some(0), signal: None, port_is_free: true, living: Vec::new() };
        Seen {
            requests: vec![attempt(0, 299, true), attempt(0, 300, true)],
            unanswered: 0,
            probes: late.chain((1..6).map(|at| attempt(at * 10, at * 10 + 1, false))).collect(),
            local: None,
            hiccup: MS,
            taken: 1,
            queued: 0,
            left: 0,
            exit: Some(exit),
        }
    }

    pub(crate) fn exit(seen: &mut Seen) -> &mut Exit {
        seen.exit.as_mut().unwrap()
    }

    fn broken(seen: &Seen) -> Vec<ShutdownProperty> {
        let rows = judge(seen, 0, MS * 10_000);
        rows.into_iter().filter(|(_, verdict)| verdict.is_broken()).map(|(property, _)| property).collect()
    }

    #[test]
    fn a_graceful_shutdown_has_every_property() {
        assert!(judge(&graceful(), 0, MS).iter().all(|(_, verdict)| verdict.is_held()));
    }

    #[test]
    fn each_sin_breaks_its_property() {
        type Sin = fn(&mut Seen);
        let cases: [(Sin, ShutdownProperty); 7] = [
            (|seen| seen.requests[0].answer = Err("reset".to_owned()), ShutdownProperty::AcceptedIsAnswered),
            (|seen| seen.unanswered = 1, ShutdownProperty::AcceptedIsAnswered),
            (|seen| seen.probes.push(attempt(200, 250, true)), ShutdownProperty::StopsAccepting),
            (|seen| seen.exit = None, ShutdownProperty::ExitsInTime),
            (|seen| exit(seen).code = Some(1), ShutdownProperty::ExitsWithItsCode),
            (|seen| exit(seen).port_is_free = false, ShutdownProperty::LeavesNothing),
            (|seen| exit(seen).living = vec!["sleep".to_owned()], ShutdownProperty::LeavesNothing),
        ];
        for (sin, property) in cases {
            let mut seen = graceful();
            sin(&mut seen);
            assert_eq!(broken(&seen), [property]);
        }
    }

    #[test]
    fn who_takes_requests_in_until_it_exits_has_not_stopped() {
        // They fail with the exit, after the last answer: that is no refusal.
        let mut seen = graceful();
        seen.probes = (1..20).map(|at| attempt(at * 10, 311, false)).collect();
        assert!(stops(&Seen { taken: 9, ..seen.clone() }).is_broken());
        assert!(stops(&Seen { taken: 9, hiccup: MS * 200, ..seen.clone() }).is_inconclusive());
        // Seen at the same time as the last answer, by a watch that was late.
        seen.probes = (1..20).map(|at| attempt(at * 10, 299, false)).collect();
        assert!(stops(&Seen { taken: 9, ..seen.clone() }).is_broken());
        let left = Seen { taken: 0, queued: 9, left: 2, ..seen.clone() };
        assert!(stops(&left).is_held(), "it left them in the queue");
        assert!(stops(&Seen { taken: 3, ..left.clone() }).is_held(), "it heard the signal late, and left the others");
        assert!(stops(&Seen { taken: 3, left: 1, ..left }).is_inconclusive(), "it may accept them yet");
        assert!(stops(&Seen { taken: 0, ..seen }).is_inconclusive());
        let served = (1..20).map(|at| attempt(at * 10, at * 10 + 300, true)).collect();
        assert!(stops(&Seen { probes: served, ..graceful() }).is_broken());
    }

    #[test]
    fn who_refuses_only_when_the_last_of_those_before_was_answered_has_not_stopped() {
        // It goes on for 500 ms, and what it takes in meanwhile is answered after that.
        let served = (1..20).map(|at| attempt(at * 25, at * 25 + 300, true));
        let late = served.chain((20..30).map(|at| attempt(at * 25, at * 25 + 1, false))).collect();
        let verdict = stops(&Seen { probes: late, ..graceful() });
        assert!(verdict.is_broken() && verdict.to_string().contains("none was refused while it drained"), "{verdict}");
    }

    #[test]
    fn what_is_not_answered_within_the_limit_was_not_dropped() {
        let mut seen = Seen { unanswered: 2, exit: None, ..graceful() };
        assert_eq!(broken(&seen), [ShutdownProperty::ExitsInTime]);
        let told = answered(&seen).to_string();
        assert!(told.contains("2 of 4 requests") && told.contains("not answered within the limit"), "{told}");
        assert!(stops(&seen).is_held(), "it refuses while two are under way");
        seen.requests[0].answer = Err("reset".to_owned());
        assert!(answered(&seen).is_broken());
    }

    #[test]
    fn what_this_host_cannot_do_is_told() {
        let seen = Seen { probes: Vec::new(), local: Some("too many open files".to_owned()), ..graceful() };
        let told = stops(&seen).to_string();
        assert!(told.starts_with("INCONCLUSIVE") && told.contains("too many open files"), "{told}");
    }
}

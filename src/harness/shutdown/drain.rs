//! What a service does after the signal: watched until it exits or its limit is over.

use super::{
    ShutdownSubject,
    judge::{Attempt, Exit, QUEUED, Seen},
    round::{Ended, REQUESTS, Requests, Round},
    service::{LOOK, Service},
    sockets::Sockets,
};
use crate::base::Error;
use std::{collections::HashSet, os::unix::process::ExitStatusExt, process::ExitStatus, sync::Arc, time::Duration};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// How far the requests are apart that try whether the service still accepts.
const PACE: Duration = Duration::from_millis(10);

/// How many of those there are at most until one is refused.
const PROBES: usize = 400;

/// After so many refusals the pace is slower: from now on it is only seen whether the service starts to accept again.
const REFUSALS: usize = 5;

/// The slower pace.
const SLOW_PACE: Duration = Duration::from_millis(50);

/// How many there are at most at the slower pace.
const SLOW_PROBES: u32 = 400;

/// How many that are served after all others have ended show that it does not stop.
const SERVED: usize = 50;

/// How long requests have to notice that the service is gone, and its children to be gone too.
const SETTLE: Duration = Duration::from_secs(1);

/// At how many of them the sockets are looked at: one in so many.
const LOOK_AT: usize = 4;

/// The watch over a draining service.
#[derive(Debug)]
pub(super) struct Watch<S> {
    subject: Arc<S>,
    pub(super) round: Round,
    /// When SIGTERM was sent.
    pub(super) signalled: Instant,
    probes: Requests,
    next_probe: Instant,
    hiccup: Duration,
    pub(super) taken: usize,
    queue: Queue,
}

/// The accept queue, as it was seen from look to look.
#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    /// The most that waited in it.
    most: usize,
    /// How many waited in it at the last look.
    last: usize,
    /// How many connections had been accepted at the last look.
    accepted: usize,
    /// At how many looks in a row it was long and nothing more had been accepted.
    left: usize,
}

impl Queue {
    fn note(&mut self, seen: &Sockets) {
        // Nobody listens any more: what was in the queue is gone with the listener.
        if seen.listening.is_empty() {
            return;
        }
        let is_left = seen.queued >= QUEUED && seen.accepted() <= self.accepted;
        self.left = if is_left { self.left + 1 } else { 0 };
        self.most = self.most.max(seen.queued);
        (self.last, self.accepted) = (seen.queued, seen.accepted());
    }
}

/// Whether a service was seen to heed the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    NotYet,
    /// It leaves connections unaccepted, which it may also do as it had no time for them.
    Perhaps,
    /// It refused one.
    Surely,
}

impl<S: ShutdownSubject> Watch<S> {
    /// Sends SIGTERM.
    pub(super) fn signal(subject: &Arc<S>, mut round: Round) -> Result<Self, Error> {
        // It may have opened some since it told its address.
        round.service.remember_listeners()?;
        let signalled = Instant::now();
        round.service.terminate()?;
        let (subject, probes) = (Arc::clone(subject), Requests::default());
        let (next_probe, hiccup) = (signalled, Duration::ZERO);
        Ok(Self { subject, round, signalled, probes, next_probe, hiccup, taken: 0, queue: Queue::default() })
    }

    /// Tries once whether the service still accepts, and takes note of all that has ended.
    pub(super) async fn probe(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        self.probes.send(&self.subject, &self.round.service);
        if self.probes.sent.is_multiple_of(LOOK_AT) {
            let seen = self.round.service.look()?;
            self.taken = self.taken.max(seen.read.saturating_sub(REQUESTS));
            self.queue.note(&seen);
        }
        self.pause(PACE, began).await;
        self.next_probe = began + self.pace();
        Ok(())
    }

    /// Sleeps, and takes note of all that has ended and of how much longer than planned it took since `began`.
    async fn pause(&mut self, planned: Duration, began: Instant) {
        sleep(planned).await;
        self.hiccup = self.hiccup.max(began.elapsed().saturating_sub(planned));
        self.round.requests.reap();
        self.probes.reap();
    }

    pub(super) fn has_stopped(&self) -> Stopped {
        if self.refusals() > 0 {
            Stopped::Surely
        } else if self.queue.most >= QUEUED {
            Stopped::Perhaps
        } else {
            Stopped::NotYet
        }
    }

    /// How many were refused. One that this host could not make was not.
    fn refusals(&self) -> usize {
        self.probes.ended.iter().filter(|probe| probe.answer.is_err() && !probe.is_local).count()
    }

    fn pace(&self) -> Duration {
        if self.refusals() > REFUSALS { SLOW_PACE.max(self.subject.limit() / SLOW_PROBES) } else { PACE }
    }

    /// Whether the limits on the number and on the time leave room for one more. Those that are refused are limited by
    /// their pace.
    pub(super) fn may_probe(&self) -> bool {
        let in_time = self.signalled.elapsed() < self.subject.limit();
        in_time && (self.probes.sent < PROBES || self.refusals() > REFUSALS)
    }

    fn has_seen_enough(&self) -> bool {
        let served = self.probes.ended.iter().filter(|probe| probe.answer.is_ok()).count();
        self.round.requests.pending() == 0 && served >= SERVED
    }

    /// Watches until the exit, or until the limit of the subject is over.
    pub(super) async fn until_exit(mut self) -> Result<Seen, Error> {
        let until = self.signalled + self.subject.limit();
        let status = loop {
            let status = self.round.service.exited()?;
            if status.is_some() || Instant::now() >= until {
                break status;
            }
            let now = Instant::now();
            if now >= self.next_probe && self.may_probe() && !self.has_seen_enough() {
                self.probe().await?;
            } else {
                self.pause(LOOK, now).await;
            }
        };
        let exited = Instant::now();
        let exit = match status {
            Some(status) => Some(self.exit(status, exited).await?),
            None => None,
        };
        let Self { round: Round { service: _service, mut requests }, mut probes, signalled, .. } = self;
        let settled = Instant::now() + if exit.is_some() { SETTLE } else { Duration::ZERO };
        requests.settle(settled).await;
        probes.settle(settled).await;
        let (unanswered, attempts) = (requests.pending(), |ended: Vec<Ended>| attempts(signalled, ended));
        let (local, judged): (Vec<Ended>, Vec<Ended>) = probes.ended.into_iter().partition(|probe| probe.is_local);
        Ok(Seen {
            requests: attempts(requests.ended),
            unanswered,
            probes: attempts(judged),
            local: local.into_iter().find_map(|probe| probe.answer.err()),
            hiccup: self.hiccup,
            taken: self.taken,
            queued: self.queue.last,
            left: self.queue.left,
            exit,
        })
    }

    async fn exit(&self, status: ExitStatus, at: Instant) -> Result<Exit, Error> {
        Ok(Exit {
            after: at - self.signalled,
            code: status.code(),
            signal: status.signal(),
            port_is_free: port_is_free(&self.round.service).await?,
            living: living(&self.round.service).await,
        })
    }
}

/// Whether nobody listens with the sockets of the service any more. Another process may have got its port.
async fn port_is_free(service: &Service) -> Result<bool, Error> {
    let refused = |connected: Result<_, _>| matches!(connected, Ok(Err(_)));
    if refused(timeout(SETTLE, TcpStream::connect(service.address)).await) {
        return Ok(true);
    }
    let before: HashSet<u64> = service.listening.iter().copied().collect();
    Ok(service.look()?.listening.iter().all(|inode| !before.contains(inode)))
}

/// Who of its group lives, once those that are about to die had the time to.
async fn living(service: &Service) -> Vec<String> {
    let until = Instant::now() + SETTLE;
    loop {
        let living = service.living();
        if living.is_empty() || Instant::now() >= until {
            return living;
        }
        sleep(LOOK).await;
    }
}

/// Times that count from the signal.
fn attempts(signalled: Instant, ended: Vec<Ended>) -> Vec<Attempt> {
    let since = |at: Instant| at.saturating_duration_since(signalled);
    ended
        .into_iter()
        .map(|Ended { began, ended, answer, .. }| Attempt { began: since(began), ended: since(ended), answer })
        .collect()
}

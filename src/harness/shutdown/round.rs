//! One round: a service with requests in flight.

use super::{
    ShutdownSubject,
    service::{LOOK, Service},
};
use crate::base::Error;
use crate::scope::Test;
use rustix::io::Errno;
use std::{error::Error as StdError, io, sync::Arc, time::Duration};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// How many requests are in flight when the signal comes.
pub(super) const REQUESTS: usize = 8;

/// How long a service may take to accept and to read them.
const ACCEPT_LIMIT: Duration = Duration::from_secs(10);

/// How often the sockets are looked at. A look takes some milliseconds on a host with many connections.
pub(super) const LOOK_AT_SOCKETS: Duration = Duration::from_millis(5);

/// Why a round shows nothing.
pub(super) type Nothing = String;

/// A request that has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) began: Instant,
    pub(super) ended: Instant,
    pub(super) answer: Result<(), String>,
    /// It failed as this host is short of something, which says nothing about the service.
    pub(super) is_local: bool,
}

/// Requests that are under way, and those that have ended.
#[derive(Debug, Default)]
pub(super) struct Requests {
    under_way: JoinSet<Ended>,
    pub(super) ended: Vec<Ended>,
    pub(super) sent: usize,
}

impl Requests {
    /// Sends one.
    pub(super) fn send<S: ShutdownSubject>(&mut self, subject: &Arc<S>, service: &Service) {
        let (subject, address) = (Arc::clone(subject), service.address);
        self.sent += 1;
        self.under_way.spawn(async move {
            let began = Instant::now();
            let answer = subject.request(address).await;
            let is_local = answer.as_ref().is_err_and(|error| is_local(error.as_ref()));
            Ended { began, ended: Instant::now(), answer: answer.map_err(|error| error.to_string()), is_local }
        });
    }

    /// Takes note of those that have ended.
    pub(super) fn reap(&mut self) {
        while let Some(ended) = self.under_way.try_join_next() {
            let now = Instant::now();
            let panicked = |error: tokio::task::JoinError| Ended {
                began: now,
                ended: now,
                answer: Err(error.to_string()),
                is_local: false,
            };
            self.ended.push(ended.unwrap_or_else(panicked));
        }
    }

    /// How many are under way.
    pub(super) fn pending(&self) -> usize {
        self.under_way.len()
    }

    /// Waits until all have ended, until then at most.
    pub(super) async fn settle(&mut self, until: Instant) {
        self.reap();
        while self.pending() > 0 && Instant::now() < until {
            sleep(LOOK).await;
            self.reap();
        }
    }
}

/// A service with requests in flight.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) service: Service,
    pub(super) requests: Requests,
}

/// Starts a service and waits until all requests are accepted and read.
pub(super) async fn begin<S: ShutdownSubject>(t: &Test, subject: &Arc<S>) -> Result<Result<Round, Nothing>, Error> {
    let service = Service::start(t, &**subject).await?;
    let mut requests = Requests::default();
    (0..REQUESTS).for_each(|_| requests.send(subject, &service));
    let until = Instant::now() + ACCEPT_LIMIT;
    // Connected, accepted and silent looks like accepted and read. But once this loop has slept, the requests have
    // been told that they are connected and have written: so what counts is the second look.
    let mut looks = 0;
    while looks < 2 {
        sleep(LOOK_AT_SOCKETS).await;
        requests.reap();
        if let Some(early) = requests.ended.first() {
            return early_end(early);
        }
        let seen = service.look()?;
        looks = if seen.read >= REQUESTS { looks + 1 } else { 0 };
        if Instant::now() >= until {
            let accepted = seen.accepted();
            return Ok(Err(format!("{accepted} of {REQUESTS} requests were accepted within {ACCEPT_LIMIT:?}")));
        }
    }
    Ok(Ok(Round { service, requests }))
}

fn early_end(early: &Ended) -> Result<Result<Round, Nothing>, Error> {
    let took = early.ended - early.began;
    match &early.answer {
        Ok(()) => Ok(Err(format!(
            "a request ended after {took:.0?}, before all {REQUESTS} were accepted: let requests take 300 ms or more"
        ))),
        Err(error) if early.is_local => Ok(Err(format!("this host could not make the requests: {error}"))),
        Err(error) => Err(Error::other(format!("a request to the healthy service failed: {error}"))),
    }
}

/// No descriptor, no port or no memory for one more connection.
const LOCAL: [Errno; 5] = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM];

/// Whether an error, or what caused it, says that this host is short of something.
fn is_local(error: &(dyn StdError + 'static)) -> bool {
    let of_system = error.downcast_ref::<io::Error>();
    let code = of_system.and_then(io::Error::raw_os_error);
    // An error of the system that wraps another one does not name it as its source.
    let wrapped = of_system.and_then(io::Error::get_ref).map(|inner| inner as &(dyn StdError + 'static));
    code.is_some_and(|code| LOCAL.iter().any(|local| local.raw_os_error() == code))
        || wrapped.or_else(|| error.source()).is_some_and(is_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_host_is_short_of_is_no_refusal() {
        let error = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        for errno in LOCAL {
            assert!(is_local(&error(errno)), "{errno}");
            assert!(is_local(&io::Error::other(error(errno))), "{errno}");
            assert!(is_local(&Error::other("the client").with_source(error(errno))), "{errno}");
        }
        for errno in [Errno::CONNREFUSED, Errno::CONNRESET, Errno::PIPE] {
            assert!(!is_local(&error(errno)), "{errno}");
        }
        assert!(!is_local(&io::Error::other("busy")));
    }
}

//! One round: a service with requests in flight.

use super::{
    ShutdownSubject,
    service::{LOOK, Service},
};
use crate::base::Error;
use crate::scope::Test;
use std::{sync::Arc, time::Duration};
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
            let answer = subject.request(address).await.map_err(|error| error.to_string());
            Ended { began, ended: Instant::now(), answer }
        });
    }

    /// Takes note of those that have ended.
    pub(super) fn reap(&mut self) {
        while let Some(ended) = self.under_way.try_join_next() {
            let now = Instant::now();
            let panicked =
                |error: tokio::task::JoinError| Ended { began: now, ended: now, answer: Err(error.to_string()) };
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
        Err(error) => Err(Error::other(format!("a request to the healthy service failed: {error}"))),
    }
}

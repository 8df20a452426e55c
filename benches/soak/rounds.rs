//! Rounds: all clients begin, toxics come and go, then the toxics are gone and every connection must end.

use super::{
    book::Book,
    chaos,
    client::{CREW, Client, Kind},
    wire::Pattern,
};
use fastrand::Rng;
use qtests::proxy::FaultProxy;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinSet, time::Instant};

/// How long a round is, in milliseconds, before its end begins.
const LENGTH: std::ops::RangeInclusive<u64> = 2_000..=5_000;

/// How long connections may take to end once no toxic is left.
const LIMIT: Duration = Duration::from_secs(60);

/// All rounds of a run.
pub(crate) struct Rounds {
    random: Rng,
    wire: FaultProxy,
    book: Arc<Book>,
    pattern: Pattern,
}

impl Rounds {
    pub(crate) fn new(seed: u64, wire: FaultProxy, book: Arc<Book>, pattern: Pattern) -> Self {
        Self { random: Rng::with_seed(seed), wire, book, pattern }
    }

    /// One connection of each kind that ends by itself.
    pub(crate) async fn warm_up(&mut self) {
        let (_sender, over) = watch::channel(true);
        for (kind, _) in CREW {
            self.client(kind, false, over.clone()).connect_once().await;
        }
    }

    /// Rounds until so much time has passed, or something is wrong.
    pub(crate) async fn run(&mut self, length: Duration) {
        let end = Instant::now() + length;
        while Instant::now() < end && self.book.failures().is_empty() {
            let rough = self.random.u8(0..3) == 0;
            let until = end.min(Instant::now() + Duration::from_millis(self.random.u64(LENGTH)));
            self.round(rough, until).await;
        }
    }

    async fn round(&mut self, rough: bool, until: Instant) {
        let (sender, over) = watch::channel(false);
        let mut clients = JoinSet::new();
        for (kind, count) in CREW {
            for _ in 0..count {
                clients.spawn(self.client(kind, rough, over.clone()).run());
            }
        }
        chaos::run(&self.wire, &mut self.random, rough, until, &self.book).await;
        let _ = sender.send(true);
        let all = async { while clients.join_next().await.is_some_and(|ended| ended.is_ok()) {} };
        let ended = tokio::time::timeout(LIMIT, all).await;
        if ended.is_err() || !clients.is_empty() {
            self.book.fail(format!(
                "{} clients had not ended {LIMIT:?} after the last toxic was removed; the proxy: {:?}",
                clients.len(),
                self.wire
            ));
        }
    }

    fn client(&mut self, kind: Kind, rough: bool, over: watch::Receiver<bool>) -> Client {
        Client {
            kind,
            proxy: self.wire.addr(),
            book: self.book.clone(),
            pattern: self.pattern.clone(),
            random: self.random.fork(),
            rough,
            over,
        }
    }
}

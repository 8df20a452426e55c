//! The running shutdown.

use super::{
    Cause, HookReport, ShutdownReport,
    gate::Gate,
    hook::{Hook, Running},
};
use std::{borrow::Cow, collections::VecDeque, fmt, sync::Arc, time::Duration};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

/// The handle of a running service: asks whether it is to shut down, counts what is in flight, and sees to the end.
///
/// Clones are the same shutdown. If all of them are dropped, signals kill the process at once again.
#[derive(Clone)]
pub struct ShutdownHandle {
    gate: Arc<Gate>,
    drain_limit: Duration,
    closing: Arc<Mutex<Closing>>,
}

/// How far the end has come. It is kept here and not in a future, so that whoever calls `finish` next goes on where the
/// last one was dropped.
#[derive(Debug)]
struct Closing {
    /// When `finish` was first called.
    began: Option<Instant>,
    /// How long the drain took, how many were drained and how many abandoned, once it is over.
    drain: Option<(Duration, usize, usize)>,
    waiting: VecDeque<Hook>,
    running: Option<Running>,
    ended: Vec<HookReport>,
    report: Option<ShutdownReport>,
}

impl ShutdownHandle {
    pub(super) fn new(gate: Arc<Gate>, drain_limit: Duration, hooks: Vec<Hook>) -> Self {
        let closing =
            Closing { began: None, drain: None, waiting: hooks.into(), running: None, ended: Vec::new(), report: None };
        Self { gate, drain_limit, closing: Arc::new(Mutex::new(closing)) }
    }

    /// Resolves once the shutdown is requested, at once if it is already. Stop accepting then. Cancel safe, and needs no
    /// runtime of its own, so it can be handed to servers that take a future (`with_graceful_shutdown(..)`).
    pub fn requested(&self) -> impl Future<Output = ()> + Send + Sync + 'static {
        let gate = Arc::clone(&self.gate);
        async move { gate.requested().await }
    }

    /// Whether the shutdown is requested.
    pub fn is_requested(&self) -> bool {
        self.gate.is_requested()
    }

    /// Why the shutdown is requested, if it is.
    pub fn cause(&self) -> Option<Cause> {
        self.gate.cause()
    }

    /// Requests the shutdown by hand. `why` is for the report. Whether this was the first request; later ones change
    /// nothing.
    pub fn request(&self, why: impl Into<Cow<'static, str>>) -> bool {
        self.gate.request(Cause::Asked(why.into()))
    }

    /// Counts a request as being in flight until the guard is dropped; [`finish`](ShutdownHandle::finish) waits for it.
    ///
    /// `None` once the shutdown is requested: refuse the request then (close the connection, or answer 503), for nobody
    /// would wait for it. Between the two there is no gap: whoever gets a guard is waited for.
    #[must_use = "the request counts as in flight only as long as this guard lives"]
    pub fn in_flight(&self) -> Option<InFlight> {
        self.gate.enter().then(|| InFlight { gate: Arc::clone(&self.gate) })
    }

    /// Sees to the end: requests the shutdown if nobody has, waits for what is in flight as long as the
    /// [drain limit](super::Shutdown::drain_limit) says, runs the hooks in their order, and says how all of it went. To
    /// be called when the loop that accepts has ended.
    ///
    /// What is in flight when the limit has passed is counted as abandoned and not stopped; it goes with the process.
    /// A task that blocks its thread keeps a runtime from being dropped, so if there may be such tasks leave with
    /// [`std::process::exit`] rather than from `main`.
    ///
    /// All calls, one after the other or at the same time, give the same report, and each hook runs once. Do not call it
    /// in a hook: it would wait for that hook until the limit cuts it.
    ///
    /// # Cancel safety
    /// Cancel safe. If the future is dropped, time and a running hook go on; the next call goes on from there.
    ///
    /// # Panics
    /// Outside a tokio runtime with its timer enabled.
    pub async fn finish(&self) -> ShutdownReport {
        self.gate.request(Cause::Finished);
        self.closing.lock().await.finish(&self.gate, self.drain_limit).await
    }
}

impl Closing {
    async fn finish(&mut self, gate: &Gate, limit: Duration) -> ShutdownReport {
        if let Some(report) = &self.report {
            return report.clone();
        }
        let began = *self.began.get_or_insert_with(Instant::now);
        let (drain_time, drained, abandoned) = match self.drain {
            Some(drain) => drain,
            None => {
                // Whoever leaves at the very moment of the limit is counted below as what it is.
                let _ = timeout(limit.saturating_sub(began.elapsed()), gate.drained()).await;
                let (drained, abandoned) = gate.counts();
                *self.drain.insert((began.elapsed(), drained, abandoned))
            }
        };
        loop {
            let Some(running) = &mut self.running else {
                let Some(hook) = self.waiting.pop_front() else { break };
                self.running = Some(hook.start());
                continue;
            };
            let ended = running.end().await;
            self.ended.push(ended);
            self.running = None;
        }
        let cause = gate.cause().unwrap_or(Cause::Finished);
        let hooks = std::mem::take(&mut self.ended).into();
        self.report.insert(ShutdownReport { cause, drain_time, drained, abandoned, hooks }).clone()
    }
}

impl fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownHandle").field("cause", &self.cause()).finish_non_exhaustive()
    }
}

/// A request in flight, see [`ShutdownHandle::in_flight`].
#[must_use = "dropping this says that the request has ended"]
pub struct InFlight {
    gate: Arc<Gate>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.gate.leave();
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InFlight")
    }
}

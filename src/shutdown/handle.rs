//! The running shutdown.

use super::{
    Cause, HookReport, ShutdownReport,
    drain::Drain,
    gate::Gate,
    hook::{Hook, Running},
};
use crate::base::signals::Hearing;
use std::{borrow::Cow, collections::VecDeque, fmt, panic::resume_unwind, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::timeout};

/// The handle of a running service: asks whether it is to shut down, counts what is in flight, and sees to the end.
///
/// Clones are the same shutdown. If all of them are dropped, a signal that nobody else in the process hears kills at
/// once again; futures of [`requested`](ShutdownHandle::requested) and guards do not count, an end that is being seen
/// to does. (If something that is not of this crate, such as `tokio::signal`, listened before the first shutdown of the
/// process was started, the signal is left to it.)
#[derive(Clone)]
pub struct ShutdownHandle {
    gate: Arc<Gate>,
    drain: Arc<Drain>,
    closing: Arc<Mutex<Closing>>,
    /// Signals are heard as long as this lives.
    _hearing: Option<Hearing>,
}

/// How far the end has come. It is kept here and not in a task, so that whoever calls `finish` on another runtime goes
/// on where the first one ended.
#[derive(Debug)]
struct Closing {
    /// How long the drain took, how many were drained and how many abandoned, once it is over.
    drain: Option<(Duration, usize, usize)>,
    waiting: VecDeque<Hook>,
    running: Option<Running>,
    ended: Vec<HookReport>,
    report: Option<ShutdownReport>,
}

impl ShutdownHandle {
    pub(super) fn new(gate: Arc<Gate>, drain: Drain, hooks: Vec<Hook>, hearing: Option<Hearing>) -> Self {
        let closing = Closing { drain: None, waiting: hooks.into(), running: None, ended: Vec::new(), report: None };
        Self { gate, drain: Arc::new(drain), closing: Arc::new(Mutex::new(closing)), _hearing: hearing }
    }

    /// Resolves once the shutdown is requested, at once if it is already. Stop accepting then. Cancel safe, and needs
    /// no runtime of its own, so it can be handed to servers that take a future (`with_graceful_shutdown(..)`).
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

    /// Runs a server that ends by itself some time after the request, and drops it if it has not ended when the
    /// [drain limit](super::Shutdown::drain_limit) has passed: `None` then. The limit counts from the request and also
    /// holds for `finish`, which is left what the server has not used.
    ///
    /// Servers that take a future for a graceful shutdown end only when their last connection has, and one client can
    /// keep that from ever happening; see [the module](super#servers-of-libraries). Dropping such a server closes its
    /// listener; tasks that it has started go with the process. A server that was dropped makes the report of a later
    /// [`finish`](ShutdownHandle::finish) unclean, so await this before.
    ///
    /// # Cancel safety
    /// If the future is dropped the server is dropped with it.
    ///
    /// # Panics
    /// Outside a tokio runtime with its timer enabled.
    pub async fn drain<F: Future>(&self, server: F) -> Option<F::Output> {
        self.drain.run(&self.gate, server).await
    }

    /// Sees to the end: requests the shutdown if nobody has, waits for what is in flight as long as the
    /// [drain limit](super::Shutdown::drain_limit) says, runs the hooks in their order, and says how all of it went. To
    /// be called when the loop that accepts has ended.
    ///
    /// What is in flight when the limit has passed is counted as abandoned and not stopped; it goes with the process.
    /// A task that blocks its thread keeps a runtime from being dropped, so if there may be such tasks leave with
    /// [`std::process::exit`] rather than from `main`.
    ///
    /// All calls, one after the other or at the same time, give the same report, and each hook runs once. Do not call
    /// it in a hook: it would wait for that hook until the limit cuts it.
    ///
    /// # Cancel safety
    /// Cancel safe. The end is seen to by a task of its own, which goes on if the future is dropped; the next call
    /// waits for the same end. If the runtime ends before, a call on another runtime goes on from there.
    ///
    /// # Panics
    /// Outside a tokio runtime with its timer enabled, or if the runtime ends meanwhile.
    pub async fn finish(&self) -> ShutdownReport {
        self.gate.request(Cause::Finished);
        // Only who holds the lock sees to the end, so there is at most one task.
        let mut closing = Arc::clone(&self.closing).lock_owned().await;
        if let Some(report) = &closing.report {
            return report.clone();
        }
        // It holds a handle, so that signals are heard until the end.
        let handle = self.clone();
        let end = tokio::spawn(async move { closing.finish(&handle.gate, &handle.drain).await });
        match end.await.map_err(tokio::task::JoinError::try_into_panic) {
            Ok(report) => report,
            Err(Ok(panic)) => resume_unwind(panic),
            Err(Err(_)) => panic!("the runtime ended before the shutdown did: call `finish` on one that outlives it"),
        }
    }
}

impl Closing {
    async fn finish(&mut self, gate: &Gate, drain: &Drain) -> ShutdownReport {
        let (drain_time, drained, abandoned) = match self.drain {
            Some(drain) => drain,
            None => {
                // Whoever leaves at the very moment of the limit is counted below as what it is.
                let _ = timeout(drain.left(), gate.drained()).await;
                let (drained, abandoned) = gate.counts();
                *self.drain.insert((drain.begin().elapsed(), drained, abandoned))
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
        let cut = drain.has_cut();
        self.report.insert(ShutdownReport { cause, drain_time, drained, abandoned, cut, hooks }).clone()
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

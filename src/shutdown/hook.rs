//! What a service does before it ends, such as saving its state.

use super::{HookOutcome, HookReport};
use std::{
    borrow::Cow,
    error::Error,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    time::Duration,
};
use tokio::{
    task::{JoinError, JoinHandle},
    time::{Instant, timeout},
};

type HookError = Box<dyn Error + Send + Sync>;
type HookFuture = Pin<Box<dyn Future<Output = Result<(), HookError>> + Send>>;

/// How long a hook that was cut is given to drop what it holds. One that blocks its thread takes longer, and nobody
/// waits for it.
const DROP_LIMIT: Duration = Duration::from_millis(100);

/// A hook that has not run yet.
pub(super) struct Hook {
    pub(super) name: Cow<'static, str>,
    pub(super) limit: Duration,
    run: Box<dyn FnOnce() -> HookFuture + Send>,
}

/// A hook that is running.
#[derive(Debug)]
pub(super) struct Running {
    name: Cow<'static, str>,
    limit: Duration,
    began: Instant,
    /// How it ended, and when.
    task: JoinHandle<(Result<(), HookError>, Instant)>,
    /// Its limit has passed.
    is_late: bool,
}

impl Hook {
    pub(super) fn new<F, E>(name: Cow<'static, str>, limit: Duration, run: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<HookError>,
    {
        let run = Box::new(move || Box::pin(async move { run().await.map_err(Into::into) }) as HookFuture);
        Self { name, limit, run }
    }

    /// Starts it in a task of its own, so that its panics are caught and a thread that it blocks is not the caller's.
    pub(super) fn start(self) -> Running {
        let Self { name, limit, run } = self;
        let task = tokio::spawn(async move { (run().await, Instant::now()) });
        Running { name, limit, began: Instant::now(), task, is_late: false }
    }
}

impl Running {
    /// Waits until it ends or its time is over. Cancel safe: a second call goes on waiting for the same end.
    pub(super) async fn end(&mut self) -> HookReport {
        let outcome = if self.is_late { HookOutcome::TimedOut(self.limit) } else { self.outcome().await };
        HookReport { name: self.name.clone(), outcome, took: self.began.elapsed() }
    }

    async fn outcome(&mut self) -> HookOutcome {
        let left = self.limit.saturating_sub(self.began.elapsed());
        match timeout(left, &mut self.task).await {
            // On a runtime that nobody drove for a while the hook and its limit are woken together.
            Ok(Ok((_, ended))) if ended.duration_since(self.began) > self.limit => HookOutcome::TimedOut(self.limit),
            Ok(Ok((Ok(()), _))) => HookOutcome::Done,
            Ok(Ok((Err(error), _))) => HookOutcome::Failed(error.into()),
            Ok(Err(error)) => outcome_of(error),
            Err(_) => {
                self.is_late = true;
                self.task.abort();
                // It may have ended at the last moment; its limit was over all the same.
                let _ = timeout(DROP_LIMIT, &mut self.task).await;
                HookOutcome::TimedOut(self.limit)
            }
        }
    }
}

/// How a hook ended that did not return.
fn outcome_of(error: JoinError) -> HookOutcome {
    let Ok(payload) = error.try_into_panic() else {
        let text: HookError = "its runtime ended while it ran: call `finish` on a runtime that outlives it".into();
        return HookOutcome::Failed(text.into());
    };
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    // The payload may panic when it is dropped, which must not cost the hooks that follow.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    HookOutcome::Panicked(text.unwrap_or_else(|| "its payload is no text".to_owned()))
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("name", &self.name).field("limit", &self.limit).finish_non_exhaustive()
    }
}

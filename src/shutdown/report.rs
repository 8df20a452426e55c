//! What came of a shutdown.

use super::Signal;
use std::{borrow::Cow, error::Error, fmt, process::ExitCode, sync::Arc, time::Duration};

/// Why a service shuts down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A signal came.
    Signal(Signal),
    /// [`request`](super::ShutdownHandle::request) was called with this text.
    Asked(Cow<'static, str>),
    /// Nobody asked: the service called [`finish`](super::ShutdownHandle::finish) by itself.
    Finished,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(signal) => signal.fmt(f),
            Self::Asked(why) => f.write_str(why),
            Self::Finished => f.write_str("the end of the service itself"),
        }
    }
}

/// How a hook ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HookOutcome {
    /// It did what it should.
    Done,
    /// It returned this error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// It panicked with this text.
    Panicked(String),
    /// It was still running after its limit, which is given here, and was dropped.
    TimedOut(Duration),
}

impl fmt::Display for HookOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed(error) => {
                write!(f, "failed: {error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::Panicked(text) => write!(f, "panicked: {text}"),
            Self::TimedOut(limit) => write!(f, "not done within {limit:?}"),
        }
    }
}

/// What came of one hook.
#[derive(Clone, Debug)]
pub struct HookReport {
    pub(super) name: Cow<'static, str>,
    pub(super) outcome: HookOutcome,
    pub(super) took: Duration,
}

impl HookReport {
    /// The name that the hook was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it ended.
    pub fn outcome(&self) -> &HookOutcome {
        &self.outcome
    }

    /// Whether it did what it should.
    pub fn is_done(&self) -> bool {
        matches!(self.outcome, HookOutcome::Done)
    }

    /// How long it took.
    pub fn took(&self) -> Duration {
        self.took
    }
}

/// What came of a shutdown. Its text is one line, for the log.
#[derive(Clone, Debug)]
#[must_use = "a report that nobody looks at hides requests that were cut off and state that was not saved"]
pub struct ShutdownReport {
    pub(super) cause: Cause,
    pub(super) drain_time: Duration,
    pub(super) drained: usize,
    pub(super) abandoned: usize,
    pub(super) cut: bool,
    pub(super) hooks: Arc<[HookReport]>,
}

impl ShutdownReport {
    /// Why the service has shut down: the first cause, if there were several.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// How long requests in flight were waited for, counted as the [drain limit](super::Shutdown::drain_limit) is.
    pub fn drain_time(&self) -> Duration {
        self.drain_time
    }

    /// How many requests were in flight when the shutdown was requested and ended in time.
    pub fn drained(&self) -> usize {
        self.drained
    }

    /// How many requests were still in flight when the drain limit had passed.
    pub fn abandoned(&self) -> usize {
        self.abandoned
    }

    /// Whether a server that [`drain`](super::ShutdownHandle::drain) ran was still running when the drain limit had
    /// passed.
    pub fn server_was_cut(&self) -> bool {
        self.cut
    }

    /// What came of the hooks, in the order in which they ran.
    pub fn hooks(&self) -> &[HookReport] {
        &self.hooks
    }

    /// Whether nothing was abandoned, no server cut, and every hook did what it should.
    pub fn is_clean(&self) -> bool {
        self.abandoned == 0 && !self.cut && self.hooks.iter().all(HookReport::is_done)
    }

    /// The status to end the process with: 0 if it is clean, 1 otherwise.
    pub fn exit_code(&self) -> ExitCode {
        if self.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, drain_time, drained, abandoned, cut, hooks } = self;
        let how = if self.is_clean() { "clean" } else { "NOT clean" };
        write!(
            f,
            "{how} shutdown ({cause}): {drained} drained, {abandoned} abandoned in {:.3} s",
            drain_time.as_secs_f64()
        )?;
        if *cut {
            f.write_str("; the server had not ended")?;
        }
        for hook in hooks.iter() {
            write!(f, "; `{}` {} in {:.3} s", hook.name, hook.outcome, hook.took.as_secs_f64())?;
        }
        Ok(())
    }
}

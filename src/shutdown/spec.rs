//! What a shutdown is to be like.

use super::{ShutdownHandle, Signal, drain::Drain, gate::Gate, hook::Hook, signal};
use crate::base::{Error, Kind};
use std::{borrow::Cow, sync::Arc, time::Duration};

/// How many hooks a shutdown can have.
const HOOKS: usize = 100;

/// What a shutdown is to be like; [`start`](Shutdown::start) makes it work.
#[derive(Debug)]
#[must_use = "nothing is listened to until `start` is called"]
pub struct Shutdown {
    signals: Vec<Signal>,
    drain_limit: Duration,
    hook_limit: Duration,
    hooks: Vec<Hook>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A shutdown that is requested by hand only, with the default limits and no hooks.
    pub fn new() -> Self {
        Self {
            signals: Vec::new(),
            drain_limit: Duration::from_secs(30),
            hook_limit: Duration::from_secs(10),
            hooks: Vec::new(),
        }
    }

    /// SIGTERM and SIGINT request the shutdown. Defaults to no signal at all.
    ///
    /// They are heard by a thread of their own, so it does not matter if the runtime is blocked. The first one requests
    /// the shutdown; the second one, of whatever kind, kills the process at once by that signal, unless another
    /// shutdown of the process hears it as its first.
    ///
    /// A signal that is ignored when [`start`](Shutdown::start) is called stays ignored and requests nothing: `nohup`
    /// starts programs with SIGHUP ignored, a shell its background jobs with SIGINT and SIGQUIT.
    pub fn on_signals(self) -> Self {
        self.on_signal(Signal::Terminate).on_signal(Signal::Interrupt)
    }

    /// This signal requests the shutdown, as well as those named before; see [`on_signals`](Shutdown::on_signals).
    pub fn on_signal(mut self, signal: Signal) -> Self {
        if !self.signals.contains(&signal) {
            self.signals.push(signal);
        }
        self
    }

    /// How long requests in flight are waited for, counted from the request where the server is run by
    /// [`drain`](ShutdownHandle::drain), otherwise from the first call of [`finish`](ShutdownHandle::finish). Zero
    /// waits for nobody. Defaults to 30 s.
    ///
    /// An orchestrator kills what takes longer than its grace period, so this and the limits of the hooks together
    /// should stay below it.
    pub fn drain_limit(mut self, limit: Duration) -> Self {
        self.drain_limit = limit;
        self
    }

    /// How long each of the hooks that are added *after* this call may take. Defaults to 10 s.
    pub fn hook_limit(mut self, limit: Duration) -> Self {
        self.hook_limit = limit;
        self
    }

    /// Runs this when the requests in flight have ended, or the drain limit has passed: to save state, flush a buffer,
    /// say goodbye. `name` is for the report.
    ///
    /// Hooks run one after the other in the order in which they were added, each in a task of its own. One that fails,
    /// panics or takes longer than its [limit](Shutdown::hook_limit) is named in the report, and the rest runs all the
    /// same. At most 100.
    pub fn hook<F, E>(mut self, name: impl Into<Cow<'static, str>>, run: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.hooks.push(Hook::new(name.into(), self.hook_limit, run));
        self
    }

    /// Listens for the signals from now on. Needs no runtime.
    ///
    /// **Start it before you announce yourself**: before the address is printed, the port file written, the service
    /// registered, best of all before the listener is bound. Until it is started a signal kills, and whoever learns
    /// that you are there may send one at once.
    ///
    /// All shutdowns of a process share one thread, which lives as long as the process. At most 1,000 that hear signals
    /// can live at the same time.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if the limit of a hook is zero, [`is_limit`](Error::is_limit) if there are
    /// more than 100 hooks; others if the system refuses a thread or a handler, or 1,000 others hear signals.
    pub fn start(self) -> Result<ShutdownHandle, Error> {
        if let Some(hook) = self.hooks.iter().find(|hook| hook.limit.is_zero()) {
            let name = &hook.name;
            return Err(Error::invalid(format!("`hook_limit` of the hook `{name}` is zero: give it time to run")));
        }
        if self.hooks.len() > HOOKS {
            let count = self.hooks.len();
            return Err(Error::new(Kind::Limit, format!("{count} hooks: at most {HOOKS}, so let one do more")));
        }
        let gate = Arc::new(Gate::default());
        let hearing = match self.signals.is_empty() {
            true => None,
            false => Some(signal::hear(self.signals, Arc::clone(&gate))?),
        };
        Ok(ShutdownHandle::new(gate, Drain::new(self.drain_limit), self.hooks, hearing))
    }
}

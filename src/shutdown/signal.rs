//! The signals that request a shutdown.

use super::{Cause, gate::Gate};
use crate::base::{Error, signals};
use signal_hook::consts;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A signal that requests a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signal {
    /// SIGTERM: what orchestrators, service managers and `kill` send.
    Terminate,
    /// SIGINT: what Ctrl-C sends.
    Interrupt,
    /// SIGHUP: the terminal is gone.
    Hangup,
    /// SIGQUIT: what Ctrl-\ sends.
    Quit,
}

impl Signal {
    fn number(self) -> i32 {
        match self {
            Self::Terminate => consts::SIGTERM,
            Self::Interrupt => consts::SIGINT,
            Self::Hangup => consts::SIGHUP,
            Self::Quit => consts::SIGQUIT,
        }
    }
}

/// The name that manuals use, such as `SIGTERM`.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Hangup => "SIGHUP",
            Self::Quit => "SIGQUIT",
        })
    }
}

/// Lets the first of these signals close the gate, and the second one kill, as long as the returned value lives.
pub(super) fn hear(signals: Vec<Signal>, gate: Arc<Gate>) -> Result<signals::Hearing, Error> {
    let numbers: Vec<i32> = signals.iter().map(|signal| signal.number()).collect();
    let first = AtomicBool::new(true);
    let take = move |number| {
        let signal = signals.iter().find(|signal| signal.number() == number);
        // A shutdown that was requested in another way does not make the first signal a deadly one.
        match signal {
            Some(signal) if first.swap(false, Ordering::AcqRel) => {
                gate.request(Cause::Signal(*signal));
                true
            }
            _ => false,
        }
    };
    signals::hear(&numbers, take)
        .map_err(|error| Error::other("the signals of `Shutdown` cannot be heard").with_source(error))
}

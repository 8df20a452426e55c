//! The properties of a graceful shutdown.

use crate::harness::Verdict;
use crate::scope::Test;
use std::fmt;

/// A property of a graceful shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownProperty {
    /// Every request that was accepted before the signal gets its answer.
    AcceptedIsAnswered,
    /// The service stops accepting while it drains, and does not start again.
    StopsAccepting,
    /// It exits within its limit.
    ExitsInTime,
    /// It exits with its declared status, and is not killed by the signal.
    ExitsWithItsCode,
    /// Its port is free and its children are gone.
    LeavesNothing,
    /// A request that never ends does not keep it beyond its limit.
    EndsDespiteEndless,
    /// A second signal ends it at once.
    SecondSignalKills,
}

impl ShutdownProperty {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 7] = [
        Self::AcceptedIsAnswered,
        Self::StopsAccepting,
        Self::ExitsInTime,
        Self::ExitsWithItsCode,
        Self::LeavesNothing,
        Self::EndsDespiteEndless,
        Self::SecondSignalKills,
    ];

    /// The property in one sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::AcceptedIsAnswered => "every accepted request is answered",
            Self::StopsAccepting => "no request is accepted once it drains",
            Self::ExitsInTime => "it exits within its limit",
            Self::ExitsWithItsCode => "it exits with its declared status",
            Self::LeavesNothing => "its port is free and its children are gone",
            Self::EndsDespiteEndless => "a request that never ends does not keep it",
            Self::SecondSignalKills => "a second signal ends it at once",
        }
    }

    /// Why it matters.
    pub fn why(self) -> &'static str {
        match self {
            Self::AcceptedIsAnswered => "a client whose request was cut off cannot know whether it was carried out",
            Self::StopsAccepting => "under load a service that goes on accepting never gets to its end, and is killed",
            Self::ExitsInTime => "after its grace period an orchestrator sends SIGKILL, and no state is saved",
            Self::ExitsWithItsCode => {
                "a wrong status makes a good deploy look like a crash, and restarts what should stop"
            }
            Self::LeavesNothing => "the next instance cannot bind the port, and children that nobody awaits pile up",
            Self::EndsDespiteEndless => "one client that keeps its connection open would stop every deploy",
            Self::SecondSignalKills => "whoever presses Ctrl-C twice wants it gone, and must not need SIGKILL",
        }
    }

    /// What to do about it.
    pub fn cure(self) -> &'static str {
        match self {
            Self::AcceptedIsAnswered => {
                "count requests from the moment they are accepted and wait for the count to be 0"
            }
            Self::StopsAccepting => "close the listener, or answer 503, as soon as the signal is heard",
            Self::ExitsInTime => "limit the drain and every step after it, and let nothing else keep the process alive",
            Self::ExitsWithItsCode => "handle SIGTERM and return from main with the status that you declare",
            Self::LeavesNothing => "close the listener before the exit, and kill and await what you started",
            Self::EndsDespiteEndless => "abandon what is still in flight when the drain limit has passed",
            Self::SecondSignalKills => {
                "after the first signal restore the default action, or exit when the second comes"
            }
        }
    }

    /// Fails the test if the property is broken, with why it matters and what to do; says loudly if nothing was shown.
    ///
    /// # Panics
    /// If `verdict` is broken; with `QTESTS_STRICT=1` also if it is inconclusive.
    #[track_caller]
    pub fn assert(self, t: &Test, verdict: &Verdict) {
        verdict.assert(t, self.name(), &format!("why: {}\n            do:  {}", self.why(), self.cure()));
    }
}

impl fmt::Display for ShutdownProperty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

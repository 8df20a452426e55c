//! One call of a stream's owner, from its first poll to its last.

use crate::fault::{Damage, Decision, Injected};
use std::{
    fmt, io, mem,
    pin::Pin,
    task::{Context, Poll},
};

/// Something that a fault makes a call wait for, or its error.
pub(super) struct Waiting(Pin<Box<dyn Future<Output = Result<(), Injected>> + Send + Sync>>);

impl Waiting {
    /// `None` if there is nothing to be done.
    pub(super) fn of(decision: Decision) -> Option<Self> {
        (!decision.is_empty()).then(|| Self(Box::pin(decision.run())))
    }

    /// Does what is left of it; afterwards, also after a panic, it is done.
    pub(super) fn poll_in(slot: &mut Option<Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(mut waiting) = slot.take() else { return Poll::Ready(Ok(())) };
        let polled = waiting.0.as_mut().poll(cx);
        if polled.is_pending() {
            *slot = Some(waiting);
        }
        polled.map_err(io::Error::from)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting")
    }
}

/// How far a call has come. A poll that returned `Pending` and is repeated is the same call, so that it is decided about
/// once.
#[derive(Debug, Default)]
pub(super) enum Call {
    /// There is none, or nothing has been decided about it.
    #[default]
    New,
    /// Something comes before the bytes pass.
    Waits(Option<Waiting>, Effect),
    /// The bytes may pass.
    Passes(Effect),
}

/// What a fault does to the bytes, and what it owes after them.
#[derive(Debug, Default)]
pub(super) struct Effect {
    /// `None` if they pass as they are.
    pub(super) damage: Option<Damage>,
    pub(super) owed: Option<Waiting>,
}

impl Call {
    /// A call about which this was decided.
    fn decided(decision: Option<Decision>) -> Self {
        let Some(decision) = decision else { return Self::Passes(Effect::default()) };
        let (before, damage, after) = decision.around_bytes();
        let damage = Some(damage).filter(|damage| damage.short.is_some() || damage.corrupts());
        Self::Waits(Waiting::of(before), Effect { damage, owed: Waiting::of(after) })
    }

    /// Goes on to where the bytes may pass; an error ends the call.
    pub(super) fn poll_until_passing(
        &mut self,
        cx: &mut Context<'_>,
        decide: impl FnOnce() -> Option<Decision>,
    ) -> Poll<io::Result<()>> {
        if let Self::New = self {
            *self = Self::decided(decide());
        }
        // Taken out, so that a fault that panics ends the call too.
        match mem::take(self) {
            Self::Waits(mut waiting, effect) => {
                let polled = Waiting::poll_in(&mut waiting, cx);
                match &polled {
                    Poll::Pending => *self = Self::Waits(waiting, effect),
                    Poll::Ready(Ok(())) => *self = Self::Passes(effect),
                    Poll::Ready(Err(_)) => {}
                }
                polled
            }
            decided => {
                *self = decided;
                Poll::Ready(Ok(()))
            }
        }
    }

    /// What happens to the bytes, if anything.
    pub(super) fn damage(&self) -> Option<Damage> {
        match self {
            Self::Passes(effect) => effect.damage,
            _ => None,
        }
    }

    /// Ends the call: what is owed after it.
    pub(super) fn end(&mut self) -> Option<Waiting> {
        match mem::take(self) {
            Self::Passes(effect) => effect.owed,
            _ => None,
        }
    }
}

//! The door of a service: lets requests in until the shutdown is requested, and knows when the last one has left.

use super::{Cause, tally::Tally};
use crate::base::sync::{Mutex, lock};
use tokio::sync::Notify;

/// The door of a service.
#[derive(Debug, Default)]
pub(super) struct Gate {
    tally: Mutex<Tally>,
    requested: Notify,
    drained: Notify,
}

impl Gate {
    /// Lets one in, unless it is too late.
    pub(super) fn enter(&self) -> bool {
        lock(&self.tally).enter()
    }

    /// Lets one out. Whether it was the last one that a shutdown waits for.
    pub(super) fn leave(&self) -> bool {
        let last = lock(&self.tally).leave();
        if last {
            self.drained.notify_waiters();
        }
        last
    }

    /// Closes the door. Whether this was the first to ask.
    pub(super) fn request(&self, cause: Cause) -> bool {
        let first = lock(&self.tally).request(cause);
        if first {
            self.requested.notify_waiters();
        }
        first
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        lock(&self.tally).cause().cloned()
    }

    pub(super) fn is_requested(&self) -> bool {
        lock(&self.tally).cause().is_some()
    }

    fn is_drained(&self) -> bool {
        lock(&self.tally).is_drained()
    }

    /// How many have left since the request, and how many have not.
    pub(super) fn counts(&self) -> (usize, usize) {
        lock(&self.tally).counts()
    }

    /// Waits until the door is closed. Cancel safe.
    pub(super) async fn requested(&self) {
        until(&self.requested, || self.is_requested()).await;
    }

    /// Waits until the door is closed and the last one has left. Cancel safe.
    pub(super) async fn drained(&self) {
        until(&self.drained, || self.is_drained()).await;
    }
}

/// Waits until something holds that never ceases to hold.
async fn until(changed: &Notify, holds: impl Fn() -> bool) {
    let mut change = std::pin::pin!(changed.notified());
    // Listens before it looks, so that no change is missed in between.
    change.as_mut().enable();
    if !holds() {
        change.await;
    }
}

#[cfg(all(test, qtests_loom))]
mod interleavings {
    use super::*;
    use loom::{sync::Arc, thread};

    /// A request races with two that want in: whoever was let in is waited for, and after the request nobody gets in.
    #[test]
    fn whoever_is_let_in_is_waited_for_and_nobody_gets_in_late() {
        loom::model(|| {
            let gate = Arc::new(Gate::default());
            let guests: Vec<_> = (0..2)
                .map(|_| {
                    let gate = Arc::clone(&gate);
                    thread::spawn(move || gate.enter())
                })
                .collect();
            assert!(gate.request(Cause::Finished));
            let waited_for = gate.counts().1;
            assert!(!gate.enter());
            let inside = guests.into_iter().map(|guest| usize::from(guest.join().unwrap())).sum::<usize>();
            assert_eq!((waited_for, gate.counts()), (inside, (0, inside)));
        });
    }

    /// Whoever looks for the end of the drain sees it or is woken by exactly one of those who leave.
    #[test]
    fn exactly_one_of_those_who_leave_ends_the_drain() {
        loom::model(|| {
            let gate = Arc::new(Gate::default());
            assert!(gate.enter() && gate.enter());
            let other = Arc::clone(&gate);
            let leaving = thread::spawn(move || other.leave());
            gate.request(Cause::Finished);
            let seen = gate.is_drained();
            let woken = gate.leave();
            let also_woken = leaving.join().unwrap();
            assert!(!seen, "one was inside until now");
            assert!(woken ^ also_woken);
            assert!(gate.is_drained());
        });
    }

    /// Two ask at the same time, as a signal and a person do: one of them is the cause.
    #[test]
    fn one_of_two_that_ask_is_the_cause() {
        loom::model(|| {
            let gate = Arc::new(Gate::default());
            let other = Arc::clone(&gate);
            let asking = thread::spawn(move || other.request(Cause::Asked("a person".into())));
            let ours = gate.request(Cause::Finished);
            assert!(ours ^ asking.join().unwrap());
            assert_eq!(gate.cause() == Some(Cause::Finished), ours);
        });
    }
}

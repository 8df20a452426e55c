//! One proxy as its own thread sees it: what the handles know too, the journal, and the live connections.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::scope::{Test, lock};

use super::connection::{Connection, Sentence};
use super::gate::Visitor;
use super::state::{Armed, State, count};
use super::toxic::Cut;
use super::upstream::Resolved;
use super::when_down::WhenDown;

/// It lives as long as the engine's thread: what a test holds must not hold the test.
pub(super) struct Site {
    pub(super) state: Arc<State>,
    pub(super) upstream: Resolved,
    pub(super) when_down: WhenDown,
    /// Told when a connection finds that the server is not there, if somebody wants to know.
    pub(super) gone: Notify,
    test: Test,
    /// By number. The task of a connection takes itself out when it ends, in whatever way.
    live: Mutex<BTreeMap<u64, Live>>,
}

struct Live {
    connection: Arc<Connection>,
    task: JoinHandle<()>,
}

impl Site {
    pub(super) fn new(state: Arc<State>, upstream: Resolved, when_down: WhenDown, test: Test) -> Site {
        Site { state, upstream, when_down, gone: Notify::new(), test, live: Mutex::default() }
    }

    /// Writes a line into the test's journal. The first proxy of a test needs no name; the others are told by theirs or
    /// by their number.
    pub(super) fn record(&self, text: &str) {
        match (&self.state.name, self.state.number) {
            (Some(name), _) => self.test.record("proxy", format!("{name}: {text}")),
            (None, 1) => self.test.record("proxy", text),
            (None, number) => self.test.record("proxy", format!("proxy {number}: {text}")),
        }
    }

    /// Serves a connection that was let in.
    pub(super) fn admit(self: &Arc<Site>, (client, peer): Visitor) {
        count(&self.state.accepted, 1);
        let number = self.state.accepted.load(Relaxed);
        self.record(&format!("conn {number} from {peer} opened"));
        let connection = Arc::new(Connection::new(number, self.clone()));
        for armed in self.state.armed() {
            // Asked now, so that the first ones are the first that were accepted.
            connection.meets(&armed);
            connection.met_whole(&armed);
        }
        let leave = Leave { connection: connection.clone() };
        self.state.live.fetch_add(1, Relaxed);
        let task = tokio::spawn(async move { leave.connection.run(client).await });
        lock(&self.live).insert(number, Live { connection, task });
    }

    /// Lets every live connection meet a toxic that was armed: cuts it if the toxic says so, and waits until it is cut.
    pub(super) async fn expose(&self, armed: &Arc<Armed>) {
        let live: Vec<_> = lock(&self.live).values().map(|live| live.connection.clone()).collect();
        let mut cut = Vec::new();
        for connection in live {
            if armed.spec.admission().is_none() || !connection.is_in() {
                connection.met_whole(armed);
            }
            if let Some(sentence) = Sentence::by(armed, &connection) {
                cut.push((connection.clone(), sentence.how));
                connection.sentence(sentence);
            }
        }
        for (connection, how) in cut {
            if how == Cut::HalfOpen {
                connection.severed.notified().await;
                continue;
            }
            let task = lock(&self.live).remove(&connection.number()).map(|live| live.task);
            if let Some(task) = task {
                // A task that panicked has dropped its sockets, too.
                let _ = task.await;
            }
        }
    }

    /// Lets every live connection look at the toxics anew, and returns when each has.
    pub(super) async fn refresh(&self) {
        lock(&self.live).values().for_each(|live| live.connection.wake());
        // Everything here runs on one thread: the woken tasks stand in its queue before this one.
        tokio::task::yield_now().await;
    }
}

/// Takes a connection off the list when its task ends: on return, on panic, and when the engine stops.
struct Leave {
    connection: Arc<Connection>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.connection.tell_if_unended();
        let site = self.connection.site();
        lock(&site.live).remove(&self.connection.number());
        site.state.live.fetch_sub(1, Relaxed);
        self.connection.severed.notify_one();
    }
}

//! One proxy as its own thread sees it: what the handles know too, the journal, and the live connections.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::scope::{Test, lock};

use super::connection::{Connection, Sentence};
use super::state::{State, count};

/// It lives as long as the engine's thread: what a test holds must not hold the test.
pub(super) struct Site {
    pub(super) state: Arc<State>,
    pub(super) upstream: Vec<SocketAddr>,
    test: Test,
    /// By number. The task of a connection takes itself out when it ends, in whatever way.
    live: Mutex<BTreeMap<u64, Live>>,
}

struct Live {
    connection: Arc<Connection>,
    task: JoinHandle<()>,
}

impl Site {
    pub(super) fn new(state: Arc<State>, upstream: Vec<SocketAddr>, test: Test) -> Site {
        Site { state, upstream, test, live: Mutex::default() }
    }

    /// Writes a line into the test's journal. The first proxy of a test needs no name; the others are told by their
    /// number.
    pub(super) fn record(&self, text: &str) {
        match self.state.number {
            1 => self.test.record("proxy", text),
            number => self.test.record("proxy", format!("proxy {number}: {text}")),
        }
    }

    /// Serves a connection that was let in.
    pub(super) fn admit(self: &Arc<Site>, client: TcpStream, peer: SocketAddr) {
        count(&self.state.accepted, 1);
        let number = self.state.accepted.load(Relaxed);
        self.record(&format!("conn {number} from {peer} opened"));
        let connection = Arc::new(Connection::new(number, self.clone()));
        let leave = Leave { connection: connection.clone() };
        self.state.live.fetch_add(1, Relaxed);
        let task = tokio::spawn(async move { leave.connection.run(client).await });
        lock(&self.live).insert(number, Live { connection, task });
    }

    /// Cuts every live connection for which `judge` has a sentence, and waits until they are closed.
    pub(super) async fn cut(&self, judge: impl Fn(&Connection) -> Option<Sentence>) {
        let mut cut = Vec::new();
        for live in lock(&self.live).values() {
            if let Some(sentence) = judge(&live.connection) {
                live.connection.sentence(sentence);
                cut.push(live.connection.number());
            }
        }
        for number in cut {
            let task = lock(&self.live).remove(&number).map(|live| live.task);
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
    }
}

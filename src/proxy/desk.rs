//! The task of one proxy: lets connections in, and arms and removes toxics in between.

use std::io;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use socket2::Socket;
use tokio::sync::{mpsc, oneshot};

use crate::base::Error;

use super::connection::Sentence;
use super::gate::{Gate, finish};
use super::site::Site;
use super::state::{Armed, MAX_ARMED, count};
use super::toxic::Toxic;

/// The pause after a failed accept: the usual cause, too many open files, does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What a handle asks for. Answered once it is in force for all live connections and for new ones.
pub(super) enum Order {
    Arm { toxic: Toxic, at: &'static Location<'static>, reply: oneshot::Sender<Result<Arc<Armed>, Error>> },
    Remove { id: u64, reply: oneshot::Sender<Result<(), Error>> },
}

pub(super) struct Desk {
    site: Arc<Site>,
    gate: Gate,
    orders: mpsc::UnboundedReceiver<Order>,
    /// The proxy is the test's: it goes on when every handle has been dropped.
    _open: mpsc::UnboundedSender<Order>,
    toxics: u64,
    accept_failed: bool,
}

impl Desk {
    pub(super) fn new(site: Arc<Site>, gate: Gate) -> (Desk, mpsc::UnboundedSender<Order>) {
        let (sender, orders) = mpsc::unbounded_channel();
        let desk = Desk { site, gate, orders, _open: sender.clone(), toxics: 0, accept_failed: false };
        (desk, sender)
    }

    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                Some(order) = self.orders.recv() => self.carry_out(order).await,
                accepted = self.gate.accept() => match accepted {
                    Ok((client, peer)) => {
                        self.accept_failed = false;
                        self.site.admit(client, peer);
                    }
                    Err(error) => self.accept_failed(&error).await,
                },
            }
        }
    }

    async fn carry_out(&mut self, order: Order) {
        match order {
            Order::Arm { toxic, at, reply } => {
                let armed = self.arm(toxic, at).await;
                // Whoever asked has stopped waiting and has no handle to remove it with.
                if let Err(Ok(armed)) = reply.send(armed) {
                    let _ = self.remove(armed.id).await;
                }
            }
            Order::Remove { id, reply } => {
                let removed = self.remove(id).await;
                let _ = reply.send(removed);
            }
        }
    }

    async fn arm(&mut self, toxic: Toxic, at: &'static Location<'static>) -> Result<Arc<Armed>, Error> {
        if self.site.state.armed().len() >= MAX_ARMED {
            return Err(Error::invalid(format!("the proxy has {MAX_ARMED} toxics already, which is the limit")));
        }
        self.toxics += 1;
        let armed = Arc::new(Armed::new(self.toxics, toxic.0, at));
        let waiting = if armed.spec.refuses() { self.close_gate()? } else { Vec::new() };
        self.site.state.arm(armed.clone());
        self.site.record(&format!("armed `{}` at {at}", armed.spec));
        if !waiting.is_empty() {
            // Their clients are connected already; to them this is a connection that closes.
            count(&armed.met, waiting.len() as u64);
            waiting.iter().for_each(finish);
            self.site.record(&format!(
                "closed {} connections that were not accepted yet, by `{}`",
                waiting.len(),
                armed.spec
            ));
        }
        self.site.cut(|connection| Sentence::by(&armed, connection)).await;
        self.site.refresh().await;
        Ok(armed)
    }

    fn close_gate(&mut self) -> Result<Vec<Socket>, Error> {
        self.gate.close().map_err(|error| Error::other("the proxy's port cannot refuse connections").with_source(error))
    }

    /// Removing what is no longer armed does nothing.
    async fn remove(&mut self, id: u64) -> Result<(), Error> {
        if let Some(armed) = self.site.state.disarm(id) {
            self.site.record(&format!("removed `{}`", armed.spec));
        }
        self.site.refresh().await;
        if self.site.state.armed().iter().any(|armed| armed.spec.refuses()) {
            return Ok(());
        }
        self.gate
            .open()
            .map_err(|error| Error::other("the proxy's port cannot accept connections again").with_source(error))
    }

    async fn accept_failed(&mut self, error: &io::Error) {
        if !self.accept_failed {
            self.accept_failed = true;
            self.site.record(&format!("the proxy cannot accept connections: {error}"));
        }
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

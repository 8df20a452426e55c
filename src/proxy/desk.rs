//! The task of one proxy: lets connections in, and arms and removes toxics in between.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};

use crate::base::{Error, Kind, Origin};

use super::address::Address;
use super::gate::{Gate, Visitor};
use super::site::Site;
use super::state::{Armed, MAX_ARMED, count};
use super::toxic::{Cut, Door, Toxic};
use super::upstream::dial;
use super::when_down::WhenDown;

/// The pause after a failed accept: the usual cause, too many open files, does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// How long the first look for a server takes at most, before the proxy is there.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// What a handle asks for. Answered once it is in force for all live connections and for new ones.
pub(super) enum Order {
    Arm { toxic: Toxic, origin: Origin, reply: oneshot::Sender<Result<Arc<Armed>, Error>> },
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
    /// Whether clients are refused because the server is not there.
    away: bool,
    back: Arc<Notify>,
}

impl Desk {
    /// The gate must refuse: [`open`](Self::open) lets clients in.
    pub(super) fn new(site: Arc<Site>, gate: Gate) -> (Desk, mpsc::UnboundedSender<Order>) {
        let (sender, orders) = mpsc::unbounded_channel();
        let (back, _open) = (Arc::default(), sender.clone());
        (Desk { site, gate, orders, _open, toxics: 0, accept_failed: false, away: false, back }, sender)
    }

    /// Arms the first toxics and lets clients in, in this order: no early connection escapes.
    pub(super) async fn open(&mut self, toxics: Vec<(Toxic, Origin)>) -> Result<(), Error> {
        for (toxic, origin) in toxics {
            self.arm(toxic, origin).await?;
        }
        if self.site.when_down == WhenDown::Refuse && !self.is_there().await {
            self.refuse_for_the_server();
        }
        let waiting = self.turn(self.site.state.door()).await?;
        waiting.into_iter().for_each(|visitor| self.site.admit(visitor));
        Ok(())
    }

    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                biased;
                Some(order) = self.orders.recv() => self.carry_out(order).await,
                () = self.site.gone.notified(), if !self.away => self.gone().await,
                () = self.back.notified(), if self.away => self.back().await,
                accepted = self.gate.accept() => match accepted {
                    Ok(visitor) => {
                        self.accept_failed = false;
                        self.site.admit(visitor);
                    }
                    Err(error) => self.accept_failed(&error).await,
                },
            }
        }
    }

    async fn carry_out(&mut self, order: Order) {
        match order {
            // Nobody waits for it any more.
            Order::Arm { reply, .. } if reply.is_closed() => {}
            Order::Arm { toxic, origin, reply } => {
                let armed = self.arm(toxic, origin).await;
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

    async fn arm(&mut self, toxic: Toxic, origin: Origin) -> Result<Arc<Armed>, Error> {
        if let Some(nonsense) = toxic.nonsense() {
            return Err(Error::invalid(nonsense));
        }
        if self.site.state.armed().len() >= MAX_ARMED {
            let text = format!("the proxy has {MAX_ARMED} toxics already, which is the limit: remove some");
            return Err(Error::new(Kind::Limit, text));
        }
        if toxic.spec.door() == Some(Door::Stalled) && matches!(self.site.state.address, Address::Unix(_)) {
            let text = format!("`{toxic}` is for TCP: a Unix socket cannot leave a connect without an answer");
            return Err(Error::invalid(text));
        }
        let waiting = match toxic.spec.door() {
            Some(door) => self.turn(door.max(self.site.state.door())).await?,
            None => Vec::new(),
        };
        self.toxics += 1;
        // Made once the door is shut: what the gate itself does with the port is no meeting.
        let armed = Arc::new(Armed::new(self.toxics, toxic, origin, &self.site.state));
        self.site.state.arm(armed.clone());
        self.site.record(&format!("armed `{armed}` {origin}"));
        match armed.spec.expels() {
            Some(how) if !waiting.is_empty() => self.turn_away(waiting, how, &armed),
            _ => waiting.into_iter().for_each(|visitor| self.site.admit(visitor)),
        }
        self.site.expose(&armed).await;
        self.site.refresh().await;
        Ok(armed)
    }

    /// Ends what was let in and not accepted yet. Their clients are connected already: to them it is a connection that
    /// ends.
    fn turn_away(&self, waiting: Vec<Visitor>, how: Cut, armed: &Armed) {
        let number = waiting.len();
        for (stream, _) in waiting {
            if how == Cut::Rst { stream.reset() } else { stream.finish() }
        }
        count(&armed.met, number as u64);
        count(&self.site.state.ends.turned_away, number as u64);
        self.site.record(&format!("closed {number} connections that were not accepted yet, by `{armed}`"));
    }

    /// Removing what is no longer armed does nothing.
    async fn remove(&mut self, id: u64) -> Result<(), Error> {
        if let Some(armed) = self.site.state.disarm(id) {
            self.site.record(&format!("removed `{armed}`"));
        }
        self.site.refresh().await;
        let waiting = self.turn(self.site.state.door()).await?;
        waiting.into_iter().for_each(|visitor| self.site.admit(visitor));
        Ok(())
    }

    async fn turn(&mut self, door: Door) -> Result<Vec<Visitor>, Error> {
        let door = if self.away { Door::Refusing } else { door };
        let mut waiting = Vec::new();
        let Err(error) = self.gate.set(door, &mut waiting).await else { return Ok(waiting) };
        // The door is as it was, and so is what becomes of those who stood at it.
        waiting.into_iter().for_each(|visitor| self.site.admit(visitor));
        let cannot = match door {
            Door::Open => "accept connections",
            Door::Stalled => "leave connects without an answer",
            Door::Refusing => "refuse connections",
        };
        Err(Error::other(format!("{} cannot {cannot}", self.site.state.address)).with_source(error))
    }

    /// The server is not there: clients are refused until it is.
    async fn gone(&mut self) {
        self.refuse_for_the_server();
        match self.turn(Door::Refusing).await {
            Ok(waiting) => waiting.into_iter().for_each(|visitor| self.site.admit(visitor)),
            Err(error) => self.site.record(&format!("{error:?}")),
        }
    }

    /// Whether the server can be reached. One that does not answer for a second is not there.
    async fn is_there(&self) -> bool {
        tokio::time::timeout(FIRST_LOOK, dial(&self.site.upstream)).await.is_ok_and(|dialled| dialled.is_ok())
    }

    fn refuse_for_the_server(&mut self) {
        self.away = true;
        self.site.record("clients are refused: the server is not there");
        let (site, back) = (self.site.clone(), self.back.clone());
        tokio::spawn(async move {
            while dial(&site.upstream).await.is_err() {
                tokio::time::sleep(WhenDown::PAUSE).await;
            }
            back.notify_one();
        });
    }

    async fn back(&mut self) {
        // What clients found while the server was away is no news.
        tokio::select! {
            biased;
            () = self.site.gone.notified() => {}
            () = std::future::ready(()) => {}
        }
        self.away = false;
        self.site.record("clients are let in: the server is there");
        match self.turn(self.site.state.door()).await {
            Ok(waiting) => waiting.into_iter().for_each(|visitor| self.site.admit(visitor)),
            Err(error) => self.site.record(&format!("{error:?}")),
        }
    }

    async fn accept_failed(&mut self, error: &io::Error) {
        if !self.accept_failed {
            self.accept_failed = true;
            self.site.record(&format!("the proxy cannot accept connections: {error}"));
        }
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

//! The thread that runs all proxies of a test, with a runtime of its own: it serves tests that block, and is not slowed
//! by the test's runtime.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

use crate::base::{Error, Seed};
use crate::scope::{Finding, Part, Test, lock};

use super::address::Address;
use super::builder::Plan;
use super::desk::{Desk, Order};
use super::gate::Gate;
use super::site::Site;
use super::state::State;

/// How long the end of a test waits for the thread; it has nothing to do but to drop sockets.
const SHUT_DOWN: Duration = Duration::from_secs(1);

/// A proxy that has been opened: what its handles are made of.
pub(super) type Opened = (Arc<State>, mpsc::UnboundedSender<Order>);

struct Request {
    plan: Plan,
    seed: Seed,
    reply: oneshot::Sender<Result<Opened, Error>>,
}

/// One for each test that uses proxies. It holds no `Test`; its thread does, until it is shut down.
pub(super) struct Engine {
    /// Empty once it has been shut down. Dropping the sender is what ends the thread.
    requests: Mutex<Option<mpsc::UnboundedSender<Request>>>,
    /// Hangs up when the thread has ended.
    ended: Mutex<Receiver<()>>,
    proxies: Arc<Mutex<Vec<Arc<State>>>>,
    /// Why there is no thread or no runtime.
    broken: Arc<OnceLock<String>>,
}

impl Engine {
    /// The engine of this test; started at the first call.
    pub(super) fn of(test: &Test) -> Arc<Engine> {
        test.slot(|| Engine::start(test.clone()))
    }

    fn start(test: Test) -> Engine {
        let (requests, inbox) = mpsc::unbounded_channel();
        let (alive, ended) = channel();
        let engine = Engine {
            requests: Mutex::new(Some(requests)),
            ended: Mutex::new(ended),
            proxies: Arc::default(),
            broken: Arc::default(),
        };
        let (proxies, broken) = (engine.proxies.clone(), engine.broken.clone());
        let started = thread::Builder::new().name("qtests-proxy".to_owned()).spawn(move || {
            let _alive: Sender<()> = alive;
            run(&test, inbox, &proxies, &broken);
        });
        if let Err(error) = started {
            let _ = engine.broken.set(format!("its thread cannot be started: {error}"));
        }
        engine
    }

    /// Opens a proxy.
    pub(super) async fn open(&self, plan: Plan, seed: Seed) -> Result<Opened, Error> {
        let (reply, answer) = oneshot::channel();
        let request = Request { plan, seed, reply };
        let sent = lock(&self.requests).as_ref().is_some_and(|requests| requests.send(request).is_ok());
        match answer.await {
            Ok(opened) if sent => opened,
            _ => Err(self.gone()),
        }
    }

    fn gone(&self) -> Error {
        let why = self.broken.get().map_or("the test is over", String::as_str);
        Error::other(format!("the proxy cannot be started: {why}"))
    }
}

impl Part for Engine {
    fn findings(&self) -> Vec<Finding> {
        lock(&self.proxies).iter().flat_map(|proxy| proxy.vacuous()).map(Finding::vacuous).collect()
    }

    fn shut_down(&self) {
        drop(lock(&self.requests).take());
        // It never takes so long unless the machine stands still; then the thread ends by itself later.
        let _ = lock(&self.ended).recv_timeout(SHUT_DOWN);
        lock(&self.proxies).iter().for_each(|proxy| proxy.close());
    }
}

/// The thread's whole life.
fn run(
    test: &Test,
    inbox: mpsc::UnboundedReceiver<Request>,
    proxies: &Arc<Mutex<Vec<Arc<State>>>>,
    broken: &OnceLock<String>,
) {
    let bind = test.bind_thread();
    bind();
    // The only other threads are those that look up names.
    match runtime::Builder::new_current_thread().enable_all().on_thread_start(bind).build() {
        Ok(runtime) => {
            runtime.block_on(serve(test, inbox, proxies));
            // Drops all tasks with their sockets, and does not wait for a name that is being looked up.
            runtime.shutdown_background();
        }
        Err(error) => {
            let _ = broken.set(format!("its runtime cannot be started: {error}"));
        }
    }
}

async fn serve(test: &Test, mut inbox: mpsc::UnboundedReceiver<Request>, proxies: &Arc<Mutex<Vec<Arc<State>>>>) {
    let mut number = 0;
    while let Some(request) = inbox.recv().await {
        number += 1;
        let (test, proxies) = (test.clone(), proxies.clone());
        // A name that takes long to look up must hold up neither the other proxies nor the end of the test.
        tokio::spawn(async move {
            let opened = open(test, number, request.plan, request.seed, &proxies).await;
            let _ = request.reply.send(opened);
        });
    }
}

async fn open(
    test: Test,
    number: u64,
    plan: Plan,
    seed: Seed,
    proxies: &Mutex<Vec<Arc<State>>>,
) -> Result<Opened, Error> {
    let addrs = plan.upstream.resolve().await?;
    let gate = Gate::shut(&plan.address).map_err(|error| cannot_listen(&plan.address, error))?;
    let state = Arc::new(State::new(number, plan.name, seed, gate.address(), plan.upstream));
    enlist(proxies, &state)?;
    let site = Arc::new(Site::new(state.clone(), addrs, plan.when_down, test));
    site.record(&format!("{} -> {} open", state.address, state.upstream));
    let (mut desk, orders) = Desk::new(site, gate);
    if let Err(error) = desk.open(plan.toxics).await {
        // It never was: what it was to do is not missing.
        lock(proxies).retain(|known| !Arc::ptr_eq(known, &state));
        return Err(error);
    }
    tokio::spawn(desk.run());
    Ok((state, orders))
}

/// Puts the proxy on the test's list, on which each name stands once.
fn enlist(proxies: &Mutex<Vec<Arc<State>>>, state: &Arc<State>) -> Result<(), Error> {
    let mut proxies = lock(proxies);
    if let Some(twin) = proxies.iter().find(|known| known.name.is_some() && known.name == state.name) {
        let name = state.name.as_deref().unwrap_or_default();
        let text = format!("the test has a proxy `{name}` already, to {}: give this one another name", twin.upstream);
        return Err(Error::invalid(text));
    }
    proxies.push(state.clone());
    Ok(())
}

fn cannot_listen(address: &Address, error: io::Error) -> Error {
    let cure = match (address, error.kind()) {
        (Address::Tcp(_), io::ErrorKind::AddrInUse) => ": the port is in use; port 0 takes a free one",
        (Address::Unix(_), io::ErrorKind::AddrInUse) => ": the path exists already; choose another, or remove it",
        (Address::Unix(_), io::ErrorKind::InvalidInput) => ": give it a short path with `on_unix`",
        _ => "",
    };
    Error::other(format!("the proxy cannot listen on {address}{cure}")).with_source(error)
}

//! What a test that may crash knows of its operations: one of them works at a time, and each belongs to the life of the
//! machine in which it was asked for.

use super::loss::{Change, Loss};
use crate::{
    fault::ActiveFault,
    scope::{Part, Scope, lock},
};
use std::{
    cell::Cell,
    fs, io, mem,
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

/// The record of one test.
#[derive(Default)]
pub(super) struct Record(pub(super) Arc<Machine>);

#[derive(Default)]
pub(super) struct Machine {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// An operation, or a crash, is at work.
    is_busy: bool,
    /// How many crashes there were.
    crashes: u64,
    loss: Loss,
    /// The faults at whose gates syncs wait, each with the ticket of the sync: one for each blocking thread at most.
    held: Vec<(u64, Vec<ActiveFault>)>,
    tickets: u64,
}

impl Part for Record {
    fn shut_down(&self) {
        // It holds files open.
        let loss = mem::take(&mut lock(&self.0.state).loss);
        drop(loss);
    }
}

impl Machine {
    /// Waits for its turn, and takes it.
    fn enter(&self, life: Option<u64>) -> io::Result<u64> {
        let mut state = lock(&self.state);
        while state.is_busy {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if life.is_some_and(|life| life != state.crashes) {
            return Err(io::Error::other("the machine crashed before it was done"));
        }
        state.is_busy = true;
        Ok(state.crashes)
    }

    fn leave(&self) {
        lock(&self.state).is_busy = false;
        self.changed.notify_all();
    }

    /// Ends this life of the machine. What the closure does to the files happens while no operation works.
    pub(super) fn crash<T>(&self, happen: impl FnOnce(&mut Loss, u64) -> T) -> T {
        // Only operations of a life that is over are refused.
        let _ = self.enter(None);
        let _turn = Turn(self);
        let (held, mut loss, crashes) = {
            let mut state = lock(&self.state);
            state.crashes += 1;
            (mem::take(&mut state.held), mem::take(&mut state.loss), state.crashes)
        };
        let done = happen(&mut loss, crashes);
        // Whoever waits in a sync is dead, and must not keep the locks of its files.
        held.iter().flat_map(|(_, faults)| faults).for_each(ActiveFault::disarm);
        done
    }
}

/// The turn of a crash. Given back when it is dropped, also by a panic.
struct Turn<'a>(&'a Machine);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// A sync that waits. It is forgotten when this is dropped, also by a panic.
struct Held<'a> {
    machine: &'a Machine,
    ticket: u64,
}

impl<'a> Held<'a> {
    fn new(machine: &'a Machine, faults: Vec<ActiveFault>) -> Self {
        let mut state = lock(&machine.state);
        state.tickets += 1;
        let ticket = state.tickets;
        state.held.push((ticket, faults));
        Self { machine, ticket }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.machine.state);
        let at = state.held.iter().position(|(ticket, _)| *ticket == self.ticket);
        let faults = at.map(|at| state.held.swap_remove(at));
        // They may hold closures of the user, which are dropped outside of the lock.
        drop(state);
        drop(faults);
    }
}

/// One operation of a test that may crash. Gives its turn back when it is dropped.
pub(super) struct Session {
    machine: Arc<Machine>,
    /// The life of the machine that it belongs to.
    life: u64,
    works: Cell<bool>,
}

impl Session {
    /// `None` in tests that do not crash.
    pub(super) fn of(scope: &Scope) -> Option<Self> {
        let machine = Arc::clone(&scope.part::<Record>()?.0);
        let life = lock(&machine.state).crashes;
        Some(Self { machine, life, works: Cell::new(false) })
    }

    /// Waits for its turn; an error if the machine has crashed since the operation was asked for.
    pub(super) fn begin(&self) -> io::Result<()> {
        self.machine.enter(Some(self.life))?;
        self.works.set(true);
        Ok(())
    }

    fn leave(&self) {
        if self.works.take() {
            self.machine.leave();
        }
    }

    /// A wait during which others may work; an error if the machine has crashed meanwhile.
    pub(super) fn aside<T>(&self, wait: impl FnOnce() -> T) -> io::Result<T> {
        self.leave();
        let done = wait();
        self.begin()?;
        Ok(done)
    }

    /// The same in a sync. A crash takes these faults out of force: whoever waits for them is dead.
    pub(super) fn held<T>(&self, faults: Vec<ActiveFault>, wait: impl FnOnce() -> T) -> io::Result<T> {
        // Known before others may work: they may crash the machine.
        let held = Held::new(&self.machine, faults);
        self.aside(|| {
            let done = wait();
            drop(held);
            done
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Loss) -> T) -> T {
        act(&mut lock(&self.machine.state).loss)
    }

    pub(super) fn room(&self) -> usize {
        self.with(Loss::room)
    }

    pub(super) fn writes_to(&self, path: &Path, file: &fs::File) {
        self.with(|loss| loss.writes_to(path, file));
    }

    /// Of an operation that still belongs to the life of the machine.
    pub(super) fn sync_ended(&self, file: &fs::File, well: bool) {
        if self.works.get() {
            self.with(|loss| loss.sync_ended(file, well));
        }
    }

    pub(super) fn dir_is_synced(&self) {
        self.with(Loss::dir_is_synced);
    }

    pub(super) fn changed(&self, change: Result<Option<Change>, String>) {
        self.with(|loss| loss.changed(change));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.leave();
    }
}

//! Which toxics a connection meets: decided once for each, at the latest when its client has begun to speak.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use crate::scope::lock;

use super::state::{Armed, MAX_ARMED, State};
use super::toxic::{Answer, HEARD};

/// What one connection knows of that. It is only used on the engine's thread.
pub(super) struct Chosen {
    number: u64,
    /// By the toxic's number; at most the toxics that are in force, and [`MAX_ARMED`] that were.
    decided: Mutex<BTreeMap<u64, bool>>,
    /// What the client sent first.
    heard: Mutex<Vec<u8>>,
    heard_all: AtomicBool,
    /// Goes up when the first bytes decide something.
    version: AtomicU64,
}

impl Chosen {
    pub(super) fn new(number: u64) -> Chosen {
        Chosen {
            number,
            decided: Mutex::default(),
            heard: Mutex::default(),
            heard_all: AtomicBool::new(false),
            version: AtomicU64::new(0),
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Relaxed)
    }

    /// Whether the connection meets the toxic, as far as is known now.
    pub(super) fn meets(&self, armed: &Armed, proxy: &State) -> bool {
        if armed.meets_everyone() {
            return true;
        }
        if let Some(known) = lock(&self.decided).get(&armed.id) {
            return *known;
        }
        // A closure of the user runs in there, so only a copy of what was heard is shown to it.
        let heard = if armed.listens() { lock(&self.heard).clone() } else { Vec::new() };
        let answer = armed.asks(proxy, self.number, &heard);
        if answer != Answer::NotYet {
            self.decide(armed.id, answer == Answer::Yes, proxy);
        }
        answer == Answer::Yes
    }

    fn decide(&self, toxic: u64, meets: bool, proxy: &State) {
        let mut decided = lock(&self.decided);
        if decided.len() >= MAX_ARMED {
            let armed: Vec<u64> = proxy.armed().iter().map(|armed| armed.id).collect();
            decided.retain(|known, _| armed.contains(known));
        }
        decided.insert(toxic, meets);
    }

    /// Takes in what the client sent. Gives back the toxics that waited for it.
    pub(super) fn hear(&self, bytes: &[u8], proxy: &State) -> Vec<Arc<Armed>> {
        if self.heard_all.load(Relaxed) {
            return Vec::new();
        }
        let mut heard = lock(&self.heard);
        let is_first = heard.is_empty();
        let more = bytes.len().min(HEARD - heard.len());
        heard.extend_from_slice(&bytes[..more]);
        self.heard_all.store(heard.len() == HEARD, Relaxed);
        drop(heard);
        if !is_first {
            return Vec::new();
        }
        let waited: Vec<_> = proxy.armed().into_iter().filter(|armed| armed.listens()).collect();
        if !waited.is_empty() {
            self.version.fetch_add(1, Relaxed);
        }
        waited
    }
}

//! What tests replace: the time of day, and the names of new orders.
//!
//! `seam!` declares a static that is read with `get()`. In a release build that is the real thing
//! and nothing else.

use qtests::seam;
use std::{
    hash::{BuildHasher, RandomState},
    time::SystemTime,
};

/// Knows the time of day.
pub trait Clock: Send + Sync {
    /// The time of day.
    fn now(&self) -> SystemTime;
}

/// The clock on the wall of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

seam! {
    /// When an order came in. Waiting and time limits do not go by it: they use the runtime's own clock.
    pub CLOCK: dyn Clock = SystemClock;
    /// The name of a new order. It becomes part of a path, so it is made of letters, digits and `-`; else only uniqueness is
    /// asked of it.
    pub NEW_ID: fn() -> String = random_id;
}

/// 128 bits from the random keys that the standard library makes for hash maps: unique, but no
/// secret.
fn random_id() -> String {
    let half = || RandomState::new().hash_one(SystemTime::now());
    format!("{:016x}{:016x}", half(), half())
}

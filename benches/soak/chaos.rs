//! Toxics that come and go at random.

use super::book::Book;
use fastrand::Rng;
use qtests::proxy::{ActiveToxic, Down, FaultProxy, Latency, Reset, Toxic};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Toxics that are in force at the same time.
const MAX_ACTIVE: usize = 6;

/// The longest pause between two changes, in milliseconds.
const MAX_PAUSE: u64 = 40;

/// How long a toxic that cuts connections stays at most, in milliseconds.
const MAX_CUTTING: u64 = 100;

/// Toxics that lose and change nothing.
const GENTLE: &[fn(&mut Rng) -> Toxic] = &[latency];

/// Toxics that end connections.
const ROUGH: &[fn(&mut Rng) -> Toxic] = &[down, reset_now, reset_later, reset_after_bytes];

/// Adds and removes toxics until then, and removes them all.
pub(crate) async fn run(wire: &FaultProxy, random: &mut Rng, rough: bool, until: Instant, book: &Book) {
    let mut active: Vec<ActiveToxic> = Vec::new();
    while Instant::now() < until {
        if rough && random.u8(0..10) == 0 {
            let cutting = add(wire, ROUGH, random, book).await;
            pause(random, MAX_CUTTING).await;
            remove(&cutting, book).await;
        } else if active.is_empty() || (active.len() < MAX_ACTIVE && random.bool()) {
            active.push(add(wire, GENTLE, random, book).await);
        } else {
            let toxic = active.swap_remove(random.usize(..active.len()));
            remove(&toxic, book).await;
        }
        pause(random, MAX_PAUSE).await;
    }
    for toxic in &active {
        remove(toxic, book).await;
    }
}

async fn add(wire: &FaultProxy, choice: &[fn(&mut Rng) -> Toxic], random: &mut Rng, book: &Book) -> ActiveToxic {
    let toxic = choice[random.usize(..choice.len())](random);
    book.toggled();
    wire.add(toxic).await.expect("a toxic can be added")
}

async fn remove(toxic: &ActiveToxic, book: &Book) {
    book.toggled();
    toxic.remove().await.expect("a toxic can be removed");
}

async fn pause(random: &mut Rng, most: u64) {
    sleep(millis(random, most)).await;
}

fn millis(random: &mut Rng, most: u64) -> Duration {
    Duration::from_micros(random.u64(0..=most * 1_000))
}

/// The same toxic on one direction or on both.
macro_rules! some_way {
    ($random:ident, $toxic:expr) => {{
        let toxic = $toxic.optional();
        match $random.u8(0..3) {
            0 => toxic.upstream(),
            1 => toxic.downstream(),
            _ => toxic.both(),
        }
        .into()
    }};
}

fn latency(random: &mut Rng) -> Toxic {
    let delay = millis(random, 30);
    some_way!(random, Latency::of(delay).jitter(if random.bool() { delay / 2 } else { Duration::ZERO }))
}

fn down(_: &mut Rng) -> Toxic {
    Down::new().optional().into()
}

fn reset_now(_: &mut Rng) -> Toxic {
    Reset::now().optional().into()
}

fn reset_later(random: &mut Rng) -> Toxic {
    Reset::after(millis(random, MAX_CUTTING)).optional().into()
}

fn reset_after_bytes(random: &mut Rng) -> Toxic {
    some_way!(random, Reset::after_bytes(random.u64(1..=1_000_000)))
}

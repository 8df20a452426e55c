//! Minutes of everything at once: connections of all kinds through a proxy while toxics come and go.
//!
//! `cargo bench -p qtests-bench --bench soak -- --minutes 10 --seed 7`; a minute and a random seed unless they are given.
//! It goes in rounds of seconds. In a gentle round toxics delay and hold up what passes, and every byte must arrive, in
//! its place, up to the end of file. In a rough round the proxy goes down and resets connections as well, and what
//! arrives must be a beginning of what was sent. In the end nothing may have been lost, memory must be flat, and the
//! descriptors must be back to what they were; otherwise it exits with 1 and says the seed. The seed repeats the choice
//! of toxics, sizes and pauses, not the timing of the machine.

mod book;
mod chaos;
mod client;
mod header;
#[path = "../measure/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each bench uses its own part of what all share")]
mod measure;
mod rounds;
mod server;
mod settings;
mod watch;
#[path = "../wire/mod.rs"]
mod wire;

use book::Book;
use measure::{Neighbours, raise_descriptor_limit};
use qtests::Test;
use rounds::Rounds;
use settings::Settings;
use std::{process::ExitCode, sync::Arc};
use watch::Watch;
use wire::Pattern;

fn main() -> ExitCode {
    let settings = match Settings::read() {
        Ok(settings) => settings,
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::FAILURE;
        }
    };
    raise_descriptor_limit(1_000);
    println!("soak: {} minutes, seed {}", settings.minutes, settings.seed);
    let neighbours = Neighbours::watch();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let failures = runtime.block_on(run(&settings));
    println!("{}", neighbours.told());
    if failures.is_empty() {
        println!("soak: held");
        return ExitCode::SUCCESS;
    }
    for failure in &failures {
        println!("FAILED: {failure}");
    }
    println!("repeat with: cargo bench -p qtests-bench --bench soak -- {settings}");
    ExitCode::FAILURE
}

/// Runs all rounds and says what was wrong.
async fn run(settings: &Settings) -> Vec<String> {
    let pattern = Pattern::new(settings.seed);
    pattern.assert_that_it_finds_damage();
    let book = Arc::new(Book::default());
    let server = server::start(book.clone(), pattern.clone());
    let test = Test::scoped();
    let wire = test.proxy(server).await.expect("a proxy can be opened");
    let mut rounds = Rounds::new(settings.seed, wire, book.clone(), pattern);
    // What the first connections bring with them stays: buffers, tables, a timer.
    rounds.warm_up().await;

    let mut watch = Watch::start(settings.length(), book.clone());
    tokio::select! {
        () = rounds.run(settings.length()) => {}
        () = watch.keep() => {}
    }
    let mut failures = book.failures();
    failures.extend(watch.verdict().await);
    let verdict = test.finish().await;
    failures.extend(verdict.report().map(ToString::to_string));
    failures
}

//! The set-up of the whole suite: before the first test, once in each process, on a thread of its own.

use super::run::SetUp;
use crate::scope::{Test, catch_quietly, lasting};
use std::{
    panic::Location,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// One set-up, and where it stands.
pub(super) type Placed = (&'static Location<'static>, SetUp);

/// Prepares the suite on a thread and a runtime that belong to it, as those of a test belong to the test. The report of
/// what went wrong, without the name of the test that it is for.
pub(super) fn set_up(set_ups: Vec<Placed>, limit: Duration) -> Option<String> {
    let &(first, _) = set_ups.first()?;
    let t = lasting("the suite".to_owned(), (first.file(), first.line()));
    let (tell, told) = mpsc::channel();
    let prepare_all = move || {
        t.adopt_thread();
        for (place, set_up) in set_ups {
            let _ = tell.send((place, None));
            if let Err(happened) = prepare(&t, set_up) {
                let _ = tell.send((place, Some(happened)));
                return;
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("the suite".to_owned()).spawn(prepare_all) {
        return Some(report(first, &format!("its thread cannot be started: {error}")));
    }
    // Waited for from outside: a set-up that blocks its thread could not be cut by a timer of its runtime.
    let (began, mut at) = (Instant::now(), first);
    loop {
        match told.recv_timeout(limit.saturating_sub(began.elapsed())) {
            Ok((place, None)) => at = place,
            Ok((place, Some(happened))) => return Some(report(place, &happened)),
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                return Some(report(at, &format!("the set-up of the suite did not end within {limit:?}")));
            }
        }
    }
}

/// Runs one set-up; what went wrong.
fn prepare(t: &Test, set_up: SetUp) -> Result<(), String> {
    match catch_quietly(|| t.block_on(set_up(t.clone()))) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("its set_up returned Err({error})")),
        Err(panicked) => Err(format!("its set_up panicked: {}", panicked.describe())),
    }
}

fn report(place: &Location<'_>, happened: &str) -> String {
    format!(
        "SET-UP FAILED\n  expected: the suite to be set up (no test has begun)\n  happened: {happened}\n  where:    \
         {place}\n"
    )
}

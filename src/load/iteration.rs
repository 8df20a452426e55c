//! One call of the scenario: every way in which it can end becomes a result.

use super::category::category;
use crate::scope::catch_quietly;
use std::{
    fmt::Display,
    future::poll_fn,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// Calls the scenario; `Err` holds the category of a panic.
pub(super) fn begin<Fut>(scenario: impl FnOnce() -> Fut) -> Result<Fut, String> {
    caught(scenario)
}

/// Drives a begun iteration to its end; `Err` holds the category of the failure.
///
/// A panic, wherever it happens (calling the scenario, polling it, printing its error, dropping it), is a failure like
/// any other: it neither ends the run nor counts as a panic of the test.
///
/// The time that was spent inside its polls is added to `busy`; it is the host's time, also when the clock of the test
/// is virtual.
pub(super) async fn complete<Fut, T, E>(begun: Result<Fut, String>, busy: &mut Duration) -> Result<(), String>
where
    Fut: Future<Output = Result<T, E>>,
    E: Display,
{
    let mut slot = pin!(Some(begun?));
    let result = poll_fn(|cx| {
        let began = Instant::now();
        let polled = poll(slot.as_mut(), cx);
        *busy += began.elapsed();
        polled
    })
    .await;
    caught(|| slot.set(None)).and(result)
}

/// Polls once. The output is dropped and the error printed here, where a panic of theirs is caught too.
fn poll<Fut, T, E>(slot: Pin<&mut Option<Fut>>, cx: &mut Context<'_>) -> Poll<Result<(), String>>
where
    Fut: Future<Output = Result<T, E>>,
    E: Display,
{
    let polled = caught(|| match slot.as_pin_mut() {
        Some(future) => future.poll(cx).map(|output| output.map(drop).map_err(|error| category(&error.to_string()))),
        None => Poll::Ready(Ok(())),
    });
    polled.unwrap_or_else(|category| Poll::Ready(Err(category)))
}

fn caught<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    catch_quietly(run).map_err(|panic| category(&format!("panic: {}", panic.message)))
}

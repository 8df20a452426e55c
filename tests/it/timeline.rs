//! What begins and ends when, on a clock that runs and on one that is paused.

use super::wire::*;
use qtests::{
    Error, Test,
    fault::{BoxFuture, Disturbance},
    fault_point,
    prelude::qtest,
    proxy::Down,
};
use std::{
    io,
    net::TcpStream,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

fn step() -> io::Result<()> {
    fault_point!("timeline.step")?;
    Ok(())
}

/// Tells when it began and ended, and fails when told to.
#[derive(Clone, Default)]
struct Told {
    told: Arc<Mutex<Vec<(&'static str, Duration)>>>,
    began: Option<tokio::time::Instant>,
    fails: bool,
    optional: bool,
}

impl Told {
    fn tell(&self, what: &'static str) -> Result<(), Error> {
        let at = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        self.told.lock().unwrap().push((what, at));
        if self.fails { Err(Test::scoped().try_arm(&broken()).unwrap_err()) } else { Ok(()) }
    }

    fn words(&self) -> Vec<&'static str> {
        self.told.lock().unwrap().iter().map(|(what, _)| *what).collect()
    }
}

fn broken() -> qtests::plan::FaultPlan {
    qtests::plan::FaultPlan::from_json(r#"{ "faults": [{ "point": "no.such.point", "then": ["hang"] }] }"#).unwrap()
}

impl Disturbance for Told {
    fn describe(&self) -> String {
        "what is told".to_owned()
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { self.tell("begin") })
    }

    fn end(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { self.tell("end") })
    }

    fn is_optional(&self) -> bool {
        self.optional
    }
}

#[test]
fn a_blocked_test_does_not_stop_its_timeline() {
    let (t, wire) = proxied(echo());
    let began = Instant::now();
    let outage = t.timeline().between(ms(30), ms(60), wire.toxic(Down::new())).start();
    eventually("it is down", || TcpStream::connect(wire.addr()).is_err());
    assert!(began.elapsed() >= ms(30));
    // This thread blocks, and nobody polls anything for it.
    eventually("it is up again", || TcpStream::connect(wire.addr()).is_ok());
    assert!(began.elapsed() >= ms(60));
    wait(outage.finished());
    assert_eq!((outage.began(), outage.ended()), (1, 1));
    let journal = t.journal();
    let told = |text: &str| journal.iter().any(|line| line.contains("timeline") && line.contains(text));
    assert!(told("begin: `down` on 127.0.0.1:") && told(", planned at 30ms, ") && told("end: "), "{journal:#?}");
    wait(t.finish()).assert();
}

#[test]
fn what_repeats_goes_on_until_it_is_stopped() {
    let t = Test::scoped();
    let fault = t.fault("timeline.step").fail(io::ErrorKind::TimedOut);
    let waves = t.timeline().every(ms(10), ms(5), fault).start();
    for _ in 0..3 {
        eventually("it fails", || step().is_err());
        eventually("it works", || step().is_ok());
    }
    wait(waves.stop());
    assert!(waves.began() >= 3 && waves.ended() == waves.began(), "{waves:?}");
    let began = waves.began();
    thread::sleep(ms(25));
    assert!(step().is_ok() && waves.began() == began);
    wait(t.finish()).assert();
}

#[test]
fn what_is_never_ended_ends_with_the_test_or_when_it_is_stopped() {
    for stops in [true, false] {
        let t = Test::scoped();
        let told = Told::default();
        let line = t.timeline().at(Duration::ZERO, told.clone()).start();
        wait(line.finished());
        assert_eq!(told.words(), ["begin"]);
        if stops {
            wait(line.stop());
            wait(line.stop());
        }
        wait(t.finish()).assert();
        assert_eq!(told.words(), ["begin", "end"]);
        wait(line.stop());
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_takes_the_steps_at_their_exact_times() {
    let t = Test::scoped();
    let told = Told { began: Some(tokio::time::Instant::now()), ..Told::default() };
    let line = t
        .timeline()
        .between(Duration::from_secs(60), Duration::from_secs(3_600), told.clone())
        .between(Duration::from_secs(3_600), Duration::from_secs(7_200), told.clone())
        .start();
    line.finished().await;
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    let expected = [("begin", Duration::from_secs(60)), ("end", hours(1)), ("begin", hours(1)), ("end", hours(2))];
    let exact: Vec<_> = told.told.lock().unwrap().clone();
    for ((what, at), (expected, due)) in exact.iter().zip(expected) {
        // tokio's clock ticks in milliseconds.
        assert!(*what == expected && *at >= due && *at <= due + ms(2), "{exact:?}");
    }
    assert_eq!(exact.len(), 4);
    t.finish().await.assert();
}

#[test]
fn a_step_that_fails_fails_the_test() {
    let t = Test::scoped();
    let told = Told { fails: true, ..Told::default() };
    let line = t.timeline().at(ms(1), told).start();
    wait(line.finished());
    wait(line.stop());
    let report = wait(t.finish()).report().unwrap().to_owned();
    assert!(report.contains("the timeline of tests/it/timeline.rs:"), "{report}");
    assert!(report.contains("cannot begin what is told at 1ms: there is no fault point `no.such.point`"), "{report}");
}

#[test]
fn nonsense_is_refused() {
    let t = Test::scoped();
    assert!(t.timeline().try_start().unwrap_err().to_string().contains("the timeline is empty"));
    let backwards = t.timeline().between(ms(2), ms(1), Told::default()).try_start().unwrap_err();
    assert!(backwards.is_invalid() && backwards.to_string().contains("entry 1 of the timeline"), "{backwards}");
    assert!(t.timeline().every(Duration::ZERO, Duration::ZERO, Told::default()).try_start().unwrap_err().is_invalid());
    let overlap = t.timeline().every(ms(5), ms(6), Told::default()).try_start().unwrap_err();
    assert!(overlap.to_string().contains("overlaps with itself"), "{overlap}");
    let late = t.timeline().at(ms(1), Told::default());
    wait(t.finish()).assert();
    assert!(late.try_start().unwrap_err().is_ended());
}

#[test]
#[should_panic(expected = "the timeline is empty")]
fn an_empty_timeline_does_not_start() {
    let t = Test::scoped();
    t.timeline().start();
}

#[qtest(paused, leaks = "strict")]
async fn a_paused_test_ends_what_its_timeline_has_begun(t: Test) {
    let told = Told::default();
    let seen = told.clone();
    // Teardowns run from the latest to the first: the timeline is stopped before.
    t.defer(move || assert_eq!(seen.words(), ["begin", "end"]));
    let began = Instant::now();
    let line = t.timeline().at(Duration::from_secs(3_600), told).start();
    line.finished().await;
    t.defer(move || assert!(began.elapsed() < Duration::from_secs(60), "virtual hours pass at once"));
}

#[test]
fn a_time_that_never_comes_fails_a_test_that_has_shown_nothing_of_it() {
    let hour = Duration::from_secs(3_600);
    let t = Test::scoped();
    let (early, late) = (Told::default(), Told::default());
    let line = t.timeline().at(Duration::ZERO, early).between(hour, 2 * hour, late.clone()).start();
    eventually("the first one begins", || line.began() == 1);
    let report = wait(t.finish()).report().unwrap().to_owned();
    let expected = "what is told was to begin at 3600s on the timeline started at tests/it/timeline.rs:";
    assert_eq!(report.matches(expected).count(), 1, "{report}");
    assert!(report.contains("and never did: the test ended before"), "{report}");
    assert!(late.words().is_empty());
}

#[test]
fn a_time_that_never_comes_is_fine_where_it_is_optional_or_the_timeline_was_stopped() {
    let hour = Duration::from_secs(3_600);
    let t = Test::scoped();
    t.timeline().at(hour, Told { optional: true, ..Told::default() }).start();
    t.timeline().at(hour, t.fault("timeline.step").fail(io::ErrorKind::TimedOut).optional()).start();
    let stopped = t.timeline().every(hour, ms(1), Told::default()).start();
    wait(stopped.stop());
    wait(t.finish()).assert();
}

//! The order, the limits and the report of a graceful shutdown, in virtual time.

mod signals;

use super::support;
use qtests::{
    Test, qtest,
    shutdown::{Cause, HookOutcome, Shutdown, ShutdownHandle, ShutdownReport},
};
use std::{
    error::Error,
    future::pending,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// A request that takes so long.
fn request(shutdown: &ShutdownHandle, takes: Duration) {
    let guard = shutdown.in_flight().expect("it still accepts");
    tokio::spawn(async move {
        sleep(takes).await;
        drop(guard);
    });
}

fn by_hand() -> ShutdownHandle {
    Shutdown::new().start().unwrap()
}

/// What hooks write down when they run.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    fn write(&self, line: &'static str) -> io::Result<()> {
        self.0.lock().unwrap().push(line);
        Ok(())
    }

    fn lines(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

fn outcomes(report: &ShutdownReport) -> Vec<String> {
    report.hooks().iter().map(|hook| format!("{}: {}", hook.name(), hook.outcome())).collect()
}

#[qtest(paused)]
async fn what_is_in_flight_is_waited_for() {
    let shutdown = by_hand();
    request(&shutdown, SECOND);
    request(&shutdown, SECOND * 3);
    assert!(shutdown.request("a new version"));
    let report = shutdown.finish().await;
    assert_eq!((report.drained(), report.abandoned(), report.drain_time().as_secs()), (2, 0, 3));
    assert_eq!(report.cause(), &Cause::Asked("a new version".into()));
    assert!(report.is_clean());
    assert_eq!(report.to_string(), "clean shutdown (a new version): 2 drained, 0 abandoned in 3.000 s");
}

#[qtest(paused)]
async fn what_takes_longer_than_the_limit_is_abandoned() {
    let shutdown = Shutdown::new().drain_limit(SECOND * 2).start().unwrap();
    request(&shutdown, SECOND);
    request(&shutdown, SECOND * 60);
    let report = shutdown.finish().await;
    assert_eq!((report.drained(), report.abandoned(), report.drain_time().as_secs()), (1, 1, 2));
    assert_eq!(report.cause(), &Cause::Finished);
    assert!(!report.is_clean());
    assert_eq!(format!("{:?}", report.exit_code()), format!("{:?}", std::process::ExitCode::FAILURE));
    assert!(report.to_string().starts_with("NOT clean shutdown"), "{report}");
}

#[qtest(paused)]
async fn a_drain_limit_of_zero_waits_for_nobody() {
    let shutdown = Shutdown::new().drain_limit(Duration::ZERO).start().unwrap();
    request(&shutdown, SECOND);
    let report = shutdown.finish().await;
    assert_eq!((report.abandoned(), report.drain_time()), (1, Duration::ZERO));
}

#[qtest(paused)]
async fn without_requests_the_end_comes_at_once() {
    let report = by_hand().finish().await;
    assert_eq!((report.drained(), report.drain_time()), (0, Duration::ZERO));
    assert_eq!(format!("{:?}", report.exit_code()), format!("{:?}", std::process::ExitCode::SUCCESS));
}

#[qtest]
async fn nobody_gets_in_once_it_is_requested() {
    let shutdown = by_hand();
    assert!(!shutdown.is_requested() && shutdown.cause().is_none());
    let guard = shutdown.in_flight();
    assert!(guard.is_some());
    assert!(shutdown.request("first") && !shutdown.request("second"));
    assert!(shutdown.in_flight().is_none() && shutdown.is_requested());
    assert_eq!(shutdown.cause(), Some(Cause::Asked("first".into())));
}

#[qtest(paused)]
async fn requested_resolves_for_those_who_wait_and_those_who_come_later() {
    let shutdown = by_hand();
    assert!(timeout(SECOND, shutdown.requested()).await.is_err());
    let waiting = tokio::spawn(shutdown.requested());
    tokio::task::yield_now().await;
    shutdown.request("now");
    waiting.await.unwrap();
    shutdown.requested().await;
}

#[qtest(paused)]
async fn hooks_run_in_order_after_the_drain_and_one_that_fails_does_not_stop_the_rest(t: Test) {
    t.expect_panics(1);
    let log = Log::default();
    let [first, second, third, last] = [log.clone(), log.clone(), log.clone(), log.clone()];
    let shutdown = Shutdown::new()
        .hook("first", async move || first.write("first"))
        .hook("full", async move || {
            second.write("full")?;
            Err(Box::<dyn Error + Send + Sync>::from("the disk is full"))
        })
        .hook("broken", async move || -> io::Result<()> {
            third.write("broken")?;
            panic!("no such state")
        })
        .hook_limit(SECOND)
        .hook("hanging", pending::<io::Result<()>>)
        .hook("last", async move || last.write("last"))
        .start()
        .unwrap();
    let (during, guard) = (log.clone(), shutdown.in_flight());
    let request = tokio::spawn(async move {
        sleep(SECOND).await;
        drop(guard);
        during.lines()
    });
    let report = shutdown.finish().await;
    assert!(request.await.unwrap().is_empty(), "a hook ran while a request was in flight");
    assert_eq!(log.lines(), ["first", "full", "broken", "last"]);
    let expected = [
        "first: done",
        "full: failed: the disk is full",
        "broken: panicked: no such state",
        "hanging: not done within 1s",
        "last: done",
    ];
    assert_eq!(outcomes(&report), expected);
    assert!(!report.is_clean());
    assert_eq!(report.hooks()[3].took().as_secs(), 1);
    assert!(report.to_string().contains("; `full` failed: the disk is full in 0.000 s"), "{report}");
}

#[qtest(paused)]
async fn an_error_of_a_hook_can_be_asked_for() {
    let hook = async || Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull));
    let report = Shutdown::new().hook("save", hook).start().unwrap().finish().await;
    let HookOutcome::Failed(error) = report.hooks()[0].outcome() else { panic!("{report}") };
    assert_eq!(error.downcast_ref::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
}

#[qtest(workers = 2)]
async fn a_hook_that_blocks_its_thread_is_given_up() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let shutdown = Shutdown::new()
        .hook_limit(Duration::from_millis(50))
        .hook("blocking", async move || {
            let _ = held.recv();
            io::Result::Ok(())
        })
        .hook_limit(SECOND * 30)
        .hook("last", async || io::Result::Ok(()))
        .start()
        .unwrap();
    let report = shutdown.finish().await;
    assert_eq!(outcomes(&report), ["blocking: not done within 50ms", "last: done"]);
    drop(release);
}

#[qtest(paused)]
async fn all_calls_of_finish_give_the_same_report_and_each_hook_runs_once() {
    let log = Log::default();
    let (theirs, began) = (log.clone(), Instant::now());
    let hook = async move || {
        sleep(SECOND).await;
        theirs.write("saved")
    };
    let shutdown = Shutdown::new().hook("save", hook).start().unwrap();
    request(&shutdown, SECOND);
    let (first, second) = tokio::join!(shutdown.finish(), shutdown.finish());
    let third = shutdown.finish().await;
    for report in [second, third] {
        assert_eq!(report.to_string(), first.to_string());
    }
    assert_eq!((log.lines(), began.elapsed().as_secs()), (vec!["saved"], 2));
}

#[qtest(paused)]
async fn a_finish_that_was_dropped_is_gone_on_with() {
    let log = Log::default();
    let (theirs, began) = (log.clone(), Instant::now());
    let hook = async move || {
        theirs.write("begun")?;
        sleep(SECOND * 4).await;
        theirs.write("saved")
    };
    let shutdown = Shutdown::new().drain_limit(SECOND * 3).hook("save", hook).start().unwrap();
    request(&shutdown, SECOND * 60);
    for _ in 0..4 {
        // Dropped in the drain, at its end, and in the hook.
        assert!(timeout(Duration::from_millis(1_500), shutdown.finish()).await.is_err());
    }
    let report = shutdown.finish().await;
    assert_eq!(log.lines(), ["begun", "saved"]);
    assert_eq!((report.abandoned(), report.drain_time().as_secs(), began.elapsed().as_secs()), (1, 3, 7));
    assert_eq!((outcomes(&report), report.hooks()[0].took().as_secs()), (vec!["save: done".to_owned()], 4));
}

#[qtest(paused)]
async fn a_finish_that_was_dropped_keeps_the_limits() {
    let hook = async || {
        sleep(SECOND * 5).await;
        io::Result::Ok(())
    };
    let shutdown = Shutdown::new().drain_limit(SECOND).hook_limit(SECOND).hook("slow", hook).start().unwrap();
    request(&shutdown, SECOND * 5);
    assert!(timeout(SECOND / 2, shutdown.finish()).await.is_err());
    // Both have ended by now, long after their limits.
    sleep(SECOND * 20).await;
    let report = shutdown.finish().await;
    assert_eq!((report.abandoned(), report.drain_time()), (1, SECOND), "{report}");
    assert_eq!(outcomes(&report), ["slow: not done within 1s"]);
}

#[qtest(workers = 2)]
async fn a_hook_that_was_cut_while_nobody_waited_is_said_to_be_late() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let hook = async move || {
        // Told when it is dropped.
        let _tell = tell;
        let _ = held.recv();
        pending::<io::Result<()>>().await
    };
    let limit = Duration::from_millis(50);
    let shutdown = Shutdown::new().hook_limit(limit).hook("blocking", hook).start().unwrap();
    // On a busy host nobody looks before the time for the drop is over too; it ends in the same way then.
    let early = timeout(limit * 2, shutdown.finish()).await;
    drop(release);
    let _ = told.await;
    let report = match early {
        Ok(report) => report,
        Err(_) => shutdown.finish().await,
    };
    assert_eq!(outcomes(&report), ["blocking: not done within 50ms"]);
}

#[test]
fn a_hook_that_a_standing_runtime_kept_beyond_its_limit_is_late() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let limit = Duration::from_millis(50);
    let hook = async move || {
        sleep(limit / 2).await;
        io::Result::Ok(())
    };
    let shutdown = Shutdown::new().hook_limit(limit).hook("save", hook).start().unwrap();
    runtime.block_on(async { assert!(timeout(limit / 5, shutdown.finish()).await.is_err()) });
    let until = std::time::Instant::now() + limit * 2;
    support::until("its limit is over", || std::time::Instant::now() > until);
    let report = runtime.block_on(shutdown.finish());
    assert_eq!(outcomes(&report), ["save: not done within 50ms"]);
}

#[test]
fn a_finish_whose_runtime_ended_is_gone_on_with_on_another() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shutdown = by_hand();
    let guard = shutdown.in_flight();
    let moment = Duration::from_millis(1);
    runtime().block_on(async { assert!(timeout(moment, shutdown.finish()).await.is_err()) });
    drop(guard);
    let report = runtime().block_on(shutdown.finish());
    assert!(report.is_clean() && report.drained() == 1, "{report}");
}

#[qtest(paused)]
async fn a_server_that_does_not_end_is_cut_when_the_limit_has_passed_since_the_request() {
    let shutdown = Shutdown::new().drain_limit(SECOND * 5).start().unwrap();
    request(&shutdown, SECOND * 102);
    let (asking, began) = (shutdown.clone(), Instant::now());
    tokio::spawn(async move {
        sleep(SECOND * 100).await;
        asking.request("a new version")
    });
    // Before the request it may run as long as it likes.
    assert_eq!(shutdown.drain(pending::<()>()).await, None);
    assert_eq!(began.elapsed().as_secs(), 105);
    let report = shutdown.finish().await;
    assert!(report.server_was_cut() && !report.is_clean(), "{report}");
    let told = "NOT clean shutdown (a new version): 1 drained, 0 abandoned in 5.000 s; the server had not ended";
    assert_eq!(report.to_string(), told);
}

#[qtest(paused)]
async fn what_a_server_needs_of_the_limit_is_not_given_twice() {
    let shutdown = Shutdown::new().drain_limit(SECOND * 5).start().unwrap();
    request(&shutdown, SECOND * 60);
    shutdown.request("a new version");
    let server = async {
        sleep(SECOND * 3).await;
        "ended"
    };
    assert_eq!(shutdown.drain(server).await, Some("ended"));
    let began = Instant::now();
    let report = shutdown.finish().await;
    assert_eq!((began.elapsed().as_secs(), report.abandoned(), report.drain_time().as_secs()), (2, 1, 5));
    assert!(!report.server_was_cut());
}

#[qtest]
async fn settings_that_make_no_sense_are_refused() {
    let hook = async || io::Result::Ok(());
    let refused = Shutdown::new().hook_limit(Duration::ZERO).hook("save", hook).start().unwrap_err();
    assert!(refused.is_invalid() && refused.to_string().contains("`hook_limit` of the hook `save`"), "{refused}");
    let many = (0..101).fold(Shutdown::new(), |shutdown, _| shutdown.hook("one more", hook));
    let refused = many.start().unwrap_err();
    assert!(refused.is_limit() && refused.to_string().contains("101 hooks"), "{refused}");
}

#[qtest(workers = 4)]
async fn of_requests_that_race_with_the_shutdown_each_is_refused_or_waited_for() {
    for _ in 0..200 {
        let shutdown = by_hand();
        let served = Arc::new(Mutex::new(0));
        let requests: Vec<_> = (0..8)
            .map(|_| {
                let (shutdown, served) = (shutdown.clone(), Arc::clone(&served));
                tokio::spawn(async move {
                    let Some(guard) = shutdown.in_flight() else { return false };
                    tokio::task::yield_now().await;
                    *served.lock().unwrap() += 1;
                    drop(guard);
                    true
                })
            })
            .collect();
        let report = shutdown.finish().await;
        let by_then = *served.lock().unwrap();
        let mut accepted = 0;
        for request in requests {
            accepted += usize::from(request.await.unwrap());
        }
        assert_eq!((by_then, report.abandoned()), (accepted, 0), "{report}");
    }
}

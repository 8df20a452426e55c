//! Load runs as their user sees them, in virtual time unless the clock itself is the subject.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use qtests::load::{LoadReport, Rate, Slo};
use qtests::{Test, qtest};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, sleep_until},
};

const MS: Duration = Duration::from_millis(1);

/// A server with one worker, which needs `service` for each request and does not work from `frozen.0` to `frozen.1`.
struct Server {
    worker: Mutex<()>,
    service: Duration,
    frozen: (Instant, Instant),
}

impl Server {
    fn new(service: Duration) -> Arc<Self> {
        Self::frozen(service, Instant::now(), Duration::ZERO)
    }

    fn frozen(service: Duration, from: Instant, length: Duration) -> Arc<Self> {
        Arc::new(Self { worker: Mutex::new(()), service, frozen: (from, from + length) })
    }

    async fn call(&self) -> Result<(), String> {
        let _worker = self.worker.lock().await;
        if (self.frozen.0..self.frozen.1).contains(&Instant::now()) {
            sleep_until(self.frozen.1).await;
        }
        sleep(self.service).await;
        Ok(())
    }
}

fn assert_exact(run: &LoadReport) {
    assert_eq!(run.offered(), run.finished() + run.shed() + run.unfinished(), "{run}");
    assert_eq!(run.finished(), run.ok() + run.failed(), "{run}");
}

fn close(actual: Duration, expected: Duration) -> bool {
    actual.abs_diff(expected) <= expected / 20
}

fn message_of_panic(f: impl FnOnce()) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast::<String>().ok().map(|text| *text))
}

#[qtest(paused)]
async fn every_arrival_of_the_schedule_is_offered(t: Test) {
    for (rate, hold, arrivals) in [(500, 5_000, 2_500), (1, 10_000, 10), (333, 1_000, 333), (2_000, 250, 500)] {
        let run = t.load("any").rate(Rate::per_sec(rate)).hold(MS * hold);
        let run = run.run((), |()| async { Ok::<_, String>(()) }).await.unwrap();
        assert_eq!((run.offered(), run.ok()), (arrivals, arrivals), "{rate}/s for {hold} ms");
        assert!((run.rate() - f64::from(rate)).abs() <= f64::from(rate) * 0.005, "{}", run.rate());
    }
}

#[qtest(paused)]
async fn a_stalled_server_shows_in_the_response_time(t: Test) {
    // 1,000/s for 10 s against a server that stands still once for 1 s: the truth is p95 = 500 ms and p99 = 900 ms.
    let thaw = Instant::now() + MS * 4_000;
    let run = t.load("stall").rate(Rate::per_sec(1_000)).max_in_flight(5_000);
    let run = run
        .run(thaw, |thaw| async move {
            if Instant::now() + MS * 1_000 >= thaw {
                sleep_until(thaw).await;
            }
            Ok::<_, String>(())
        })
        .await
        .unwrap();
    assert!(close(run.quantile(0.95), MS * 500), "{run}");
    assert!(close(run.quantile(0.99), MS * 900), "{run}");
    // One single outage: the slices alone could not tell how often it would come back.
    let verdict = run.check(&Slo::p99(MS * 50));
    assert!(verdict.is_violated() && verdict.to_string().contains("more than five times the limit"), "{verdict}");
}

#[qtest(paused)]
async fn a_closed_loop_hides_the_stall_and_says_so(t: Test) {
    let server = Server::frozen(MS, Instant::now() + MS * 3_000, MS * 1_000);
    let run = t.load("users").users(1).hold(MS * 10_000);
    let run = run.run(server, |server| async move { server.call().await }).await.unwrap();
    assert_exact(&run);
    assert!(run.quantile(0.99) < MS * 2 && run.quantile(1.0) >= MS * 1_000, "{run}");
    assert!(run.is_closed_loop() && run.to_string().contains("closed loop of 1 users"), "{run}");
}

#[qtest(paused)]
async fn users_think_between_their_calls(t: Test) {
    let run = t.load("users").users(3).think(MS * 90).hold(MS * 1_000);
    let run = run
        .run((), |()| async {
            sleep(MS * 10).await;
            Ok::<_, String>(())
        })
        .await
        .unwrap();
    assert_eq!(run.offered(), 30, "{run}");
    assert!(close(run.quantile(0.5), MS * 10), "{run}");
}

#[qtest(paused)]
async fn a_closed_loop_without_any_wait_cannot_hang_a_paused_clock(t: Test) {
    let run = t.load("spin").users(2).run((), |()| async { Ok::<_, String>(()) }).await;
    assert!(run.unwrap_err().to_string().contains("time stands still"));
}

#[qtest(paused)]
async fn arrivals_above_the_limit_are_shed_and_counted(t: Test) {
    let run = t.load("hang").rate(Rate::per_sec(100)).hold(MS * 1_000).max_in_flight(30).grace(MS * 500);
    let run = run.run((), |()| pending::<Result<(), String>>()).await.unwrap();
    assert_eq!((run.offered(), run.finished(), run.shed(), run.unfinished()), (100, 0, 70, 30), "{run}");
    assert_eq!(run.error_rate(), 1.0);
    assert!(run.check(&Slo::p99(MS * 100)).is_violated());
    assert!(run.check(&Slo::errors(0.01)).is_violated());
}

#[qtest(paused)]
async fn what_is_unfinished_counts_with_its_age(t: Test) {
    let run = t.load("hang").rate(Rate::per_sec(1_000)).hold(MS * 1_000).grace(MS * 2_000);
    let run = run.run((), |()| pending::<Result<(), String>>()).await.unwrap();
    assert_eq!((run.offered(), run.unfinished()), (1_000, 1_000));
    assert!(close(run.quantile(0.5), MS * 2_500), "{run}");
    assert!(run.check(&Slo::p99(MS * 1_900)).is_violated());
    // Nobody can say whether they would have ended within 10 s.
    let verdict = run.check(&Slo::p99(MS * 10_000));
    assert!(verdict.is_inconclusive() && verdict.to_string().contains("grace"), "{verdict}");
}

#[qtest(paused)]
async fn the_warm_up_is_not_counted(t: Test) {
    let cold = Instant::now() + MS * 1_000;
    let run = t.load("cold").rate(Rate::per_sec(100)).warm_up(MS * 1_000).hold(MS * 2_000);
    let run =
        run.run(cold, |cold| async move { if Instant::now() < cold { Err("cold") } else { Ok(()) } }).await.unwrap();
    assert_eq!((run.offered(), run.failed()), (200, 0), "{run}");
    let (cold, warm) = run.timeline().split_at(100);
    assert_eq!(cold.iter().map(|p| p.failed).sum::<u64>(), 100);
    assert_eq!(warm.iter().map(|p| (p.offered, p.failed)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1)), (200, 0));
}

#[qtest(paused)]
async fn errors_are_counted_by_their_kind_and_panics_do_not_end_the_run(t: Test) {
    let calls = Arc::new(AtomicU64::new(0));
    let run = t.load("mixed").rate(Rate::per_sec(100)).hold(MS * 1_000);
    let run = run
        .run(calls, |calls| async move {
            sleep(MS).await;
            match calls.fetch_add(1, Ordering::Relaxed) {
                n if n % 10 == 0 => panic!("no stock of item {n}"),
                n if n % 10 < 3 => Err(format!("order {n} refused")),
                _ => Ok(()),
            }
        })
        .await
        .unwrap();
    assert_exact(&run);
    assert_eq!((run.finished(), run.ok(), run.failed()), (100, 70, 30), "{run}");
    let errors: Vec<_> = run.errors().collect();
    assert_eq!(errors, [("order # refused", 20), ("panic: no stock of item #", 10)]);
}

#[qtest(paused)]
async fn a_panic_before_and_after_the_future_is_a_failed_iteration_too(t: Test) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped badly");
        }
    }
    let run = t.load("early").rate(Rate::per_sec(10)).hold(MS * 1_000);
    let early = run.run((), |()| -> std::future::Ready<Result<(), String>> { panic!("made badly") }).await.unwrap();
    assert_eq!(early.errors().collect::<Vec<_>>(), [("panic: made badly", 10)]);
    let run = t.load("late").users(2).think(MS * 100).hold(MS * 1_000);
    let late = run.run((), |()| async { Ok::<_, String>(Bomb) }).await.unwrap();
    assert_eq!(late.errors().collect::<Vec<_>>(), [("panic: dropped badly", 20)]);
}

#[qtest(paused)]
async fn dropping_a_run_stops_its_iterations(t: Test) {
    struct Alive(Arc<AtomicUsize>);
    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let alive = Arc::new(AtomicUsize::new(0));
    let run = t.load("cut").rate(Rate::per_sec(100)).run(alive.clone(), |alive| async move {
        alive.fetch_add(1, Ordering::Relaxed);
        let _alive = Alive(alive);
        pending::<Result<(), String>>().await
    });
    assert!(tokio::time::timeout(MS * 505, run).await.is_err());
    assert_eq!(alive.load(Ordering::Relaxed), 51);
    // Stopped tasks are dropped when the runtime gets to them.
    tokio::time::timeout(MS * 10, async {
        while alive.load(Ordering::Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_run_ends_with_its_test() {
    let t = Test::scoped();
    let run = t.load("cut").rate(Rate::per_sec(1)).hold(MS * 600_000);
    let begun = std::sync::Arc::new(tokio::sync::Notify::new());
    let begins = std::sync::Arc::clone(&begun);
    let run = tokio::spawn(run.run((), move |()| {
        begins.notify_one();
        pending::<Result<(), String>>()
    }));
    begun.notified().await;
    assert!(t.finish().await.passed());
    let error = run.await.unwrap().unwrap_err();
    assert!(error.is_ended() && error.to_string().contains("ended before"), "{error}");
}

#[qtest(paused)]
async fn the_same_run_gives_the_same_report_in_virtual_time(t: Test) {
    let mut reports = Vec::new();
    for _ in 0..2 {
        let server = Server::new(MS * 9);
        let run = t.load("twice").rate(Rate::per_sec(100)).hold(MS * 3_000);
        let run = run.run(server, |server| async move { server.call().await }).await.unwrap();
        assert!(run.is_virtual());
        reports.push(serde_json::to_string(&run).unwrap());
    }
    assert_eq!(reports[0], reports[1]);
}

#[qtest(paused)]
async fn nonsense_settings_are_refused_by_name(t: Test) {
    let run = || t.load("any");
    let settings: [(&str, &dyn Fn()); 7] = [
        ("hold", &|| drop(run().hold(Duration::ZERO))),
        ("hold", &|| drop(run().hold(Duration::MAX))),
        ("users", &|| drop(run().users(0))),
        ("max_in_flight", &|| drop(run().max_in_flight(0))),
        ("max_in_flight", &|| drop(run().max_in_flight(usize::MAX))),
        ("warm_up", &|| drop(run().warm_up(Duration::MAX))),
        ("grace", &|| drop(run().grace(Duration::MAX))),
    ];
    for (name, set) in settings {
        let message = message_of_panic(set).unwrap_or_else(|| panic!("{name} was accepted"));
        assert!(message.contains(name), "{message}");
    }
}

#[qtest(paused)]
async fn the_timeline_shows_when_it_went_wrong(t: Test) {
    let start = Instant::now();
    let run = t.load("timeline").rate(Rate::per_sec(100)).hold(MS * 2_000);
    let run = run
        .run(start, |start| async move {
            let bad = (MS * 500..MS * 700).contains(&start.elapsed());
            sleep(if bad { MS * 50 } else { MS * 5 }).await;
            if bad { Err("bad") } else { Ok(()) }
        })
        .await
        .unwrap();
    assert_eq!(run.timeline().len(), 200);
    let bad: Vec<_> = run.timeline().iter().filter(|p| p.failed > 0).map(|p| (p.at, p.max)).collect();
    assert_eq!((bad.len(), bad[0], bad[19]), (20, (MS * 500, MS * 50), (MS * 690, MS * 50)));
}

#[qtest(workers = 2)]
async fn counts_are_exact_with_many_threads_and_stopped_iterations(t: Test) {
    let calls = Arc::new(AtomicU64::new(0));
    let run = t.load("storm").rate(Rate::per_sec(20_000)).hold(MS * 200).max_in_flight(200).grace(MS * 20);
    let run = run
        .run(calls.clone(), |calls| async move {
            match calls.fetch_add(1, Ordering::Relaxed) % 100 {
                0 => pending().await,
                n if n % 7 == 0 => sleep(MS).await,
                3 => panic!("storm"),
                _ => (),
            }
            Ok::<_, String>(())
        })
        .await
        .unwrap();
    assert_exact(&run);
    assert_eq!(run.offered(), 4_000, "{run}");
    // What was stopped before its first poll is unfinished and has called nothing.
    let calls = calls.load(Ordering::Relaxed);
    assert!(run.finished() <= calls && calls <= run.finished() + run.unfinished(), "{calls}: {run}");
}

#[qtest(workers = 2)]
async fn users_without_any_wait_end_in_time_and_let_others_run(t: Test) {
    let run = t.load("spin").users(8).hold(MS * 100);
    let run = run.run((), |()| async { Ok::<_, String>(()) }).await.unwrap();
    assert_exact(&run);
    assert!(run.ok() > 1_000, "{run}");
}

#[qtest]
async fn load_runs_of_a_process_wait_for_each_other() {
    let calls = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (first, second) = (Test::scoped(), Test::scoped());
    let one = async |test: &Test, number: u8| {
        let run = test.load("one").rate(Rate::per_sec(1_000)).hold(MS * 50);
        let state = (calls.clone(), number);
        let run = run.run(state, |(calls, number)| async move {
            calls.lock().unwrap().push(number);
            Ok::<_, String>(())
        });
        run.await.unwrap()
    };
    let _ = tokio::join!(one(&first, 1), one(&second, 2));
    let calls = calls.lock().unwrap();
    assert!(calls.len() == 100 && calls.is_sorted(), "{calls:?}");
    assert!(second.journal().iter().any(|line| line.contains("waits for another load run")));
}

#[test]
fn the_future_of_a_run_can_be_spawned() {
    fn spawnable(_: impl Future + Send + 'static) {}
    let scenario = |()| async { Ok::<(), String>(()) };
    let t = Test::scoped();
    spawnable(t.load("any").run((), scenario));
}

#[qtest(paused)]
async fn a_report_is_plain_figures_in_json_and_a_table_as_text(t: Test) {
    let run = t.load("both").rate(Rate::per_sec(100)).hold(MS * 1_000);
    let run = run
        .run((), |()| async {
            sleep(MS * 20).await;
            Err::<(), _>("refused by 10.0.0.1")
        })
        .await
        .unwrap();
    let json = serde_json::to_value(&run).unwrap();
    assert_eq!((json["offered"].as_u64(), json["failed"].as_u64()), (Some(100), Some(100)));
    assert_eq!((json["hold_s"].as_f64(), json["virtual_time"].as_bool()), (Some(1.0), Some(true)));
    assert_eq!(json["errors"][0]["category"], "refused by #.#.#.#");
    assert_eq!(json["timeline"].as_array().map(Vec::len), Some(100));
    let text = run.to_string();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[2], ["latency", "p50", "p90", "p95", "p99", "p99.9", "max"], "{text}");
    assert_eq!(rows[3], ["response", "20", "ms", "20", "ms", "20", "ms", "20", "ms", "20", "ms", "20", "ms"], "{text}");
    assert!(text.contains("100 x refused by #.#.#.#") && text.contains("virtual time"), "{text}");
}

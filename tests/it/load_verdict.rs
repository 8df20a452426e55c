//! What load runs say about objectives, in virtual time unless the host itself is the subject.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use qtests::load::{Rate, Slo, Verdict};
use qtests::{Test, qtest};
use tokio::{sync::Mutex, time::sleep};

const MS: Duration = Duration::from_millis(1);

#[qtest(paused)]
async fn a_healthy_service_meets_its_objective(t: Test) {
    let run = t.load("healthy").rate(Rate::per_sec(500)).hold(MS * 5_000);
    let run = run
        .run((), |()| async {
            sleep(MS * 20).await;
            Ok::<_, String>(())
        })
        .await
        .unwrap();
    let slo = Slo::p99(MS * 30).error_rate(0.01).and(Slo::throughput(Rate::per_sec(450)));
    let verdict = run.check(&slo);
    assert!(verdict.is_met() && verdict.reasons().len() == 3, "{verdict}");
    assert!(run.check(&Slo::errors(0.0)).is_met());
    run.assert(slo);
}

#[qtest(paused)]
async fn an_overloaded_server_violates_its_throughput_and_its_latency(t: Test) {
    // One worker that needs 4 ms for each call: 250/s at most.
    let worker = Arc::new(Mutex::new(()));
    let run = t.load("over").rate(Rate::per_sec(500)).hold(MS * 4_000);
    let run = run
        .run(worker, |worker| async move {
            let _worker = worker.lock().await;
            sleep(MS * 4).await;
            Ok::<_, String>(())
        })
        .await
        .unwrap();
    assert!(run.check(&Slo::throughput(Rate::per_sec(300))).is_violated(), "{run}");
    assert!(run.check(&Slo::throughput(Rate::per_sec(200))).is_met(), "{run}");
    assert!(run.check(&Slo::p95(MS * 100)).is_violated());
}

#[qtest(paused)]
async fn few_arrivals_prove_nothing_and_do_not_fail(t: Test) {
    let test = t;
    let run = test.load("short").rate(Rate::per_sec(10)).hold(MS * 1_000);
    let run = run.run((), |()| async { Ok::<_, String>(()) }).await.unwrap();
    let verdict = run.check(&Slo::p99(MS * 100));
    assert!(matches!(&verdict, Verdict::Inconclusive(reasons) if reasons[0].contains("from some 434 on")), "{verdict}");
    run.assert(Slo::p99(MS * 100));
    assert!(test.journal().iter().any(|line| line.contains("INCONCLUSIVE")));
}

#[qtest(paused)]
async fn a_violation_says_what_was_expected_and_what_happened(t: Test) {
    let run = t.load("checkout").rate(Rate::per_sec(500)).hold(MS * 2_000);
    let calls = Arc::new(AtomicU64::new(0));
    let run = run
        .run(calls, |calls| async move {
            sleep(MS * 20).await;
            if calls.fetch_add(1, Ordering::Relaxed) % 10 == 0 { Err("connection refused") } else { Ok(()) }
        })
        .await
        .unwrap();
    let message = catch_unwind(AssertUnwindSafe(|| run.assert(Slo::p99(MS * 300).error_rate(0.01))));
    let message = *message.unwrap_err().downcast::<String>().unwrap();
    for part in [
        "load run `checkout` violated its objective",
        "expected: p99 < 300 ms, error rate <= 1 %",
        "p99 < 300 ms VIOLATED: 10 % over (95 % slice interval 9.7-10.3 %, limit 1 %), p99 = no answer",
        "error rate <= 1 % VIOLATED: 10 %",
        "1,000/1,000 finished, 100 failed",
        "100 x connection refused",
        "open loop at 500/s, held 2 s",
        "repeat with: ",
    ] {
        assert!(message.contains(part), "{part:?} is missing in:\n{message}");
    }
}

#[qtest]
async fn a_busy_host_is_not_taken_for_a_slow_service(t: Test) {
    // Somebody else blocks the only thread, so that the generator itself starts late.
    let others = tokio::spawn(async {
        loop {
            std::thread::sleep(MS * 100);
            tokio::task::yield_now().await;
        }
    });
    let run = t.load("busy").rate(Rate::per_sec(100)).hold(MS * 1_000);
    let run = run.run((), |()| async { Ok::<_, String>(()) }).await.unwrap();
    others.abort();
    let verdict = run.check(&Slo::p99(MS * 20));
    assert!(verdict.is_inconclusive() && verdict.to_string().contains("host: too busy"), "{verdict}");
}

#[qtest]
async fn a_scenario_that_blocks_its_thread_cannot_blame_the_host(t: Test) {
    // Each call blocks the only thread for 20 ms, so at 100/s the generator itself starts later and later.
    let run = t.load("blocking").rate(Rate::per_sec(100)).hold(MS * 500);
    let run = run.run((), |()| async {
        std::thread::sleep(MS * 20);
        Ok::<_, String>(())
    });
    let verdict = run.await.unwrap().check(&Slo::p99(MS * 150));
    assert!(verdict.is_violated() && verdict.to_string().contains("it blocks, or needs more `workers`"), "{verdict}");
}

#[qtest(paused)]
async fn a_service_that_stands_still_cannot_hide_in_a_closed_loop(t: Test) {
    let began = tokio::time::Instant::now();
    let run = t.load("closed").users(10).think(MS).hold(MS * 30_000);
    let run = run.run((), move |()| async move {
        if (MS * 2_000..MS * 29_000).contains(&began.elapsed()) {
            tokio::time::sleep_until(began + MS * 29_000).await;
        }
        sleep(MS).await;
        Ok::<_, String>(())
    });
    let verdict = run.await.unwrap().check(&Slo::p99(MS * 100));
    assert!(!verdict.is_met() && verdict.to_string().contains("use `rate`"), "{verdict}");
}

/// A test whose load run blocks its thread for ever does not keep the other load runs of the process waiting.
#[qtest(timeout = "30s")]
async fn a_stuck_load_run_gives_way_when_its_test_ends(t: Test) {
    let stuck = Test::scoped();
    let scope = Test::clone(&stuck);
    let (blocked, is_blocked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let run = scope.load("stuck").rate(Rate::per_sec(1)).run(blocked, |blocked| async move {
            blocked.send(()).unwrap();
            loop {
                std::thread::park();
            }
            #[allow(unreachable_code, reason = "it names the type of a future that never ends")]
            Ok::<(), String>(())
        });
        let _ = runtime.block_on(run);
    });
    tokio::task::spawn_blocking(move || is_blocked.recv().unwrap()).await.unwrap();
    assert!(stuck.finish().await.passed());
    let run = t.load("next").rate(Rate::per_sec(100)).hold(MS * 50);
    run.run((), |()| async { Ok::<_, String>(()) }).await.unwrap();
}

//! Tries, processes of their own, and what is left of them; deadlocks.

use qtests::prelude::*;
use std::{sync::Arc, thread};

#[qtest(retries = 1)]
#[ignore = "must fail"]
async fn fails_each_time_it_is_tried() {
    panic!("the service is gone");
}

#[qtest(isolate = "process")]
#[ignore = "must fail"]
async fn isolated_body_panics(t: Test) {
    println!("printed by the child");
    t.note("in the journal of the child");
    panic!("alone");
}

#[qtest(isolate = "process")]
#[ignore = "must fail"]
async fn isolated_process_aborts() {
    println!("printed before the end");
    std::process::abort();
}

#[qtest(isolate = "process", timeout = "100ms")]
#[ignore = "must fail"]
async fn isolated_body_blocks_its_thread() {
    loop {
        thread::park();
    }
}

#[qtest]
#[ignore = "must fail"]
async fn environment_is_changed_beside_other_tests(t: Test) {
    t.env("LANG", "C");
}

/// A daemon in a session of its own, whose parent ends at once.
fn start_daemon() {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "setsid sleep 600 </dev/null >/dev/null 2>&1 &"]);
    assert!(command.status().expect("sh starts").success());
}

#[qtest(isolate = "process", leaks = "strict")]
#[ignore = "must fail"]
async fn isolated_test_leaves_a_daemon_a_thread_and_a_file(t: Test) {
    start_daemon();
    let path = t.dir().join("file");
    std::mem::forget(std::fs::File::create(path).expect("the directory is writable"));
    thread::Builder::new()
        .name("straggler".to_owned())
        .spawn(|| {
            loop {
                thread::park();
            }
        })
        .expect("a thread starts");
}

#[expect(clippy::zombie_processes, reason = "that is what it is about")]
#[qtest(leaks = "strict")]
#[ignore = "must fail"]
async fn strict_test_leaves_a_child_that_runs_and_one_that_nobody_awaits() {
    let start = |text| std::process::Command::new("sh").args(["-c", text]).spawn().expect("sh starts");
    start("exec sleep 600");
    let ended = start("exec true");
    let stat = format!("/proc/{}/stat", ended.id());
    while !std::fs::read_to_string(&stat).expect("it is not awaited").contains(") Z ") {
        tokio::task::yield_now().await;
    }
}

#[qtest(timeout = "2s", workers = 2)]
#[ignore = "must fail"]
async fn tasks_wait_for_each_other_for_ever() {
    let (left, right) = (Arc::new(tokio::sync::Mutex::new(())), Arc::new(tokio::sync::Mutex::new(())));
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let take = |first: Arc<tokio::sync::Mutex<()>>, second: Arc<tokio::sync::Mutex<()>>| {
        let both = Arc::clone(&both);
        tokio::spawn(async move {
            let _first = first.lock().await;
            both.wait().await;
            let _second = second.lock().await;
        })
    };
    let tasks = [take(Arc::clone(&left), Arc::clone(&right)), take(right, left)];
    for task in tasks {
        task.await.expect("it does not panic");
    }
}

/// Children of workers, of blocking threads, and of a body that nobody watches.
#[expect(clippy::zombie_processes, reason = "that is what it is about")]
fn start_sleep() {
    std::process::Command::new("sleep").arg("600").spawn().expect("sleep starts");
}

#[qtest(leaks = "strict", workers = 2, timeout = "off")]
#[ignore = "must fail"]
async fn strict_test_leaves_children_of_all_its_threads(t: Test) {
    t.defer(|| {});
    start_sleep();
    tokio::spawn(async { start_sleep() }).await.expect("it does not panic");
    tokio::task::spawn_blocking(start_sleep).await.expect("it does not panic");
}

#[qtest(isolate = "process", leaks = "strict", workers = 1)]
#[ignore = "must fail"]
async fn isolated_test_leaves_a_thread_of_a_worker_and_a_chain_of_children(t: Test) {
    tokio::spawn(async {
        thread::spawn(|| {
            loop {
                thread::park();
            }
        });
    })
    .await
    .expect("it does not panic");
    let ready = t.dir().join("ready");
    let inner = format!("sleep 600 & echo > {}; exec sleep 600", ready.display());
    let chain = format!("setsid sh -c 'sleep 600 & setsid sh -c \"{inner}\"; exit 0' >/dev/null 2>&1 </dev/null &");
    assert!(std::process::Command::new("sh").args(["-c", &chain]).status().expect("sh starts").success());
    while !ready.exists() {
        tokio::task::yield_now().await;
    }
}

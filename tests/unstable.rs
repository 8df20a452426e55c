//! What is known about leaked tasks where tokio tells more: run it with `RUSTFLAGS="--cfg tokio_unstable"`. Without that
//! it has no test.
#![cfg(all(tokio_unstable, feature = "macros"))]

use qtests::prelude::*;
use std::{env, future::pending, process::Command};

#[qtest(leaks = "strict", workers = 2)]
#[ignore = "must fail"]
async fn leaves_tasks(t: Test) {
    let ended = tokio::spawn(async {});
    tokio::spawn(pending::<()>());
    tokio::task::spawn(async {
        tokio::spawn(pending::<()>());
    });
    t.spawn(pending::<()>());
    ended.await.expect("it ends");
}

#[test]
fn each_leaked_task_is_named_by_the_place_where_it_was_spawned_and_told_once() {
    let mut command = Command::new(env::current_exe().expect("there is one"));
    let output = command.args(["--ignored", "--exact", "leaves_tasks"]).output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(101), "{text}");
    for (line, text_of_leak) in [
        (12, "leak: the task spawned at tests/unstable.rs:12:5 is still running\n"),
        (14, "leak: the task spawned at tests/unstable.rs:14:9 is still running\n"),
        (16, "leak: the task spawned at tests/unstable.rs:16:7 is still running (end it when t.cancelled() resolves)"),
    ] {
        assert_eq!(text.matches(text_of_leak).count(), 1, "line {line} in {text}");
    }
    assert_eq!(text.matches("leak: ").count(), 3, "{text}");
}

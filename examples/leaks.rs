//! What outlives a test. Run it with `cargo run --example leaks --all-features`.

use qtests::prelude::*;
use std::process::Command;

// Tasks that the test starts by `t.spawn` must end when it does: `t.cancelled()` tells them.
#[qtest]
async fn a_worker_that_listens_ends_with_its_test(t: Test) {
    let ended = t.cancelled();
    t.spawn(async move {
        tokio::select! {
            () = ended => {}
            () = std::future::pending() => {}
        }
    });
}

// Strict: every task, and the children that its threads started. Alone in its process, also threads and descriptors.
#[qtest(leaks = "strict", isolate = "process")]
async fn everything_is_gone(t: Test) -> Result<(), Box<dyn Error>> {
    let mut sleep = Command::new("sleep");
    sleep.arg("600");
    t.process(sleep)?; // killed at the end, with its children, whatever way the test ends
    std::fs::write(t.dir().join("file"), "closed again")?;
    tokio::spawn(async {}).await?;
    Ok(())
}

qtests::main!();

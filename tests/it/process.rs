//! Child processes of a test: awaited, asked to end, and killed if they do not listen.

use super::support;
use qtests::prelude::*;
use std::{os::unix::process::ExitStatusExt, process::Command};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[qtest]
async fn a_process_is_awaited_and_tells_how_it_ended(t: Test) -> Result<(), Box<dyn Error>> {
    let child = t.process(shell("exit 7"))?;
    assert_eq!(child.wait().await?.code(), Some(7));
    // It has ended; asking again gives the same answer.
    assert_eq!(child.wait().await?.code(), Some(7));
    assert_eq!(child.stop(Duration::ZERO)?.and_then(|status| status.code()), Some(7));
    Ok(())
}

#[qtest]
async fn a_wait_that_is_dropped_takes_nothing_away(t: Test) -> Result<(), Box<dyn Error>> {
    let child = t.process(shell("exec sleep 600"))?;
    for _ in 0..3 {
        let waited = tokio::time::timeout(Duration::from_millis(1), child.wait()).await;
        assert!(waited.is_err());
    }
    child.kill()?;
    assert_eq!(child.wait().await?.signal(), Some(9));
    Ok(())
}

#[qtest]
async fn a_process_that_listens_ends_when_it_is_asked(t: Test) -> Result<(), Box<dyn Error>> {
    let child = t.process(shell("exec sleep 600"))?;
    let status = child.stop(Duration::from_secs(30))?.expect("sleep ends at once");
    assert_eq!(status.signal(), Some(15));
    Ok(())
}

/// The end of the test kills it; that it is gone is seen from outside, by the next teardown.
#[qtest]
async fn a_process_that_ignores_sigterm_is_killed_at_the_end(t: Test) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let ready = folder.path().join("ready");
    let (ours, path) = (t.clone(), ready.clone());
    t.defer(move || {
        let id: u32 = std::fs::read_to_string(&path).unwrap().trim().parse().unwrap();
        assert!(!std::path::Path::new(&format!("/proc/{id}")).exists(), "{id} of {} lives", ours.name());
        drop(folder);
    });
    let script =
        format!("trap '' TERM; echo $$ > {0}.tmp; mv {0}.tmp {0}; while :; do sleep 600; done", ready.display());
    let child = t.process(shell(&script))?;
    support::until("it ignores SIGTERM", || ready.exists());
    assert!(child.stop(Duration::from_millis(50))?.is_none(), "it does not listen");
    Ok(())
}

#[qtest]
async fn a_process_that_is_not_there_is_named(t: Test) {
    let error = t.process(Command::new("qtests-no-such-program")).unwrap_err();
    assert!(error.is_missing_program() && error.to_string().contains("qtests-no-such-program"), "{error}");
}

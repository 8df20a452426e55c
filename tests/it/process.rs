//! Child processes of a test: awaited, asked to end, and killed if they do not listen.

use super::support;
use qtests::prelude::*;
use std::{
    io::{BufRead, BufReader},
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Stdio},
};

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

/// The state letter of a process, as the system shows it.
fn state(id: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// A number that is free can be given to a stranger, who would be killed with the group at the end.
#[qtest]
async fn a_process_that_ended_by_itself_keeps_its_number_until_its_group_is_killed(
    t: Test,
) -> Result<(), Box<dyn Error>> {
    let child = t.process(shell("exit 7"))?;
    assert_eq!(child.wait().await?.code(), Some(7));
    for _ in 0..3 {
        assert_eq!(child.try_wait()?.and_then(|status| status.code()), Some(7));
        child.terminate()?;
        assert_eq!(state(child.id()), Some('Z'), "its number is free");
    }
    assert_eq!(child.kill()?.code(), Some(7));
    assert_eq!(state(child.id()), None, "it was awaited");
    assert_eq!((child.try_wait()?, child.kill()?.code()), (Some(ExitStatus::from_raw(7 << 8)), Some(7)));
    Ok(())
}

#[qtest]
async fn the_children_of_a_process_that_ended_by_itself_are_killed(t: Test) -> Result<(), Box<dyn Error>> {
    let mut command = shell("sleep 600 & echo $!");
    command.stdout(Stdio::piped());
    let child = t.process(command)?;
    let mut line = String::new();
    BufReader::new(child.take_stdout().expect("it is piped")).read_line(&mut line)?;
    let below: u32 = line.trim().parse()?;
    assert!(child.wait().await?.success());
    assert!(matches!(state(below), Some('S' | 'R' | 'D')), "{:?}", state(below));
    child.kill()?;
    support::until("its child is dead", || matches!(state(below), None | Some('Z' | 'X')));
    Ok(())
}

#[qtest]
async fn every_way_to_end_is_told_as_the_system_tells_it(t: Test) -> Result<(), Box<dyn Error>> {
    for (script, code, signal) in
        [("exit 255", Some(255), None), ("exit 0", Some(0), None), ("kill -s KILL $$", None, Some(9))]
    {
        let child = t.process(shell(script))?;
        let looked = child.wait().await?;
        assert_eq!((looked.code(), looked.signal()), (code, signal), "{script}");
        assert_eq!(child.kill()?, looked, "{script}");
    }
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

/// `cat` ends when its input does, and its output is read to the end.
#[qtest(timeout = "20s")]
async fn the_pipes_of_a_process_are_the_tests(t: Test) -> Result<(), Box<dyn Error>> {
    use std::io::{Read, Write};
    let mut command = Command::new("cat");
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let child = t.process(command)?;
    let mut output = child.take_stdout().expect("it is a pipe");
    let read = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).map(|_| text)
    });
    child.take_stdin().expect("it is a pipe").write_all(b"through the pipe")?;
    assert!(child.wait().await?.success());
    assert_eq!(read.await??, "through the pipe");
    Ok(())
}

#[qtest(timeout = "20s")]
async fn a_wait_closes_the_input_that_nobody_has_taken(t: Test) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new("cat");
    command.stdin(std::process::Stdio::piped());
    assert!(t.process(command)?.wait().await?.success());
    Ok(())
}

/// Writes a line and its own number every moment, and a child that has left its group does the same.
fn ticking(folder: &std::path::Path) -> Command {
    let tick = |name: &str| format!("while :; do echo x >> {}/{name}; done", folder.display());
    shell(&format!("setsid sh -c '{}' & {}", tick("child"), tick("parent")))
}

#[qtest]
async fn a_paused_process_and_its_children_stand_still_until_it_is_resumed(t: Test) -> Result<(), Box<dyn Error>> {
    let process = t.process(ticking(t.dir()))?;
    let size = |name: &str| std::fs::metadata(t.dir().join(name)).map_or(0, |found| found.len());
    let sizes = || (size("parent"), size("child"));
    support::until("both run", || size("parent") > 0 && size("child") > 0);
    for _ in 0..3 {
        process.pause()?;
        process.pause()?;
        assert!(process.is_paused());
        let before = sizes();
        // As long as it takes another process to start and end.
        assert!(Command::new("true").status()?.success());
        assert_eq!(sizes(), before);
        process.resume()?;
        assert!(!process.is_paused());
        support::until("both go on", || size("parent") > before.0 && size("child") > before.1);
    }
    process.pause()?;
    assert_eq!(process.kill()?.signal(), Some(9));
    let before = sizes();
    assert!(!process.is_paused() && Command::new("true").status()?.success());
    assert_eq!(sizes(), before, "the child that has left the group is dead, too");
    let error = process.pause().unwrap_err().to_string();
    assert!(error.starts_with("the process has ended (signal: 9"), "{error}");
    Ok(())
}

#[qtest]
async fn a_process_is_started_again_with_the_same_command(t: Test) -> Result<(), Box<dyn Error>> {
    let mut command = shell("echo $GREETING; exec sleep 600");
    command.env("GREETING", "hello").stdout(Stdio::piped());
    let process = t.process(command)?;
    let same = process.clone();
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let mut line = String::new();
        BufReader::new(process.take_stdout().expect("a pipe of its own")).read_line(&mut line)?;
        assert_eq!((line.as_str(), process.try_wait()?), ("hello\n", None));
        ids.insert(same.id());
        process.restart()?;
    }
    assert_eq!(ids.len(), 3, "{ids:?}");
    Ok(())
}

#[test]
fn a_test_that_is_over_starts_no_process_again() {
    let t = qtests::Test::scoped();
    let process = t.process(shell("exec sleep 600")).unwrap();
    drop(t);
    assert_eq!(process.try_wait().unwrap().and_then(|status| status.signal()), Some(9));
    assert!(process.restart().unwrap_err().is_ended());
}

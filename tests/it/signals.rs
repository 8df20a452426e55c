//! SIGINT, SIGTERM, `process::exit` and SIGKILL: what is left of the tests that were running.

use super::support;
use std::{
    fs,
    io::{Read, Write},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
};

const WAITING: [&str; 4] = ["blocks", "waits", "waits_in_a_scope", "waits_without_a_limit"];

/// Test binary or nextest, with some of the dying tests.
struct Dying {
    child: Child,
    marks: tempfile::TempDir,
    tests: Vec<&'static str>,
}

/// What one of them left marks of.
struct Mark {
    dir: PathBuf,
    group: u32,
    torn: PathBuf,
    restored: PathBuf,
}

impl Dying {
    fn start(mut command: Command, tests: &[&'static str]) -> Self {
        let marks = tempfile::tempdir().unwrap();
        command.env("DYING_MARKS", marks.path()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        Self { child: command.spawn().unwrap(), marks, tests: tests.to_vec() }
    }

    /// Waits until all tests are under way.
    fn marks(&self) -> Vec<Mark> {
        let folder = self.marks.path();
        let child = |name: &str| folder.join(format!("{name}.child"));
        let written = |path: PathBuf| fs::read_to_string(path).is_ok_and(|text| !text.is_empty());
        support::until("all tests run", || self.tests.iter().all(|name| written(child(name))));
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        let mark = |name: &&str| Mark {
            dir: read(folder.join(format!("{name}.dir"))).into(),
            group: read(child(name)).parse().unwrap(),
            torn: folder.join(format!("{name}.torn")),
            restored: folder.join(format!("{name}.restored")),
        };
        self.tests.iter().map(mark).collect()
    }

    fn signal(&self, signal: &str) {
        let target = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &target]).status().unwrap().success());
    }

    fn wait(&mut self) -> (ExitStatus, String) {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        (self.child.wait().unwrap(), text)
    }
}

fn alone(tests: &[&'static str]) -> Dying {
    let mut command = support::heeding(support::binary("dying"));
    command.args(["--ignored", "--exact", "--nocapture", "--test-threads=8"]).args(tests);
    Dying::start(command, tests)
}

/// Whether any process of a group is alive; what is dead but not yet awaited does not count.
fn group_lives(group: u32) -> bool {
    let group = group.to_string();
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    // After the name in parentheses: state, parent, group.
    processes.filter_map(|stat| Some(stat.rsplit_once(") ")?.1.to_owned())).any(|rest| {
        let mut fields = rest.split(' ');
        fields.next() != Some("Z") && fields.nth(1) == Some(&group)
    })
}

fn assert_all_gone(marks: &[Mark]) {
    for Mark { dir, group, torn, restored } in marks {
        assert!(torn.exists(), "the async teardown did not run: {}", torn.display());
        let restored = fs::read_to_string(restored).unwrap_or_default();
        assert_eq!(restored, "once.", "the restore closure of the mock runs exactly once: {}", torn.display());
        assert!(!dir.exists(), "{} is still there", dir.display());
        support::until("the child processes are gone", || !group_lives(*group));
    }
}

#[test]
fn a_signal_tears_down_all_running_tests_and_then_kills() {
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let mut dying = alone(&WAITING);
        let marks = dying.marks();
        dying.signal(signal);
        let (status, text) = dying.wait();
        assert_eq!(status.signal(), Some(number), "{text}");
        assert!(text.contains(&format!("SIG{signal}: tore down 4 running test(s)")), "{text}");
        assert_all_gone(&marks);
    }
}

/// Runs one of the tests that share something, and returns the lines that it left; a signal ends it if there is one.
fn shared(test: &str, signal: Option<&str>) -> Vec<String> {
    let marks = tempfile::tempdir().unwrap();
    let mut command = support::heeding(support::binary("dying"));
    command.args(["--ignored", "--exact", test]).env("DYING_MARKS", marks.path());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let lines = || fs::read_to_string(marks.path().join("order")).unwrap_or_default();
    if let Some(signal) = signal {
        support::until("the test is up", || lines().contains("test up"));
        assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
    }
    assert_eq!(child.wait().unwrap().signal().is_some(), signal.is_some());
    lines().lines().map(str::to_owned).collect()
}

#[test]
fn what_tests_share_is_torn_down_after_them_when_the_process_ends_and_when_a_signal_ends_it() {
    for (test, signal) in [("shares::ends", None), ("shares::waits", Some("TERM")), ("shares::waits", Some("INT"))] {
        let lines = shared(test, signal);
        assert_eq!(lines[1..], ["test up", "test down", "shared down"], "{signal:?}");
        let (dir, child) = lines[0].rsplit_once(' ').unwrap();
        assert!(!PathBuf::from(dir).exists(), "{dir} is still there");
        support::until("its child process is gone", || !group_lives(child.parse().unwrap()));
    }
}

#[test]
fn process_exit_in_a_test_tears_down_all_running_tests() {
    let tests = ["exits", "waits"];
    let mut dying = alone(&tests);
    let marks = dying.marks();
    let (status, text) = dying.wait();
    assert_eq!(status.code(), Some(3), "{text}");
    assert_all_gone(&marks);
}

#[test]
fn after_sigkill_the_child_processes_die_too() {
    let mut dying = alone(&WAITING);
    let marks = dying.marks();
    dying.signal("KILL");
    let (status, text) = dying.wait();
    assert_eq!(status.signal(), Some(9), "{text}");
    for Mark { dir, group, .. } in marks {
        support::until("the child processes are gone", || !group_lives(group));
        assert!(dir.starts_with(std::env::temp_dir()));
        fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn nextest_passes_a_signal_on_and_all_running_tests_are_torn_down() {
    let installed = support::clean("cargo").args(["nextest", "--version"]).output().unwrap().status.success();
    if !installed {
        let _ = writeln!(std::io::stderr(), "SKIPPED: cargo-nextest is not installed (cargo install cargo-nextest)");
        return;
    }
    let mut command = support::heeding("cargo");
    command.args(["nextest", "run", "--no-fail-fast", "--run-ignored=only", "--test-threads=8", "--test=dying"]);
    let tests = ["blocks", "waits", "waits_without_a_limit"];
    command.args(support::cargo_flags()).arg("--").arg("--exact").args(tests);
    let mut dying = Dying::start(command, &tests);
    let marks = dying.marks();
    dying.signal("INT");
    let (status, text) = dying.wait();
    assert!(!status.success(), "{text}");
    assert_all_gone(&marks);
}

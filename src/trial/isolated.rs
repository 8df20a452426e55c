//! The key `isolate = "process"`: the test runs alone in a child process, which runs this same binary for this one test.
//!
//! The child judges itself and writes the verdict into a file. If it comes to no verdict, because it was aborted or
//! killed or never ended, the parent says so.

use crate::{
    base::{ISOLATED, Isolated, environment},
    scope::{self, Body, Leaks, MadeBody, Meta, Options, Test, Undo, Verdict, lock, say},
    server::Process,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

/// How much longer than the limits of its body and of some teardowns a child may take: for the set-up of a suite, shared
/// fixtures, and a busy machine. The child keeps its own limits; this one is for a child that does not.
const GRACE: Duration = Duration::from_secs(120);

/// The limits of how many teardowns are added.
const TEARDOWNS: u32 = 10;

/// How much of what a child prints is kept: its end.
const OUTPUT: u64 = 256 * 1024;

/// What a child says to its parent.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    failure: Option<String>,
    set_up: bool,
    skipped: Option<String>,
}

/// In a child: writes the verdict where the parent looks for it.
pub(crate) fn tell_parent(meta: &Meta, failure: Option<&str>, set_up: bool, skipped: Option<&str>) {
    let Some(isolated) = environment().isolated.as_ref().filter(|isolated| isolated.test == meta.name()) else {
        return;
    };
    let told = Told { failure: failure.map(str::to_owned), set_up, skipped: skipped.map(str::to_owned) };
    let text = serde_json::to_string(&told).unwrap_or_default();
    if let Err(error) = fs::write(&isolated.verdict, text) {
        say(&format!("the verdict cannot be written to {}: {error}", isolated.verdict.display()));
    }
}

/// Runs a test alone in a child process and returns its verdict.
pub(super) fn judge_in_child(meta: &'static Meta) -> Verdict {
    let told: Arc<Mutex<Option<Told>>> = Arc::default();
    let ours = Arc::clone(&told);
    let body = move |t: Test| {
        *lock(&ours) = Some(run_child(&t, meta)?);
        Ok(())
    };
    // One for each try of each isolated test of the binary: the runner takes what lives as long as the process.
    let body: &'static MadeBody = Box::leak(Box::new(MadeBody::Sync(Box::new(body))));
    let parent: &'static Meta =
        Box::leak(Box::new(Meta { should_panic: None, options: Box::leak(Box::new(parent_options(meta))), ..*meta }));
    let own = scope::judge(parent, Body::Made(body));
    match lock(&told).take() {
        Some(Told { failure, set_up, skipped }) if own.passed() => Verdict::told(failure, set_up, skipped),
        _ => own,
    }
}

/// The parent only waits; its seed is what it gives the child.
fn parent_options(meta: &Meta) -> Options {
    Options::new().leaks(Leaks::Off).teardown_timeout_millis(10_000).no_timeout().with_seed_of(meta.options)
}

/// How long a child may take that keeps its own limits.
fn limit(meta: &Meta) -> Option<Duration> {
    let options = meta.options.with_environment();
    let teardowns = options.teardown_limit().saturating_mul(TEARDOWNS);
    options.limit().map(|body| body.saturating_add(teardowns).saturating_add(GRACE))
}

fn run_child(t: &Test, meta: &Meta) -> Result<Told, String> {
    let (verdict, output) = (t.dir().join("verdict"), t.dir().join("output"));
    let failed = |error: io::Error| format!("the process of the test cannot be started: {error}");
    let log = File::create(&output).map_err(failed)?;
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    let isolated =
        Isolated { test: meta.name().to_owned(), verdict: verdict.clone(), cargo_flags: scope::cargo_flags().to_vec() };
    command
        // With one thread libtest prints the name first, and what the test prints on the same line.
        .args(["--exact", meta.name(), "--nocapture", "--include-ignored", "--test-threads=2"])
        .env(ISOLATED, serde_json::to_string(&isolated).unwrap_or_default())
        .env("QTESTS_SEED", t.seed().to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(failed)?)
        .stderr(log);
    let child = t.process(command).map_err(|error| format!("{error:?}"))?;
    let asked = child.clone();
    // Registered later than the kill, so it comes before it: the child tears down its test when it is asked to end.
    let gently = Undo::now("the request to the process of the test to end", move || end_gently(&asked));
    t.scope.undo_at_end(gently.with_most_of_the_time()).map_err(|error| format!("{error:?}"))?;
    let ended = t.block_on(async {
        match limit(meta) {
            Some(limit) => tokio::time::timeout(limit, child.wait()).await.map_err(|_| limit),
            None => Ok(child.wait().await),
        }
    });
    let printed = tail(&output, meta.name());
    relay(&printed);
    let status = ended.map_err(|limit| endless(limit, &printed))?.map_err(|error| format!("{error:?}"))?;
    let told = fs::read_to_string(&verdict).ok().and_then(|text| serde_json::from_str::<Told>(&text).ok());
    // After a test that passed, the teardown of the suite or of a shared fixture may have failed.
    told.filter(|told| told.failure.is_some() || status.success()).ok_or_else(|| died(status, &printed))
}

fn end_gently(child: &Process) {
    if let Ok(None) = child.try_wait() {
        let _ = child.stop(Duration::from_secs(7));
    }
}

/// What the child printed, but for what its harness said about it: shown by the harness of the parent if the test fails.
/// What qtests said aloud is said aloud again.
fn relay(printed: &str) {
    for line in printed.lines() {
        match line.strip_prefix("qtests: ").filter(|text| !text.starts_with('`')) {
            Some(loud) => say(loud),
            None => eprintln!("{line}"),
        }
    }
}

/// The end of what was printed, without the lines of the harness.
fn tail(path: &Path, test: &str) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(OUTPUT)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let kept: Vec<&str> = text.lines().filter(|line| !is_of_harness(line, test)).collect();
    kept.join("\n")
}

fn is_of_harness(line: &str, test: &str) -> bool {
    let line = line.trim();
    let verdict = |line: &str| line.strip_prefix(test).is_some_and(|rest| rest.trim_start().starts_with("... "));
    line.is_empty()
        || ["failures:", "running 1 test", test].contains(&line)
        || line.strip_prefix("---- ").is_some_and(|line| line.starts_with(test))
        || line.starts_with("test result: ")
        || line.strip_prefix("test ").is_some_and(verdict)
}

/// The child did not keep its own limits, in the words of a judge.
fn endless(limit: Duration, printed: &str) -> String {
    format!(
        "the process of the test did not end\n  expected: the process of the test to end within {limit:?} (its timeout, \
         {TEARDOWNS} teardowns, and {GRACE:?})\n  happened: it was still running and was killed{}",
        last_of(printed)
    )
}

/// The end of what a child printed.
fn last_of(printed: &str) -> String {
    let last: Vec<&str> = printed.lines().rev().take(10).collect();
    let last: String = last.iter().rev().map(|line| format!("\n{line}")).collect();
    if last.is_empty() { "\nit printed nothing".to_owned() } else { format!("\nthe last it printed:{last}") }
}

/// Why there is no verdict, or none that counts, in the words of a judge.
fn died(status: ExitStatus, printed: &str) -> String {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => {
            let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal");
            format!("it was killed by {name} ({signal})")
        }
        (None, Some(code)) => format!("it ended with status {code}"),
        (None, None) => "it ended without a verdict".to_owned(),
    };
    let said = last_of(printed);
    format!(
        "the process of the test came to no good end\n  expected: the process of the test to end with a verdict and status \
         0\n  happened: {how}{said}"
    )
}

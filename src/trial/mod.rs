//! One registered test from the choice whether it runs to the conclusion: tags and partitions, serial groups, a process
//! of its own, and tries after a failure.

mod choice;
mod isolated;
mod serial;

use crate::{
    base::environment,
    config::strict,
    scope::{self, Body, Meta, Verdict, say},
};
use std::{
    sync::Once,
    time::{Duration, Instant},
};

pub(crate) use choice::skips;
pub(crate) use isolated::tell_parent;

/// A test as the macro, or a runner, describes it.
#[derive(Debug)]
pub struct Registered {
    /// Where it stands and how it is judged.
    pub meta: Meta,
    /// What it runs.
    pub body: Body,
}

/// What a test came to.
#[derive(Debug)]
#[cfg_attr(not(feature = "runner"), allow(dead_code, reason = "reports of the feature `runner` tell all of it"))]
pub(crate) struct Ran {
    pub(crate) conclusion: Conclusion,
    /// How often it was tried; 0 if it was skipped.
    pub(crate) tries: u32,
    /// From the first try to the end of the last.
    pub(crate) took: Duration,
}

/// How it ended.
#[derive(Debug)]
#[cfg_attr(not(feature = "runner"), allow(dead_code, reason = "reports of the feature `runner` tell all of it"))]
pub(crate) enum Conclusion {
    Passed,
    /// It passed when it was tried again; the report of the first try.
    Flaky(String),
    Failed {
        report: String,
        /// A fixture could not be set up, so the body never began.
        set_up: bool,
    },
    /// The environment did not choose it; why.
    Skipped(String),
    /// The server that it needs is not installed; which.
    WithoutServer(String),
}

/// Runs a test under libtest: prints the report of a failing test and then fails.
pub(crate) fn run_under_libtest(test: &'static Registered) {
    say_that_reports_need_a_runner();
    match run(test).conclusion {
        Conclusion::Passed | Conclusion::Flaky(_) | Conclusion::WithoutServer(_) => {}
        Conclusion::Skipped(_) => choice::count_skipped(),
        Conclusion::Failed { report, .. } => {
            // libtest captures this and shows it for failing tests. Of an isolated test the parent prints it.
            if environment().isolated.is_none() {
                eprintln!("\n{report}");
            }
            // Fails the test without a second message: the report has said it all.
            std::panic::resume_unwind(Box::new("the test failed"));
        }
    }
}

/// Somebody who asks for a report and gets none should hear why. Where each test has a process of its own, each would say
/// so, and nobody would hear it.
fn say_that_reports_need_a_runner() {
    static ONCE: Once = Once::new();
    let asked = environment().json.is_some() || environment().junit.is_some();
    if asked && environment().sole_test.is_none() {
        ONCE.call_once(|| {
            say("QTESTS_JSON and QTESTS_JUNIT are heeded by binaries with `qtests::main!()`; this one is run by libtest");
        });
    }
}

/// Runs a test as often as it takes.
pub(crate) fn run(test: &'static Registered) -> Ran {
    if let Some(why) = skips(&test.meta) {
        return Ran { conclusion: Conclusion::Skipped(why), tries: 0, took: Duration::ZERO };
    }
    // The parent of an isolated test has taken the turn for it.
    let group = test.meta.options.serial.filter(|_| environment().isolated.is_none());
    let _turn = group.map(|group| serial::wait_for_turn(group, test.meta.name()));
    let began = Instant::now();
    let (conclusion, tries) = tried(&test.meta, || judge(test));
    // Of an isolated test the parent says it.
    if let Conclusion::WithoutServer(why) = &conclusion
        && environment().isolated.is_none()
    {
        choice::say_without_server(test.meta.name(), why);
    }
    Ran { conclusion, tries, took: began.elapsed() }
}

fn judge(test: &'static Registered) -> Verdict {
    if test.meta.options.isolate && environment().sole_test.is_none() {
        isolated::judge_in_child(&test.meta)
    } else {
        let verdict = scope::judge(&test.meta, test.body);
        tell_parent(&test.meta, verdict.report(), verdict.is_set_up_failure(), verdict.skipped());
        verdict
    }
}

/// Tries a test until it passes, as often as it, or the environment, says.
fn tried(meta: &Meta, mut judge: impl FnMut() -> Verdict) -> (Conclusion, u32) {
    // The parent of an isolated test counts the tries; the child makes one.
    let own = environment().retries.unwrap_or(meta.options.retries);
    let most = 1 + if environment().isolated.is_some() { 0 } else { own };
    let mut first_report: Option<(String, bool)> = None;
    for tries in 1..=most {
        let verdict = judge();
        if let Some(why) = verdict.skipped() {
            return (Conclusion::WithoutServer(why.to_owned()), 0);
        }
        let set_up = verdict.is_set_up_failure();
        match (verdict.report(), first_report.take()) {
            (None, None) => return (Conclusion::Passed, tries),
            (None, Some((first, set_up))) => return (flaky(meta.name(), first, set_up, (tries, most)), tries),
            (Some(report), _) if tries == most => {
                let all = if most > 1 { format!("  tries:    {most}, and each failed\n") } else { String::new() };
                return (Conclusion::Failed { report: format!("{report}{all}"), set_up }, tries);
            }
            (Some(report), first) => {
                eprintln!("\n{report}  tries:    this was number {tries} of {most}\n");
                first_report = Some(first.unwrap_or_else(|| (report.to_owned(), set_up)));
            }
        }
    }
    unreachable!("the last try returns")
}

/// A pass after a failure. Nobody sees what a passing test prints, so it is said past the capture of the harness.
fn flaky(name: &str, first: String, set_up: bool, (tries, most): (u32, u32)) -> Conclusion {
    if strict() {
        let why =
            format!("  tries:    it passed at number {tries} of {most}, which is a failure under QTESTS_STRICT=1\n");
        return Conclusion::Failed { report: first + &why, set_up };
    }
    let happened = first.lines().find_map(|line| line.trim_start().strip_prefix("happened: ")).unwrap_or_default();
    say(&format!("FLAKY: `{name}` passed at try {tries} of {most}; the first one: {happened}"));
    Conclusion::Flaky(first)
}

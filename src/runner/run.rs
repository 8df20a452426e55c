//! The run itself: what is chosen, what is set up for all, what is written when it is over.

use super::{
    Binary, Trial, github, json,
    record::{Record, RecordOutcome},
    suite::{self, Placed},
    summary::summary,
    vanished,
};
use crate::{
    base::{Error, environment},
    fixture::BoxError,
    rt::Entry,
    scope::{Meta, Test, at_exit, end_lasting, lock, say, say_report},
    trial::{self, Conclusion, Ran, Registered},
};
use libtest_mimic::{Arguments, Completion, Failed, FormatSetting, Trial as MimicTrial};
use std::{
    collections::BTreeMap,
    fmt,
    io::Write,
    panic::Location,
    pin::Pin,
    process::ExitCode,
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long the set-up of the suite may take unless the runner says otherwise.
const SET_UP: Duration = Duration::from_secs(60);

/// A set-up of the suite.
pub(super) type SetUp = Box<dyn FnOnce(Test) -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>> + Send>;

/// What a binary with a `main` of its own runs beside its `#[qtest]`s.
#[must_use = "the runner runs when the closure of `qtests::main!` returns it"]
pub struct Runner {
    trials: Vec<Trial>,
    set_ups: Vec<Placed>,
    set_up_limit: Duration,
    plain_tests_may_vanish: bool,
}

impl Runner {
    fn new() -> Self {
        Self { trials: Vec::new(), set_ups: Vec::new(), set_up_limit: SET_UP, plain_tests_may_vanish: false }
    }

    /// Adds a trial.
    pub fn trial(mut self, trial: Trial) -> Self {
        self.trials.push(trial);
        self
    }

    /// Adds several trials.
    pub fn trials(mut self, trials: impl IntoIterator<Item = Trial>) -> Self {
        self.trials.extend(trials);
        self
    }

    /// Prepares something for the whole suite, before the first test begins and in the order of the calls.
    ///
    /// The handle is that of the suite: what it owns, and what is deferred with it, lasts until all tests are over, or a
    /// signal ends the run. Nothing is prepared for `--list`, or if no test is chosen. Under nextest, and for a test
    /// with a process of its own, it happens once in each of those processes.
    ///
    /// If it fails, no test begins, and each that was chosen is reported as `SET-UP FAILED`.
    #[track_caller]
    pub fn set_up<F>(mut self, set_up: impl FnOnce(Test) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + 'static,
    {
        self.set_ups.push((Location::caller(), Box::new(|t| Box::pin(set_up(t)))));
        self
    }

    /// How long all set-ups of the suite together may take. Defaults to 60 s.
    pub fn set_up_limit(mut self, limit: Duration) -> Self {
        self.set_up_limit = limit;
        self
    }

    /// Does not look for plain `#[test]`s, which rustc drops in such a binary. By default they are looked for in the
    /// sources, and if there are any, a test called `plain_tests_are_run` fails and names them.
    ///
    /// The search reads text: the file with the `main` and the modules that belong to it, also by `#[path]`. It does not
    /// see what a macro or `include!` writes, and leaves out what stands below a `#[cfg(..)]`.
    pub fn plain_tests_may_vanish(mut self) -> Self {
        self.plain_tests_may_vanish = true;
        self
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("trials", &self.trials).finish_non_exhaustive()
    }
}

/// The run that this process makes; the exit hook writes its reports if it breaks off.
static RUN: OnceLock<Run> = OnceLock::new();

struct Run {
    binary: Binary,
    began: Instant,
    /// One for each test of the binary at most.
    records: Mutex<Vec<Record>>,
    /// The tests that have begun and not ended.
    under_way: Mutex<Vec<&'static Meta>>,
    /// Why no test can begin: the report, without the name of a test.
    no_suite: OnceLock<String>,
    /// What is printed is for a program: nothing may stand between.
    for_a_program: bool,
    written: AtomicBool,
}

/// Runs the registered tests and the trials as the command line says, and returns the status for the process: 0 if all
/// is well, 101 if not.
pub fn main(binary: Binary, configure: impl FnOnce(Runner) -> Runner) -> ExitCode {
    let arguments = Arguments::from_args();
    let mut runner = configure(Runner::new());
    if !runner.plain_tests_may_vanish {
        runner.trials.extend(vanished::trial(&binary));
    }
    let tests = match all(&binary, runner.trials) {
        Ok(tests) => tests,
        Err(error) => {
            say(&format!("no test was run: {error}"));
            return ExitCode::from(101);
        }
    };
    let for_a_program = arguments.format == Some(FormatSetting::Json);
    let run = RUN.get_or_init(|| Run::new(binary, for_a_program));
    let trials: Vec<MimicTrial> = tests.iter().map(|test| mimic(run, test)).collect();
    let (chosen, ignored): (Vec<_>, Vec<_>) = trials
        .iter()
        .zip(&tests)
        .filter(|(trial, _)| !arguments.is_filtered_out(trial))
        .partition(|(trial, _)| !arguments.is_ignored(trial));
    let runs = !arguments.list && chosen.iter().any(|(_, test)| trial::skips(&test.meta).is_none());
    if !arguments.list {
        ignored.iter().for_each(|(_, test)| run.record(Record::ignored(&test.meta, trial::skips(&test.meta))));
        at_exit(|| RUN.get().into_iter().for_each(Run::write));
    }
    if runs && let Some(report) = suite::set_up(runner.set_ups, runner.set_up_limit) {
        let _ = run.no_suite.set(report);
    }
    let failed = libtest_mimic::run(&arguments, trials).has_failed();
    let ended_well = arguments.list || run.end();
    if failed || !ended_well { ExitCode::from(101) } else { ExitCode::SUCCESS }
}

/// The `#[qtest]`s of the binary and the trials, in the order of the sources; the order of registration is the linker's.
fn all(binary: &Binary, trials: Vec<Trial>) -> Result<Vec<&'static Registered>, Error> {
    let mut tests: Vec<&'static Registered> = inventory::iter::<Entry>.into_iter().map(|entry| entry.0).collect();
    tests.sort_by_key(|test| (test.meta.file, test.meta.line));
    for trial in trials {
        tests.push(trial.register(binary)?);
    }
    let mut names: BTreeMap<&str, &Meta> = BTreeMap::new();
    for Registered { meta, .. } in &tests {
        if let Some(first) = names.insert(meta.name(), meta) {
            let places = format!("{}:{} and {}:{}", first.file, first.line, meta.file, meta.line);
            let text = format!("two tests are called `{}`, at {places}: give each a name of its own", meta.name());
            return Err(Error::invalid(text));
        }
    }
    Ok(tests)
}

/// A test that the environment does not choose counts as ignored, so that nextest hears of it from the list.
fn mimic(run: &'static Run, test: &'static Registered) -> MimicTrial {
    let ignored = test.meta.ignored || trial::skips(&test.meta).is_some();
    MimicTrial::ignorable_test(test.meta.name(), move || run.test(test)).with_ignored_flag(ignored)
}

impl Run {
    fn new(binary: Binary, for_a_program: bool) -> Self {
        Self {
            binary,
            began: Instant::now(),
            records: Mutex::default(),
            under_way: Mutex::default(),
            no_suite: OnceLock::new(),
            for_a_program,
            written: AtomicBool::new(false),
        }
    }

    fn test(&self, test: &'static Registered) -> Result<Completion, Failed> {
        lock(&self.under_way).push(&test.meta);
        let ran = match self.no_suite.get().filter(|_| trial::skips(&test.meta).is_none()) {
            None => trial::run(test),
            Some(report) => {
                let report = format!("qtests: `{}` {report}", test.meta.name());
                trial::tell_parent(&test.meta, Some(&report), true, None);
                Ran { conclusion: Conclusion::Failed { report, set_up: true }, tries: 0, took: Duration::ZERO }
            }
        };
        self.record(Record::of(&test.meta, &ran));
        lock(&self.under_way).retain(|meta| !std::ptr::eq(*meta, &test.meta));
        match ran.conclusion {
            Conclusion::Passed | Conclusion::Flaky(_) => Ok(Completion::Completed),
            Conclusion::Skipped(why) | Conclusion::WithoutServer(why) => Ok(Completion::ignored_with(why)),
            // Of an isolated test the parent prints the report.
            Conclusion::Failed { .. } if environment().isolated.is_some() => Err(Failed::without_message()),
            Conclusion::Failed { report, .. } => Err(Failed::from(report)),
        }
    }

    fn record(&self, record: Record) {
        if environment().isolated.is_some() {
            return;
        }
        if let Some(path) = &environment().json
            && let Err(error) = json::append(path, self.binary.module, &record)
        {
            say(&format!("cannot write to {} (QTESTS_JSON): {error}", path.display()));
        }
        lock(&self.records).push(record);
    }

    /// All tests are over: ends what lasts, and says what there is to say. False if something went wrong.
    fn end(&self) -> bool {
        let reports = end_lasting(None);
        reports.iter().for_each(|report| say_report(report));
        self.write();
        reports.is_empty()
    }

    /// Writes what the run has come to; once, at its end or when it breaks off, and then also which tests it broke off.
    fn write(&self) {
        if self.written.swap(true, Ordering::AcqRel) || environment().sole_test.is_some() {
            // A runner that gives each test a process of its own has reports of its own.
            return;
        }
        let broken_off = std::mem::take(&mut *lock(&self.under_way));
        broken_off.into_iter().for_each(|meta| self.record(Record::broken_off(meta)));
        let records = lock(&self.records);
        let took = self.began.elapsed();
        if let Some(folder) = &environment().junit {
            self.write_junit(folder, &records, took);
        }
        if self.for_a_program {
            return;
        }
        let mut text = summary(&records, took);
        if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            records.iter().filter_map(github::annotation).for_each(|line| text.push_str(&format!("{line}\n")));
        }
        // Whoever reads may have left; the files are written, and the status stays what it is.
        let _ = std::io::stdout().write_all(text.as_bytes());
    }

    #[cfg(feature = "report")]
    fn write_junit(&self, folder: &std::path::Path, records: &[Record], took: Duration) {
        if let Err(error) = super::junit::write(folder, self.binary.package, self.binary.module, records, took) {
            say(&format!("cannot write into {} (QTESTS_JUNIT): {error}", folder.display()));
        }
    }

    #[cfg(not(feature = "report"))]
    fn write_junit(&self, folder: &std::path::Path, _records: &[Record], _took: Duration) {
        say(&format!(
            "nothing is written into {}: QTESTS_JUNIT needs the feature `report` of qtests",
            folder.display()
        ));
    }
}

impl Record {
    /// A test that was not run.
    fn ignored(meta: &'static Meta, why: Option<String>) -> Self {
        let text = why.unwrap_or_else(|| "it is ignored".to_owned());
        Self { meta, outcome: RecordOutcome::Skipped, tries: 0, took: Duration::ZERO, text }
    }

    /// A test that was running when the process ended.
    fn broken_off(meta: &'static Meta) -> Self {
        let text = format!(
            "qtests: `{}` FAILED\n  expected: the test to end\n  happened: the process ended before it (process::exit, or a \
             signal)\n  where:    {}:{}\n",
            meta.name(),
            meta.file,
            meta.line
        );
        Self { meta, outcome: RecordOutcome::Failed, tries: 1, took: Duration::ZERO, text }
    }
}

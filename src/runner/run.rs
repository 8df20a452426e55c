//! The run itself: what is chosen, what is set up for all, what is written when it is over.

use super::{Binary, Trial, github, json, record::Record, summary::summary, vanished};
use crate::{
    base::{Error, environment},
    config::strict,
    fixture::BoxError,
    rt::Entry,
    scope::{Meta, Test, at_exit, catch_quietly, end_lasting, lasting, lock, say},
    trial::{self, Conclusion, Ran, Registered},
};
use libtest_mimic::{Arguments, Completion, Failed, Trial as MimicTrial};
use std::{
    collections::BTreeMap,
    fmt,
    panic::Location,
    pin::Pin,
    process::ExitCode,
    sync::{Mutex, OnceLock},
    thread,
    time::{Duration, Instant},
};

/// How long the set-up of the suite may take unless the runner says otherwise.
const SET_UP: Duration = Duration::from_secs(60);

type SetUp = Box<dyn FnOnce(Test) -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>> + Send>;

/// What a binary with a `main` of its own runs beside its `#[qtest]`s.
#[must_use = "the runner runs when the closure of `qtests::main!` returns it"]
pub struct Runner {
    trials: Vec<Trial>,
    set_ups: Vec<(&'static Location<'static>, SetUp)>,
    set_up_limit: Duration,
}

impl Runner {
    fn new() -> Self {
        Self { trials: Vec::new(), set_ups: Vec::new(), set_up_limit: SET_UP }
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
    /// Why no test can begin.
    no_suite: OnceLock<String>,
    written: OnceLock<()>,
}

/// Runs the registered tests and the trials as the command line says, and returns the status for the process: 0 if all
/// is well, 101 if not.
pub fn main(binary: Binary, configure: impl FnOnce(Runner) -> Runner) -> ExitCode {
    let arguments = Arguments::from_args();
    let Runner { trials, set_ups, set_up_limit } = configure(Runner::new());
    let tests = match all(&binary, trials) {
        Ok(tests) => tests,
        Err(error) => {
            say(&format!("no test was run: {error}"));
            return ExitCode::from(101);
        }
    };
    let (began, records) = (Instant::now(), Mutex::default());
    let run = RUN.get_or_init(|| Run { binary, began, records, no_suite: OnceLock::new(), written: OnceLock::new() });
    let trials: Vec<MimicTrial> = tests.iter().map(|test| mimic(run, test)).collect();
    let chosen = |trial: &MimicTrial| !arguments.is_filtered_out(trial) && !arguments.is_ignored(trial);
    let runs = !arguments.list && trials.iter().any(chosen);
    if runs {
        at_exit(|| RUN.get().into_iter().for_each(Run::write));
        run.set_up_suite(set_ups, set_up_limit);
    }
    let failed = libtest_mimic::run(&arguments, trials).has_failed();
    let ended_well = !runs || run.end();
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

fn mimic(run: &'static Run, test: &'static Registered) -> MimicTrial {
    let (name, ignored) = (test.meta.name(), test.meta.ignored);
    MimicTrial::ignorable_test(name, move || run.test(test)).with_ignored_flag(ignored)
}

impl Run {
    fn test(&self, test: &'static Registered) -> Result<Completion, Failed> {
        let ran = match self.no_suite.get() {
            None => trial::run(test),
            Some(report) => {
                let report = report.replace("{name}", test.meta.name());
                Ran { conclusion: Conclusion::Failed { report, set_up: true }, tries: 0, took: Duration::ZERO }
            }
        };
        self.record(Record::of(&test.meta, &ran));
        match ran.conclusion {
            Conclusion::Passed | Conclusion::Flaky(_) => Ok(Completion::Completed),
            Conclusion::Skipped(why) => Ok(Completion::ignored_with(why)),
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
            && let Err(error) = json::append(path, &record)
        {
            say(&format!("cannot write to {} (QTESTS_JSON): {error}", path.display()));
        }
        lock(&self.records).push(record);
    }

    /// Prepares the suite, on a thread and a runtime of its own, which belong to the suite as those of a test do to it.
    fn set_up_suite(&self, set_ups: Vec<(&'static Location<'static>, SetUp)>, limit: Duration) {
        let Some(&(first, _)) = set_ups.first() else { return };
        let t = lasting("the suite".to_owned(), (first.file(), first.line()));
        let prepare = move || {
            t.adopt_thread();
            let deadline = Instant::now() + limit;
            set_ups.into_iter().try_for_each(|(place, set_up)| {
                let left = deadline.saturating_duration_since(Instant::now());
                prepare(&t, set_up, left).map_err(|happened| (place, happened))
            })
        };
        let thread = thread::Builder::new().name("the suite".to_owned());
        let prepared = thread::scope(|scope| match thread.spawn_scoped(scope, prepare) {
            Ok(thread) => thread.join().unwrap_or_else(|_| Err((first, "its thread panicked".to_owned()))),
            Err(error) => Err((first, format!("its thread cannot be started: {error}"))),
        });
        if let Err((place, happened)) = prepared {
            let _ = self.no_suite.set(format!(
                "qtests: `{{name}}` SET-UP FAILED\n  expected: the suite to be set up (no test has begun)\n  happened: \
                 {happened}\n  where:    {place}\n"
            ));
        }
    }

    /// All tests are over: ends what lasts, and says what there is to say. False if something went wrong.
    fn end(&self) -> bool {
        let reports = end_lasting(None);
        reports.iter().for_each(|report| say(report));
        let vanished = self.vanished();
        if !vanished.is_empty() {
            say(&vanished::told(&vanished));
        }
        self.write();
        reports.is_empty() && (vanished.is_empty() || !strict())
    }

    /// The plain tests that nobody runs, where the sources are at hand. An isolated test leaves the search to its parent.
    fn vanished(&self) -> Vec<vanished::Vanished> {
        let source = self.binary.source().filter(|_| environment().isolated.is_none());
        source.map(|source| vanished::tests(&source)).unwrap_or_default()
    }

    /// Writes what the run has come to; once, at its end or when it breaks off.
    fn write(&self) {
        if self.written.set(()).is_err() || environment().sole_test.is_some() {
            // A runner that gives each test a process of its own has reports of its own.
            return;
        }
        let records = lock(&self.records);
        let took = self.began.elapsed();
        print!("{}", summary(&records, took));
        if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            records.iter().filter_map(github::annotation).for_each(|line| println!("{line}"));
        }
        if let Some(path) = &environment().junit {
            self.write_junit(path, &records, took);
        }
    }

    #[cfg(feature = "report")]
    fn write_junit(&self, path: &std::path::Path, records: &[Record], took: Duration) {
        if let Err(error) = super::junit::write(path, self.binary.package, self.binary.module, records, took) {
            say(&format!("cannot write {} (QTESTS_JUNIT): {error}", path.display()));
        }
    }

    #[cfg(not(feature = "report"))]
    fn write_junit(&self, path: &std::path::Path, _records: &[Record], _took: Duration) {
        say(&format!("{} is not written: QTESTS_JUNIT needs qtests with the feature `report`", path.display()));
    }
}

/// One set-up of the suite; what went wrong.
fn prepare(t: &Test, set_up: SetUp, limit: Duration) -> Result<(), String> {
    let prepared = catch_quietly(|| t.block_on(async { tokio::time::timeout(limit, set_up(t.clone())).await }));
    match prepared {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(error))) => Err(format!("its set_up returned Err({error})")),
        Ok(Err(_)) => Err(format!("its set_up did not end within {limit:?}")),
        Err(panicked) => Err(format!("its set_up panicked: {}", panicked.describe())),
    }
}

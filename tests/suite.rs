//! A test binary with a `main` of its own, trials from code, and a set-up for the whole suite; `it/runner.rs` runs it as
//! a child and, by variables, makes it misbehave.

use qtests::{fixture::Shared, prelude::*, runner::Trial};
use std::{
    env, fs,
    io::Write,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

/// What the variable `SUITE_SINS` asks for.
fn sins(sin: &str) -> bool {
    env::var("SUITE_SINS").is_ok_and(|sins| sins.split(',').any(|word| word == sin))
}

/// Appends a line to the file that `SUITE_LOG` names, if there is one.
fn log(line: &str) {
    let Ok(path) = env::var("SUITE_LOG") else { return };
    let mut file = fs::File::options().create(true).append(true).open(path).expect("the log is writable");
    // In one write: several processes append.
    file.write_all(format!("{line}\n").as_bytes()).expect("the log is writable");
}

static PREPARED: AtomicBool = AtomicBool::new(false);

#[qtest]
async fn begins_when_the_suite_is_ready() {
    assert!(PREPARED.load(SeqCst));
    log("test");
}

#[qtest(retries = 1, tags("shaky"))]
async fn is_flaky() {
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    assert!(TRIES.fetch_add(1, SeqCst) > 0, "not the first time");
}

struct Absent;

impl Fixture for Absent {
    async fn set_up(_: &Test) -> Result<Self, BoxError> {
        if sins("fail") { Err("not installed".into()) } else { Ok(Self) }
    }
}

#[qtest]
async fn needs_what_is_absent(_absent: Absent) {}

#[qtest(tags("slow"))]
async fn fails_if_asked_to() {
    assert!(!sins("fail"), "100% wrong, as asked");
}

#[qtest(isolate = "process")]
fn runs_alone(t: Test) {
    assert!(PREPARED.load(SeqCst));
    t.env("SUITE_OWN", "1");
}

struct Server;

impl Fixture for Server {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        log("shared up");
        t.defer_async(async {
            log("shared down");
            assert!(!sins("teardown"), "the shared fixture cannot be torn down");
        });
        Ok(Self)
    }
}

#[qtest]
async fn uses_what_is_shared(_server: Shared<Server>) {}

#[test]
fn vanishes() {}

#[qtest]
async fn exits_if_asked_to() {
    if sins("exit") {
        std::process::exit(0);
    }
}

fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = (1..=3)
        .map(|number| {
            Trial::new(format!("made::number_{number}"), move |t: Test| async move {
                assert_eq!(t.name(), format!("made::number_{number}"));
                assert!(tokio::task::spawn_blocking(qtests::current_test).await.is_ok_and(|test| test.is_some()));
            })
            .tags(["made"])
            .timeout(Duration::from_secs(20))
        })
        .collect();
    trials.push(
        Trial::sync("made::in_virtual_time", |t: Test| {
            let began = tokio::time::Instant::now();
            t.block_on(tokio::time::sleep(Duration::from_secs(3_600)));
            assert!(began.elapsed() >= Duration::from_secs(3_600));
        })
        .paused(),
    );
    trials.push(Trial::sync("made::alone", |t: Test| t.env("SUITE_OWN", "2")).isolated().serial("qtests-own-suite"));
    trials.push(
        Trial::sync("made::panics", |_: Test| assert!(!PREPARED.load(SeqCst), "as it should")).should_panic("as it"),
    );
    trials.push(Trial::sync("made::without limits", |_: Test| ()).timeout(Duration::MAX));
    trials.push(Trial::sync("made::not_now", |_: Test| assert!(sins("ignored"), "it is ignored")).ignored());
    if sins("waits") {
        trials.push(Trial::new("made::waits", |t: Test| async move {
            t.defer(|| log("test down"));
            log("test waits");
            std::future::pending::<()>().await;
        }));
    }
    if sins("twice") {
        trials.push(Trial::sync("is_flaky", |_: Test| ()));
    }
    if sins("nameless") {
        trials.push(Trial::sync("two\nlines", |_: Test| ()));
    }
    if sins("tagged") {
        trials.push(Trial::sync("tagged", |_: Test| ()).tags(["two words"]));
    }
    if sins("quoted") {
        trials.push(Trial::sync("it's two words", |_: Test| Err("as asked")));
    }
    trials
}

qtests::main!(|runner| if sins("plain") { runner } else { runner.plain_tests_may_vanish() }
    .set_up_limit(if sins("blocks") { Duration::from_millis(100) } else { Duration::MAX })
    .set_up(|t: Test| async move {
        log("suite up");
        assert_eq!(qtests::current_test().map(|t| t.name().to_owned()).as_deref(), Some("the suite"));
        t.defer_async(async { log("suite down") });
        if sins("blocks") {
            loop {
                std::thread::park();
            }
        }
        if sins("suite") {
            return Err("no database".into());
        }
        // Fails in the process of a test that has one of its own, since the file is there by then.
        if let Ok(path) = env::var("SUITE_ONCE") {
            fs::File::create_new(path)?;
        }
        Ok(())
    })
    .set_up(|_| async {
        PREPARED.store(true, SeqCst);
        Ok(())
    })
    .trials(trials()));

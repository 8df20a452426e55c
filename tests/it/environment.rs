//! Variables of the environment: what they do, what is said about those that nobody reads, and how one test says
//! otherwise.

use super::support;
use qtests::{
    config::{STRICT, Setting},
    prelude::*,
};

fn run(variables: &[(&str, &str)], test: &str) -> String {
    let mut command = support::clean(support::binary("failing"));
    command.args(["--ignored", "--exact", test]).envs(variables.iter().copied());
    support::text(&command.output().unwrap())
}

#[test]
fn the_seed_is_taken_and_printed() {
    let text = run(&[("QTESTS_SEED", "4711")], "body_panics");
    assert!(text.contains("repeat with: QTESTS_SEED=4711 cargo test"), "{text}");
}

#[test]
fn without_a_wish_the_seed_is_the_same_each_time_and_random_when_asked_for() {
    let seed = |variables: &[(&str, &str)]| {
        let text = run(variables, "body_panics");
        text.split("QTESTS_SEED=").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    };
    assert_eq!(seed(&[]), seed(&[]));
    let random = [("QTESTS_SEED", "random")];
    assert_ne!(seed(&random), seed(&random));
}

#[test]
fn an_unknown_variable_is_warned_of_once_with_the_nearest_name() {
    let text = run(&[("QTESTS_SEDE", "1")], "body_panics");
    let warning = "qtests: warning: the variable QTESTS_SEDE is unknown and ignored: did you mean QTESTS_SEED?";
    assert_eq!(text.matches(warning).count(), 1, "{text}");
}

#[test]
fn a_value_that_makes_no_sense_is_named_with_what_is_taken() {
    let text = run(&[("QTESTS_SEED", "many"), ("QTESTS_STRICT", "yes")], "body_panics");
    assert!(
        text.contains("QTESTS_SEED=\"many\" is not understood: it takes a number, or `random`; it is ignored"),
        "{text}"
    );
    assert!(
        text.contains("QTESTS_STRICT=\"yes\" is not understood: it takes `1` or `0` (default 0); it is ig"),
        "{text}"
    );
}

#[test]
fn a_time_limit_from_outside_wins_over_the_key_and_is_part_of_the_line_that_repeats() {
    let text = run(&[("QTESTS_TIMEOUT", "150ms")], "body_never_ends");
    assert!(text.contains("expected: the body to end within 150ms"), "{text}");
    assert!(text.contains(" QTESTS_TIMEOUT=150ms cargo test"), "{text}");
}

static PATIENCE: Setting<Duration> = Setting::new("QT_OWN_PATIENCE", "2s").range("10ms", "1m");

macro_rules! tests_with_a_setting_of_their_own {
    ($($name:ident: $millis:literal)*) => {$(
        #[qtest(workers = 2)]
        async fn $name(t: Test) {
            t.configure(&PATIENCE, concat!($millis, "ms"));
            let own = Ok(Duration::from_millis($millis));
            for _ in 0..200 {
                let in_a_task = tokio::spawn(async { PATIENCE.get() });
                let in_a_thread = qtests::thread::spawn(|| PATIENCE.get());
                assert_eq!((PATIENCE.get(), in_a_task.await.unwrap()), (own.clone(), own.clone()));
                assert_eq!(in_a_thread.join().unwrap(), own);
            }
            assert!(std::env::var_os(PATIENCE.name()).is_none(), "the process is not touched");
        }
    )*};
}

tests_with_a_setting_of_their_own! {
    a_setting_of_one_test_is_seen_by_it_alone: 100
    a_setting_of_another_test_is_seen_by_it_alone: 200
    a_setting_of_a_third_test_is_seen_by_it_alone: 300
}

#[qtest]
fn without_a_word_of_the_test_a_setting_is_its_default() {
    assert_eq!(PATIENCE.get(), Ok(Duration::from_secs(2)));
}

#[qtest]
fn what_a_setting_does_not_take_is_refused_as_from_the_environment(t: Test) {
    t.configure(&PATIENCE, "1h");
    let refusal = PATIENCE.get().unwrap_err().to_string();
    assert!(refusal.starts_with("QT_OWN_PATIENCE=\"1h\" is not understood: it takes a duration"), "{refusal}");
    assert!(refusal.ends_with("from 10ms to 1m (default 2s)"), "{refusal}");
    t.configure(&PATIENCE, "");
    assert_eq!(PATIENCE.get(), Ok(Duration::from_secs(2)));
}

#[qtest(isolate = "process")]
fn without_a_word_of_the_test_a_setting_is_what_the_environment_says(t: Test) {
    t.env(PATIENCE.name(), "1s");
    assert_eq!(PATIENCE.get(), Ok(Duration::from_secs(1)));
    t.configure(&PATIENCE, "3s");
    assert_eq!(PATIENCE.get(), Ok(Duration::from_secs(3)));
}

#[qtest]
fn a_variable_of_qtests_itself_can_be_said_otherwise_too(t: Test) {
    t.configure(&STRICT, "1");
    assert_eq!(STRICT.get(), Ok(true));
}

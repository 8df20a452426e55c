//! Variables of the environment: what they do, and what is said about those that nobody reads.

use super::support;

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

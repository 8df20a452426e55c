//! Every environment variable that qtests reads, in one table.

use super::nearest;
use std::sync::OnceLock;

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// What it may hold, for error messages and for the documentation.
    pub(crate) values: &'static str,
    pub(crate) meaning: &'static str,
}

/// The table itself; the crate's documentation shows the same rows, which a test keeps in step.
pub(crate) const VARIABLES: &[Variable] = &[
    Variable { name: SEED, values: "a number, or `random`", meaning: "the seed of every test in this run" },
    Variable { name: STRICT, values: "`1` or `0`", meaning: "an inconclusive load verdict fails" },
    Variable { name: DEMO_BUG, values: "a name", meaning: "removes one protection of the example `checkout`" },
];

const SEED: &str = "QTESTS_SEED";
const STRICT: &str = "QTESTS_STRICT";
const DEMO_BUG: &str = "QTESTS_DEMO_BUG";

/// What the environment asks for as the seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeedWish {
    Derived,
    Fixed(u64),
    Random,
}

/// The variables as they were when the process started (or at the first look), so that no test can change them under
/// another one.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) seed: SeedWish,
    pub(crate) strict: bool,
    /// What else decides whether a test fails, with its value: part of the line that repeats a test.
    pub(crate) also_decides: Vec<(&'static str, String)>,
    /// The one test of this process, where a runner gives each test a process of its own.
    pub(crate) sole_test: Option<String>,
    /// What is wrong with the variables; printed once.
    pub(crate) complaints: Vec<String>,
}

/// The environment of this process, read once.
pub(crate) fn environment() -> &'static Environment {
    static READ: OnceLock<Environment> = OnceLock::new();
    READ.get_or_init(|| {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
        read(variables)
    })
}

/// Whether an inconclusive verdict is a failure.
pub(crate) fn strict() -> bool {
    environment().strict
}

/// Reads the variables; pure, so that every mistake can be tested.
fn read(variables: impl Iterator<Item = (String, String)>) -> Environment {
    let mut found = Environment {
        seed: SeedWish::Derived,
        strict: false,
        also_decides: Vec::new(),
        sole_test: None,
        complaints: Vec::new(),
    };
    let mut own_process = false;
    for (name, value) in variables {
        match name.as_str() {
            SEED => match parse_seed(&value) {
                Some(seed) => found.seed = seed,
                None => found.complaints.push(not_understood(SEED, &value)),
            },
            STRICT => match value.as_str() {
                "1" => {
                    found.strict = true;
                    found.also_decides.push((STRICT, value));
                }
                "0" | "" => {}
                _ => found.complaints.push(not_understood(STRICT, &value)),
            },
            DEMO_BUG if value.is_empty() => {}
            DEMO_BUG => found.also_decides.push((DEMO_BUG, value)),
            "NEXTEST_EXECUTION_MODE" => own_process = value == "process-per-test",
            "NEXTEST_TEST_NAME" => found.sole_test = Some(value),
            other if other.starts_with("QTESTS_") => found.complaints.push(unknown(other)),
            _ => {}
        }
    }
    if !own_process {
        found.sole_test = None;
    }
    found.also_decides.sort();
    found
}

fn parse_seed(value: &str) -> Option<SeedWish> {
    match value.trim() {
        "random" => Some(SeedWish::Random),
        hex if hex.starts_with("0x") => u64::from_str_radix(&hex[2..], 16).ok().map(SeedWish::Fixed),
        number => number.parse().ok().map(SeedWish::Fixed),
    }
}

fn not_understood(name: &str, value: &str) -> String {
    let values = VARIABLES.iter().find(|row| row.name == name).map_or("", |row| row.values);
    format!("{name}={value:?} is not understood and ignored: it takes {values}")
}

fn unknown(name: &str) -> String {
    let known = || VARIABLES.iter().map(|row| row.name);
    match nearest(name, known()).first() {
        Some(near) => format!("the variable {name} is unknown and ignored: did you mean {near}?"),
        None => {
            let rows: Vec<String> = VARIABLES.iter().map(|row| format!("{} ({})", row.name, row.meaning)).collect();
            format!("the variable {name} is unknown and ignored: qtests reads {}", rows.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_pairs(pairs: &[(&str, &str)]) -> Environment {
        read(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())))
    }

    #[test]
    fn seeds_are_numbers_hexadecimal_numbers_or_random() {
        for (text, wish) in [("17", SeedWish::Fixed(17)), ("0xff", SeedWish::Fixed(255)), ("random", SeedWish::Random)]
        {
            assert_eq!(read_pairs(&[(SEED, text)]).seed, wish);
        }
    }

    #[test]
    fn a_value_that_is_not_understood_is_named_with_what_it_takes() {
        let read = read_pairs(&[(SEED, "many"), (STRICT, "yes")]);
        assert_eq!(read.seed, SeedWish::Derived);
        assert!(read.complaints[0].contains("QTESTS_SEED=\"many\"") && read.complaints[0].contains("a number"));
        assert!(read.complaints[1].contains("QTESTS_STRICT=\"yes\""));
    }

    #[test]
    fn what_decides_whether_a_test_fails_is_kept_for_the_line_that_repeats_it() {
        let read = read_pairs(&[(STRICT, "1"), (SEED, "7"), (DEMO_BUG, "no-transaction"), ("OTHER", "1")]);
        assert_eq!(read.also_decides, [(DEMO_BUG, "no-transaction".to_owned()), (STRICT, "1".to_owned())]);
        assert!(read_pairs(&[(STRICT, "0"), (DEMO_BUG, "")]).also_decides.is_empty());
    }

    #[test]
    fn an_unknown_variable_is_answered_with_the_nearest_name() {
        let read = read_pairs(&[("QTESTS_SEDE", "1"), ("QTESTS_ZZZZZZZZZZ", "1"), ("OTHER", "1")]);
        assert_eq!(read.complaints.len(), 2);
        assert!(read.complaints[0].ends_with("did you mean QTESTS_SEED?"), "{}", read.complaints[0]);
        assert!(read.complaints[1].contains("qtests reads QTESTS_SEED"), "{}", read.complaints[1]);
    }

    #[test]
    fn the_table_of_the_documentation_has_the_same_rows() {
        let documentation = include_str!("../lib.rs");
        for Variable { name, values, meaning } in VARIABLES {
            let row = format!("//! | `{name}` | {values} | {meaning} |");
            assert!(documentation.contains(&row), "{row}");
        }
    }

    #[test]
    fn a_process_is_taken_for_one_test_only_when_the_runner_says_so() {
        let name = ("NEXTEST_TEST_NAME", "a::b");
        assert_eq!(read_pairs(&[name]).sole_test, None);
        let modes = [("NEXTEST_EXECUTION_MODE", "process-per-test"), name];
        assert_eq!(read_pairs(&modes).sole_test.as_deref(), Some("a::b"));
    }
}

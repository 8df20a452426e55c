//! Every environment variable that qtests reads, in one table.

use super::{Row, Setting, SettingValue, TagFilter, nearest};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, sync::OnceLock, time::Duration};

/// The prefix of all our variables: whatever begins so and is not in the table is a typo.
const PREFIX: &str = "QTESTS_";

pub(crate) static SEED: Setting<SeedWish> = Setting::new("QTESTS_SEED", "")
    .meaning("the seed of every test in this run; derived from each test's name if unset");
/// `QTESTS_STRICT`: an inconclusive verdict fails, and so does a test that passed only when it was tried again.
///
/// What a test says about it by [`configure`](crate::Test::configure) holds while the test runs, so it decides about
/// verdicts inside of it, not about its tries.
pub static STRICT: Setting<bool> =
    Setting::new("QTESTS_STRICT", "0").meaning("what is inconclusive fails, and so does a flaky test");
static TAGS: Setting<TagFilter> = Setting::new("QTESTS_TAGS", "").meaning(
    "only tests with one of the named tags, and none with a tag after `!`; the others are skipped, which a runner reports \
     as ignored and libtest as passed, but for a line at the end",
);
static RETRIES: Setting<Option<u32>> = Setting::new("QTESTS_RETRIES", "")
    .range("0", "10")
    .meaning("how often a failing test is tried again, instead of what its key `retries` says");
static TIMEOUT: Setting<Option<TimeLimit>> = Setting::new("QTESTS_TIMEOUT", "")
    .meaning("how long a body may take, instead of what its key `timeout` says; `off` for a debugger");
static PARTITION: Setting<Option<Partition>> = Setting::new("QTESTS_PARTITION", "")
    .meaning("the share of the tests that this machine runs, chosen by a hash of their names; the others are skipped");
static LOG: Setting<LogLevels> = Setting::new("QTESTS_LOG", "debug").meaning("which log lines `t.logs()` keeps");
static JSON: Setting<Option<PathBuf>> =
    Setting::new("QTESTS_JSON", "").meaning("a file to which a runner (`main!`) appends a line of JSON for each test");
static JUNIT: Setting<Option<PathBuf>> = Setting::new("QTESTS_JUNIT", "").meaning(
    "a folder into which each runner writes a JUnit report (feature `report`); nextest has reports of its own",
);
static REQUIRE_SERVERS: Setting<bool> = Setting::new("QTESTS_REQUIRE_SERVERS", "0").meaning(
    "a test whose server (`t.redis()`, `t.postgres()`) is not installed fails, instead of being skipped aloud",
);
static DEMO_BUG: Setting<Option<String>> =
    Setting::new("QTESTS_DEMO_BUG", "").meaning("removes one protection of the example `checkout`");

/// The table itself; `docs/variables.md` is printed from it.
pub(crate) fn variables() -> [Row; 11] {
    [
        SEED.row(),
        STRICT.row(),
        TAGS.row(),
        RETRIES.row(),
        TIMEOUT.row(),
        PARTITION.row(),
        LOG.row(),
        JSON.row(),
        JUNIT.row(),
        REQUIRE_SERVERS.row(),
        DEMO_BUG.row(),
    ]
}

/// What the environment asks for as the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SeedWish {
    /// From the name of each test.
    #[default]
    Derived,
    /// This one.
    Fixed(u64),
    /// A new one for each test.
    Random,
}

/// Levels by target, in the words of tracing, which reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLevels(pub(crate) String);

/// How long a body may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeLimit(pub(crate) Option<Duration>);

/// Ten years; beyond it a typo is likelier than a wish.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3_600);

/// One of several shares of a test suite; the first is number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    number: u64,
    of: u64,
}

/// How a parent tells its child which test it is to run, see [`isolated`](Environment::isolated).
pub(crate) const ISOLATED: &str = "__QTESTS_ISOLATED";

/// What the child of an isolated test is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Isolated {
    /// The test that it runs.
    pub(crate) test: String,
    /// The file for the verdict.
    pub(crate) verdict: PathBuf,
    /// The options of the cargo that started the parent, for the line that repeats the test.
    pub(crate) cargo_flags: Vec<String>,
}

/// The variables as they were when the process started (or at the first look), so that no test can change them under
/// another one.
#[derive(Debug)]
#[cfg_attr(not(feature = "full"), allow(dead_code, reason = "features read their own"))]
pub(crate) struct Environment {
    pub(crate) seed: SeedWish,
    pub(crate) strict: bool,
    pub(crate) tags: TagFilter,
    pub(crate) retries: Option<u32>,
    pub(crate) timeout: Option<TimeLimit>,
    pub(crate) partition: Option<Partition>,
    pub(crate) log: LogLevels,
    pub(crate) json: Option<PathBuf>,
    pub(crate) junit: Option<PathBuf>,
    pub(crate) require_servers: bool,
    /// What else decides whether a test fails, with its value: part of the line that repeats a test.
    pub(crate) also_decides: Vec<(&'static str, String)>,
    /// The one test of this process, where a runner gives each test a process of its own.
    pub(crate) sole_test: Option<String>,
    /// This process was started by another test process for one test of the key `isolate`.
    pub(crate) isolated: Option<Isolated>,
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

/// The variables of one process, and what is wrong with them.
struct Reader {
    variables: BTreeMap<String, String>,
    complaints: Vec<String>,
}

impl Reader {
    fn said(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A value that makes no sense is complained of, and then it is as if nothing had been said.
    fn take<T: SettingValue>(&mut self, setting: &Setting<T>) -> T {
        let said = setting.read(self.said(setting.name()));
        let Err(refused) = &said else { return self.own(said.ok(), setting) };
        self.complaints.push(format!("{refused}; it is ignored"));
        self.own(None, setting)
    }

    fn own<T: SettingValue>(&self, said: Option<T>, setting: &Setting<T>) -> T {
        said.or_else(|| setting.read(None).ok()).unwrap_or_else(|| unreachable!("a default is always understood"))
    }

    /// What a test must be given again to fail again.
    fn deciding(&self) -> Vec<(&'static str, String)> {
        let names = [DEMO_BUG.name(), LOG.name(), REQUIRE_SERVERS.name(), STRICT.name(), TIMEOUT.name()];
        let said = |name: &'static str| Some((name, self.said(name)?.trim().to_owned()));
        names.into_iter().filter_map(said).filter(|(_, value)| !value.is_empty() && value != "0").collect()
    }

    fn unknown(&self) -> Vec<String> {
        let known = variables().map(|row| row.name);
        self.variables
            .keys()
            .filter(|name| name.starts_with(PREFIX) && !known.contains(&name.as_str()))
            .map(|name| unknown(name, &known))
            .collect()
    }
}

/// Reads the variables; pure, so that every mistake can be tested.
fn read(variables: impl Iterator<Item = (String, String)>) -> Environment {
    let mut reader = Reader { variables: variables.collect(), complaints: Vec::new() };
    reader.complaints = reader.unknown();
    let isolated = reader.said(ISOLATED).and_then(|text| serde_json::from_str::<Isolated>(text).ok());
    let process_per_test = reader.said("NEXTEST_EXECUTION_MODE") == Some("process-per-test");
    let named_by_nextest = reader.said("NEXTEST_TEST_NAME").filter(|_| process_per_test).map(str::to_owned);
    Environment {
        sole_test: isolated.as_ref().map(|isolated| isolated.test.clone()).or(named_by_nextest),
        isolated,
        seed: reader.take(&SEED),
        strict: reader.take(&STRICT),
        tags: reader.take(&TAGS),
        retries: reader.take(&RETRIES),
        timeout: reader.take(&TIMEOUT),
        partition: reader.take(&PARTITION),
        log: reader.take(&LOG),
        json: reader.take(&JSON),
        junit: reader.take(&JUNIT),
        require_servers: reader.take(&REQUIRE_SERVERS),
        also_decides: reader.deciding(),
        complaints: reader.complaints,
    }
}

fn unknown(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()).first() {
        Some(near) => format!("the variable {name} is unknown and ignored: did you mean {near}?"),
        None => format!("the variable {name} is unknown and ignored: qtests reads {}", known.join(", ")),
    }
}

impl SettingValue for SeedWish {
    const KIND: &'static str = "a number, or `random`";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "" => Some(Self::Derived),
            "random" => Some(Self::Random),
            hex if hex.starts_with("0x") => u64::from_str_radix(&hex[2..], 16).ok().map(Self::Fixed),
            number => number.parse().ok().map(Self::Fixed),
        }
    }
}

impl SettingValue for LogLevels {
    const KIND: &'static str = "a level, targets with levels, or both, such as `info,shop=trace`";

    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

impl SettingValue for TimeLimit {
    const KIND: &'static str = "a duration such as `5s`, or `off`";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self(None)),
            limit => Duration::parse(limit)
                .filter(|limit| !limit.is_zero() && *limit <= LONGEST)
                .map(|limit| Self(Some(limit))),
        }
    }
}

impl Partition {
    /// Whether a test belongs to this share.
    pub(crate) fn has(self, test: &str) -> bool {
        super::seed::hash(test) % self.of == self.number - 1
    }
}

impl SettingValue for Partition {
    const KIND: &'static str = "a share such as `1/3`";

    fn parse(text: &str) -> Option<Self> {
        let (number, of) = text.split_once('/')?;
        let partition = Self { number: number.parse().ok()?, of: of.parse().ok()? };
        (1..=partition.of).contains(&partition.number).then_some(partition)
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
            assert_eq!(read_pairs(&[(SEED.name(), text)]).seed, wish);
        }
    }

    #[test]
    fn malformed_variables_are_named_with_what_they_take_and_all_others_are_heeded() {
        let nonsense = [
            ("QTESTS_SEED", "many"),
            ("QTESTS_STRICT", "yes"),
            ("QTESTS_TAGS", "slow,,db"),
            ("QTESTS_RETRIES", "11"),
            ("QTESTS_TIMEOUT", "0s"),
            ("QTESTS_PARTITION", "4/3"),
        ];
        let read = read_pairs(&[&nonsense[..], &[("QTESTS_LOG", "info")]].concat());
        assert_eq!(read.complaints.len(), nonsense.len(), "{:?}", read.complaints);
        for (name, value) in nonsense {
            let start = format!("{name}={value:?} is not understood: it takes ");
            assert!(read.complaints.iter().any(|text| text.starts_with(&start) && text.ends_with("; it is ignored")));
        }
        assert_eq!((read.seed, read.strict, read.retries), (SeedWish::Derived, false, None));
        assert_eq!((read.timeout, read.partition, read.log.0.as_str()), (None, None, "info"));
    }

    #[test]
    fn what_decides_whether_a_test_fails_is_kept_for_the_line_that_repeats_it() {
        let read = read_pairs(&[
            ("QTESTS_STRICT", "1"),
            ("QTESTS_SEED", "7"),
            ("QTESTS_DEMO_BUG", "no-transaction"),
            ("QTESTS_TIMEOUT", "5s"),
            ("QTESTS_TAGS", "slow"),
            ("OTHER", "1"),
        ]);
        let expected = [("QTESTS_DEMO_BUG", "no-transaction"), ("QTESTS_STRICT", "1"), ("QTESTS_TIMEOUT", "5s")]
            .map(|(n, v)| (n, v.to_owned()));
        assert_eq!(read.also_decides, expected);
        assert!(read_pairs(&[("QTESTS_STRICT", "0"), ("QTESTS_DEMO_BUG", "")]).also_decides.is_empty());
    }

    #[test]
    fn an_unknown_variable_is_answered_with_the_nearest_name() {
        let read = read_pairs(&[("QTESTS_SEDE", "1"), ("QTESTS_ZZZZZZZZZZ", "1"), ("OTHER", "1")]);
        assert_eq!(read.complaints.len(), 2);
        assert!(read.complaints[0].ends_with("did you mean QTESTS_SEED?"), "{}", read.complaints[0]);
        assert!(read.complaints[1].contains("qtests reads QTESTS_SEED"), "{}", read.complaints[1]);
    }

    #[test]
    fn a_process_is_taken_for_one_test_only_when_the_runner_says_so() {
        let name = ("NEXTEST_TEST_NAME", "a::b");
        assert_eq!(read_pairs(&[name]).sole_test, None);
        let modes = [("NEXTEST_EXECUTION_MODE", "process-per-test"), name];
        assert_eq!(read_pairs(&modes).sole_test.as_deref(), Some("a::b"));
    }

    #[test]
    fn each_test_belongs_to_exactly_one_share_and_the_shares_are_about_even() {
        let shares: Vec<Partition> = (1..=3).map(|n| Partition::parse(&format!("{n}/3")).unwrap()).collect();
        let mut counts = [0; 3];
        for test in (0..3_000).map(|n| format!("module::test_number_{n}")) {
            let own: Vec<usize> = (0..3).filter(|share| shares[*share].has(&test)).collect();
            assert_eq!(own.len(), 1, "{test}");
            counts[own[0]] += 1;
        }
        // Three standard deviations of a binomial distribution with n = 3,000 and p = 1/3 are 77.
        assert!(counts.iter().all(|count| (900..=1_100).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_table_in_the_documentation_is_printed_from_the_table_in_the_code() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/variables.md");
        let printed = crate::base::table(&variables());
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(path, &printed).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(kept, printed, "run it once more with BLESS=1 to print docs/variables.md anew");
    }
}

//! Our subscriber, and what is done when somebody else's is there.

use super::route::Route;
use crate::{
    base::{Error, environment, nearest},
    scope::{AtFirstTest, say},
};
use std::sync::LazyLock;
use tracing::{
    Level, Subscriber, dispatcher,
    level_filters::{LevelFilter, STATIC_MAX_LEVEL},
};
use tracing_subscriber::{filter::Targets, layer::Layer, prelude::*, registry::LookupSpan};

const VARIABLE: &str = "QTESTS_LOG";

/// What is kept when the variable says nothing.
const DEFAULT: LevelFilter = LevelFilter::DEBUG;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

const CURE: &str = "add qtests::logs::layer() to it, as in tracing_subscriber::registry().with(qtests::logs::layer())";

/// The layer that hands each line to the test that it belongs to, for a subscriber of your own.
///
/// It has the filter of `QTESTS_LOG` for itself, and the other layers of the subscriber have theirs. Without a
/// subscriber of your own it is not needed: ours is installed when the first test starts.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry().with(qtests::logs::layer());
/// tracing::subscriber::with_default(subscriber, || {
///     let t = qtests::Test::scoped();
///     tracing::info!("heard");
///     t.logs().containing("heard").assert_any();
/// });
/// ```
pub fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Route.with_filter(KEPT.clone())
}

/// Installs our subscriber, unless there is one.
pub(super) fn install() {
    // An error means that there is one; whether it has our layer is asked by whoever needs to know.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer()));
}

/// Whether what the calling thread logs comes to us.
pub(super) fn is_heard() -> bool {
    dispatcher::get_default(|dispatch| dispatch.downcast_ref::<Route>().is_some())
}

/// Why what the calling thread logs does not come to us.
pub(super) fn unheard() -> Error {
    Error::other(format!(
        "nobody can know what this test logs: the tracing subscriber of this thread was installed by somebody else; \
         {CURE}"
    ))
}

inventory::submit! { AtFirstTest(at_first_test) }

fn at_first_test() {
    #[cfg(feature = "tracing-test")]
    super::traced::install();
    #[cfg(not(feature = "tracing-test"))]
    install();
    if !is_heard() {
        say(&format!(
            "warning: a tracing subscriber was installed before the first test: what tests log is not kept, and \
             t.logs() refuses; {CURE}"
        ));
    }
}

/// What the variable says.
static SAID: LazyLock<Targets> = LazyLock::new(|| {
    parse(&environment().log.0).unwrap_or_else(|complaint| {
        say(&format!("warning: {complaint}"));
        default_targets()
    })
});

/// Which lines are kept.
static KEPT: LazyLock<Targets> = LazyLock::new(|| {
    #[cfg(feature = "tracing-test")]
    let kept = with_own_crate(SAID.clone());
    #[cfg(not(feature = "tracing-test"))]
    let kept = SAID.clone();
    kept
});

/// Why nobody can know that there is no line which is at least so severe and whose target begins with each of these;
/// `None` if such lines are kept, or some of them. Without a target it is asked what the variable says: that a crate of
/// tests is kept for `#[traced_test]` says nothing about the code under test.
pub(super) fn unkept(level: Option<Level>, targets: &[&str]) -> Option<String> {
    let least = level.unwrap_or(Level::ERROR);
    let lines = level.map_or_else(|| "lines".to_owned(), |level| format!("lines of level {level}"));
    let cure = format!("set {VARIABLE}, such as {VARIABLE}={}", level.unwrap_or(Level::DEBUG).as_str().to_lowercase());
    if let Some(target) = targets.iter().find(|target| !may_keep(&KEPT, target, least)) {
        return Some(format!("{lines} of a target that begins with `{target}` are not kept: {cure}"));
    }
    if targets.is_empty() && !may_keep(&SAID, "", least) {
        return Some(format!("{lines} are not kept: {cure}"));
    }
    // Whatever we would keep, the program or its subscriber may stop lines before they come to us.
    let most = STATIC_MAX_LEVEL.min(LevelFilter::current());
    (least > most)
        .then(|| format!("{lines} do not come here: the subscriber, or a feature of tracing, stops at {most}"))
}

/// Whether there may be a line of this level whose target begins so.
fn may_keep(targets: &Targets, prefix: &str, level: Level) -> bool {
    let is_below = |(target, most): (&str, LevelFilter)| target.starts_with(prefix) && most >= level;
    targets.would_enable(prefix, &level) || targets.iter().any(is_below)
}

fn default_targets() -> Targets {
    Targets::new().with_default(DEFAULT)
}

/// `#[traced_test]` shows everything of the crate that it stands in, so that crate is kept unless it is named.
#[cfg(feature = "tracing-test")]
fn with_own_crate(targets: Targets) -> Targets {
    match super::traced::own_crate() {
        Some(own) if !targets.iter().any(|(target, _)| target == own) => targets.with_target(own, LevelFilter::TRACE),
        _ => targets,
    }
}

fn parse(value: &str) -> Result<Targets, String> {
    let takes = "it takes a level, targets with levels, or both, such as `info,checkout=trace`";
    let refused = |why: String| format!("{VARIABLE}={value:?} is not understood and ignored: {why}; {takes}");
    // A word that stands alone is a target, unless it is a level: `inf` would switch off all others.
    for word in value.split(',').map(str::trim).filter(|word| !word.is_empty() && !word.contains('=')) {
        let lower = word.to_lowercase();
        let is_level = LEVELS.contains(&lower.as_str()) || word.parse::<u8>().is_ok();
        if let (false, Some(near)) = (is_level, nearest(&lower, LEVELS).first()) {
            return Err(refused(format!("did you mean the level `{near}` by `{word}`")));
        }
    }
    value.parse().map_err(|error| refused(format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn directives_name_levels_and_targets() {
        let targets = parse("info,checkout=trace").unwrap();
        assert!(targets.would_enable("checkout::pay", &Level::TRACE));
        assert!(targets.would_enable("other", &Level::INFO) && !targets.would_enable("other", &Level::DEBUG));
        assert!(parse("TRACE").unwrap().would_enable("any", &Level::TRACE));
        assert!(!parse("checkout").unwrap().would_enable("other", &Level::ERROR));
    }

    #[test]
    fn a_target_may_be_kept_if_one_below_it_is() {
        let targets = parse("info,shop::cart=trace,bank=off").unwrap();
        for (prefix, level) in
            [("", Level::TRACE), ("shop", Level::TRACE), ("shop::ca", Level::TRACE), ("mill", Level::INFO)]
        {
            assert!(may_keep(&targets, prefix, level), "{prefix} {level}");
        }
        for (prefix, level) in
            [("mill", Level::DEBUG), ("shop::pay", Level::TRACE), ("bank", Level::ERROR), ("bank::a", Level::ERROR)]
        {
            assert!(!may_keep(&targets, prefix, level), "{prefix} {level}");
        }
        assert!(!may_keep(&parse("off,shop=off").unwrap(), "", Level::ERROR));
    }

    #[test]
    fn nonsense_is_answered_with_what_it_takes() {
        for (value, part) in [("inf", "the level `info` by `inf`"), ("a=loud", "a=loud"), ("a=b=c", "a=b=c")] {
            let complaint = parse(value).unwrap_err();
            assert!(complaint.contains(part) && complaint.ends_with("`info,checkout=trace`"), "{complaint}");
        }
    }

    #[test]
    fn all_from_debug_on_is_kept_by_default() {
        let targets = default_targets();
        assert!(targets.would_enable("any", &Level::DEBUG) && !targets.would_enable("any", &Level::TRACE));
    }
}

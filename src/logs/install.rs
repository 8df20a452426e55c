//! Our subscriber, and what is done when somebody else's is there.

use super::route::Route;
use crate::{
    base::{Error, environment, nearest},
    scope::{AtFirstTest, say},
};
use std::sync::Once;
use tracing::{Subscriber, dispatcher, level_filters::LevelFilter};
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
    Route.with_filter(targets())
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

/// Which lines are kept.
fn targets() -> Targets {
    let targets = parse(&environment().log.0).unwrap_or_else(|complaint| {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| say(&format!("warning: {complaint}")));
        default_targets()
    });
    #[cfg(feature = "tracing-test")]
    let targets = with_own_crate(targets);
    targets
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

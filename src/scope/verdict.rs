//! The verdict on a test, and the text that a failing test prints.

use super::{
    ending::BodyEnd,
    finding::{Finding, Weight},
    first, missing,
    scope::Scope,
};
use std::fmt;

/// What is to be said about a test that is over.
#[derive(Debug)]
#[must_use = "a verdict that nobody looks at hides a failing test"]
pub struct Verdict {
    failure: Option<String>,
    /// The body never began: a fixture could not be set up.
    set_up: bool,
    /// The server that the test needs and this machine does not have.
    skipped: Option<String>,
}

/// How the body is judged.
#[derive(Debug)]
struct Judgement {
    /// The first words of the report.
    headline: &'static str,
    expected: String,
    happened: String,
    place: String,
}

impl Verdict {
    /// Whether the test passed. One that was skipped did not.
    pub fn passed(&self) -> bool {
        self.failure.is_none() && self.skipped.is_none()
    }

    /// Why the test was skipped, if it was: the server that it needs is not installed, and nothing else went wrong.
    pub fn skipped(&self) -> Option<&str> {
        self.skipped.as_deref()
    }

    /// Whether the test failed before its body began, because a fixture could not be set up.
    pub fn is_set_up_failure(&self) -> bool {
        self.set_up
    }

    /// The verdict that another process has come to.
    pub(crate) fn told(failure: Option<String>, set_up: bool, skipped: Option<String>) -> Self {
        Self { failure, set_up, skipped }
    }

    /// What a failing test prints: expected, happened, where, all else that went wrong, and the line that repeats it.
    pub fn report(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Panics with the report if the test failed.
    ///
    /// # Panics
    /// If the test failed.
    #[track_caller]
    pub fn assert(self) {
        if let Some(report) = self.failure {
            panic!("{report}");
        }
    }

    pub(super) fn of(scope: &Scope) -> Self {
        let findings = scope.findings();
        if let Some(server) = lacks_server(scope, &findings) {
            return Self { failure: None, set_up: false, skipped: Some(server) };
        }
        let judgement = judge_body(scope);
        let body_failed = judgement.is_some();
        let Some(judgement) = judgement.or_else(|| judge_findings(scope, &findings)) else {
            return Self { failure: None, set_up: false, skipped: None };
        };
        // The first finding is told as what happened when the body itself has nothing to report.
        let skip = usize::from(!body_failed);
        // What fails only a test that passed otherwise is a note after a failure.
        let is_note = |finding: &&Finding| match finding.weight {
            Weight::Failure => false,
            Weight::FailureIfPassed => body_failed,
            Weight::Note => true,
        };
        let mut also: Vec<(&str, &Finding)> =
            findings.iter().filter(|finding| !is_note(finding)).skip(skip).map(|finding| ("also:", finding)).collect();
        also.extend(findings.iter().filter(is_note).map(|finding| ("note:", finding)));
        let failure = Some(render(scope, &judgement, &also));
        Self { failure, set_up: scope.ending.set_up().is_some(), skipped: None }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.failure, &self.skipped) {
            (Some(report), _) => f.write_str(report),
            (None, Some(why)) => write!(f, "skipped: {why}"),
            (None, None) => f.write_str("passed"),
        }
    }
}

/// A test that failed keeps its directory; one that was interrupted leaves nothing behind.
pub(super) fn keeps_dir(scope: &Scope) -> bool {
    if matches!(scope.ending.body(), BodyEnd::Interrupted(_)) || scope.watch.is_hurried() {
        return false;
    }
    fails(scope)
}

/// Whether the test fails by what is known now.
pub(super) fn fails(scope: &Scope) -> bool {
    let findings = scope.findings();
    lacks_server(scope, &findings).is_none()
        && (judge_body(scope).is_some() || judge_findings(scope, &findings).is_some())
}

/// The server that kept the body from doing what it should, if nothing else went wrong.
fn lacks_server(scope: &Scope, findings: &[Finding]) -> Option<String> {
    let server = match scope.ending.body() {
        BodyEnd::Failed(error) => missing::told_in(&error),
        BodyEnd::Panicked(panicked) => missing::told_in(&panicked.message),
        _ => None,
    };
    server.filter(|_| !findings.iter().any(|finding| finding.weight == Weight::Failure))
}

fn judge_body(scope: &Scope) -> Option<Judgement> {
    let here = || scope.place_text();
    let (expected, happened, place) = match (scope.ending.body(), scope.should_panic) {
        (body, _) if let Some(fixture) = scope.ending.set_up() => return Some(judge_set_up(scope, body, &fixture)),
        (BodyEnd::Passed, None) => return None,
        (BodyEnd::Panicked(panicked), Some(text)) if panicked.message.contains(text) => return None,
        (BodyEnd::Passed | BodyEnd::Failed(_), Some(text)) => {
            let text = if text.is_empty() { String::new() } else { format!(" with {text:?}") };
            (format!("the body to panic{text} (#[should_panic])"), "it returned".to_owned(), here())
        }
        (BodyEnd::Panicked(panicked), Some(text)) => {
            let expected = format!("the body to panic with {text:?} (#[should_panic])");
            (expected, format!("it panicked with {:?}", panicked.message), panicked.place.unwrap_or_else(here))
        }
        (BodyEnd::Failed(error), None) => {
            let plain = || ("the body to return Ok".to_owned(), format!("it returned Err({error})"));
            let (expected, happened) = told(&error).unwrap_or_else(plain);
            (expected, happened, here())
        }
        (BodyEnd::Panicked(panicked), None) => {
            let plain = || ("the body to return".to_owned(), format!("it panicked: {}", panicked.message));
            let (expected, happened) = told(&panicked.message).unwrap_or_else(plain);
            (expected, happened, panicked.place.unwrap_or_else(here))
        }
        (BodyEnd::TimedOut { limit, blocked }, _) => {
            let how = if blocked {
                "it was still running; its thread is blocked in code that does not await, did not answer and was left \
                 behind"
            } else {
                "it was still running and was dropped"
            };
            (format!("the body to end within {limit:?} (key `timeout`)"), how.to_owned(), here())
        }
        (BodyEnd::Interrupted(why), _) => ("the body to end".to_owned(), format!("it was interrupted: {why}"), here()),
        (BodyEnd::Lost(text), _) => (
            "the body to return".to_owned(),
            format!("a destructor panicked while the body was unwinding; its thread is left behind: {text}"),
            here(),
        ),
    };
    Some(Judgement { headline: "FAILED", expected, happened, place })
}

/// The body was not reached, or broke off while it asked for a fixture.
fn judge_set_up(scope: &Scope, body: BodyEnd, fixture: &str) -> Judgement {
    let mut place = scope.place_text();
    let happened = match body {
        BodyEnd::Failed(error) => error,
        BodyEnd::Panicked(panicked) => {
            place = panicked.place.unwrap_or(place);
            format!("its set_up panicked: {}", panicked.message)
        }
        BodyEnd::TimedOut { limit, blocked } => {
            let thread = if blocked { "; its thread is blocked, did not answer and was left behind" } else { "" };
            format!("its set_up was still running after {limit:?} (key `timeout`){thread}")
        }
        BodyEnd::Lost(text) => text,
        BodyEnd::Interrupted(why) => format!("it was interrupted: {why}"),
        BodyEnd::Passed => "it is missing".to_owned(),
    };
    let expected = format!("the fixture {fixture} to be set up (the body did not run)");
    Judgement { headline: "SET-UP FAILED", expected, happened, place }
}

/// What a panic, or an error, says was expected, and what happened. The judges of this crate, such as the one of load
/// runs, have a headline and labelled lines (and a place, which a panic has too), and so may a test; nothing for any
/// other text.
fn told(message: &str) -> Option<(String, String)> {
    // One line: what shows the report of another test is not one itself.
    let (headline, rest) = message.split_once("\n  expected: ").filter(|(headline, _)| !headline.contains('\n'))?;
    let (expected, rest) = rest.split_once("\n  happened: ")?;
    let happened = rest.split_once("\n  where: ").map_or(rest, |(happened, _)| happened);
    let unindented: Vec<&str> = happened.lines().map(str::trim_start).collect();
    Some((expected.to_owned(), format!("{headline}\n{}", unindented.join("\n"))))
}

/// The body did what it should: does anything else fail the test?
fn judge_findings(scope: &Scope, findings: &[Finding]) -> Option<Judgement> {
    let first = findings.iter().find(|finding| finding.weight != Weight::Note)?;
    Some(Judgement {
        headline: "FAILED",
        expected: "nothing to be wrong after the body, which did what it should".to_owned(),
        happened: first.text.clone(),
        place: scope.place_text(),
    })
}

fn render(scope: &Scope, judgement: &Judgement, also: &[(&str, &Finding)]) -> String {
    let elapsed = scope.journal.elapsed().as_secs_f64();
    let mut text = format!("qtests: `{}` {} after {elapsed:.3} s\n", scope.name(), judgement.headline);
    for (label, value) in
        [("expected:", &judgement.expected), ("happened:", &judgement.happened), ("where:", &judgement.place)]
    {
        push_labelled(&mut text, label, value);
    }
    for (label, finding) in also {
        push_labelled(&mut text, label, &finding.text);
    }
    text.push_str(&scope.journal.tail());
    text.push_str(&first::sections(scope));
    text.push_str(&format!("  repeat with: {}\n", scope.repeat.line(scope.name(), scope.seed)));
    text
}

/// A label and its text; lines that follow are indented below the first.
fn push_labelled(text: &mut String, label: &str, value: &str) {
    let mut lines = value.lines();
    text.push_str(&format!("  {label:<10}{}\n", lines.next().unwrap_or_default()));
    for line in lines {
        text.push_str(&format!("  {:<10}{line}\n", ""));
    }
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn a_panic_in_the_words_of_a_judge_is_told_as_one() {
        let judged = Some(("one".to_owned(), "charged again\ntwo\nin all".to_owned()));
        let lines = "charged again\n  expected: one\n  happened: two\n            in all";
        assert_eq!(told(lines), judged);
        assert_eq!(told(&format!("{lines}\n  where: there\n  repeat with: it")), judged);
        for plain in ["no", "no\n  expected: one", "no\n  happened: two", "a\nb\n  expected: c\n  happened: d"] {
            assert_eq!(told(plain), None);
        }
    }
}

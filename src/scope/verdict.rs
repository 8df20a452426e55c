//! The verdict on a test, and the text that a failing test prints.

use super::{
    ending::BodyEnd,
    finding::{Finding, Weight},
    first,
    scope::Scope,
};
use std::fmt;

/// What is to be said about a test that is over.
#[derive(Debug)]
#[must_use = "a verdict that nobody looks at hides a failing test"]
pub struct Verdict {
    failure: Option<String>,
}

/// How the body is judged.
#[derive(Debug)]
struct Judgement {
    expected: String,
    happened: String,
    place: String,
}

impl Verdict {
    /// Whether the test passed.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
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
        let judgement = judge_body(scope);
        let body_failed = judgement.is_some();
        let Some(judgement) = judgement.or_else(|| judge_findings(scope, &findings)) else {
            return Self { failure: None };
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
        Self { failure: Some(render(scope, &judgement, &also)) }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.failure.as_deref().unwrap_or("passed"))
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
    judge_body(scope).is_some() || judge_findings(scope, &scope.findings()).is_some()
}

fn judge_body(scope: &Scope) -> Option<Judgement> {
    let here = || scope.place_text();
    let (expected, happened, place) = match (scope.ending.body(), scope.should_panic) {
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
            ("the body to return Ok".to_owned(), format!("it returned Err({error})"), here())
        }
        (BodyEnd::Panicked(panicked), None) => {
            let (expected, happened) = told(&panicked.message);
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
    Some(Judgement { expected, happened, place })
}

/// What a panic says was expected, and what happened. The judges of this crate, such as the one of load runs, panic
/// with a headline and labelled lines (and a place, which the panic has too), and so may a test; any other panic is
/// told as it is.
fn told(message: &str) -> (String, String) {
    let plain = || ("the body to return".to_owned(), format!("it panicked: {message}"));
    let Some((headline, rest)) = message.split_once("\n  expected: ") else { return plain() };
    let Some((expected, rest)) = rest.split_once("\n  happened: ") else { return plain() };
    let happened = rest.split_once("\n  where: ").map_or(rest, |(happened, _)| happened);
    let unindented: Vec<&str> = happened.lines().map(str::trim_start).collect();
    (expected.to_owned(), format!("{headline}\n{}", unindented.join("\n")))
}

/// The body did what it should: does anything else fail the test?
fn judge_findings(scope: &Scope, findings: &[Finding]) -> Option<Judgement> {
    let first = findings.iter().find(|finding| finding.weight != Weight::Note)?;
    Some(Judgement {
        expected: "nothing to be wrong after the body, which did what it should".to_owned(),
        happened: first.text.clone(),
        place: scope.place_text(),
    })
}

fn render(scope: &Scope, judgement: &Judgement, also: &[(&str, &Finding)]) -> String {
    let mut text = format!("qtests: `{}` FAILED after {:.3} s\n", scope.name(), scope.journal.elapsed().as_secs_f64());
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
        let judged = ("one".to_owned(), "charged again\ntwo\nin all".to_owned());
        let lines = "charged again\n  expected: one\n  happened: two\n            in all";
        assert_eq!(told(lines), judged);
        assert_eq!(told(&format!("{lines}\n  where: there\n  repeat with: it")), judged);
        for plain in ["no", "no\n  expected: one", "no\n  happened: two"] {
            assert_eq!(told(plain), ("the body to return".to_owned(), format!("it panicked: {plain}")));
        }
    }
}

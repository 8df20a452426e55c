//! `#[traced_test]` of the crate tracing-test, beside `#[qtest]` and on it.
//!
//! That crate has one subscriber for the process, which its first test installs and which panics if there is another,
//! and one buffer of text, in which `logs_contain` looks for lines with the span that the attribute puts around the
//! body. Here our subscriber takes its place and feeds the buffer: with the lines of its tests that know no [`Test`],
//! as it would, and with all lines of a test that has the attribute too, whatever thread or task they come from.
//!
//! [`Test`]: crate::Test

use super::{
    book::LogBook,
    line::{LogLine, LogSpan},
};
use crate::scope::{Finding, Scope, current, lock};
use std::{
    env,
    sync::{LazyLock, OnceLock},
    time::Instant,
};
use tracing::{Level, Metadata};
use tracing_test::internal;

/// How many bytes the buffer holds; when it is full the older half is dropped.
const LIMIT: usize = 16 * 1_024 * 1_024;

crate::scope::before_main!(install_first);

/// A `#[traced_test]` that comes before the first test of ours must find our subscriber, or theirs would be there for
/// the rest of the process. So it is installed before `main`, in binaries that cargo has built for tests only: products
/// install what they like.
fn install_first() {
    if own_crate().is_some() && !env::args_os().any(|argument| argument == "--list") {
        install();
    }
}

/// Installs our subscriber in the place of theirs.
pub(super) fn install() {
    internal::INITIALIZED.call_once(super::install::install);
}

/// The crate whose tests this binary runs: cargo calls it `deps/NAME-HASH`.
pub(super) fn own_crate() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| {
        let program = env::current_exe().ok()?;
        let (name, hash) = program.file_stem()?.to_str()?.rsplit_once('-')?;
        let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hash && program.parent()?.ends_with("deps")).then(|| name.replace('-', "_"))
    })
    .as_deref()
}

/// A span is made: it may be the one that the attribute puts around the body of the current test.
pub(super) fn notice(metadata: &Metadata<'static>, span: &LogSpan) {
    if *metadata.level() == Level::INFO
        && span.fields.is_empty()
        && let Some(scope) = current()
    {
        let around = (metadata.target(), metadata.name());
        if is_around(around, scope.name()) {
            begin(&LogBook::of(&scope), around.1);
        } else if scope.name().rsplit_once("::").is_some_and(|(function, _)| is_around(around, function)) {
            refuse(&scope, around.1);
        }
    }
}

/// A test begins that has the attribute. An earlier try of it had the same span, and its lines are not of this one.
fn begin(book: &LogBook, span: &'static str) {
    book.traced.get_or_init(|| {
        forget(span);
        Some(span)
    });
}

/// The test is one of the `cases` of a function: all of them share the span of the attribute, and run at once, so that
/// `logs_contain` would find the lines of the others, or those of none.
fn refuse(scope: &Scope, span: &'static str) {
    LogBook::of(scope).traced.get_or_init(|| {
        scope.find(Finding::vacuous(format!(
            "`#[traced_test]` on `{span}` cannot tell the lines of its cases apart, so `logs_contain` and `logs_assert` \
             say nothing: leave it out, take `t: Test`, and write t.logs().containing(\"..\").assert_any()"
        )));
        None
    });
}

/// Whether this is the span of the test: it stands in its module and is named after its function, and numbered if there
/// are several functions with the name.
fn is_around((target, span): (&str, &str), test: &str) -> bool {
    let (module, function) = test.rsplit_once("::").unwrap_or(("", test));
    let of_span = target.split_once("::").map_or("", |(_, module)| module);
    module == of_span && is_named_after(span, function)
}

fn is_named_after(span: &str, function: &str) -> bool {
    span.strip_prefix(function).is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// A test has logged: if it has the attribute, the line goes to the buffer as if it were logged in the span.
pub(super) fn of_a_test(scope: &Scope, book: &LogBook, line: &LogLine) {
    let Some(traced) = book.traced.get().copied().unwrap_or_else(|| around(scope, book, line)) else { return };
    let text = line.text();
    let text = if line.spans.first().is_some_and(|span| span.name == traced) {
        text
    } else if line.spans.is_empty() {
        format!("{traced}: {text}")
    } else {
        format!("{traced}:{text}")
    };
    // They look at the lines of the text one by one, so each must tell whose it is.
    keep(&format!("{} {:>5} {}\n", line.time(), line.level.as_str(), text.replace('\n', &format!("\n {traced}: "))));
}

/// A scope that was made inside of a `#[traced_test]` learns of the span by the first line that is logged in it.
fn around(scope: &Scope, book: &LogBook, line: &LogLine) -> Option<&'static str> {
    let function = scope.name().rsplit("::").next()?;
    let first = line.spans.first().filter(|span| span.fields.is_empty() && is_named_after(span.name, function))?;
    *book.traced.get_or_init(|| Some(first.name))
}

/// A line of no test, which may be one of theirs. Printed too, as they do, so that libtest shows it for a failing test.
pub(super) fn of_no_test(line: &LogLine) {
    static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
    if line.spans.is_empty() {
        // No test of theirs could find it.
        return;
    }
    let text = format!("+{:.6}s {:>5} {}\n", STARTED.elapsed().as_secs_f64(), line.level.as_str(), line.text());
    print!("{text}");
    keep(&text);
}

fn keep(text: &str) {
    let buffer = internal::global_buf();
    // The closure of `logs_assert` runs while the buffer is locked; its panic must not fail other tests.
    buffer.clear_poison();
    let mut held = lock(buffer);
    if held.len() + text.len() > LIMIT {
        let half = held.len().saturating_sub(LIMIT / 2);
        let line = held[half..].iter().position(|byte| *byte == b'\n').map_or(held.len(), |end| half + end + 1);
        held.drain(..line);
    }
    held.extend_from_slice(text.as_bytes());
}

/// Drops the lines that were logged in a span.
fn forget(span: &str) {
    let buffer = internal::global_buf();
    buffer.clear_poison();
    let mut held = lock(buffer);
    if let Some(rest) = without(&held, span) {
        *held = rest;
    }
}

/// The text without the lines of a span; `None` if there are none.
fn without(text: &[u8], span: &str) -> Option<Vec<u8>> {
    let lines = || text.split_inclusive(|byte| *byte == b'\n');
    lines()
        .any(|line| is_in(line, span))
        .then(|| lines().filter(|line| !is_in(line, span)).collect::<Vec<_>>().concat())
}

/// Whether a line of the buffer was logged in a span: the span comes first after the time and the level, or, in lines
/// after the first of a text, at the very beginning.
fn is_in(line: &[u8], span: &str) -> bool {
    let line = String::from_utf8_lossy(line);
    let rest = match line.strip_prefix('+').and_then(|rest| rest.split_once(' ')) {
        Some((_, rest)) => rest.trim_start().split_once(' ').map(|(_, rest)| rest),
        None => line.strip_prefix(' '),
    };
    rest.and_then(|rest| rest.strip_prefix(span)).is_some_and(|rest| rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_span_of_a_test_is_known_by_its_module_and_its_function() {
        for (target, span, test) in [("it", "pays", "pays"), ("it::shop", "pays2", "shop::pays")] {
            assert!(is_around((target, span), test), "{target} {span} {test}");
        }
        for (target, span, test) in [
            ("it", "pays", "shop::pays"),
            ("it::bank", "pays", "shop::pays"),
            ("it", "pay", "pays"),
            ("it", "pays_late", "pays"),
        ] {
            assert!(!is_around((target, span), test), "{target} {span} {test}");
        }
    }

    #[test]
    fn the_lines_of_one_span_are_dropped_and_no_others() {
        let others = ["+0.1s  INFO pays2: it: a\n", "+0.1s  WARN other:pays: it: pays: b\n", " other: pays: c\n"];
        let own = ["+0.1s  INFO pays: it: d\n", " pays: e\n", "+0.1s ERROR pays:inner{order=7}: it: f\n"];
        assert_eq!(without(others.concat().as_bytes(), "pays"), None);
        let text = [others[0], own[0], own[1], others[1], others[2], own[2]].concat();
        assert_eq!(without(text.as_bytes(), "pays"), Some(others.concat().into_bytes()));
    }

    #[test]
    fn the_buffer_drops_whole_lines_and_keeps_the_last() {
        // Two bytes a character, so that a cut inside of one would be seen.
        let line = format!("{}\n", "é".repeat(500));
        let lines = LIMIT / line.len() + 2;
        (0..lines).for_each(|_| keep(&line));
        keep("last\n");
        let held = lock(internal::global_buf()).clone();
        assert!(held.len() <= LIMIT && held.len() >= LIMIT / 3, "{}", held.len());
        let text = String::from_utf8(held).unwrap();
        assert!(text.ends_with("last\n") && text.starts_with('é'));
        assert!(text.lines().rev().skip(1).all(|held| held.len() + 1 == line.len()));
    }
}

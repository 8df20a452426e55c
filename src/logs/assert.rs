//! The judgements on a log, and what they say.

use super::{book::Lines, install, line::LogLine, query::Logs, stray};
use crate::base::count;
use std::sync::Arc;

/// How many lines a failure shows.
const SHOWN: usize = 5;

impl Logs {
    /// Fails the test if no line was logged that meets the conditions.
    ///
    /// # Panics
    /// If there is none, with the lines that come nearest.
    #[track_caller]
    pub fn assert_any(&self) {
        let log = self.book.lines();
        if log.held.iter().any(|line| self.wanted.matches(line)) {
            return;
        }
        let mut happened = vec![self.nothing_but(&log.held)];
        let all: Vec<&LogLine> = log.held.iter().map(|line| &**line).collect();
        happened.extend(self.wanted.nearest(&all, SHOWN).into_iter().map(ToString::to_string));
        happened.extend(lost(&log));
        happened.extend(install::unkept(self.wanted.level, &self.wanted.targets()));
        happened.extend(self.astray());
        panic!("{}", told("a line was not logged", &format!("a line{}", self.wanted), &happened));
    }

    /// Fails the test if a line was logged that meets the conditions; also if nobody can know: if older lines have been
    /// dropped, since one of them may have been such a line, and if such lines are not kept, because `QTESTS_LOG` or
    /// the subscriber stops before the [`level`](Self::level) or keeps nothing of the [`target`](Self::target).
    ///
    /// Without a level it speaks of the lines that are kept, which are those from `DEBUG` on unless `QTESTS_LOG` says
    /// otherwise; to exclude a `TRACE` line too, ask with `level(Level::TRACE)`, which refuses unless it is kept.
    ///
    /// # Panics
    /// If there is one, with the lines; if lines have been dropped; if such lines are not kept, or none at all.
    #[track_caller]
    pub fn assert_none(&self) {
        let log = self.book.lines();
        let found: Vec<&Arc<LogLine>> = log.held.iter().filter(|line| self.wanted.matches(line)).collect();
        let expected = format!("no line{}", self.wanted);
        if found.is_empty() {
            let unkept = install::unkept(self.wanted.level, &self.wanted.targets());
            if let Some(why) = unkept.or_else(|| lost(&log)) {
                let happened = [format!("there is none among the last {}", count(log.held.len() as u64)), why];
                panic!("{}", told("nobody can know whether a line was logged", &expected, &happened));
            }
            return;
        }
        let mut happened = vec![format!("{} of {}", found.len(), lines(log.logged))];
        happened.extend(found.iter().take(SHOWN).map(ToString::to_string));
        if found.len() > SHOWN {
            happened.push(format!("and {} more", count((found.len() - SHOWN) as u64)));
        }
        panic!("{}", told("a line was logged that must not be", &expected, &happened));
    }

    fn nothing_but(&self, held: &[Arc<LogLine>]) -> String {
        if held.is_empty() {
            return "the test has logged nothing at all (lines from DEBUG on are kept unless QTESTS_LOG says otherwise)"
                .to_owned();
        }
        let nearest = if held.len() > SHOWN { "; the nearest" } else { "" };
        format!("it is none of the {} that the test has logged{nearest}:", lines(held.len() as u64))
    }

    /// The line may have been logged by a thread that does not know its test.
    fn astray(&self) -> Option<String> {
        let strays = stray::since(&self.test.scope);
        let such = strays.iter().rev().find(|line| self.wanted.matches(line))?;
        Some(format!(
            "but the thread `{}`, which belongs to no test, has logged (if it is yours, start it with \
             qtests::thread::spawn or qtests::bind):\n{such}",
            such.thread
        ))
    }
}

/// Among the lines that were dropped there may be such a line.
fn lost(log: &Lines) -> Option<String> {
    let cure = "ask earlier, or log less (QTESTS_LOG)";
    (log.dropped() > 0).then(|| format!("{} older ones have been dropped: {cure}", count(log.dropped())))
}

fn lines(n: u64) -> String {
    format!("{} line{}", count(n), if n == 1 { "" } else { "s" })
}

/// In the words of the judges of this crate, which the report of the test takes apart.
fn told(headline: &str, expected: &str, happened: &[String]) -> String {
    let happened = happened.join("\n").replace('\n', "\n            ");
    format!("{headline}\n  expected: {expected}\n  happened: {happened}")
}

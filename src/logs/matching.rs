//! Which lines are meant, and which come near. Pure.

use super::line::LogLine;
use std::fmt;
use tracing::Level;

/// What a line must be like; all of it at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    pub(super) level: Option<Level>,
    pub(super) conditions: Vec<Condition>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// The target begins so.
    Target(String),
    /// The message or the value of a field contains this.
    Text(String),
    /// A field of the line or of one of its spans has this value.
    Field(&'static str, String),
    /// It was logged inside a span with this name.
    Span(String),
}

impl Wanted {
    pub(super) fn matches(&self, line: &LogLine) -> bool {
        self.level.is_none_or(|level| line.level <= level)
            && self.conditions.iter().all(|condition| condition.holds(line))
    }

    /// How the target must begin.
    pub(super) fn targets(&self) -> Vec<&str> {
        let targets = self.conditions.iter().filter_map(|condition| match condition {
            Condition::Target(prefix) => Some(prefix.as_str()),
            _ => None,
        });
        targets.collect()
    }

    /// How many of the conditions hold.
    fn score(&self, line: &LogLine) -> usize {
        usize::from(self.level.is_some_and(|level| line.level <= level))
            + self.conditions.iter().filter(|condition| condition.holds(line)).count()
    }

    /// The `limit` lines for which most of the conditions hold, the later first among equals; in the order of `lines`.
    pub(super) fn nearest<'a>(&self, lines: &[&'a LogLine], limit: usize) -> Vec<&'a LogLine> {
        let mut scored: Vec<(usize, usize)> =
            lines.iter().enumerate().map(|(at, line)| (self.score(line), at)).collect();
        scored.sort_unstable_by(|a, b| b.cmp(a));
        scored.truncate(limit);
        scored.sort_unstable_by_key(|(_, at)| *at);
        scored.into_iter().map(|(_, at)| lines[at]).collect()
    }
}

impl Condition {
    fn holds(&self, line: &LogLine) -> bool {
        match self {
            Self::Target(prefix) => line.target.starts_with(prefix.as_str()),
            Self::Text(text) => {
                line.message.contains(text) || line.fields.iter().any(|field| field.value.contains(text))
            }
            Self::Field(name, value) => {
                let spans = line.spans.iter().flat_map(|span| &span.fields);
                line.fields.iter().chain(spans).any(|field| field.name == *name && field.value == *value)
            }
            Self::Span(name) => line.spans.iter().any(|span| span.name == name),
        }
    }
}

/// What follows `a line` or `no line`.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level.map(|level| match level {
            Level::ERROR => " of level ERROR".to_owned(),
            level => format!(" of level {level} or more severe"),
        });
        let conditions = self.conditions.iter().map(|condition| match condition {
            Condition::Target(prefix) => format!(" of a target that begins with `{prefix}`"),
            Condition::Text(text) => format!(" containing {text:?}"),
            Condition::Field(name, value) => format!(" with {name}={value}"),
            Condition::Span(name) => format!(" in a span `{name}`"),
        });
        let all: Vec<String> = level.into_iter().chain(conditions).collect();
        f.write_str(&all.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::line::{LogField, LogSpan, tests::line};
    use std::sync::Arc;

    fn wanted(level: Option<Level>, conditions: impl IntoIterator<Item = Condition>) -> Wanted {
        Wanted { level, conditions: conditions.into_iter().collect() }
    }

    #[test]
    fn a_line_must_meet_every_condition() {
        let mut late = line(Level::WARN, "shop::pay", "answered late");
        late.fields = vec![LogField { name: "by", value: "card".to_owned(), quoted: true }];
        let order = LogField { name: "order", value: "7".to_owned(), quoted: false };
        late.spans = vec![Arc::new(LogSpan { name: "checkout", fields: vec![order] })];
        let all = || {
            [
                Condition::Target("shop".to_owned()),
                Condition::Text("late".to_owned()),
                Condition::Text("car".to_owned()),
                Condition::Field("by", "card".to_owned()),
                Condition::Field("order", "7".to_owned()),
                Condition::Span("checkout".to_owned()),
            ]
        };
        for level in [Level::WARN, Level::INFO, Level::TRACE] {
            assert!(wanted(Some(level), all()).matches(&late), "{level}");
        }
        assert!(!wanted(Some(Level::ERROR), all()).matches(&late));
        for not in [
            Condition::Target("bank".to_owned()),
            Condition::Text("early".to_owned()),
            Condition::Field("by", "car".to_owned()),
            Condition::Field("order", "8".to_owned()),
            Condition::Span("check".to_owned()),
        ] {
            assert!(!wanted(None, all().into_iter().chain([not.clone()])).matches(&late), "{not:?}");
        }
    }

    #[test]
    fn what_is_wanted_is_said_in_words() {
        assert_eq!(wanted(None, []).to_string(), "");
        let conditions = [Condition::Text("late".to_owned()), Condition::Field("order", "7".to_owned())];
        assert_eq!(
            wanted(Some(Level::WARN), conditions).to_string(),
            " of level WARN or more severe, containing \"late\", with order=7"
        );
    }

    #[test]
    fn the_nearest_lines_are_those_that_meet_most() {
        let lines = [
            line(Level::WARN, "shop", "late"),
            line(Level::INFO, "shop", "late"),
            line(Level::INFO, "bank", "x"),
            line(Level::INFO, "bank", "y"),
        ];
        let lines: Vec<&LogLine> = lines.iter().collect();
        let wanted = wanted(Some(Level::WARN), [Condition::Text("late".to_owned())]);
        let near: Vec<&str> = wanted.nearest(&lines, 3).iter().map(|line| line.message.as_str()).collect();
        assert_eq!(near, ["late", "late", "y"]);
    }
}

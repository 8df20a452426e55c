//! One line of a log, and how it is written. Pure.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};
use tracing::Level;

/// One line that was logged, as [`Logs::lines`](super::Logs::lines) gives it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogLine {
    /// Wall time since the test began.
    pub at: Duration,
    /// How severe it is.
    pub level: Level,
    /// The target, which is the path of the module unless the line says otherwise.
    pub target: Cow<'static, str>,
    /// The message; empty if the line has fields only.
    pub message: String,
    /// The other fields, in the order in which they were given.
    pub fields: Vec<LogField>,
    /// The spans that the line was logged in, the outermost first.
    pub spans: Vec<Arc<LogSpan>>,
    /// The name of the thread; empty if it has none.
    pub thread: Arc<str>,
}

/// A field of a line or of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogField {
    /// Its name, without the `r#` of a raw one.
    pub name: &'static str,
    /// Its value as text: a string as it is, everything else by its `Display` or `Debug` form, as the line chose.
    pub value: String,
    /// It was given as a string, which is written in quotes.
    pub(super) quoted: bool,
}

/// A span that a line was logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSpan {
    /// Its name, which is that of the function under `#[instrument]`.
    pub name: &'static str,
    /// Its fields, with the values that they had when the line was logged.
    pub fields: Vec<LogField>,
}

impl LogLine {
    /// The line without its time and level.
    pub(super) fn text(&self) -> String {
        let mut text = self.spans.iter().map(|span| span.to_string()).collect::<Vec<_>>().join(":");
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&self.target);
        text.push(':');
        if !self.message.is_empty() {
            text.push(' ');
            text.push_str(&self.message);
        }
        for field in &self.fields {
            text.push_str(&format!(" {field}"));
        }
        text
    }

    pub(super) fn time(&self) -> String {
        format!("+{:.6}s", self.at.as_secs_f64())
    }
}

/// As in `+0.001204s WARN  checkout{order=7}: shop::payment: the gateway answered late attempts=3`.
impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:<5} {}", self.time(), self.level.as_str(), self.text())
    }
}

impl fmt::Display for LogField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.quoted {
            write!(f, "{}={:?}", self.name, self.value)
        } else {
            write!(f, "{}={}", self.name, self.value)
        }
    }
}

impl fmt::Display for LogSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if self.fields.is_empty() {
            return Ok(());
        }
        let fields: Vec<String> = self.fields.iter().map(ToString::to_string).collect();
        write!(f, "{{{}}}", fields.join(" "))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::logs) fn line(level: Level, target: &'static str, message: &str) -> LogLine {
        LogLine {
            at: Duration::from_micros(1_204),
            level,
            target: target.into(),
            message: message.to_owned(),
            fields: Vec::new(),
            spans: Vec::new(),
            thread: "worker".into(),
        }
    }

    fn field(name: &'static str, value: &str, quoted: bool) -> LogField {
        LogField { name, value: value.to_owned(), quoted }
    }

    #[test]
    fn a_line_is_written_with_its_spans_its_target_and_its_fields() {
        let mut late = line(Level::WARN, "shop::payment", "the gateway answered late");
        assert_eq!(late.to_string(), "+0.001204s WARN  shop::payment: the gateway answered late");
        late.fields = vec![field("attempts", "3", false), field("by", "card", true)];
        late.spans = vec![
            Arc::new(LogSpan { name: "checkout", fields: vec![field("order", "7", false)] }),
            Arc::new(LogSpan { name: "pay", fields: Vec::new() }),
        ];
        assert_eq!(
            late.text(),
            "checkout{order=7}:pay: shop::payment: the gateway answered late attempts=3 by=\"card\""
        );
        late.message = String::new();
        assert!(late.text().ends_with("shop::payment: attempts=3 by=\"card\""), "{late}");
    }
}

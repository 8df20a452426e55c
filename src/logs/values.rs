//! Reads the values of a line or a span into text.

use super::line::LogField;
use std::{
    error::Error,
    fmt::{self, Debug, Write},
    mem,
};
use tracing::field::{Field, Visit};

/// How many bytes of text a line holds, its message and its fields together; so many has a span as well.
const TEXT: usize = 8 * 1_024;

/// Says that a text was cut.
const CUT: &str = " ..(cut)";

/// What a line or a span was given.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) message: String,
    pub(super) fields: Vec<LogField>,
    left: usize,
}

impl Values {
    /// Reads into what is there already; a value that comes again replaces the one before.
    pub(super) fn onto(fields: Vec<LogField>) -> Self {
        let held: usize = fields.iter().map(|field| field.value.len()).sum();
        Self { message: String::new(), fields, left: TEXT.saturating_sub(held) }
    }

    pub(super) fn new() -> Self {
        Self::onto(Vec::new())
    }

    /// The target, the place and so on of a line that came from the crate `log`: the name of its real target.
    pub(super) fn take_target_of_log(&mut self) -> Option<String> {
        let target = self.fields.iter().find(|field| field.name == "log.target")?.value.clone();
        self.fields.retain(|field| !field.name.starts_with("log."));
        Some(target)
    }

    fn put(&mut self, field: &Field, quoted: bool, value: fmt::Arguments<'_>) {
        let mut text = String::new();
        let mut limited = Limited { text: &mut text, left: &mut self.left };
        if limited.write_fmt(value).is_err() {
            text.push_str(CUT);
        }
        if field.name() == "message" {
            self.message = text;
            return;
        }
        let name = field.name().strip_prefix("r#").unwrap_or(field.name());
        match self.fields.iter_mut().find(|known| known.name == name) {
            Some(known) => {
                let before = mem::replace(&mut known.value, text);
                self.left = (self.left + before.len()).min(TEXT);
                known.quoted = quoted;
            }
            None => self.fields.push(LogField { name, value: text, quoted }),
        }
    }
}

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, false, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, true, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, false, format_args!("{}", Chain(value)));
    }
}

/// An error and what caused it.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Takes text until there is no room, and then stops whoever writes.
struct Limited<'a> {
    text: &'a mut String,
    left: &'a mut usize,
}

impl Write for Limited<'_> {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let fits = if more.len() <= *self.left { more.len() } else { more.floor_char_boundary(*self.left) };
        self.text.push_str(&more[..fits]);
        *self.left -= fits;
        if fits < more.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_its_limit_and_never_inside_a_character() {
        let (mut text, mut left) = (String::new(), 6);
        let mut limited = Limited { text: &mut text, left: &mut left };
        assert!(limited.write_str("abcd").is_ok());
        assert!(limited.write_str("éé").is_err());
        assert_eq!((text.as_str(), left), ("abcdé", 0));
    }

    #[test]
    fn an_error_is_told_with_what_caused_it() {
        #[derive(Debug)]
        struct Outer(fmt::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("no invoice")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        assert_eq!(Chain(&Outer(fmt::Error)).to_string(), format!("no invoice: {}", fmt::Error));
    }
}

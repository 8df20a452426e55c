//! One variable of the environment: its name, its type, its default, its range and its meaning, in one place.

use super::duration;
use std::{fmt, marker::PhantomData, path::PathBuf, time::Duration};

/// One variable of the environment, typed and documented; see [`config`](crate::config) for an example.
///
/// It is `const`, so a service keeps its settings as statics: that list is its table, and
/// [`table`](crate::config::table) prints it.
pub struct Setting<T: 'static> {
    row: Row,
    value: PhantomData<fn() -> T>,
}

/// What is known about a setting without its type.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub(crate) name: &'static str,
    pub(crate) kind: fn() -> &'static str,
    pub(crate) default: &'static str,
    pub(crate) range: Option<(&'static str, &'static str)>,
    pub(crate) meaning: &'static str,
}

/// A type that a [`Setting`] can have.
pub trait SettingValue: Sized {
    /// What a value looks like, for error messages and tables: `a duration such as 200ms`.
    const KIND: &'static str;

    /// Reads a value; `None` if it cannot be understood.
    fn parse(text: &str) -> Option<Self>;

    /// Whether the value lies between two others, both included; `None` for types without an order, which have no range.
    fn is_within(&self, _least: &Self, _most: &Self) -> Option<bool> {
        None
    }
}

/// A variable whose value makes no sense; the text names the variable, the value and what it takes.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingError {
    text: String,
}

impl<T: SettingValue> Setting<T> {
    /// A setting with a default, written as the environment would say it. An empty default stands for the value of the
    /// empty text, for types that have one.
    pub const fn new(name: &'static str, default: &'static str) -> Self {
        let kind = || T::KIND;
        Self { row: Row { name, kind, default, range: None, meaning: "" }, value: PhantomData }
    }

    /// The least and the most that it may be, both included, written as the environment would say them. Defaults to
    /// everything that the type can hold.
    #[must_use]
    pub const fn range(mut self, least: &'static str, most: &'static str) -> Self {
        self.row.range = Some((least, most));
        self
    }

    /// What it decides, in one line for tables.
    #[must_use]
    pub const fn meaning(mut self, meaning: &'static str) -> Self {
        self.row.meaning = meaning;
        self
    }

    /// The name of the variable.
    pub const fn name(&self) -> &'static str {
        self.row.name
    }

    /// What a table shows of it.
    pub const fn row(&self) -> Row {
        self.row
    }

    /// The value of a text, or of the default where there is none. An empty text counts as none, as an unset variable.
    ///
    /// # Errors
    /// If the text cannot be understood or is out of range.
    ///
    /// # Panics
    /// If the setting itself is declared wrongly, which is a mistake in the program: its default or range cannot be read,
    /// the default is out of range, or the type has no order and so no range. Each read checks it, not only one that
    /// needs it.
    pub fn read(&self, text: Option<&str>) -> Result<T, SettingError> {
        let default = self.own(self.row.default);
        let range = self.row.range.map(|(least, most)| (self.own(least), self.own(most)));
        let within = |value: &T| match &range {
            None => true,
            Some((least, most)) => value.is_within(least, most).unwrap_or_else(|| self.wrong("its type has no range")),
        };
        if !within(&default) {
            self.wrong(&format!("the default {} is out of range", self.row.default));
        }
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            None => Ok(default),
            Some(text) => T::parse(text).filter(within).ok_or_else(|| SettingError { text: self.row.refusal(text) }),
        }
    }

    /// What the program itself says about the setting.
    fn own(&self, text: &str) -> T {
        T::parse(text).unwrap_or_else(|| self.wrong(&format!("{text:?} is not {}", T::KIND)))
    }

    fn wrong(&self, why: &str) -> ! {
        panic!("the setting {} is declared wrongly: {why}", self.row.name)
    }
}

impl Row {
    /// What a value may be: the kind and, if there is one, the range.
    pub(crate) fn takes(&self) -> String {
        let kind = (self.kind)();
        match self.range {
            Some((least, most)) => format!("{kind}, from {least} to {most}"),
            None => kind.to_owned(),
        }
    }

    /// Why a text was refused.
    fn refusal(&self, text: &str) -> String {
        let default = if self.default.is_empty() { String::new() } else { format!(" (default {})", self.default) };
        format!("{}={text:?} is not understood: it takes {}{default}", self.name, self.takes())
    }

    /// The row of a table in Markdown.
    fn markdown(&self) -> String {
        let default = if self.default.is_empty() { "-".to_owned() } else { format!("`{}`", self.default) };
        format!("| `{}` | {} | {default} | {} |\n", self.name, self.takes(), self.meaning)
    }
}

/// A table of settings in Markdown: name, what it takes, default, meaning.
pub fn table(rows: &[Row]) -> String {
    let head = "| variable | takes | default | meaning |\n|---|---|---|---|\n";
    rows.iter().fold(head.to_owned(), |table, row| table + &row.markdown())
}

impl<T> fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setting({})", self.row.name)
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Prints the text, since a test that returns `Err` shows its `Debug` form.
impl fmt::Debug for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for SettingError {}

impl SettingValue for bool {
    const KIND: &'static str = "`1` or `0`";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "1" | "true" => Some(true),
            "0" | "false" => Some(false),
            _ => None,
        }
    }
}

impl SettingValue for Duration {
    const KIND: &'static str = "a duration such as `200ms`, `1.5s` or `2m`";

    fn parse(text: &str) -> Option<Self> {
        duration::parse(text).ok()
    }

    fn is_within(&self, least: &Self, most: &Self) -> Option<bool> {
        Some((least..=most).contains(&self))
    }
}

impl SettingValue for String {
    const KIND: &'static str = "a text";

    fn parse(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl SettingValue for PathBuf {
    const KIND: &'static str = "a path";

    fn parse(text: &str) -> Option<Self> {
        Some(text.into())
    }
}

/// Nothing where the text is empty, so that a setting can be absent by default.
impl<T: SettingValue> SettingValue for Option<T> {
    const KIND: &'static str = T::KIND;

    fn parse(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { T::parse(text).map(Some) }
    }

    fn is_within(&self, least: &Self, most: &Self) -> Option<bool> {
        match (self, least, most) {
            (Some(value), Some(least), Some(most)) => value.is_within(least, most),
            _ => Some(true),
        }
    }
}

macro_rules! numbers {
    ($($type:ty: $kind:literal),*) => {$(
        impl SettingValue for $type {
            const KIND: &'static str = $kind;

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn is_within(&self, least: &Self, most: &Self) -> Option<bool> {
                Some((least..=most).contains(&self))
            }
        }
    )*};
}

numbers!(u16: "a whole number", u32: "a whole number", u64: "a whole number", usize: "a whole number");

impl SettingValue for f64 {
    const KIND: &'static str = "a number";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn is_within(&self, least: &Self, most: &Self) -> Option<bool> {
        Some((least..=most).contains(&self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static WAIT: Setting<Duration> =
        Setting::new("SHOP_WAIT", "2s").range("10ms", "1m").meaning("how long a customer waits");
    static PARALLEL: Setting<Option<u32>> = Setting::new("SHOP_PARALLEL", "").range("1", "64");

    #[test]
    fn what_is_not_said_is_the_default() {
        assert_eq!(WAIT.read(None), Ok(Duration::from_secs(2)));
        assert_eq!(WAIT.read(Some(" ")), Ok(Duration::from_secs(2)));
        assert_eq!(PARALLEL.read(None), Ok(None));
    }

    #[test]
    fn a_value_within_the_range_is_taken_and_the_bounds_are_within() {
        for (text, millis) in [("10ms", 10), ("1.5s", 1_500), (" 1m ", 60_000)] {
            assert_eq!(WAIT.read(Some(text)), Ok(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(PARALLEL.read(Some("64")), Ok(Some(64)));
    }

    #[test]
    fn a_malformed_value_is_refused_with_name_value_kind_range_and_default() {
        for text in ["soon", "2", "9ms", "61s", "-1s", "NaN"] {
            let refusal = WAIT.read(Some(text)).unwrap_err().to_string();
            let expected = format!(
                "SHOP_WAIT={text:?} is not understood: it takes a duration such as `200ms`, `1.5s` or `2m`, from 10ms \
                 to 1m (default 2s)"
            );
            assert_eq!(refusal, expected);
        }
        assert!(PARALLEL.read(Some("65")).is_err() && PARALLEL.read(Some("-1")).is_err());
    }

    #[test]
    fn what_is_no_number_is_refused_with_and_without_a_range() {
        static SHARE: Setting<f64> = Setting::new("SHARE", "0.5").range("0", "1");
        static FACTOR: Setting<f64> = Setting::new("FACTOR", "2");
        assert!(FACTOR.read(Some("NaN")).is_err() && FACTOR.read(Some("inf")).is_err());
        assert!(SHARE.read(Some("NaN")).is_err() && SHARE.read(Some("inf")).is_err());
    }

    #[test]
    fn a_wrong_declaration_is_found_by_each_read_and_not_only_by_one_that_needs_it() {
        fn refusal<T: SettingValue>(setting: Setting<T>) -> String {
            let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| setting.read(None).is_ok()));
            *read.unwrap_err().downcast::<String>().unwrap()
        }
        for (refusal, why) in [
            (refusal(Setting::<bool>::new("WRONG", "perhaps")), "\"perhaps\" is not `1` or `0`"),
            (refusal(Setting::<Duration>::new("WRONG", "1s").range("10", "1m")), "\"10\" is not a duration"),
            (refusal(Setting::<Duration>::new("WRONG", "5m").range("1s", "1m")), "the default 5m is out of range"),
            (refusal(Setting::<String>::new("WRONG", "b").range("a", "c")), "its type has no range"),
        ] {
            assert!(refusal.starts_with(&format!("the setting WRONG is declared wrongly: {why}")), "{refusal}");
        }
    }

    #[test]
    fn the_table_has_a_row_for_each_setting() {
        let table = table(&[WAIT.row(), PARALLEL.row()]);
        let row = "| `SHOP_WAIT` | a duration such as `200ms`, `1.5s` or `2m`, from 10ms to 1m | `2s` | how long a \
                   customer waits |";
        assert_eq!(table.lines().nth(2), Some(row));
        assert_eq!(table.lines().count(), 4);
    }
}

//! Faults in one line, as the variable `QTESTS_FAULTS` has them: `db.query#2:timeout,wire.payments@1.5s:reset`.

use crate::base::duration;
use std::{fmt, time::Duration};

/// One fault of the line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Item {
    /// As it was written, for messages.
    pub(super) text: String,
    pub(super) place: String,
    /// Which hits, from 1: the first, and the last if there is one.
    pub(super) hits: Option<(u64, Option<u64>)>,
    /// When, from the start of the test: the begin, and the end if there is one.
    pub(super) time: Option<(Duration, Option<Duration>)>,
    /// With which probability, in `0.0..=1.0`.
    pub(super) probability: Option<f64>,
    pub(super) what: Vec<Word>,
    pub(super) optional: bool,
}

/// What is to happen: `reset`, or `delay=200ms`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) name: String,
    pub(super) value: Option<String>,
}

const FORM: &str = "write `place:what`, such as `db.query#2:timeout` (at the second hit), `db.query#3..5:delay=200ms+EIO`, \
                    `db.query%10:hang?` (10 %, may stay away), `wire.payments@1.5s:reset` or `server.redis@1s..2s:pause`, \
                    with commas between several";

/// Reads the line.
pub(super) fn read(line: &str) -> Result<Vec<Item>, String> {
    let parts = line.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| item(part).map_err(|why| format!("`{part}`: {why}; {FORM}"))).collect()
}

fn item(text: &str) -> Result<Item, String> {
    let (body, optional) = match text.strip_suffix('?') {
        Some(body) => (body, true),
        None => (text, false),
    };
    let (head, what) = body.split_once(':').ok_or("it does not say what happens")?;
    let end = head.find(['#', '@', '%']).unwrap_or(head.len());
    let (place, conditions) = head.split_at(end);
    let place = place.trim();
    if place.is_empty() {
        return Err("it does not say where".to_owned());
    }
    let mut item = Item { text: text.to_owned(), place: place.to_owned(), optional, ..Item::default() };
    for (sign, condition) in conditions_of(conditions) {
        add(&mut item, sign, condition.trim())?;
    }
    item.what = what.split('+').map(word).collect::<Result<_, _>>()?;
    Ok(item)
}

/// Splits `#2@1s` before each sign.
fn conditions_of(mut text: &str) -> Vec<(char, &str)> {
    let mut conditions = Vec::new();
    while let Some(sign) = text.chars().next() {
        let rest = &text[sign.len_utf8()..];
        let end = rest.find(['#', '@', '%']).unwrap_or(rest.len());
        conditions.push((sign, &rest[..end]));
        text = &rest[end..];
    }
    conditions
}

fn add(item: &mut Item, sign: char, text: &str) -> Result<(), String> {
    let twice = || format!("it has `{sign}` twice");
    match sign {
        '#' if item.hits.is_some() => Err(twice()),
        '#' => {
            item.hits = Some(hits(text)?);
            Ok(())
        }
        '@' if item.time.is_some() => Err(twice()),
        '@' => {
            item.time = Some(time(text)?);
            Ok(())
        }
        _ if item.probability.is_some() => Err(twice()),
        _ => {
            let percent: f64 = text.parse().map_err(|_| format!("`%{text}` is no number of per cent"))?;
            if !(0.0..=100.0).contains(&percent) {
                return Err(format!("`%{text}` is not from 0 to 100 per cent"));
            }
            item.probability = Some(percent / 100.0);
            Ok(())
        }
    }
}

/// `2` is that hit alone, `2..` it and all that follow, `2..4` and `..4` as far as that one.
fn hits(text: &str) -> Result<(u64, Option<u64>), String> {
    let number = |text: &str| match text.trim().parse::<u64>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("`#{text}` is no number of a hit: they are counted from 1")),
    };
    let (first, last) = match text.split_once("..") {
        None => (number(text)?, Some(number(text)?)),
        Some((first, last)) => {
            let first = if first.trim().is_empty() { 1 } else { number(first)? };
            (first, if last.trim().is_empty() { None } else { Some(number(last)?) })
        }
    };
    match last {
        Some(last) if last < first => Err(format!("`#{text}` ends before it begins")),
        last => Ok((first, last)),
    }
}

/// `1s` and `1s..` are from then on, `1s..2s` and `..2s` end.
fn time(text: &str) -> Result<(Duration, Option<Duration>), String> {
    let (from, to) = text.split_once("..").unwrap_or((text, ""));
    let from = if from.trim().is_empty() && !to.is_empty() { Duration::ZERO } else { duration::parse(from)? };
    let to = if to.trim().is_empty() { None } else { Some(duration::parse(to)?) };
    match to {
        Some(to) if to <= from => Err(format!("`@{text}` ends before it begins")),
        to => Ok((from, to)),
    }
}

fn word(text: &str) -> Result<Word, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim().to_owned())),
        None => (text.trim(), None),
    };
    if name.is_empty() {
        return Err("it does not say what happens".to_owned());
    }
    Ok(Word { name: name.to_owned(), value })
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn one(text: &str) -> Item {
        let mut items = read(text).unwrap();
        assert_eq!(items.len(), 1);
        items.remove(0)
    }

    #[test]
    fn a_line_says_where_when_and_what() {
        let items = read("db.query#2:timeout, wire.payments@1.5s:reset,").unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!((items[0].place.as_str(), items[0].hits), ("db.query", Some((2, Some(2)))));
        assert_eq!(items[0].what, [Word { name: "timeout".to_owned(), value: None }]);
        assert_eq!((items[1].place.as_str(), items[1].time), ("wire.payments", Some((ms(1_500), None))));
        let item = one("db.query#3..5%10:delay=200ms+EIO?");
        assert_eq!((item.hits, item.probability, item.optional), (Some((3, Some(5))), Some(0.1), true));
        assert_eq!(item.what.iter().map(Word::to_string).collect::<Vec<_>>(), ["delay=200ms", "EIO"]);
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn ranges_may_be_open() {
        for (text, hits) in [("#2..", (2, None)), ("#..4", (1, Some(4))), ("#2..4", (2, Some(4)))] {
            assert_eq!(one(&format!("p{text}:hang")).hits, Some(hits), "{text}");
        }
        for (text, time) in [("@1s..2s", (ms(1_000), Some(ms(2_000)))), ("@..2s", (ms(0), Some(ms(2_000))))] {
            assert_eq!(one(&format!("p{text}:hang")).time, Some(time), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_text_and_the_form() {
        for (text, why) in [
            ("db.query", "does not say what"),
            (":reset", "does not say where"),
            ("p:", "does not say what"),
            ("p:a+", "does not say what"),
            ("p#0:a", "counted from 1"),
            ("p#4..2:a", "ends before it begins"),
            ("p#1#2:a", "`#` twice"),
            ("p@1:a", "is not a duration"),
            ("p@2s..1s:a", "ends before it begins"),
            ("p%101:a", "0 to 100"),
            ("p%x:a", "per cent"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why) && error.contains(text) && error.contains("db.query#2:timeout"), "{error}");
        }
    }
}

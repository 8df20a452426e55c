//! What a line says about wires.

use super::{
    WireSpec,
    line::{Item, Word},
};
use crate::proxy::{Toxic, ToxicSpec};
use serde_json::{Map, Value, json};

/// The settings that a value behind `=` stands for, and whether it is a number.
const MAIN: &[(&str, &str, bool)] = &[
    ("accept_delay", "of", false),
    ("bandwidth", "bytes_per_second", true),
    ("close", "after", false),
    ("corrupt", "bits", true),
    ("half_open", "after", false),
    ("latency", "of", false),
    ("limit", "bytes", true),
    ("reset", "after", false),
    ("slicer", "of", true),
    ("slow_close", "of", false),
    ("stall", "of", false),
    ("timeout", "after", false),
    ("truncate", "to", true),
];

/// Words that say nothing but which way.
const DIRECTIONS: [&str; 3] = ["upstream", "downstream", "both"];

/// How many connections `#2..5` can mean.
const MAX_CONNECTIONS: u64 = 1_000;

/// The toxics that an item stands for.
pub(super) fn toxics(item: &Item, proxy: &str) -> Result<Vec<WireSpec>, String> {
    let is_direction = |word: &&Word| word.value.is_none() && DIRECTIONS.contains(&word.name.as_str());
    let mut directions = item.what.iter().filter(is_direction);
    let direction = directions.next();
    if let (Some(one), Some(other)) = (direction, directions.next()) {
        return Err(format!("`{one}` and `{other}` exclude each other"));
    }
    let words: Vec<&Word> = item.what.iter().filter(|word| !is_direction(word)).collect();
    if words.is_empty() {
        return Err("it says which way and not what happens".to_owned());
    }
    words.into_iter().map(|word| wire(item, proxy, word, direction)).collect()
}

fn wire(item: &Item, proxy: &str, word: &Word, direction: Option<&Word>) -> Result<WireSpec, String> {
    let mut settings = main_setting(word)?;
    if let Some(word) = direction {
        settings.insert("direction".to_owned(), json!(word.name));
    }
    if let Some(hits) = item.hits {
        settings.extend(connections(hits)?);
    }
    if let Some(p) = item.probability {
        settings.insert("toxicity".to_owned(), json!(p));
    }
    if item.optional {
        settings.insert("optional".to_owned(), json!(true));
    }
    let form = Value::Object(Map::from_iter([(word.name.clone(), Value::Object(settings))]));
    let toxic: ToxicSpec = serde_json::from_value(form).map_err(|error| format!("`{word}`: {error}"))?;
    // Refused here, where the line can still be quoted.
    let _refused_here = Toxic::try_from(toxic.clone()).map_err(|error| error.to_string())?;
    let (from, until) = item.time.unwrap_or_default();
    Ok(WireSpec { proxy: proxy.to_owned(), toxic, from, until })
}

fn main_setting(word: &Word) -> Result<Map<String, Value>, String> {
    let Some(value) = &word.value else { return Ok(Map::new()) };
    let known = MAIN.iter().find(|(name, ..)| *name == word.name);
    let (_, setting, is_number) = known.ok_or_else(|| format!("`{word}`: `{}` has no value", word.name))?;
    let value = match is_number {
        true => serde_json::from_str::<serde_json::Number>(value)
            .map(Value::Number)
            .map_err(|_| format!("`{word}` needs a number"))?,
        false => json!(value),
    };
    Ok(Map::from_iter([((*setting).to_owned(), value)]))
}

fn connections(hits: (u64, Option<u64>)) -> Result<Option<(String, Value)>, String> {
    match hits {
        (1, None) => Ok(None),
        (_, None) => Err("connections need a last one: `#2..9`".to_owned()),
        (1, Some(last)) if last > 1 => Ok(Some(("first".to_owned(), json!(last)))),
        (first, Some(last)) if last - first >= MAX_CONNECTIONS => {
            Err(format!("these are more than {MAX_CONNECTIONS} connections"))
        }
        (first, Some(last)) => Ok(Some(("connections".to_owned(), json!((first..=last).collect::<Vec<_>>())))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::line::read;

    fn told(text: &str) -> Result<String, String> {
        let items = read(text)?;
        let wires = toxics(&items[0], items[0].place.strip_prefix("wire.").unwrap())?;
        let told = wires.into_iter().map(|wire| {
            let optional = if wire.toxic.optional { " optional" } else { "" };
            format!("{}: {:?} {:?}{optional}", Toxic::try_from(wire.toxic).unwrap(), wire.from, wire.until)
        });
        Ok(told.collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn an_item_is_a_toxic_or_several() {
        for (text, expected) in [
            ("wire.a@1.5s:reset", "reset now: 1.5s None"),
            ("wire.a:reset=1s", "reset after 1s: 0ns None"),
            ("wire.a@1s..2s:down?", "down: 1s Some(2s) optional"),
            ("wire.a#2:close", "close now, connection 2: 0ns None"),
            ("wire.a#2..3%50:close", "close now, connection 2 and 3, toxicity 0.5: 0ns None"),
            ("wire.a#..3:reset", "reset now, first 3: 0ns None"),
            (
                "wire.a:latency=200ms+limit=5+both",
                "latency 200ms both ways: 0ns None; close after 5 bytes both ways: 0ns None",
            ),
            ("wire.a:corrupt=0.5", "corrupt bits 0.5 downstream: 0ns None"),
        ] {
            assert_eq!(told(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (text, why) in [
            ("wire.a:resett", "unknown variant `resett`"),
            ("wire.a:latency", "missing field `of`"),
            ("wire.a:latency=2", "not a duration"),
            ("wire.a:limit=x", "needs a number"),
            ("wire.a:down=1s", "has no value"),
            ("wire.a:upstream", "not what happens"),
            ("wire.a:noop+both+upstream", "exclude each other"),
            ("wire.a#3..:reset", "need a last one"),
            ("wire.a#2..2000:reset", "more than 1000"),
            ("wire.a#2:down", "cannot choose connections"),
            ("wire.a:limit=0", "must be above 0"),
        ] {
            let error = told(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}

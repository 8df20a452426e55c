//! What a line says about fault points.

use super::line::{Item, Word};
use crate::{
    base::nearest,
    fault::{Fault, FaultSpec, Trigger},
};
use serde_json::{Value, json};

/// Short words for the kinds of errors that are meant most often.
const SHORT: &[(&str, &str)] = &[
    ("error", "other"),
    ("timeout", "timed_out"),
    ("reset", "connection_reset"),
    ("refused", "connection_refused"),
    ("aborted", "connection_aborted"),
    ("unreachable", "host_unreachable"),
    ("eof", "unexpected_eof"),
    ("full", "storage_full"),
    ("denied", "permission_denied"),
];

/// The fault that an item stands for.
pub(super) fn fault(item: &Item) -> Result<FaultSpec, String> {
    let mut when = Vec::new();
    if let Some((from, to)) = item.time {
        when.extend((!from.is_zero()).then_some(Trigger::From(from)));
        when.extend(to.map(Trigger::Until));
    }
    match item.hits {
        None => {}
        Some((first, Some(last))) if first == last => when.push(Trigger::Nth(first)),
        Some((first, last)) => {
            when.extend((first > 1).then_some(Trigger::After(first - 1)));
            when.extend(last.map(|last| Trigger::First((last - first).saturating_add(1))));
        }
    }
    when.extend(item.probability.map(Trigger::Probability));
    let then = item.what.iter().map(action).collect::<Result<_, _>>()?;
    Ok(FaultSpec { point: item.place.clone(), when, then, optional: item.optional })
}

fn action(word: &Word) -> Result<Fault, String> {
    let form = match (word.name.as_str(), word.value.as_deref()) {
        ("hang", None) => json!("hang"),
        ("hold", None) => return Err("`hold` needs a test that lets go: use `hang` or `delay=..`".to_owned()),
        ("corrupt", None) => json!("corrupt"),
        ("panic", text) => json!({ "panic": text.unwrap_or("QTESTS_FAULTS") }),
        ("delay", Some(time)) => json!({ "delay": time }),
        ("delay", None) => return Err("`delay` needs a time: `delay=200ms`".to_owned()),
        ("short", Some(bytes)) => json!({ "short": bytes.parse::<usize>().map_err(|_| no_number(word))? }),
        ("short", None) => return Err("`short` needs a number of bytes: `short=3`".to_owned()),
        ("fail", Some(kind)) => failure(kind),
        (kind, None) => failure(kind),
        (_, Some(_)) => return Err(format!("`{word}` is not known: only delay, short, fail and panic have a value")),
    };
    serde_json::from_value(form).map_err(|error| match near(&word.name) {
        Some(near) => format!("`{word}` is not known: did you mean {near}?"),
        None => format!("`{word}`: {error}"),
    })
}

/// The word of a line that is spelt almost like this.
fn near(word: &str) -> Option<&'static str> {
    let own = ["hang", "corrupt", "panic", "delay", "short", "fail"].into_iter();
    let words = own.chain(SHORT.iter().map(|(short, _)| *short));
    nearest(word, words.clone()).first().copied().filter(|near| *near != word)
}

fn failure(kind: &str) -> Value {
    let is_of_system = kind.starts_with('E') && kind.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let known = SHORT.iter().find(|(short, _)| *short == kind);
    match is_of_system {
        true => json!({ "fail_os": kind }),
        false => json!({ "fail": { "kind": known.map_or(kind, |(_, long)| long) } }),
    }
}

fn no_number(word: &Word) -> String {
    format!("`{word}` has no whole number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::line::read;

    fn told(text: &str) -> String {
        let spec = read(text).and_then(|items| fault(&items[0])).unwrap();
        format!("{} {:?} {:?} {}", spec.point, spec.when, spec.then, spec.optional)
    }

    #[test]
    fn an_item_is_a_fault_at_a_point() {
        for (text, expected) in [
            ("db.query:timeout", "db.query [] [fail (timed out)] false"),
            ("db.query#2:timeout", "db.query [nth 2] [fail (timed out)] false"),
            ("p#3..5:delay=200ms+EIO", "p [after 2, first 3] [delay 200ms, fail with EIO] false"),
            ("p#2..:reset?", "p [after 1] [fail (connection reset)] true"),
            ("p#..18446744073709551615:hang", "p [first 18446744073709551615] [hang] false"),
            ("p#..2:full", "p [first 2] [fail (no storage space)] false"),
            ("p@1s..2s%10:hang", "p [from 1s, until 2s, probability 0.1] [hang] false"),
            ("p:short=3+fail=write_zero", "p [] [short 3, fail (write zero)] false"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_word_is_told_its_near_ones() {
        for (text, why) in [
            ("p:timeot", "did you mean"),
            ("p:EIOO", "did you mean EIO"),
            ("p:delay", "delay=200ms"),
            ("p:delay=2", "not a duration"),
            ("p:short=x", "no whole number"),
            ("p:hang=3s", "only delay"),
            ("p:hold", "use `hang`"),
        ] {
            let error = read(text).and_then(|items| fault(&items[0])).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}

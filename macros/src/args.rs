//! Parses the attribute: keys with values, each with its span; unknown and repeated keys are refused here.

use crate::{
    cases::CaseArgs,
    value::{flag, flavor, integer, list, string},
};
use proc_macro2::Span;
use syn::{
    Error, Ident, LitStr, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

/// The attribute as it was written.
#[derive(Default)]
pub(crate) struct Args {
    pub(crate) workers: Option<Given<usize>>,
    pub(crate) multi_thread: Option<Given<bool>>,
    pub(crate) timeout: Option<Given<String>>,
    pub(crate) teardown_timeout: Option<Given<String>>,
    pub(crate) paused: Option<Given<bool>>,
    pub(crate) seed: Option<Given<u64>>,
    pub(crate) leaks: Option<Given<String>>,
    pub(crate) task_panics: Option<Given<String>>,
    pub(crate) retries: Option<Given<u32>>,
    pub(crate) tags: Option<Given<Vec<LitStr>>>,
    pub(crate) isolate: Option<Given<String>>,
    pub(crate) serial: Option<Given<String>>,
    pub(crate) cases: Option<Given<Vec<CaseArgs>>>,
    pub(crate) krate: Option<Given<Path>>,
}

/// A value with the place where it was written.
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// The keys, with the name that tokio has for the same thing.
const KEYS: [&str; 13] = [
    "workers",
    "timeout",
    "teardown_timeout",
    "paused",
    "seed",
    "leaks",
    "task_panics",
    "retries",
    "tags",
    "isolate",
    "serial",
    "cases",
    "crate",
];
const ALIASES: [(&str, &str); 3] = [("worker_threads", "workers"), ("start_paused", "paused"), ("flavor", "flavor")];

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            args.read(&key, input)?;
            if input.is_empty() {
                break;
            }
            input.parse::<Token![,]>()?;
        }
        Ok(args)
    }
}

impl Args {
    fn read(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        let written = key.to_string();
        let alias = ALIASES.iter().find(|(alias, _)| *alias == written);
        match alias.map_or(written.as_str(), |(_, name)| name) {
            "workers" => {
                set(&mut self.workers, key, integer(key, input, "a number of threads, such as `workers = 4`")?)
            }
            "flavor" => set(&mut self.multi_thread, key, flavor(key, input)?),
            "timeout" => set(&mut self.timeout, key, string(key, input, "a duration, such as `timeout = \"30s\"`")?),
            "teardown_timeout" => {
                let form = "a duration, such as `teardown_timeout = \"5s\"`";
                set(&mut self.teardown_timeout, key, string(key, input, form)?)
            }
            "paused" => set(&mut self.paused, key, flag(key, input)?),
            "seed" => set(&mut self.seed, key, integer(key, input, "a number, such as `seed = 7`")?),
            "leaks" => {
                let form = "`\"fail\"`, `\"strict\"` or `\"off\"`";
                set(&mut self.leaks, key, string(key, input, form)?)
            }
            "task_panics" => set(&mut self.task_panics, key, string(key, input, "`\"fail\"` or `\"allow\"`")?),
            "retries" => set(&mut self.retries, key, integer(key, input, "a number of tries, such as `retries = 2`")?),
            "tags" => set(&mut self.tags, key, list(key, input, "names, such as `tags(\"slow\", \"db\")`")?),
            "isolate" => set(&mut self.isolate, key, string(key, input, "`\"process\"`")?),
            "serial" => {
                set(&mut self.serial, key, string(key, input, "the name of a group, such as `serial = \"db\"`")?)
            }
            "cases" => {
                let form = "named rows of values, such as `cases(empty(\"\", 0), one(\"a\", 1))`";
                set(&mut self.cases, key, list(key, input, form)?)
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                let span = input.span();
                set(&mut self.krate, key, Given { value: input.call(Path::parse_mod_style)?, span })
            }
            _ => Err(unknown(key, &KEYS)),
        }
    }
}

pub(crate) fn set<T>(slot: &mut Option<Given<T>>, key: &Ident, given: Given<T>) -> Result<()> {
    if slot.is_some() {
        return Err(Error::new(key.span(), format!("the key `{key}` is given twice")));
    }
    *slot = Some(given);
    Ok(())
}

/// What is said about a key that is none of these.
pub(crate) fn unknown(key: &Ident, keys: &[&str]) -> Error {
    let written = key.to_string();
    let near = keys.iter().map(|known| (distance(&written, known), known)).min();
    let hint = match near {
        Some((distance, known)) if distance <= 3 => format!("did you mean `{known}`?"),
        _ => format!("the keys are {}", keys.join(", ")),
    };
    Error::new(key.span(), format!("unknown key `{key}`: {hint}"))
}

/// Levenshtein's distance (Wagner and Fischer 1974).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

//! Parses the attribute: keys with values, each with its span; unknown and repeated keys are refused here.

use proc_macro2::Span;
use syn::{
    Error, Expr, ExprLit, ExprUnary, Ident, Lit, Path, Result, Token, UnOp,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    spanned::Spanned,
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
    pub(crate) krate: Option<Given<Path>>,
}

/// A value with the place where it was written.
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// The keys, with the name that tokio has for the same thing.
const KEYS: [&str; 8] = ["workers", "timeout", "teardown_timeout", "paused", "seed", "leaks", "task_panics", "crate"];
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
            "crate" => {
                input.parse::<Token![=]>()?;
                let span = input.span();
                set(&mut self.krate, key, Given { value: input.call(Path::parse_mod_style)?, span })
            }
            _ => Err(unknown(key)),
        }
    }
}

fn set<T>(slot: &mut Option<Given<T>>, key: &Ident, given: Given<T>) -> Result<()> {
    if slot.is_some() {
        return Err(Error::new(key.span(), format!("the key `{key}` is given twice")));
    }
    *slot = Some(given);
    Ok(())
}

fn unknown(key: &Ident) -> Error {
    let written = key.to_string();
    let near = KEYS.iter().map(|known| (distance(&written, known), known)).min();
    let hint = match near {
        Some((distance, known)) if distance <= 3 => format!("did you mean `{known}`?"),
        _ => format!("the keys are {}", KEYS.join(", ")),
    };
    Error::new(key.span(), format!("unknown key `{key}`: {hint}"))
}

fn value(key: &Ident, input: ParseStream<'_>, form: &str) -> Result<Expr> {
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("`{key}` needs a value: it takes {form}")));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

fn integer<T: std::str::FromStr>(key: &Ident, input: ParseStream<'_>, form: &str) -> Result<Given<T>>
where
    T::Err: std::fmt::Display,
{
    let expr = value(key, input, form)?;
    match &expr {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => {
            let value = number
                .base10_parse()
                .map_err(|error| Error::new(number.span(), format!("`{key}` takes {form}: {error}")))?;
            Ok(Given { value, span: number.span() })
        }
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. }) => {
            Err(Error::new(expr.span(), format!("`{key}` cannot be negative: it takes {form}")))
        }
        other => Err(Error::new(other.span(), format!("`{key}` takes {form}"))),
    }
}

fn string(key: &Ident, input: ParseStream<'_>, form: &str) -> Result<Given<String>> {
    match value(key, input, form)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(Given { value: text.value(), span: text.span() }),
        other => Err(Error::new(other.span(), format!("`{key}` takes {form}"))),
    }
}

/// A key that may stand alone.
fn flag(key: &Ident, input: ParseStream<'_>) -> Result<Given<bool>> {
    if !input.peek(Token![=]) {
        return Ok(Given { value: true, span: key.span() });
    }
    match value(key, input, "")? {
        Expr::Lit(ExprLit { lit: Lit::Bool(value), .. }) => Ok(Given { value: value.value, span: value.span }),
        other => Err(Error::new(other.span(), format!("`{key}` takes `true` or `false`, or stands alone"))),
    }
}

/// tokio's way to say `workers`.
fn flavor(key: &Ident, input: ParseStream<'_>) -> Result<Given<bool>> {
    let form = "`\"current_thread\"` or `\"multi_thread\"`";
    let Given { value, span } = string(key, input, form)?;
    match value.as_str() {
        "current_thread" => Ok(Given { value: false, span }),
        "multi_thread" => Ok(Given { value: true, span }),
        _ => Err(Error::new(span, format!("`{key}` takes {form}"))),
    }
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

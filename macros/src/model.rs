//! The attribute and the function together: everything that makes no sense is refused here.

use crate::{
    args::{Args, Given},
    cases::{self, Case},
    duration::parse_millis,
};
use syn::{Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, LitStr, Meta, Path, Result, Type, spanned::Spanned};

/// A test that makes sense.
pub(crate) struct TestModel {
    /// The function as the user wrote it, without the attributes that we take over.
    pub(crate) item: ItemFn,
    pub(crate) judged: Judged,
    /// Attributes such as `#[cfg]` that decide about both functions that are written.
    pub(crate) shared: Vec<Attribute>,
    /// What the function takes before the values of a case.
    pub(crate) arguments: Vec<Argument>,
    /// The rows of the key `cases`; `None` without that key.
    pub(crate) cases: Option<Vec<Case>>,
    pub(crate) workers: Option<usize>,
    pub(crate) timeout: Timeout,
    pub(crate) teardown_millis: Option<u64>,
    pub(crate) paused: bool,
    pub(crate) seed: Option<u64>,
    /// The name of a variant of `Leaks`.
    pub(crate) leaks: Option<&'static str>,
    /// The name of a variant of `TaskPanics`.
    pub(crate) task_panics: Option<&'static str>,
    pub(crate) retries: Option<u32>,
    pub(crate) tags: Vec<String>,
    pub(crate) isolate: bool,
    pub(crate) serial: Option<String>,
    pub(crate) krate: Option<Path>,
}

/// What a test says about how it is judged.
#[derive(Clone, Default)]
pub(crate) struct Judged {
    /// `#[ignore]`, which libtest sees too.
    pub(crate) ignore: Option<Attribute>,
    /// `#[should_panic]`, with the text that is expected; empty for any.
    pub(crate) should_panic: Option<String>,
}

/// What the runner passes to the function.
pub(crate) enum Argument {
    /// The handle of the test itself.
    Test,
    /// Whatever implements `Fixture`.
    Fixture(Box<Type>),
}

/// How long the body may take.
pub(crate) enum Timeout {
    Default,
    Off,
    Millis(u64),
}

impl TestModel {
    pub(crate) fn new(args: Args, mut item: ItemFn) -> Result<Self> {
        let types = check_signature(&item)?;
        let (judged, shared, kept) = judged(item.attrs.drain(..))?;
        item.attrs = kept;
        let cases = args.cases.map(|given| cases::check(given.value, given.span, types.len())).transpose()?;
        let values = cases.as_ref().and_then(|cases| cases.first()).map_or(0, |case| case.values.len());
        let arguments = types.into_iter().rev().skip(values).rev().map(argument).collect();
        let paused = args.paused.as_ref().is_some_and(|given| given.value);
        Ok(Self {
            workers: workers(args.workers, args.multi_thread, paused)?,
            timeout: timeout(args.timeout)?,
            teardown_millis: args.teardown_timeout.map(millis).transpose()?,
            paused,
            seed: args.seed.map(|given| given.value),
            leaks: choice(args.leaks, "leaks", &[("fail", "Fail"), ("strict", "Strict"), ("off", "Off")])?,
            task_panics: choice(args.task_panics, "task_panics", &[("fail", "Fail"), ("allow", "Allow")])?,
            retries: args.retries.map(retries).transpose()?,
            tags: args.tags.map(tags).transpose()?.unwrap_or_default(),
            isolate: choice(args.isolate, "isolate", &[("process", "Process")])?.is_some(),
            serial: args.serial.map(serial).transpose()?,
            krate: args.krate.map(|given| given.value),
            item,
            judged,
            shared,
            arguments,
            cases,
        })
    }
}

/// Takes `#[ignore]` and `#[should_panic]` from some attributes; then come those that decide about everything that is
/// written, and then the rest.
pub(crate) fn judged(
    attributes: impl IntoIterator<Item = Attribute>,
) -> Result<(Judged, Vec<Attribute>, Vec<Attribute>)> {
    let (mut judged, mut shared, mut kept) = (Judged::default(), Vec::new(), Vec::new());
    for attribute in attributes {
        if attribute.path().is_ident("ignore") {
            judged.ignore = Some(attribute);
        } else if attribute.path().is_ident("should_panic") {
            judged.should_panic = Some(expected_text(&attribute)?);
        } else if attribute.path().is_ident("cfg") {
            shared.push(attribute);
        } else if let Some(cure) = refused(&attribute) {
            return Err(Error::new(attribute.span(), cure));
        } else {
            kept.push(attribute);
        }
    }
    Ok((judged, shared, kept))
}

/// Why an attribute cannot stand below `#[qtest]`: it makes tests itself, as it would of the function inside of ours.
fn refused(attribute: &Attribute) -> Option<&'static str> {
    let last = attribute.path().segments.last()?.ident.to_string();
    match last.as_str() {
        "test" => Some(
            "#[qtest] makes the function a test: remove this attribute (if #[rstest] stands above, write \
             #[test_attr(qtest)] in the place of #[qtest])",
        ),
        "rstest" => Some(
            "#[rstest] makes the tests: let it stand first, and write #[test_attr(qtest)] in the place of #[qtest]",
        ),
        "test_case" | "test_matrix" => {
            Some("#[test_case] makes the tests: let #[qtest] stand below it, on an `async fn`")
        }
        _ => None,
    }
}

/// The types that a function takes; refuses functions that cannot be tests.
fn check_signature(item: &ItemFn) -> Result<Vec<Type>> {
    let signature = &item.sig;
    if !signature.generics.params.is_empty() {
        return Err(Error::new(signature.generics.span(), "a test cannot be generic: nobody could choose the types"));
    }
    if let Some(constness) = &signature.constness {
        return Err(Error::new(constness.span(), "a test cannot be `const`"));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new(abi.span(), "a test cannot be `extern`"));
    }
    let typed = |input: &FnArg| match input {
        FnArg::Receiver(receiver) => {
            Err(Error::new(receiver.span(), "a test is a free function: it cannot take `self`"))
        }
        FnArg::Typed(typed) => match &*typed.ty {
            Type::ImplTrait(_) => Err(Error::new(typed.ty.span(), "a test cannot be generic: name the type")),
            ty => Ok(ty.clone()),
        },
    };
    signature.inputs.iter().map(typed).collect()
}

/// A type that is called `Test` is taken for the handle of the test: it is passed without a set-up. If it is somebody
/// else's, the compiler says so.
fn argument(ty: Type) -> Argument {
    let is_test = matches!(&ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Test"));
    if is_test { Argument::Test } else { Argument::Fixture(Box::new(ty)) }
}

fn retries(given: Given<u32>) -> Result<u32> {
    match given.value {
        1..=10 => Ok(given.value),
        _ => Err(Error::new(given.span, "`retries` is 1 to 10: leave it out for a test that is tried once")),
    }
}

fn tags(given: Given<Vec<LitStr>>) -> Result<Vec<String>> {
    if given.value.is_empty() {
        return Err(Error::new(given.span, "`tags` needs at least one name, such as `tags(\"slow\")`"));
    }
    let mut tags = Vec::new();
    for tag in given.value {
        let text = tag.value();
        if text.is_empty() || text.starts_with('!') || text.contains(|c: char| c == ',' || c.is_whitespace()) {
            let why = "a tag is one word without `,`, and without `!` at its start: QTESTS_TAGS could not name it";
            return Err(Error::new(tag.span(), why));
        }
        tags.push(text);
    }
    Ok(tags)
}

fn serial(given: Given<String>) -> Result<String> {
    if given.value.trim().is_empty() {
        return Err(Error::new(given.span, "`serial` is the name of a group, such as `serial = \"db\"`"));
    }
    Ok(given.value)
}

fn workers(workers: Option<Given<usize>>, multi_thread: Option<Given<bool>>, paused: bool) -> Result<Option<usize>> {
    let workers = match (workers, multi_thread) {
        (Some(Given { value: 0, span }), _) => {
            return Err(Error::new(span, "`workers` is at least 1; leave it out for a test on one thread"));
        }
        (Some(given), Some(flavor)) if !flavor.value => {
            return Err(Error::new(
                given.span,
                "`workers` contradicts flavor = \"current_thread\": remove one of them",
            ));
        }
        (Some(given), _) => Some((given.value, given.span)),
        (None, Some(flavor)) if flavor.value => Some((2, flavor.span)),
        (None, _) => None,
    };
    match workers {
        Some((_, span)) if paused => {
            let text = "`paused` works on one thread only: remove it, or remove the worker threads";
            Err(Error::new(span, text))
        }
        workers => Ok(workers.map(|(count, _)| count)),
    }
}

fn timeout(given: Option<Given<String>>) -> Result<Timeout> {
    match given {
        None => Ok(Timeout::Default),
        Some(given) if given.value == "off" => Ok(Timeout::Off),
        Some(given) => millis(given).map(Timeout::Millis),
    }
}

fn millis(given: Given<String>) -> Result<u64> {
    parse_millis(&given.value).map_err(|text| Error::new(given.span, text))
}

fn choice(
    given: Option<Given<String>>,
    key: &str,
    choices: &[(&'static str, &'static str)],
) -> Result<Option<&'static str>> {
    let Some(given) = given else { return Ok(None) };
    match choices.iter().find(|(text, _)| *text == given.value) {
        Some((_, variant)) => Ok(Some(variant)),
        None => {
            let known: Vec<String> = choices.iter().map(|(text, _)| format!("\"{text}\"")).collect();
            Err(Error::new(given.span, format!("`{key}` takes {}", known.join(", "))))
        }
    }
}

/// The text of `#[should_panic(expected = "..")]`; empty when any panic will do.
fn expected_text(attribute: &Attribute) -> Result<String> {
    let text = |expr: &Expr| match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.value()),
        other => Err(Error::new(other.span(), "the expected panic is a string")),
    };
    match &attribute.meta {
        Meta::Path(_) => Ok(String::new()),
        Meta::NameValue(pair) => text(&pair.value),
        Meta::List(list) => {
            let pair: syn::MetaNameValue = list.parse_args()?;
            if !pair.path.is_ident("expected") {
                return Err(Error::new(pair.path.span(), "#[should_panic] takes `expected = \"..\"`"));
            }
            text(&pair.value)
        }
    }
}

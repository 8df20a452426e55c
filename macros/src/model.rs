//! The attribute and the function together: everything that makes no sense is refused here.

use crate::{
    args::{Args, Given},
    duration::parse_millis,
};
use syn::{Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, Meta, Path, Result, spanned::Spanned};

/// A test that makes sense.
pub(crate) struct TestModel {
    /// The function as the user wrote it, without the attributes that we take over.
    pub(crate) item: ItemFn,
    /// `#[ignore]`, which libtest sees too.
    pub(crate) ignore: Option<Attribute>,
    /// `#[should_panic]`, with the text that is expected; empty for any.
    pub(crate) should_panic: Option<String>,
    /// Attributes such as `#[cfg]` that decide about both functions that are written.
    pub(crate) shared: Vec<Attribute>,
    /// Whether the function takes the test.
    pub(crate) takes_test: bool,
    pub(crate) workers: Option<usize>,
    pub(crate) timeout: Timeout,
    pub(crate) teardown_millis: Option<u64>,
    pub(crate) paused: bool,
    pub(crate) seed: Option<u64>,
    /// The name of a variant of `Leaks`.
    pub(crate) leaks: Option<&'static str>,
    /// The name of a variant of `TaskPanics`.
    pub(crate) task_panics: Option<&'static str>,
    pub(crate) krate: Option<Path>,
}

/// How long the body may take.
pub(crate) enum Timeout {
    Default,
    Off,
    Millis(u64),
}

impl TestModel {
    pub(crate) fn new(args: Args, mut item: ItemFn) -> Result<Self> {
        let takes_test = check_signature(&item)?;
        let mut ignore = None;
        let mut should_panic = None;
        let mut shared = Vec::new();
        let mut kept = Vec::new();
        for attribute in item.attrs.drain(..) {
            if attribute.path().is_ident("ignore") {
                ignore = Some(attribute);
            } else if attribute.path().is_ident("should_panic") {
                should_panic = Some(expected_text(&attribute)?);
            } else if attribute.path().is_ident("cfg") {
                shared.push(attribute);
            } else if let Some(cure) = refused(&attribute) {
                return Err(Error::new(attribute.span(), cure));
            } else {
                kept.push(attribute);
            }
        }
        item.attrs = kept;
        let paused = args.paused.as_ref().is_some_and(|given| given.value);
        Ok(Self {
            workers: workers(&args, paused)?,
            timeout: timeout(args.timeout)?,
            teardown_millis: args.teardown_timeout.map(millis).transpose()?,
            paused,
            seed: args.seed.map(|given| given.value),
            leaks: choice(args.leaks, "leaks", &[("fail", "Fail"), ("strict", "Strict"), ("off", "Off")])?,
            task_panics: choice(args.task_panics, "task_panics", &[("fail", "Fail"), ("allow", "Allow")])?,
            krate: args.krate.map(|given| given.value),
            item,
            ignore,
            should_panic,
            shared,
            takes_test,
        })
    }
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

/// Refuses functions that cannot be tests; tells whether this one takes the test.
fn check_signature(item: &ItemFn) -> Result<bool> {
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
    let mut inputs = signature.inputs.iter();
    match (inputs.next(), inputs.next()) {
        (None, _) => Ok(false),
        (Some(FnArg::Receiver(receiver)), _) => {
            Err(Error::new(receiver.span(), "a test is a free function: it cannot take `self`"))
        }
        (Some(FnArg::Typed(_)), None) => Ok(true),
        (Some(_), Some(second)) => Err(Error::new(second.span(), "a test takes no argument or one, `t: Test`")),
    }
}

fn workers(args: &Args, paused: bool) -> Result<Option<usize>> {
    let workers = match (&args.workers, &args.multi_thread) {
        (Some(Given { value: 0, span }), _) => {
            return Err(Error::new(*span, "`workers` is at least 1; leave it out for a test on one thread"));
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

//! Parses the attribute: its keys with values, each with its span.

use crate::{
    args::{Given, set, unknown},
    value::{flag, string},
};
use syn::{
    Error, Expr, Ident, Path, Result, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

/// The attribute as it was written.
#[derive(Default)]
pub(crate) struct Args {
    /// The name of the decorator.
    pub(crate) name: Option<Given<Ident>>,
    /// What the points are called.
    pub(crate) point: Option<Given<String>>,
    /// What makes an error of an `Injected`.
    pub(crate) err: Option<Given<Expr>>,
    /// Delays, holds and panics only.
    pub(crate) infallible: Option<Given<bool>>,
    /// No points.
    pub(crate) skip: Option<Given<bool>>,
    pub(crate) krate: Option<Given<Path>>,
}

const KEYS: [&str; 6] = ["name", "point", "err", "infallible", "skip", "crate"];

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
        args.check()
    }
}

impl Args {
    fn read(&mut self, key: &Ident, input: ParseStream<'_>) -> Result<()> {
        match key.to_string().as_str() {
            "name" => set(&mut self.name, key, parsed(key, input, "the name of a type, such as `name = Flaky`")?),
            "point" => set(&mut self.point, key, string(key, input, "a dotted name, such as `point = \"db.query\"`")?),
            "err" => {
                let form = "a function that makes the error of an `Injected`, such as `err = ShopError::injected`";
                set(&mut self.err, key, parsed(key, input, form)?)
            }
            "infallible" => set(&mut self.infallible, key, flag(key, input)?),
            "skip" => set(&mut self.skip, key, flag(key, input)?),
            "crate" => {
                input.parse::<Token![=]>()?;
                let span = input.span();
                set(&mut self.krate, key, Given { value: input.call(Path::parse_mod_style)?, span })
            }
            _ => Err(unknown(key, &KEYS)),
        }
    }

    /// Refuses values that make no sense, and keys that contradict each other.
    fn check(self) -> Result<Self> {
        if let Some(Given { value, span }) = &self.point
            && (value.is_empty() || value.split('.').any(str::is_empty) || value.contains(char::is_whitespace))
        {
            let text = "`point` is a dotted name without spaces, such as `point = \"db.query\"`";
            return Err(Error::new(*span, text));
        }
        if let (Some(err), true) = (&self.err, self.is_infallible()) {
            return Err(Error::new(err.span, "`err` contradicts `infallible`: remove one of them"));
        }
        Ok(self)
    }

    pub(crate) fn is_infallible(&self) -> bool {
        self.infallible.as_ref().is_some_and(|given| given.value)
    }

    pub(crate) fn is_skipped(&self) -> bool {
        self.skip.as_ref().is_some_and(|given| given.value)
    }

    /// Refuses the keys that mean nothing on such an item.
    pub(crate) fn only(&self, place: &str, allowed: &[&str]) -> Result<()> {
        let given = [
            ("name", self.name.as_ref().map(|given| given.span)),
            ("point", self.point.as_ref().map(|given| given.span)),
            ("err", self.err.as_ref().map(|given| given.span)),
            ("infallible", self.infallible.as_ref().map(|given| given.span)),
            ("skip", self.skip.as_ref().map(|given| given.span)),
            ("crate", self.krate.as_ref().map(|given| given.span)),
        ];
        for (key, span) in given {
            if let Some(span) = span.filter(|_| !allowed.contains(&key)) {
                let text = format!("`{key}` means nothing on {place}: the keys there are {}", allowed.join(", "));
                return Err(Error::new(span, text));
            }
        }
        Ok(())
    }
}

fn parsed<T: Parse>(key: &Ident, input: ParseStream<'_>, form: &str) -> Result<Given<T>> {
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("`{key}` needs a value: it takes {form}")));
    }
    input.parse::<Token![=]>()?;
    let span = input.span();
    let value = input.parse().map_err(|_| Error::new(span, format!("`{key}` takes {form}")))?;
    Ok(Given { value, span })
}

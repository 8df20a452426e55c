//! The values that a key can have, each with its span.

use crate::args::Given;
use syn::{
    Error, Expr, ExprLit, ExprUnary, Ident, Lit, Result, Token, UnOp, parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
};

fn value(key: &Ident, input: ParseStream<'_>, form: &str) -> Result<Expr> {
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), format!("`{key}` needs a value: it takes {form}")));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

pub(crate) fn integer<T: std::str::FromStr>(key: &Ident, input: ParseStream<'_>, form: &str) -> Result<Given<T>>
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

pub(crate) fn string(key: &Ident, input: ParseStream<'_>, form: &str) -> Result<Given<String>> {
    match value(key, input, form)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(Given { value: text.value(), span: text.span() }),
        other => Err(Error::new(other.span(), format!("`{key}` takes {form}"))),
    }
}

/// A key that may stand alone.
pub(crate) fn flag(key: &Ident, input: ParseStream<'_>) -> Result<Given<bool>> {
    if !input.peek(Token![=]) {
        return Ok(Given { value: true, span: key.span() });
    }
    match value(key, input, "")? {
        Expr::Lit(ExprLit { lit: Lit::Bool(value), .. }) => Ok(Given { value: value.value, span: value.span }),
        other => Err(Error::new(other.span(), format!("`{key}` takes `true` or `false`, or stands alone"))),
    }
}

/// tokio's way to say `workers`.
pub(crate) fn flavor(key: &Ident, input: ParseStream<'_>) -> Result<Given<bool>> {
    let form = "`\"current_thread\"` or `\"multi_thread\"`";
    let Given { value, span } = string(key, input, form)?;
    match value.as_str() {
        "current_thread" => Ok(Given { value: false, span }),
        "multi_thread" => Ok(Given { value: true, span }),
        _ => Err(Error::new(span, format!("`{key}` takes {form}"))),
    }
}

/// A key with a list in parentheses.
pub(crate) fn list<T: Parse>(key: &Ident, input: ParseStream<'_>, form: &str) -> Result<Given<Vec<T>>> {
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(key.span(), format!("`{key}` needs parentheses: it takes {form}")));
    }
    let items;
    parenthesized!(items in input);
    let value = Punctuated::<T, Token![,]>::parse_terminated(&items)?.into_iter().collect();
    Ok(Given { value, span: key.span() })
}

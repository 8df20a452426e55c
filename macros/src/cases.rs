//! The key `cases`: named rows of values, each of which becomes a test of its own.

use crate::model::{Judged, judged};
use proc_macro2::Span;
use syn::{
    Attribute, Error, Expr, Ident, Result, Token, parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

/// One row as it was written: `#[ignore] name(value, value)`.
pub(crate) struct CaseArgs {
    attributes: Vec<Attribute>,
    name: Ident,
    values: Vec<Expr>,
}

/// One row that makes sense.
pub(crate) struct Case {
    pub(crate) name: Ident,
    pub(crate) values: Vec<Expr>,
    pub(crate) judged: Judged,
    pub(crate) cfg: Vec<Attribute>,
}

impl Parse for CaseArgs {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let name: Ident = input.parse()?;
        if !input.peek(syn::token::Paren) {
            let text = format!("the case `{name}` needs its values in parentheses, such as `{name}(1, \"one\")`");
            return Err(Error::new(name.span(), text));
        }
        let values;
        parenthesized!(values in input);
        let values = Punctuated::<Expr, Token![,]>::parse_terminated(&values)?.into_iter().collect();
        Ok(Self { attributes, name, values })
    }
}

/// Refuses an empty list, names that are given twice, and rows of different lengths. `arguments` is what the function
/// takes; the values of a case are the last of them.
pub(crate) fn check(rows: Vec<CaseArgs>, span: Span, arguments: usize) -> Result<Vec<Case>> {
    let Some(first) = rows.first() else {
        return Err(Error::new(
            span,
            "`cases` needs at least one case, such as `cases(empty(\"\", 0), one(\"a\", 1))`",
        ));
    };
    let (length, example) = (first.values.len(), first.name.to_string());
    if length > arguments {
        let text =
            format!("the case `{example}` has {length} value(s), but the function takes {arguments} argument(s)");
        return Err(Error::new(first.name.span(), text));
    }
    let mut cases: Vec<Case> = Vec::with_capacity(rows.len());
    for CaseArgs { attributes, name, values } in rows {
        if cases.iter().any(|case| case.name == name) {
            let text =
                format!("the case `{name}` is given twice: each case is a test of its own and needs its own name");
            return Err(Error::new(name.span(), text));
        }
        if values.len() != length {
            let text = format!("the case `{name}` has {} value(s), but `{example}` has {length}", values.len());
            return Err(Error::new(name.span(), text));
        }
        let (judged, cfg, rest) = judged(attributes)?;
        if let Some(other) = rest.first() {
            let text = "a case takes #[ignore], #[should_panic] and #[cfg(..)] only; put this on the function";
            return Err(Error::new_spanned(other, text));
        }
        cases.push(Case { name, values, judged, cfg });
    }
    Ok(cases)
}

//! The attribute `#[faulty]` and the derive `FromFault`.
//!
//! `args` parses the attribute, `field` those on parameters; `decorator` refuses traits that cannot be decorated and
//! writes the decorator, for which `conditions` says what it needs, `function` does the same for functions. Both let `points` write what stands around a call.

mod args;
mod conditions;
mod decorator;
mod derive;
mod field;
mod function;
mod method;
mod points;
mod reply;
mod self_type;

pub(crate) use derive::derive;

use args::Args;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{Error, Item, Path, Type, spanned::Spanned};

/// Where qtests is found, and how its names are written.
#[derive(Clone)]
pub(crate) struct Krate(Option<Path>);

impl Krate {
    /// The path, as if it had been written at this place.
    fn at(&self, span: Span) -> TokenStream {
        match &self.0 {
            Some(path) => path.to_token_stream(),
            None => quote::quote_spanned!(span=> ::qtests),
        }
    }
}

/// What the attribute writes in the place of an item.
pub(crate) fn attribute(args: TokenStream, tokens: TokenStream) -> TokenStream {
    let item = match syn::parse2::<Item>(tokens.clone()) {
        Ok(item) => item,
        Err(error) => return beside(&error, tokens),
    };
    match copied_by_mockall(&item) {
        None => {}
        // Said once, at the attribute.
        Some(true) => return beside(&Error::new(Span::call_site(), AUTOMOCK_ABOVE), tokens),
        Some(false) => return tokens,
    }
    let args = syn::parse2::<Args>(args);
    match item {
        Item::Trait(item) => {
            let written = args.and_then(|args| decorator::write(args, item.clone()));
            written.unwrap_or_else(|error| beside(&error, decorator::bare(item).to_token_stream()))
        }
        Item::Fn(item) => {
            let written = args.and_then(|args| function::write(args, item.clone()));
            written.unwrap_or_else(|error| beside(&error, function::bare(item).to_token_stream()))
        }
        other => {
            let (what, place) = misplaced(&other);
            let cure = "it goes on a trait, beside which it writes a decorator, or on a function with a body";
            beside(&Error::new(place, format!("#[faulty] cannot stand on {what}: {cure}")), tokens)
        }
    }
}

/// The error, and the item as it was: what else refers to it compiles, so that one mistake gives one message.
fn beside(error: &Error, item: TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

/// What the attribute stands on, and where that is.
fn misplaced(item: &Item) -> (&'static str, Span) {
    match item {
        Item::Struct(item) => ("a struct", item.ident.span()),
        Item::Enum(item) => ("an enum", item.ident.span()),
        Item::Union(item) => ("a union", item.ident.span()),
        Item::Impl(item) => ("an `impl` (its methods can have it one by one)", item.impl_token.span()),
        Item::Mod(item) => ("a module", item.ident.span()),
        other => ("this", other.span()),
    }
}

const AUTOMOCK_ABOVE: &str = "#[automock] stands above and copies this attribute to its fields and statements, where none \
                               can be: let #[faulty] stand above #[automock]";

/// Whether this was written by an `#[automock]` that stands above, which copies the attributes of the trait to it; true of
/// one such item for each trait.
fn copied_by_mockall(item: &Item) -> Option<bool> {
    let is_mock = |name: &Ident| name.to_string().starts_with("Mock");
    match item {
        Item::Struct(item) if is_mock(&item.ident) => Some(!item.ident.to_string().contains('_')),
        Item::Mod(item) if item.ident.to_string().starts_with("__mock_Mock") => Some(false),
        Item::Impl(item) => match &*item.self_ty {
            Type::Path(path) => path.path.segments.last().filter(|last| is_mock(&last.ident)).map(|_| false),
            _ => None,
        },
        _ => None,
    }
}

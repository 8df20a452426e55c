//! Where a trait says `Self`: the decorator is another `Self` than what it decorates.

use super::reply::{arguments, as_type, last_segment, peeled};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Error, Result, Type};

/// Passes an argument on to what is decorated.
pub(crate) fn argument(ty: &Type, name: &TokenStream) -> Result<TokenStream> {
    let inner = quote!(#name.inner);
    match peeled(ty) {
        ty if is_self(ty) => Ok(inner),
        Type::Reference(reference) if is_self(&reference.elem) => {
            let mutability = &reference.mutability;
            Ok(quote!(& #mutability #inner))
        }
        ty => match bare_self(ty.to_token_stream()) {
            None => Ok(name.clone()),
            Some(place) => Err(refused(place)),
        },
    }
}

/// Makes what is decorated into the decorator again, where it is given back. `None` when there is nothing to make.
pub(crate) fn reply(ty: &Type, decorator: &TokenStream) -> Result<Option<TokenStream>> {
    let Some(place) = bare_self(ty.to_token_stream()) else { return Ok(None) };
    if is_self(ty) {
        return Ok(Some(decorator.clone()));
    }
    let container = match last_segment(ty) {
        Some(segment) if segment.ident == "Result" => "Result",
        Some(segment) if segment.ident == "Option" => "Option",
        _ => return Err(refused(place)),
    };
    let mut types = last_segment(ty).into_iter().flat_map(arguments).filter_map(as_type);
    let first = types.next().is_some_and(is_self);
    if !first || types.any(|other| bare_self(other.to_token_stream()).is_some()) {
        return Err(refused(place));
    }
    Ok(Some(match container {
        "Result" => quote!((|reply| ::core::result::Result::map(reply, #decorator))),
        _ => quote!((|reply| ::core::option::Option::map(reply, #decorator))),
    }))
}

/// Spells types in a condition as an implementation has to: `Self::Item` of the trait itself as `inner`'s, and `Self` alone
/// as `bare`, if that is given.
pub(crate) fn spelled_for_impl(
    tokens: TokenStream,
    own: &[&Ident],
    inner: &TokenStream,
    bare: Option<&TokenStream>,
) -> TokenStream {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut written = TokenStream::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), spelled_for_impl(group.stream(), own, inner, bare));
                inside.set_span(group.span());
                written.extend([TokenTree::Group(inside)]);
            }
            TokenTree::Ident(word) if word == "Self" => match (after_colons(&tokens[at + 1..]), bare) {
                (Some(name), _) if own.contains(&name) => written.extend(inner.clone()),
                (None, Some(bare)) => written.extend(bare.clone()),
                _ => written.extend([token.clone()]),
            },
            other => written.extend([other.clone()]),
        }
    }
    written
}

/// The name in `:: name`.
fn after_colons(tokens: &[TokenTree]) -> Option<&Ident> {
    match tokens {
        [TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Ident(name), ..]
            if (first.as_char(), second.as_char()) == (':', ':') =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// Whether a type speaks of this one: a name, `Self` alone, or `Self::Item`.
pub(crate) fn mentions(tokens: TokenStream, said: &[Ident]) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => mentions(group.stream(), said),
        TokenTree::Ident(word) if said.first() == Some(word) => after_colons(&tokens[at + 1..]) == said.get(1),
        _ => false,
    })
}

/// Whether a value of this type may be one of several that are looked at by `&`: then it is sent only if it can be shared.
pub(crate) fn is_shared(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => is_shared(group.stream()),
        TokenTree::Ident(word) => word == "Arc",
        // A lifetime may stand in between.
        TokenTree::Punct(punct) if punct.as_char() == '&' => {
            !tokens[at + 1..].iter().take(3).any(|next| matches!(next, TokenTree::Ident(word) if word == "mut"))
        }
        _ => false,
    })
}

fn is_self(ty: &Type) -> bool {
    matches!(peeled(ty), Type::Path(path) if path.qself.is_none() && path.path.is_ident("Self"))
}

fn refused(place: Span) -> Error {
    let text = "the decorator cannot turn this `Self` into the type that it decorates: take `Self`, `&Self` or `&mut Self`, \
                give back `Self`, `Option<Self>` or `Result<Self, _>`, or move the method to a trait without #[faulty]";
    Error::new(place, text)
}

/// A `Self` that is neither the start of a path such as `Self::Item` nor of `<Self as Trait>`.
fn bare_self(tokens: TokenStream) -> Option<Span> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let found = match token {
            TokenTree::Group(group) => bare_self(group.stream()),
            TokenTree::Ident(ident) if ident == "Self" => match tokens.peek() {
                Some(TokenTree::Punct(colon)) if colon.as_char() == ':' => None,
                Some(TokenTree::Ident(word)) if word == "as" => None,
                _ => Some(ident.span()),
            },
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

//! Where a trait says `Self`: the decorator is another `Self` than what it decorates.

use super::reply::{arguments, as_type, last_segment, peeled};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Error, Result, Signature, Type};

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

/// The associated types that a signature speaks of as `Self::Item`.
pub(crate) fn associated(signature: &Signature) -> Vec<Ident> {
    let inputs = signature.inputs.iter().map(ToTokens::to_token_stream);
    let mut found = Vec::new();
    inputs.chain([signature.output.to_token_stream()]).for_each(|tokens| after_self(tokens, &mut found));
    found
}

/// What a trait demands of `Self`, as a demand on what is decorated: the decorator's own associated types cannot be spoken
/// of where it is said what it implements.
pub(crate) fn decorated(tokens: TokenStream, inner: &TokenStream) -> TokenStream {
    let mut written = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let mut inside = proc_macro2::Group::new(group.delimiter(), decorated(group.stream(), inner));
                inside.set_span(group.span());
                written.extend([TokenTree::Group(inside)]);
            }
            TokenTree::Ident(word) if word == "Self" => match tokens.peek() {
                Some(TokenTree::Punct(colon))
                    if colon.spacing() == proc_macro2::Spacing::Joint && colon.as_char() == ':' =>
                {
                    written.extend(inner.clone());
                }
                _ => written.extend(quote!(__T)),
            },
            other => written.extend([other]),
        }
    }
    written
}

/// Whether a signature names a type, and whether it does so behind a reference.
pub(crate) fn named(signature: &Signature, name: &Ident) -> (bool, bool) {
    let inputs = signature.inputs.iter().map(ToTokens::to_token_stream);
    let all: TokenStream = inputs.chain([signature.output.to_token_stream()]).collect();
    fn look(tokens: TokenStream, name: &Ident) -> (bool, bool) {
        let (mut found, mut behind, mut after_reference) = (false, false, false);
        for token in tokens {
            match token {
                TokenTree::Group(group) => {
                    let inside = look(group.stream(), name);
                    (found, behind) = (found || inside.0, behind || inside.1);
                }
                TokenTree::Ident(word) if word == *name => (found, behind) = (true, behind || after_reference),
                TokenTree::Punct(punct) => after_reference = punct.as_char() == '&',
                // `&'a V`, `&mut V`.
                TokenTree::Ident(_) | TokenTree::Literal(_) => {}
            }
        }
        (found, behind)
    }
    look(all, name)
}

fn after_self(tokens: TokenStream, found: &mut Vec<Ident>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for window in tokens.windows(4) {
        if let [TokenTree::Ident(word), TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Ident(name)] =
            window
            && word == "Self"
            && (first.as_char(), second.as_char()) == (':', ':')
        {
            found.push(name.clone());
        }
    }
    for token in tokens {
        if let TokenTree::Group(group) = token {
            after_self(group.stream(), found);
        }
    }
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

//! `#[derive(FromFault)]`: which variant of an error an injected fault becomes.

use super::Krate;
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Error, Fields, Generics, Ident, Item, Pat, Path, Result, Token, parse::ParseStream, spanned::Spanned,
};

/// The implementation, or what is wrong.
pub(crate) fn derive(tokens: TokenStream) -> TokenStream {
    syn::parse2::<Item>(tokens).and_then(|item| implementation(&item)).unwrap_or_else(|error| error.to_compile_error())
}

/// What a `#[fault]` says.
struct Mark {
    span: Span,
    /// `None` for the variant that is made where no other is.
    kinds: Option<Pat>,
    krate: Option<Path>,
}

fn implementation(item: &Item) -> Result<TokenStream> {
    let (name, generics, krate, made) = match item {
        Item::Enum(item) => {
            let variants: Vec<_> = item.variants.iter().map(|it| (&it.ident, &it.attrs[..], &it.fields)).collect();
            let krate = krate(&item.attrs)?;
            let made = of_variants(&item.ident, &variants, &krate)?;
            (&item.ident, &item.generics, krate, made)
        }
        Item::Struct(item) => {
            let krate = krate(&item.attrs)?;
            (
                &item.ident,
                &item.generics,
                krate.clone(),
                filled(&quote!(Self), &item.fields, item.ident.span(), &krate)?,
            )
        }
        Item::Union(item) => {
            let text = "`FromFault` cannot be derived for a union: nobody could tell which field is the error";
            return Err(Error::new(item.union_token.span(), text));
        }
        other => return Err(Error::new(other.span(), "`FromFault` is derived for enums and structs")),
    };
    check(generics)?;
    let krate = krate.at(Span::call_site());
    Ok(quote! {
        #[automatically_derived]
        impl #krate::FromFault for #name {
            fn from_fault(__injected: #krate::Injected) -> Self {
                match #krate::Injected::downcast::<Self>(__injected) {
                    ::core::result::Result::Ok(__error) => __error,
                    ::core::result::Result::Err(__injected) => #made,
                }
            }
        }
    })
}

fn check(generics: &Generics) -> Result<()> {
    if generics.params.is_empty() {
        return Ok(());
    }
    let text = "`FromFault` cannot be derived for an error with parameters: implement it for the types that it is used \
                with, or name a function by #[faulty(err = ..)]";
    Err(Error::new(generics.params.span(), text))
}

type Variant<'a> = (&'a Ident, &'a [Attribute], &'a Fields);

fn of_variants(name: &Ident, variants: &[Variant<'_>], krate: &Krate) -> Result<TokenStream> {
    let (mut arms, mut default, mut known) = (Vec::new(), None, Vec::new());
    for (ident, attributes, fields) in variants {
        let Some(mark) = mark(attributes)? else { continue };
        if let Some(krate) = &mark.krate {
            return Err(Error::new(krate.span(), "`crate` belongs on the enum: #[fault(crate = ..)] above it"));
        }
        let made = filled(&quote!(Self::#ident), fields, mark.span, krate)?;
        match mark.kinds {
            Some(kinds) => arms.push(arm(&kinds, &made, &mut known)?),
            None if default.is_some() => {
                let text = "a second #[fault]: one variant is made where no kind chooses; give this one kinds, such as \
                            #[fault(kind = TimedOut)]";
                return Err(Error::new(mark.span, text));
            }
            None => default = Some(made),
        }
    }
    let Some(default) = default else {
        let text = format!("`{name}` does not say what a fault becomes: put #[fault] on one variant");
        return Err(Error::new(name.span(), text));
    };
    if arms.is_empty() {
        return Ok(default);
    }
    let krate = krate.at(Span::call_site());
    Ok(quote! {
        match #krate::Injected::kind(&__injected) {
            #(#arms,)*
            _ => #default,
        }
    })
}

/// The arm of a match for `TimedOut | Interrupted`. The compiler looks the kinds up.
fn arm(kinds: &Pat, made: &TokenStream, known: &mut Vec<String>) -> Result<TokenStream> {
    let single = |pat: &Pat| match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none() => {
            Ok(pat.ident.clone())
        }
        other => Err(Error::new(other.span(), "`kind` takes names of `io::ErrorKind`: `kind = TimedOut | WouldBlock`")),
    };
    let kinds: Vec<Ident> = match kinds {
        Pat::Or(pat) => pat.cases.iter().map(single).collect::<Result<_>>()?,
        pat => vec![single(pat)?],
    };
    for kind in &kinds {
        if known.contains(&kind.to_string()) {
            return Err(Error::new(kind.span(), format!("the kind `{kind}` is given twice")));
        }
        known.push(kind.to_string());
    }
    let kinds = kinds.iter().map(|kind| quote_spanned!(kind.span()=> ::std::io::ErrorKind::#kind));
    Ok(quote!(#(#kinds)|* => #made))
}

/// The value of a variant: it has no field, or one that a fault becomes in its turn.
fn filled(path: &TokenStream, fields: &Fields, span: Span, krate: &Krate) -> Result<TokenStream> {
    let mut all = fields.iter();
    let inner = |ty: &syn::Type| {
        // Where the field's type comes from another macro, our variable does not.
        let place = ty.span().resolved_at(Span::call_site());
        let krate = krate.at(place);
        quote_spanned!(place=> <#ty as #krate::FromFault>::from_fault(__injected))
    };
    match (all.next(), all.next()) {
        (None, _) => Ok(match fields {
            Fields::Unit => quote!(#path),
            Fields::Named(_) => quote!(#path {}),
            Fields::Unnamed(_) => quote!(#path()),
        }),
        (Some(field), None) => {
            let made = inner(&field.ty);
            Ok(match &field.ident {
                Some(name) => quote!(#path { #name: #made }),
                None => quote!(#path(#made)),
            })
        }
        (Some(_), Some(_)) => {
            let text = "a fault can become this only if it has no field, or one that implements `FromFault`";
            Err(Error::new(span, text))
        }
    }
}

fn krate(attributes: &[Attribute]) -> Result<Krate> {
    let Some(mark) = mark(attributes)? else { return Ok(Krate(None)) };
    if mark.krate.is_none() {
        return Err(Error::new(mark.span, "#[fault] belongs on a variant; here it takes `crate = ..` only"));
    }
    Ok(Krate(mark.krate))
}

fn mark(attributes: &[Attribute]) -> Result<Option<Mark>> {
    let mut found: Option<Mark> = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("fault")) {
        if found.is_some() {
            return Err(Error::new(attribute.span(), "a variant has one #[fault]: `kind = A | B` names several kinds"));
        }
        let mut mark = Mark { span: attribute.path().span(), kinds: None, krate: None };
        if !matches!(attribute.meta, syn::Meta::Path(_)) {
            attribute.parse_args_with(|input: ParseStream<'_>| read(&mut mark, input))?;
        }
        found = Some(mark);
    }
    Ok(found)
}

fn read(mark: &mut Mark, input: ParseStream<'_>) -> Result<()> {
    let key = input.call(<Ident as syn::ext::IdentExt>::parse_any)?;
    match key.to_string().as_str() {
        "kind" => {
            input.parse::<Token![=]>()?;
            mark.kinds = Some(input.call(Pat::parse_multi)?);
        }
        "crate" => {
            input.parse::<Token![=]>()?;
            mark.krate = Some(input.call(Path::parse_mod_style)?);
        }
        _ => return Err(crate::args::unknown(&key, &["kind", "crate"])),
    }
    if input.is_empty() { Ok(()) } else { Err(input.error("one key is all that stands here")) }
}

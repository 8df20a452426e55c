//! One method of a trait: how the decorator passes it on.

use super::{
    Krate,
    args::Args,
    field,
    points::{Failing, Points},
    reply::{Reply, Shape},
    self_type,
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Error, FnArg, GenericParam, Ident, Pat, ReceiverKind, Result, Safety, Signature, TraitItemFn, Type,
    ext::IdentExt, parse_quote, spanned::Spanned,
};

/// What all methods of one trait share.
pub(crate) struct Shared {
    pub(crate) krate: Krate,
    /// What the names of its points start with.
    pub(crate) point: String,
    /// The attribute of the trait.
    pub(crate) args: Args,
    /// `<__T as Trait<..>>`.
    pub(crate) inner: TokenStream,
    /// What makes a decorator.
    pub(crate) decorator: TokenStream,
    /// Whether `#[async_trait]` makes the futures of `async fn` `Send`.
    pub(crate) async_trait_sends: bool,
}

/// A method that is passed on.
pub(crate) struct Method {
    pub(crate) written: TokenStream,
    /// The points, for the documentation; `None` when it has none.
    pub(crate) points: Option<String>,
    /// `Send` or `Sync`, where a future that must be `Send` holds the decorated value or a reference to it.
    pub(crate) needs: Option<&'static str>,
    /// What such a future holds while it waits at a point.
    pub(crate) sent: Vec<Type>,
    /// What a boxed future gives that borrows nothing.
    pub(crate) owned: Option<Type>,
    /// The error type, where an injected fault becomes it and it is the trait's to say what that is.
    pub(crate) error: Option<Type>,
}

impl Method {
    /// Takes our attributes from the method, and writes the decorator's.
    pub(crate) fn new(item: &mut TraitItemFn, shared: &Shared) -> Result<Self> {
        let own = take_args(&mut item.attrs)?;
        let fields = field::take(&mut item.sig.inputs)?;
        check(&item.sig)?;
        let (signature, arguments) = forwarded(&item.sig)?;
        let reply = Reply::of(&item.sig);
        let call = call(&item.sig, &arguments, shared);
        let skipped = own.is_skipped();
        if let (true, Some(field)) = (skipped, fields.first()) {
            let text = "this method has no points, so nothing asks for a field: remove it, or `skip`";
            return Err(Error::new(field.name.span(), text));
        }
        let points = Points {
            krate: shared.krate.clone(),
            name: format!("{}.{}", shared.point, item.sig.ident.unraw()),
            span: item.sig.ident.span(),
            failing: Failing::of(&reply, &own, Some(&shared.args))?,
            fields,
        };
        let error = if skipped { None } else { points.demanded(&reply, &item.sig.generics)? };
        let body = body(&reply, call, (!skipped).then_some(&points), shared)?;
        let attributes = kept(&item.attrs);
        let sends = reply.send || (reply.shape == Shape::Async && shared.async_trait_sends);
        Ok(Self {
            written: quote!(#(#attributes)* #signature { #body }),
            points: (!skipped).then_some(points.name),
            // One that borrows nothing has been made before.
            needs: needs(&item.sig).filter(|_| sends && !reply.owns),
            sent: if sends { held(&item.sig, &reply) } else { Vec::new() },
            owned: (reply.owns && reply.shape == Shape::Boxed).then(|| reply.output.clone()),
            error,
        })
    }
}

/// Whether it is a `#[faulty(..)]`.
pub(crate) fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "faulty")
}

/// The attributes `#[faulty(..)]` of a method, which are taken off.
fn take_args(attributes: &mut Vec<Attribute>) -> Result<Args> {
    let ours: Vec<Attribute> = attributes.extract_if(.., |attribute| is_ours(attribute)).collect();
    match ours.as_slice() {
        [] => Ok(Args::default()),
        [attribute] => {
            let args: Args = attribute.parse_args()?;
            args.only("a method of a trait", &["err", "infallible", "skip"])?;
            if args.is_skipped() {
                args.only("a method without points", &["skip"])?;
            }
            Ok(args)
        }
        [_, second, ..] => Err(Error::new(second.span(), "a method has one #[faulty(..)]: write its keys together")),
    }
}

/// Refuses what cannot be passed on.
fn check(signature: &Signature) -> Result<()> {
    if let Safety::Unsafe(token) = &signature.safety {
        let text = "#[faulty] cannot pass an unsafe method on: what it demands of its caller is not known here";
        return Err(Error::new(token.span(), text));
    }
    if let Some(constness) = &signature.constness {
        return Err(Error::new(constness.span(), "#[faulty] cannot pass a `const` method on"));
    }
    if let Some(ReceiverKind::Typed(_, ty)) = signature.receiver().map(|receiver| &receiver.kind)
        && !is_boxed_self(ty)
    {
        let text = "#[faulty] cannot pass this receiver on: take `&self`, `&mut self`, `self` or `self: Box<Self>`";
        return Err(Error::new(ty.span(), text));
    }
    Ok(())
}

fn is_boxed_self(ty: &Type) -> bool {
    let tokens = ty.to_token_stream().to_string().replace(' ', "");
    tokens.ends_with("Box<Self>")
}

/// The signature of the decorator's method, and what it passes on.
fn forwarded(signature: &Signature) -> Result<(Signature, Vec<TokenStream>)> {
    let mut signature = signature.clone();
    let mut arguments = Vec::new();
    for (at, input) in signature.inputs.iter_mut().enumerate() {
        match input {
            FnArg::Receiver(receiver) => {
                receiver.mutability = None;
                // The very `self` that was written: one of ours would be another one within `macro_rules!`.
                let this = &receiver.self_token;
                arguments.push(match &receiver.kind {
                    ReceiverKind::Reference(_, _, mutability) => quote!(& #mutability #this.inner),
                    ReceiverKind::Typed(..) => quote!(::std::boxed::Box::new(#this.inner)),
                    _ => quote!(#this.inner),
                });
            }
            FnArg::Typed(typed) => {
                let name = match &*typed.pat {
                    Pat::Ident(pat) if pat.subpat.is_none() => pat.ident.clone(),
                    _ => format_ident!("__qtests_argument_{}", at),
                };
                typed.pat = parse_quote!(#name);
                arguments.push(self_type::argument(&typed.ty, &quote!(#name))?);
            }
        }
    }
    Ok((signature, arguments))
}

/// The call of the decorated value. Type parameters are named, since nothing else may tell them; lifetimes are not.
fn call(signature: &Signature, arguments: &[TokenStream], shared: &Shared) -> TokenStream {
    let name: &Ident = &signature.ident;
    let named: Vec<&Ident> = signature.generics.params.iter().filter_map(named_parameter).collect();
    let turbofish = (!named.is_empty()).then(|| quote!(::<#(#named),*>));
    let inner = &shared.inner;
    quote!(#inner::#name #turbofish(#(#arguments),*))
}

fn named_parameter(parameter: &GenericParam) -> Option<&Ident> {
    match parameter {
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
        GenericParam::Lifetime(_) => None,
    }
}

fn body(reply: &Reply, call: TokenStream, points: Option<&Points>, shared: &Shared) -> Result<TokenStream> {
    let made = self_type::reply(&reply.output, &shared.decorator)?;
    // What only hands a future on needs no future around it.
    if let (None, None) = (points, &made) {
        let wait = (reply.shape == Shape::Async).then(|| quote!(.await));
        return Ok(quote!(#call #wait));
    }
    let live = with_points(reply, &call, points, made.as_ref());
    if matches!(reply.shape, Shape::Opaque | Shape::Boxed) && made.is_none() {
        // In a product the future is the very one that the decorated value gives.
        let krate = shared.krate.at(Span::call_site());
        return Ok(quote!(#krate::__if_live!({ { #live } } { { #call } })));
    }
    Ok(live)
}

fn with_points(reply: &Reply, call: &TokenStream, points: Option<&Points>, made: Option<&TokenStream>) -> TokenStream {
    if reply.owns {
        let [before, block] = match points {
            Some(points) => points.around_future(reply, call, made),
            None => [quote!(let __qtests_future = #call;), quote!(async move { #made(__qtests_future.await) })],
        };
        return match reply.shape {
            Shape::Boxed => quote!(#before ::std::boxed::Box::pin(#block)),
            _ => quote!(#before #block),
        };
    }
    let wait = (reply.shape != Shape::Now).then(|| quote!(.await));
    let call = quote!(#call #wait);
    let call = made.map_or_else(|| call.clone(), |made| quote!(#made(#call)));
    let block = points.map_or_else(|| call.clone(), |points| points.around(reply, call.clone()));
    match reply.shape {
        Shape::Now | Shape::Async => block,
        Shape::Opaque => quote!(async move { #block }),
        Shape::Boxed => quote!(::std::boxed::Box::pin(async move { #block })),
    }
}

/// The attributes that decide about the decorator's method too.
fn kept(attributes: &[Attribute]) -> Vec<Attribute> {
    let mut kept: Vec<Attribute> =
        attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect();
    if attributes.iter().any(|attribute| attribute.path().is_ident("deprecated")) {
        kept.push(parse_quote!(#[allow(deprecated, reason = "passed on, not used")]));
    }
    kept
}

/// The values that a future holds while it waits at a point: what it will give, and until the call its arguments.
fn held(signature: &Signature, reply: &Reply) -> Vec<Type> {
    let arguments = signature.inputs.iter().filter_map(|input| match input {
        // They have gone into the future that was made before.
        FnArg::Typed(typed) if !reply.owns => Some((*typed.ty).clone()),
        _ => None,
    });
    arguments.chain([reply.output.clone()]).collect()
}

/// What the decorated value must be for a future that holds it to be `Send`.
fn needs(signature: &Signature) -> Option<&'static str> {
    Some(match &signature.receiver()?.kind {
        ReceiverKind::Reference(_, _, None) => "Sync",
        _ => "Send",
    })
}

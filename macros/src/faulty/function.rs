//! A function of the user's with a point before and after its body.

use super::{
    Krate,
    args::Args,
    field,
    points::{Failing, Points},
    reply::{Reply, Shape},
};
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::path::Path;
use syn::{AttrStyle, Error, ItemFn, Result, ReturnType, Type, ext::IdentExt, spanned::Spanned};

/// The function, in a build with live points and in one without.
pub(crate) fn write(args: Args, mut item: ItemFn) -> Result<TokenStream> {
    args.only("a function", &["point", "err", "infallible", "crate"])?;
    if let Some(constness) = &item.sig.constness {
        return Err(Error::new(constness.span(), "#[faulty] cannot stand on a `const fn`: faults come while it runs"));
    }
    // What stands inside of the body means the same above it.
    item.attrs.iter_mut().for_each(|attribute| attribute.style = AttrStyle::Outer);
    let fields = field::take(&mut item.sig.inputs)?;
    let reply = Reply::of(&item.sig);
    let krate = Krate(args.krate.as_ref().map(|given| given.value.clone()));
    let span = item.sig.ident.span();
    let points = Points {
        krate: krate.clone(),
        name: args.point.as_ref().map_or_else(|| default_name(&item), |given| given.value.clone()),
        span,
        failing: Failing::of(&reply, &args, None)?,
        fields,
    };
    let live = live(&item, &reply, &points, &krate);
    // Of a future that is returned the error belongs to the future.
    let typed = matches!(reply.shape, Shape::Now | Shape::Async).then(|| points.way_in());
    let ItemFn { attrs, vis, sig, block, .. } = &item;
    let statements = &block.stmts;
    let krate = krate.at(proc_macro2::Span::call_site());
    Ok(quote! {
        #krate::__if_live! {
            { #(#attrs)* #vis #sig { #live } }
            { #(#attrs)* #vis #sig { #typed #(#statements)* } }
        }
    })
}

/// The function without our attributes.
pub(crate) fn bare(mut item: ItemFn) -> ItemFn {
    // What is wrong with them is said already, or is not what is wrong.
    let _ = field::take(&mut item.sig.inputs);
    item.sig.constness = None;
    item
}

/// The body between its points. `return` and `?` of it must not leave the function, so it is a closure or a future.
fn live(item: &ItemFn, reply: &Reply, points: &Points, krate: &Krate) -> TokenStream {
    let body = &item.block;
    let krate = krate.at(proc_macro2::Span::call_site());
    let written = match &item.sig.output {
        ReturnType::Type(_, ty) if !has_impl(ty.to_token_stream()) => Some(ty),
        _ => None,
    };
    let closure = || {
        let arrow = match (&item.sig.output, written) {
            (ReturnType::Default, _) => Some(quote!(-> ())),
            (_, written) => written.map(|ty| quote!(-> #ty)),
        };
        let body = if arrow.is_some() { quote!(#body) } else { quote!({ #body }) };
        quote!(#krate::fault::call_once(move || #arrow #body))
    };
    if reply.owns {
        let [before, block] = points.around_future(reply, &closure(), None);
        return match reply.shape {
            Shape::Boxed => quote!(#before ::std::boxed::Box::pin(#block)),
            _ => quote!(#before #block),
        };
    }
    match reply.shape {
        Shape::Now => points.around(reply, closure()),
        Shape::Async => {
            // Never run: it tells the compiler what the block gives, so that its values are coerced as in a function.
            let typed = written.filter(|ty| !matches!(***ty, Type::Never(_))).map(|ty| {
                quote! {
                    if false {
                        return #krate::fault::call_once::<#ty>(|| ::core::unreachable!());
                    }
                }
            });
            let statements = &body.stmts;
            points.around(reply, quote!(async move { #typed #(#statements)* }.await))
        }
        Shape::Opaque => {
            let block = points.around(reply, {
                let closure = closure();
                quote!(#closure.await)
            });
            quote!(async move { #block })
        }
        Shape::Boxed => {
            let block = points.around(reply, {
                let closure = closure();
                quote!(#closure.await)
            });
            quote!(::std::boxed::Box::pin(async move { #block }))
        }
    }
}

fn has_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => has_impl(group.stream()),
        TokenTree::Ident(ident) => ident == "impl",
        _ => false,
    })
}

/// The file's name and the function's: `orders.place` for `place` in `orders.rs` or `orders/mod.rs`.
fn default_name(item: &ItemFn) -> String {
    let file = proc_macro::Span::call_site().file();
    let path = Path::new(&file);
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let module = match stem(path).as_deref() {
        Some("mod") => path.parent().and_then(stem),
        Some("lib" | "main") | None => None,
        Some(stem) => Some(stem.to_owned()),
    };
    let module = module.or_else(|| std::env::var("CARGO_CRATE_NAME").ok()).unwrap_or_else(|| "main".to_owned());
    format!("{module}.{}", item.sig.ident.unraw())
}

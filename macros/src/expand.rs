//! Writes the code: as little as possible, a static description and a call.

use crate::model::{TestModel, Timeout};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, ItemFn};

/// The function that libtest calls, and beside it the registration for binaries with a `main` of their own, where rustc
/// drops whatever is `#[test]`.
pub(crate) fn test(model: TestModel) -> TokenStream {
    let krate = model.krate.as_ref().map_or_else(|| quote!(::qtests), |path| quote!(#path));
    let TestModel { item, ignore, shared, .. } = &model;
    let name = &item.sig.ident;
    let hidden = format_ident!("__qtest_{}", name);
    let (start, body) = start(&model, &krate);
    let meta = meta(&model, &krate, name);
    quote! {
        #(#shared)*
        #[doc(hidden)]
        #[allow(dead_code, non_upper_case_globals, reason = "named after the test, and read by it or by nobody")]
        static #hidden: #krate::rt::Registered = {
            #item
            #start
            #krate::__register! { #hidden }
            #krate::rt::Registered { meta: #meta, body: #body }
        };
        #(#shared)*
        #ignore
        #[::core::prelude::v1::test]
        fn #name() {
            #krate::rt::run(&#hidden)
        }
    }
}

/// A plain function with one signature for all tests, so that the runner need not be generic.
fn start(model: &TestModel, krate: &TokenStream) -> (TokenStream, TokenStream) {
    let name = &model.item.sig.ident;
    let argument = model.takes_test.then(|| quote!(__qtests_t));
    if model.item.sig.asyncness.is_some() {
        let start = quote! {
            fn __qtests_begin(__qtests_t: #krate::Test) -> #krate::rt::BodyFuture {
                let _ = &__qtests_t;
                #krate::rt::body(::std::boxed::Box::new(#name(#argument)))
            }
        };
        (start, quote!(#krate::rt::Body::Async(__qtests_begin)))
    } else {
        let start = quote! {
            fn __qtests_begin(__qtests_t: #krate::Test) -> #krate::rt::BodyResult {
                let _ = &__qtests_t;
                #krate::rt::Outcome::into_body_result(#name(#argument))
            }
        };
        (start, quote!(#krate::rt::Body::Sync(__qtests_begin)))
    }
}

fn meta(model: &TestModel, krate: &TokenStream, name: &Ident) -> TokenStream {
    let name = name.to_string();
    let options = options(model, krate);
    let (package, target) = unit();
    let ignored = model.ignore.is_some();
    let should_panic = match &model.should_panic {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    };
    quote! {
        #krate::rt::Meta {
            path: ::core::concat!(::core::module_path!(), "::", #name),
            file: ::core::file!(),
            line: ::core::line!(),
            package: #package,
            target: #krate::rt::Target::#target,
            ignored: #ignored,
            should_panic: #should_panic,
            options: #options,
        }
    }
}

/// The package and the target that are compiled, as cargo tells the compiler: it never tells one unit two things, so
/// that reading it here is as good as `env!` in each test, which takes the compiler much longer.
fn unit() -> (String, TokenStream) {
    let told = |variable| std::env::var(variable).ok();
    let target = match (told("CARGO_TARGET_TMPDIR"), told("CARGO_BIN_NAME")) {
        (Some(_), _) => quote!(Integration),
        (None, Some(name)) => quote!(Binary(#name)),
        (None, None) => quote!(Library),
    };
    (told("CARGO_PKG_NAME").unwrap_or_default(), target)
}

fn options(model: &TestModel, krate: &TokenStream) -> TokenStream {
    let mut options = quote!(#krate::rt::Options::DEFAULT);
    if let Some(count) = model.workers {
        options.extend(quote!(.workers(#count)));
    }
    match model.timeout {
        Timeout::Default => {}
        Timeout::Off => options.extend(quote!(.no_timeout())),
        Timeout::Millis(millis) => options.extend(quote!(.timeout_millis(#millis))),
    }
    if let Some(millis) = model.teardown_millis {
        options.extend(quote!(.teardown_timeout_millis(#millis)));
    }
    if model.paused {
        options.extend(quote!(.paused()));
    }
    if let Some(seed) = model.seed {
        options.extend(quote!(.seed(#seed)));
    }
    if let Some(variant) = model.leaks {
        let variant = format_ident!("{}", variant);
        options.extend(quote!(.leaks(#krate::rt::Leaks::#variant)));
    }
    if let Some(variant) = model.task_panics {
        let variant = format_ident!("{}", variant);
        options.extend(quote!(.task_panics(#krate::rt::TaskPanics::#variant)));
    }
    options
}

/// The error, and the function as it was: what else refers to it compiles, so that one mistake gives one message.
pub(crate) fn refused(error: &Error, mut item: ItemFn) -> TokenStream {
    let error = error.to_compile_error();
    // A constant function would complain a second time, about what it may not do.
    item.sig.constness = None;
    item.attrs.retain(|attribute| !attribute.path().is_ident("ignore") && !attribute.path().is_ident("should_panic"));
    quote! {
        #error
        #[allow(dead_code, reason = "the test that called it was refused")]
        #item
    }
}

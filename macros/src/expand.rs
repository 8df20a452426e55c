//! Writes the code: as little as possible, a static description and a call.

use crate::{
    cases::Case,
    model::{Argument, Judged, TestModel, Timeout},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Error, Expr, ItemFn, ext::IdentExt, spanned::Spanned};

/// The function that libtest calls, and beside it the registration for binaries with a `main` of their own, where rustc
/// drops whatever is `#[test]`.
pub(crate) fn test(model: TestModel) -> TokenStream {
    let krate = model.krate.as_ref().map_or_else(|| quote!(::qtests), |path| quote!(#path));
    match &model.cases {
        None => single(&model, &krate),
        Some(cases) => several(&model, cases, &krate),
    }
}

fn single(model: &TestModel, krate: &TokenStream) -> TokenStream {
    let TestModel { item, judged: Judged { ignore, .. }, shared, .. } = model;
    let name = &item.sig.ident;
    let hidden = format_ident!("__qtest_of_{}", name);
    let this = One { name: name.to_string(), span: Span::call_site(), judged: &model.judged, values: &[] };
    let registered = registered(model, &this, &hidden, krate, Some(item));
    quote! {
        #(#shared)*
        #[doc(hidden)]
        #[allow(dead_code, non_upper_case_globals, reason = "named after the test, and read by it or by nobody")]
        #registered
        #(#shared)*
        #ignore
        #[::core::prelude::v1::test]
        fn #name() {
            #krate::rt::run(&#hidden)
        }
    }
}

/// A module that is named after the function and has a test for each case. Only calls stand in it: what the user wrote
/// stays where it was, so that its paths mean what they meant.
fn several(model: &TestModel, cases: &[Case], krate: &TokenStream) -> TokenStream {
    let TestModel { item, shared, .. } = model;
    let function = &item.sig.ident;
    let mut statics = TokenStream::new();
    let mut calls = TokenStream::new();
    for Case { name, values, judged, cfg } in cases {
        // With its length, so that the names of no two functions and cases run into each other.
        let whole = format!("{}_{function}_{name}", function.unraw().to_string().len());
        let hidden = format_ident!("__qtest_case_{}", whole.replace("r#", ""));
        let run = format_ident!("__qtest_run_{}", whole.replace("r#", ""));
        let judged = Judged {
            ignore: judged.ignore.clone().or_else(|| model.judged.ignore.clone()),
            should_panic: judged.should_panic.clone().or_else(|| model.judged.should_panic.clone()),
        };
        let this = One { name: format!("{function}::{name}"), span: name.span(), judged: &judged, values };
        let registered = registered(model, &this, &hidden, krate, None);
        let ignore = &judged.ignore;
        statics.extend(quote! {
            #(#shared)*
            #(#cfg)*
            #[doc(hidden)]
            #[allow(dead_code, non_upper_case_globals, reason = "named after the case, and read by it or by nobody")]
            #registered
            #(#shared)*
            #(#cfg)*
            #[allow(dead_code, reason = "called by the test, which is dropped where there is a `main` of its own")]
            fn #run() {
                #krate::rt::run(&#hidden)
            }
        });
        calls.extend(quote! {
            #(#cfg)*
            #ignore
            #[::core::prelude::v1::test]
            fn #name() {
                super::#run()
            }
        });
    }
    quote! {
        #(#shared)*
        #[allow(dead_code, reason = "called by its cases, and by nobody in a build without tests")]
        #item
        #statics
        #(#shared)*
        mod #function {
            #calls
        }
    }
}

/// One test that is written: the function itself, or one of its cases.
struct One<'a> {
    name: String,
    /// Where its line is taken from.
    span: Span,
    judged: &'a Judged,
    values: &'a [Expr],
}

/// The static that describes a test. The function itself stands inside of it unless several tests share it.
fn registered(
    model: &TestModel,
    this: &One<'_>,
    hidden: &Ident,
    krate: &TokenStream,
    item: Option<&ItemFn>,
) -> TokenStream {
    let (start, body) = start(model, this.values, krate);
    let meta = meta(model, this, krate);
    quote! {
        static #hidden: #krate::rt::Registered = {
            #item
            #start
            #krate::__register! { #hidden }
            #krate::rt::Registered { meta: #meta, body: #body }
        };
    }
}

/// A plain function with one signature for all tests, so that the runner need not be generic.
fn start(model: &TestModel, values: &[Expr], krate: &TokenStream) -> (TokenStream, TokenStream) {
    let name = &model.item.sig.ident;
    let is_async = model.item.sig.asyncness.is_some();
    let (mut passed, mut set_up) = (Vec::new(), TokenStream::new());
    for (at, argument) in model.arguments.iter().enumerate() {
        match argument {
            // Most tests take the handle and nothing else; those need no copy of it.
            Argument::Test if model.arguments.len() == 1 => passed.push(quote!(__qtests_t)),
            Argument::Test => passed.push(quote!(::core::clone::Clone::clone(&__qtests_t))),
            Argument::Fixture(ty) => {
                let local = format_ident!("__qtests_fixture_{}", at);
                // All of it stands at the type, so that one that is no fixture is refused once, there.
                set_up.extend(if is_async {
                    quote_spanned!(ty.span()=> let #local = #krate::rt::set_up::<#ty>(&__qtests_t).await?;)
                } else {
                    quote_spanned!(ty.span()=> let #local = #krate::rt::set_up_now::<#ty>(&__qtests_t)?;)
                });
                passed.push(quote!(#local));
            }
        }
    }
    let call = quote!(#name(#(#passed,)* #(#values),*));
    let begin = match (is_async, set_up.is_empty()) {
        (true, true) => quote!(#krate::rt::body(::std::boxed::Box::new(#call))),
        (true, false) => quote! {
            ::std::boxed::Box::pin(async move {
                #set_up
                #krate::rt::Outcome::into_body_result(#call.await)
            })
        },
        (false, _) => quote! {
            #set_up
            #krate::rt::Outcome::into_body_result(#call)
        },
    };
    let (result, kind) = if is_async { ("BodyFuture", "Async") } else { ("BodyResult", "Sync") };
    let (result, kind) = (format_ident!("{}", result), format_ident!("{}", kind));
    let start = quote! {
        fn __qtests_begin(__qtests_t: #krate::Test) -> #krate::rt::#result {
            let _ = &__qtests_t;
            #begin
        }
    };
    (start, quote!(#krate::rt::Body::#kind(__qtests_begin)))
}

fn meta(model: &TestModel, this: &One<'_>, krate: &TokenStream) -> TokenStream {
    let name = &this.name;
    let options = options(model, krate);
    let (package, target) = unit();
    let ignored = this.judged.ignore.is_some();
    let should_panic = match &this.judged.should_panic {
        Some(text) => quote!(::core::option::Option::Some(#text)),
        None => quote!(::core::option::Option::None),
    };
    let line = quote_spanned!(this.span=> ::core::line!());
    quote! {
        #krate::rt::Meta {
            path: ::core::concat!(::core::module_path!(), "::", #name),
            file: ::core::file!(),
            line: #line,
            package: #package,
            target: #krate::rt::Target::#target,
            ignored: #ignored,
            should_panic: #should_panic,
            options: &#options,
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
    if let Some(retries) = model.retries {
        options.extend(quote!(.retries(#retries)));
    }
    if !model.tags.is_empty() {
        let tags = &model.tags;
        options.extend(quote!(.tags(&[#(#tags),*])));
    }
    if model.isolate {
        options.extend(quote!(.isolate()));
    }
    if let Some(group) = &model.serial {
        options.extend(quote!(.serial(#group)));
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

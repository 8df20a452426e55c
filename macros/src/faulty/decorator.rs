//! The decorator of a trait: a type that passes every call on, and comes by a point before and after it.

use super::{
    Krate,
    args::Args,
    conditions::{self, Demands},
    field,
    method::{self, Method, Shared},
    self_type,
};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Error, Ident, ItemTrait, Meta, Result, TraitItem, TraitItemConst, TraitItemType, ext::IdentExt,
    parse_quote, spanned::Spanned,
};

/// The trait, and its decorator beside it.
pub(crate) fn write(args: Args, mut item: ItemTrait) -> Result<TokenStream> {
    args.only("a trait", &["name", "point", "err", "infallible", "crate"])?;
    check(&item)?;
    let name = args.name.as_ref().map_or_else(|| format_ident!("Faulty{}", item.ident.unraw()), |it| it.value.clone());
    let point = args.point.as_ref().map_or_else(|| item.ident.unraw().to_string(), |given| given.value.clone());
    let (_, trait_generics, _) = item.generics.split_for_impl();
    let path = {
        let ident = &item.ident;
        quote!(#ident #trait_generics)
    };
    let shared = Shared {
        krate: Krate(args.krate.as_ref().map(|given| given.value.clone())),
        point,
        args,
        inner: quote!(<__T as #path>),
        decorator: quote!(#name::new),
        async_trait_sends: async_trait(&item).is_some_and(|attribute| !is_not_send(attribute)),
    };
    let passed = items(&mut item, &shared)?;
    let structure = structure(&item, &name, &passed.points);
    let implementation = implementation(&item, &name, &path, &passed, &shared);
    Ok(quote!(#item #structure #implementation))
}

/// The trait without our attributes.
pub(crate) fn bare(mut item: ItemTrait) -> ItemTrait {
    for item in &mut item.items {
        if let TraitItem::Fn(function) = item {
            function.attrs.retain(|attribute| !method::is_ours(attribute));
            // What is wrong with them is said already, or is not what is wrong.
            let _ = field::take(&mut function.sig.inputs);
        }
    }
    item
}

fn check(item: &ItemTrait) -> Result<()> {
    if let Some(token) = &item.unsafety {
        let text = "#[faulty] cannot decorate an unsafe trait: what it promises is not the decorator's to promise";
        return Err(Error::new(token.span(), text));
    }
    item.modifiers.require_empty()
}

/// What the decorator passes on.
#[derive(Default)]
struct Passed {
    written: Vec<TokenStream>,
    points: Vec<String>,
    demands: Demands,
}

fn items(item: &mut ItemTrait, shared: &Shared) -> Result<Passed> {
    let mut passed = Passed::default();
    for item in &mut item.items {
        match item {
            TraitItem::Fn(function) => {
                let method = Method::new(function, shared)?;
                passed.demands.add(&method, &function.sig.generics)?;
                passed.written.push(method.written);
                passed.points.extend(method.points);
            }
            TraitItem::Const(constant) => passed.written.push(constant_of(constant, &shared.inner)?),
            TraitItem::Type(ty) => passed.written.push(type_of(ty, &shared.inner)),
            other => return Err(Error::new(other.span(), "#[faulty] cannot see what this is: write it out")),
        }
    }
    Ok(passed)
}

fn constant_of(constant: &TraitItemConst, inner: &TokenStream) -> Result<TokenStream> {
    let TraitItemConst { attrs, ident, ty, .. } = constant;
    let cfg = cfg(attrs);
    // A constant that holds a `Self` could not be made into the decorator's.
    if let Some(_made) = self_type::reply(ty, inner)? {
        let text = "the decorator cannot turn this `Self` into the type that it decorates: make it a method";
        return Err(Error::new(ty.span(), text));
    }
    Ok(quote!(#(#cfg)* const #ident: #ty = #inner::#ident;))
}

fn type_of(ty: &TraitItemType, inner: &TokenStream) -> TokenStream {
    let TraitItemType { attrs, ident, generics, .. } = ty;
    let (parameters, arguments, conditions) = generics.split_for_impl();
    let cfg = cfg(attrs);
    quote!(#(#cfg)* type #ident #parameters = #inner::#ident #arguments #conditions;)
}

fn cfg(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}

fn structure(item: &ItemTrait, name: &Ident, points: &[String]) -> TokenStream {
    let (vis, cfg) = (&item.vis, cfg(&item.attrs));
    let list: String = points.iter().map(|point| format!("\n- `{point}` and `{point}.after`")).collect();
    let doc = format!(
        "Passes every call on to a [`{}`], and comes by a fault point before it, where nothing is done yet, and by one \
         after it, where the work is done and its reply can still be lost:\n{list}",
        item.ident
    );
    let cfg: Vec<&Attribute> = cfg.collect();
    let (new, inner, into_inner) = ("Decorates a value.", "What is decorated.", "Gives back what was decorated.");
    quote! {
        #(#cfg)*
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #[allow(dead_code, reason = "made by tests, if at all")]
        #vis struct #name<T> {
            inner: T,
        }

        #(#cfg)*
        #[allow(dead_code, reason = "called by tests, if at all")]
        impl<T> #name<T> {
            #[doc = #new]
            #vis const fn new(inner: T) -> Self {
                Self { inner: inner }
            }

            #[doc = #inner]
            #vis const fn inner(&self) -> &T {
                &self.inner
            }

            #[doc = #into_inner]
            #vis fn into_inner(self) -> T {
                self.inner
            }
        }
    }
}

fn implementation(item: &ItemTrait, name: &Ident, path: &TokenStream, passed: &Passed, shared: &Shared) -> TokenStream {
    let written = &passed.written;
    let mut generics = conditions::of_trait(item, &shared.inner);
    generics.params.push(parse_quote!(__T));
    let conditions = &mut generics.make_where_clause().predicates;
    conditions.push(parse_quote!(__T: #path));
    conditions.extend(passed.demands.written(item, shared));
    let (parameters, _, conditions) = generics.split_for_impl();
    let cfg = cfg(&item.attrs);
    let async_trait = async_trait(item);
    quote! {
        #(#cfg)*
        #async_trait
        #[automatically_derived]
        impl #parameters #path for #name<__T> #conditions {
            #(#written)*
        }
    }
}

/// `#[async_trait]` that stands below: the decorator's `impl` needs it too.
fn async_trait(item: &ItemTrait) -> Option<&Attribute> {
    item.attrs.iter().find(|attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "async_trait"))
}

fn is_not_send(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.to_token_stream().to_string().contains("Send"))
}

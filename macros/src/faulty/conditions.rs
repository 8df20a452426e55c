//! What must be true, beside that the decorated value implements the trait, for the decorator to implement it too.

use super::{
    method::{Method, Shared},
    reply::peeled,
    self_type::{is_shared, mentions, spelled_for_impl},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use std::collections::BTreeSet;
use syn::{
    Attribute, Error, Generics, ItemTrait, Result, TraitItem, Type, TypeParamBound, WherePredicate, parse_quote,
    spanned::Spanned,
};

/// What the methods of a trait ask of the types that it does not fix.
#[derive(Default)]
pub(crate) struct Demands {
    /// Of the decorated value.
    value: Vec<TypeParamBound>,
    /// What futures that must be `Send` hold while they wait at a point.
    sent: Vec<Type>,
    /// What boxed futures give that borrow nothing.
    owned: Vec<Type>,
    /// What injected faults become.
    errors: Vec<Type>,
}

impl Demands {
    /// # Errors
    /// If a method demands of `Self` what only its caller can know.
    pub(crate) fn add(&mut self, method: &Method, generics: &Generics) -> Result<()> {
        self.value.extend(of_self(generics)?);
        self.value.extend(method.needs.map(|need| -> TypeParamBound {
            let need = Ident::new(need, Span::call_site());
            parse_quote!(::core::marker::#need)
        }));
        self.sent.extend(method.sent.iter().cloned());
        self.owned.extend(method.owned.clone());
        self.errors.extend(method.error.clone());
        Ok(())
    }

    /// As conditions of the implementation, each once.
    pub(crate) fn written(&self, item: &ItemTrait, shared: &Shared) -> Vec<WherePredicate> {
        let inner = &shared.inner;
        let krate = shared.krate.at(Span::call_site());
        let own = own_types(item);
        let mut conditions: Vec<WherePredicate> = Vec::new();
        for bound in &self.value {
            let bound = spelled_for_impl(bound.to_token_stream(), &own, inner, Some(&quote!(__T)));
            conditions.push(parse_quote!(__T: #bound));
        }
        for Subject { said, written } in subjects(item, inner) {
            let holds = |types: &[Type]| types.iter().any(|ty| mentions(ty.to_token_stream(), &said));
            if holds(&self.sent) {
                conditions.push(parse_quote!(#written: ::core::marker::Send));
            }
            let shares = |ty: &&Type| is_shared(ty.to_token_stream()) && mentions(ty.to_token_stream(), &said);
            if self.sent.iter().any(|ty| shares(&ty)) {
                conditions.push(parse_quote!(#written: ::core::marker::Sync));
            }
            if holds(&self.owned) {
                conditions.push(parse_quote!(#written: 'static));
            }
            if self.errors.iter().any(|error| is_path(error, &said)) {
                conditions.push(parse_quote!(#written: #krate::FromFault));
            }
        }
        let mut known = BTreeSet::new();
        conditions.retain(|condition| known.insert(condition.to_token_stream().to_string()));
        conditions
    }
}

/// The conditions of the trait itself, as those of an implementation: there `Self::Item` of this very trait would be asked
/// for to find out what it is.
pub(crate) fn of_trait(item: &ItemTrait, inner: &TokenStream) -> Generics {
    let (mut generics, own) = (item.generics.clone(), own_types(item));
    for predicate in generics.where_clause.iter_mut().flat_map(|clause| &mut clause.predicates) {
        let tokens = spelled_for_impl(predicate.to_token_stream(), &own, inner, None);
        *predicate = parse_quote!(#tokens);
    }
    generics
}

/// A type that a trait does not fix: how the trait says it, and how the implementation does.
struct Subject {
    said: Vec<Ident>,
    written: TokenStream,
}

/// The trait's parameters, and its associated types that have no parameters and are there in every build. What `Self::Item`
/// of a supertrait is, the user says.
fn subjects(item: &ItemTrait, inner: &TokenStream) -> Vec<Subject> {
    let this = Ident::new("Self", Span::call_site());
    let mut subjects = vec![Subject { said: vec![this.clone()], written: quote!(__T) }];
    for parameter in item.generics.type_params() {
        let name = parameter.ident.clone();
        subjects.push(Subject { written: quote!(#name), said: vec![name] });
    }
    for item in &item.items {
        if let TraitItem::Type(ty) = item
            && ty.generics.params.is_empty()
            && !ty.attrs.iter().any(is_cfg)
        {
            let name = ty.ident.clone();
            subjects.push(Subject { written: quote!(#inner::#name), said: vec![this.clone(), name] });
        }
    }
    subjects
}

fn is_cfg(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
}

fn own_types(item: &ItemTrait) -> Vec<&Ident> {
    let types = item.items.iter().filter_map(|item| match item {
        TraitItem::Type(ty) => Some(&ty.ident),
        _ => None,
    });
    types.collect()
}

fn is_path(ty: &Type, said: &[Ident]) -> bool {
    let Type::Path(path) = peeled(ty) else { return false };
    path.qself.is_none() && path.path.segments.iter().map(|segment| &segment.ident).eq(said)
}

/// `where Self: Send + Clone`: true of the decorator when it is true of what is decorated, which the compiler must be told.
fn of_self(generics: &Generics) -> Result<Vec<TypeParamBound>> {
    let mut demanded = Vec::new();
    for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        let WherePredicate::Type(ty) = predicate else { continue };
        if !matches!(&ty.bounded_ty, Type::Path(path) if path.path.is_ident("Self")) {
            continue;
        }
        for bound in &ty.bounds {
            let TypeParamBound::Trait(named) = bound else { continue };
            let chosen = |name: &Ident| mentions(bound.to_token_stream(), std::slice::from_ref(name));
            if generics.type_params().any(|parameter| chosen(&parameter.ident)) {
                let text = "the decorator cannot demand this of the type that it decorates: it names what the caller of the \
                            method chooses; move the method to a trait without #[faulty]";
                return Err(Error::new(bound.span(), text));
            }
            // Sized it is in any case.
            if named.path.segments.last().is_some_and(|last| last.ident != "Sized") {
                demanded.push(bound.clone());
            }
        }
    }
    Ok(demanded)
}

//! What a method or function gives back: at once or as a future, and whether that can be an error.

use proc_macro2::Span;
use syn::{
    GenericArgument, Path, PathArguments, PathSegment, ReturnType, Signature, Type, TypeParamBound, parse_quote,
    punctuated::Punctuated, spanned::Spanned,
};

/// How an answer comes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// At once.
    Now,
    /// By an `async fn`.
    Async,
    /// `-> impl Future<Output = ..>`.
    Opaque,
    /// `-> Pin<Box<dyn Future<Output = ..>>>`, also where `#[async_trait]` wrote it, and `-> BoxFuture<..>`.
    Boxed,
}

/// What is given back.
pub(crate) struct Reply {
    pub(crate) shape: Shape,
    /// What the caller has in the end: of a future its output.
    pub(crate) output: Type,
    /// Whether the future is `Send` by its type.
    pub(crate) send: bool,
    /// Whether the future borrows nothing by its type: then it cannot be made within another one that does.
    pub(crate) owns: bool,
}

impl Reply {
    pub(crate) fn of(signature: &Signature) -> Self {
        let ty = match &signature.output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        if signature.asyncness.is_some() {
            return Self { shape: Shape::Async, output: ty, send: false, owns: false };
        }
        match future(peeled(&ty)) {
            Some(reply) => reply,
            None => Self { shape: Shape::Now, output: ty, send: false, owns: false },
        }
    }

    /// The place to point at when its error cannot be injected; `None` if there is no `Result`. Type aliases such as
    /// `io::Result<T>` count, so the name alone decides.
    pub(crate) fn error_place(&self) -> Option<Span> {
        let segment = last_segment(&self.output).filter(|segment| segment.ident == "Result")?;
        Some(self.error().map_or_else(|| segment.ident.span(), Spanned::span))
    }

    /// The type of the error, if it is named.
    pub(crate) fn error(&self) -> Option<&Type> {
        let segment = last_segment(&self.output).filter(|segment| segment.ident == "Result")?;
        arguments(segment).filter_map(as_type).nth(1)
    }
}

/// What a future gives, if the type is written as a future.
fn future(ty: &Type) -> Option<Reply> {
    match ty {
        Type::ImplTrait(ty) => {
            let (output, send) = of_bounds(&ty.bounds)?;
            let owns = ty.bounds.iter().any(|bound| match bound {
                TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
                TypeParamBound::PreciseCapture(captured) => captured.params.is_empty(),
                _ => false,
            });
            Some(Reply { shape: Shape::Opaque, output, send, owns })
        }
        Type::Path(_) => {
            let segment = last_segment(ty)?;
            let is_static = arguments(segment).any(|argument| match argument {
                GenericArgument::Lifetime(lifetime) => lifetime.ident == "static",
                _ => false,
            });
            let (output, send, owns) = match segment.ident.to_string().as_str() {
                "Pin" => of_pinned(arguments(segment).find_map(as_type)?)?,
                "BoxFuture" => (arguments(segment).find_map(as_type)?.clone(), true, is_static),
                "LocalBoxFuture" => (arguments(segment).find_map(as_type)?.clone(), false, is_static),
                _ => return None,
            };
            Some(Reply { shape: Shape::Boxed, output, send, owns })
        }
        _ => None,
    }
}

/// `Box<dyn Future<Output = ..> + Send>`.
fn of_pinned(ty: &Type) -> Option<(Type, bool, bool)> {
    let segment = last_segment(ty)?;
    match arguments(segment).find_map(as_type).map(peeled)? {
        Type::TraitObject(object) if segment.ident == "Box" => {
            let (output, send) = of_bounds(&object.bounds)?;
            // In a box, a trait object that names no lifetime is `'static`.
            let borrows = |bound: &TypeParamBound| matches!(bound, TypeParamBound::Lifetime(lifetime) if lifetime.ident != "static");
            Some((output, send, !object.bounds.iter().any(borrows)))
        }
        _ => None,
    }
}

fn of_bounds(bounds: &Punctuated<TypeParamBound, syn::Token![+]>) -> Option<(Type, bool)> {
    let future = bounds.iter().filter_map(path_of).find_map(|path| path.segments.last().filter(is("Future")))?;
    let output = arguments(future).find_map(|argument| match argument {
        GenericArgument::AssocType(ty) if ty.ident == "Output" => Some(ty.ty.clone()),
        _ => None,
    });
    let send =
        bounds.iter().filter_map(path_of).any(|path| path.segments.last().is_some_and(|last| last.ident == "Send"));
    Some((output.unwrap_or_else(|| parse_quote!(())), send))
}

fn is(name: &'static str) -> impl Fn(&&PathSegment) -> bool {
    move |segment| segment.ident == name
}

fn path_of(bound: &TypeParamBound) -> Option<&Path> {
    match bound {
        TypeParamBound::Trait(bound) => Some(&bound.path),
        _ => None,
    }
}

/// The type without what macros put around it.
pub(crate) fn peeled(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            ty => return ty,
        };
    }
}

pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peeled(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

pub(crate) fn arguments(segment: &PathSegment) -> impl Iterator<Item = &GenericArgument> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(arguments.args.iter()),
        _ => None,
    };
    arguments.into_iter().flatten()
}

pub(crate) fn as_type(argument: &GenericArgument) -> Option<&Type> {
    match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

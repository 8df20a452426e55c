//! What stands around a call: the point on the way in and the point on the way out.

use super::{
    Krate,
    args::Args,
    field::Field,
    reply::{Reply, Shape, peeled},
};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Expr, Generics, Result, Type, spanned::Spanned};

/// The two points of one method or function.
pub(crate) struct Points {
    pub(crate) krate: Krate,
    /// The name of the point on the way in.
    pub(crate) name: String,
    /// Where it is: the name of the method, whose line the points are said to be on.
    pub(crate) span: Span,
    pub(crate) fields: Vec<Field>,
    pub(crate) failing: Failing,
}

/// What an error that is injected becomes.
pub(crate) enum Failing {
    /// Nothing can be injected: these are pause points.
    Never,
    /// By `FromFault`, which is asked for at this place.
    FromFault(Span),
    /// By a function of the user's.
    By(Box<Expr>),
}

impl Failing {
    /// What the attributes say, the nearest first.
    pub(crate) fn of(reply: &Reply, own: &Args, all: Option<&Args>) -> Result<Self> {
        let Some(place) = reply.error_place() else {
            let vain = [
                ("err", own.err.as_ref().map(|given| given.span)),
                ("infallible", own.infallible.as_ref().map(|given| given.span)),
            ];
            return match vain.into_iter().find_map(|(key, span)| Some((key, span?))) {
                Some((key, span)) => {
                    let text = format!("`{key}` says nothing here: no `Result` is given back, so no error is injected");
                    Err(Error::new(span, text))
                }
                None => Ok(Self::Never),
            };
        };
        for args in [Some(own), all].into_iter().flatten() {
            if let Some(err) = &args.err {
                return Ok(Self::By(Box::new(err.value.clone())));
            }
            if let Some(infallible) = &args.infallible {
                return Ok(if infallible.value { Self::Never } else { Self::FromFault(place) });
            }
        }
        Ok(Self::FromFault(place))
    }
}

impl Points {
    /// Puts the points around a call. Where it is a future, it is awaited already, and the whole stands in an async
    /// block.
    pub(crate) fn around(&self, reply: &Reply, call: TokenStream) -> TokenStream {
        let waits = (reply.shape != Shape::Now).then(|| quote!(async));
        // The box hides from the block what it gives back.
        let output = (reply.shape == Shape::Boxed).then_some(&reply.output);
        let (name, after) = (&self.name, format!("{}.after", self.name));
        let fields = self.fields.iter().map(|Field { name, value }| quote!(#name = #value));
        let fields = quote!(#(, #fields)*);
        let way_in = self.macro_call(quote!(#waits #name #fields));
        let way_in = self.pass(way_in, output);
        if self.fields.is_empty() {
            let way_out = self.macro_call(quote!(#waits #after));
            let way_out = self.pass(way_out, output);
            return quote! {
                #way_in
                let __qtests_reply = #call;
                #way_out
                __qtests_reply
            };
        }
        let keep = self.keep(&after, &fields);
        let way_out = self.pass(self.leave(&waits, &quote!(__qtests_way_out)), output);
        quote! {
            #way_in
            let __qtests_way_out = #keep;
            let __qtests_reply = #call;
            #way_out
            __qtests_reply
        }
    }

    /// Puts the points around a future that borrows nothing, and so cannot be made within one that borrows what it is made
    /// of: what stands before the block that waits for it, and the block. What the call does before the first poll is done
    /// before the way in.
    pub(crate) fn around_future(
        &self,
        reply: &Reply,
        call: &TokenStream,
        made: Option<&TokenStream>,
    ) -> [TokenStream; 2] {
        let waits = Some(quote!(async));
        let output = (reply.shape == Shape::Boxed).then_some(&reply.output);
        let fields = self.fields.iter().map(|Field { name, value }| quote!(#name = #value));
        let fields = quote!(#(, #fields)*);
        let way_in = self.keep(&self.name, &fields);
        let way_out = self.keep(&format!("{}.after", self.name), &fields);
        let enter = self.pass(self.leave(&waits, &quote!(__qtests_way_in)), output);
        let leave = self.pass(self.leave(&waits, &quote!(__qtests_way_out)), output);
        let waited = quote!(__qtests_future.await);
        let waited = made.map_or_else(|| waited.clone(), |made| quote!(#made(#waited)));
        let before = quote! {
            let __qtests_way_in = #way_in;
            let __qtests_way_out = #way_out;
            let __qtests_future = #call;
        };
        let block = quote! {
            async move {
                #enter
                let __qtests_reply = #waited;
                #leave
                __qtests_reply
            }
        };
        [before, block]
    }

    /// Keeps what a point will see of the arguments, which are gone by then.
    fn keep(&self, name: &str, fields: &TokenStream) -> TokenStream {
        let kind = if matches!(self.failing, Failing::Never) { quote!(Pause) } else { quote!(Fallible) };
        let krate = self.krate.at(self.span);
        quote_spanned!(self.span=> #krate::__way_out!(#kind, #name #fields))
    }

    /// Comes by such a point. The variable is named by who binds it: what has the span of the method may be of another macro.
    fn leave(&self, waits: &Option<TokenStream>, kept: &TokenStream) -> TokenStream {
        let krate = self.krate.at(self.span);
        quote_spanned!(self.span=> #krate::__leave!(#waits #kept))
    }

    /// The error that an injected fault becomes, if nobody but the implementation of a trait can say that it does: a name,
    /// or `Self::Error`.
    pub(crate) fn demanded(&self, reply: &Reply, of_method: &Generics) -> Result<Option<Type>> {
        let (Failing::FromFault(_), Some(error)) = (&self.failing, reply.error()) else { return Ok(None) };
        let Type::Path(path) = peeled(error) else { return Ok(None) };
        if let Some(name) = path.path.get_ident()
            && of_method.type_params().any(|parameter| parameter.ident == *name)
        {
            let text = format!(
                "an injected fault cannot become `{name}`, which is the caller's to choose: name a function that makes it, \
                 #[faulty(err = ..)], or leave the error out, #[faulty(infallible)]"
            );
            return Err(Error::new(error.span(), text));
        }
        Ok(Some(error.clone()))
    }

    /// The point on the way in alone, for a build without live points: only the compiler looks at it.
    pub(crate) fn way_in(&self) -> TokenStream {
        let name = &self.name;
        let fields = self.fields.iter().map(|Field { name, value }| quote!(#name = #value));
        let call = self.macro_call(quote!(#name #(, #fields)*));
        let point = self.pass(call, None);
        quote!(if false { #point })
    }

    /// Written as if it stood at the method, whose line it is then said to be on.
    fn macro_call(&self, inner: TokenStream) -> TokenStream {
        let krate = self.krate.at(self.span);
        match self.failing {
            Failing::Never => quote_spanned!(self.span=> #krate::pause_point!(#inner)),
            _ => quote_spanned!(self.span=> #krate::fault_point!(#inner)),
        }
    }

    /// Comes by a point, and gives its error back.
    fn pass(&self, point: TokenStream, output: Option<&Type>) -> TokenStream {
        // All of it at one place, so that the compiler reports once what cannot become the error.
        let place = match &self.failing {
            Failing::Never => return quote!(let _ = #point;),
            Failing::FromFault(place) => *place,
            Failing::By(function) => function.span(),
        };
        let place = place.resolved_at(Span::call_site());
        let error = if let Failing::By(function) = &self.failing {
            function.to_token_stream()
        } else {
            let krate = self.krate.at(place);
            quote_spanned!(place=> #krate::FromFault::from_fault)
        };
        let give_back = match output {
            None => quote_spanned!(place=> return ::core::result::Result::Err(__qtests_error);),
            Some(output) => quote_spanned! {place=>
                let __qtests_failed: #output = ::core::result::Result::Err(__qtests_error);
                return __qtests_failed;
            },
        };
        quote_spanned! {place=>
            if let ::core::result::Result::Err(__qtests_error) = ::core::result::Result::map_err(#point, #error) {
                #give_back
            }
        }
    }
}

//! The attributes `#[key]` and `#[field]` on parameters: what predicates of a fault see of them.

use syn::{
    Attribute, Error, Expr, FnArg, Ident, Meta, Pat, Result, Token, ext::IdentExt, parse_quote, punctuated::Punctuated,
    spanned::Spanned,
};

/// One field of the points.
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

/// Takes the attributes from the parameters.
pub(crate) fn take(inputs: &mut Punctuated<FnArg, Token![,]>) -> Result<Vec<Field>> {
    let mut fields: Vec<Field> = Vec::new();
    for input in inputs {
        let (FnArg::Typed(syn::PatType { attrs, .. }) | FnArg::Receiver(syn::Receiver { attrs, .. })) = &mut *input;
        let ours: Vec<Attribute> = attrs.extract_if(.., |attribute| is_ours(attribute)).collect();
        for attribute in &ours {
            let field = read(attribute, input)?;
            if fields.iter().any(|before| before.name == field.name) {
                return Err(Error::new(attribute.path().span(), format!("the field `{}` is given twice", field.name)));
            }
            fields.push(field);
        }
    }
    Ok(fields)
}

fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("key") || attribute.path().is_ident("field")
}

fn read(attribute: &Attribute, input: &FnArg) -> Result<Field> {
    let is_key = attribute.path().is_ident("key");
    let parameter = match input {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(pat) => Some(pat.ident.clone()),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    };
    let Some(parameter) = parameter else {
        let text = "a field is read from a parameter with a name: write `name: Type` here";
        return Err(Error::new(attribute.path().span(), text));
    };
    let expression = match &attribute.meta {
        Meta::Path(_) => parse_quote!(#parameter),
        Meta::List(list) => list.parse_args::<Expr>()?,
        Meta::NameValue(pair) => {
            let text = "write the value in parentheses, such as #[key(order.id)] or #[field(cents = order.total())]";
            return Err(Error::new(pair.span(), text));
        }
    };
    let named = match expression {
        Expr::Assign(assign) => {
            let Expr::Path(name) = &*assign.left else {
                return Err(Error::new(assign.left.span(), "the name of a field is one word"));
            };
            (name.path.require_ident()?.unraw(), *assign.right)
        }
        value if is_key => (Ident::new("key", attribute.path().span()), value),
        value => (parameter.unraw(), value),
    };
    let (name, value) = named;
    if is_key && name != "key" {
        return Err(Error::new(name.span(), "#[key] is the field `key`: for another name write #[field(name = ..)]"));
    }
    Ok(Field { name, value })
}

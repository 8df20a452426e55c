//! The arguments of a fault point, as predicates see them.

use std::fmt;

/// An argument of a fault point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Any integer.
    Int(i128),
    /// A floating point number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Text.
    Str(&'a str),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Str(value) => value.fmt(f),
        }
    }
}

/// What can be an argument of a fault point: numbers, truth values, text and references to them. For anything else pass
/// its `to_string()`: arguments are evaluated only while a fault is armed at the point.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a fault point",
    note = "fields are numbers, truth values, text and references to them: pass a part of it, or its `to_string()`"
)]
pub trait ToValue {
    /// The argument.
    fn to_value(&self) -> Value<'_>;
}

macro_rules! to_value {
    ($($type:ty => |$value:ident| $made:expr;)*) => {
        $(impl ToValue for $type {
            fn to_value(&self) -> Value<'_> {
                let $value = self;
                $made
            }
        })*
    };
}

to_value! {
    i8 => |v| Value::Int((*v).into());
    i16 => |v| Value::Int((*v).into());
    i32 => |v| Value::Int((*v).into());
    i64 => |v| Value::Int((*v).into());
    i128 => |v| Value::Int(*v);
    isize => |v| Value::Int(*v as i128);
    u8 => |v| Value::Int((*v).into());
    u16 => |v| Value::Int((*v).into());
    u32 => |v| Value::Int((*v).into());
    u64 => |v| Value::Int((*v).into());
    usize => |v| Value::Int(*v as i128);
    u128 => |v| Value::Int(i128::try_from(*v).unwrap_or(i128::MAX));
    f32 => |v| Value::Float((*v).into());
    f64 => |v| Value::Float(*v);
    bool => |v| Value::Bool(*v);
    str => |v| Value::Str(v);
    String => |v| Value::Str(v);
    std::borrow::Cow<'_, str> => |v| Value::Str(v);
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

//! One time that code came by a point, as predicates and callbacks see it.

use super::Value;

/// One time that code came by a point.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    pub(super) point: &'static str,
    pub(super) fields: &'a [(&'static str, Value<'a>)],
    pub(super) number: u64,
}

impl<'a> Hit<'a> {
    /// The name of the point.
    pub fn point(&self) -> &'static str {
        self.point
    }

    /// Which hit of the armed fault this is, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// An argument of the point.
    pub fn get(&self, field: &str) -> Option<Value<'a>> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, value)| *value)
    }

    /// The text of an argument; `None` if it is no text.
    pub fn str(&self, field: &str) -> Option<&'a str> {
        match self.get(field)? {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// An argument that is an integer.
    pub fn int(&self, field: &str) -> Option<i128> {
        match self.get(field)? {
            Value::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The argument `key` as text; empty if the point has none.
    pub fn key(&self) -> String {
        self.get("key").map(|value| value.to_string()).unwrap_or_default()
    }
}

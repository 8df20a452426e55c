//! Names for the numbers of system errors, in plans as the manual pages have them: `"EIO"`.

use crate::base::nearest;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

macro_rules! names {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}

/// The errors that a plan can name; others are given as numbers.
const NAMES: &[(&str, i32)] = names! {
    EACCES EAGAIN EBUSY ECONNABORTED ECONNREFUSED ECONNRESET EDQUOT EEXIST EFBIG EHOSTUNREACH EINTR EINVAL EIO EISDIR
    EMFILE ENAMETOOLONG ENETUNREACH ENFILE ENODEV ENOENT ENOLCK ENOMEM ENOSPC ENOTDIR ENOTEMPTY ENXIO EPERM EPIPE EROFS
    ESTALE ETIMEDOUT EXDEV
};

/// The name of an error, or its number.
pub(super) fn name(code: i32) -> String {
    NAMES.iter().find(|(_, known)| *known == code).map_or_else(|| code.to_string(), |(name, _)| (*name).to_owned())
}

/// The number for a name.
pub(super) fn code(name: &str) -> Option<i32> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

/// For `#[serde(with = "..")]`.
pub(super) fn serialize<S: Serializer>(code: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    match NAMES.iter().find(|(_, known)| known == code) {
        Some((name, _)) => serializer.serialize_str(name),
        None => serializer.serialize_i32(*code),
    }
}

/// For `#[serde(with = "..")]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Code(i32),
        Name(String),
    }
    match Form::deserialize(deserializer)? {
        Form::Code(code) if code > 0 => Ok(code),
        Form::Code(code) => Err(D::Error::custom(format!("{code} is no number of a system error: they are above 0"))),
        Form::Name(name) => code(&name).ok_or_else(|| {
            let near = nearest(&name, NAMES.iter().map(|(known, _)| *known));
            let hint = if near.is_empty() { String::new() } else { format!(": did you mean {}?", near.join(", ")) };
            D::Error::custom(format!("unknown system error `{name}`{hint}"))
        }),
    }
}

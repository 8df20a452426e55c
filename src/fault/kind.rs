//! Names for kinds of I/O errors, since `io::ErrorKind` is not serde's.

use crate::base::nearest;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use std::io::ErrorKind;

/// The kinds that a plan can name.
const KINDS: &[(&str, ErrorKind)] = &[
    ("address_in_use", ErrorKind::AddrInUse),
    ("already_exists", ErrorKind::AlreadyExists),
    ("broken_pipe", ErrorKind::BrokenPipe),
    ("connection_aborted", ErrorKind::ConnectionAborted),
    ("connection_refused", ErrorKind::ConnectionRefused),
    ("connection_reset", ErrorKind::ConnectionReset),
    ("host_unreachable", ErrorKind::HostUnreachable),
    ("interrupted", ErrorKind::Interrupted),
    ("invalid_data", ErrorKind::InvalidData),
    ("invalid_input", ErrorKind::InvalidInput),
    ("network_unreachable", ErrorKind::NetworkUnreachable),
    ("not_connected", ErrorKind::NotConnected),
    ("not_found", ErrorKind::NotFound),
    ("other", ErrorKind::Other),
    ("out_of_memory", ErrorKind::OutOfMemory),
    ("permission_denied", ErrorKind::PermissionDenied),
    ("read_only", ErrorKind::ReadOnlyFilesystem),
    ("resource_busy", ErrorKind::ResourceBusy),
    ("storage_full", ErrorKind::StorageFull),
    ("timed_out", ErrorKind::TimedOut),
    ("unexpected_eof", ErrorKind::UnexpectedEof),
    ("unsupported", ErrorKind::Unsupported),
    ("would_block", ErrorKind::WouldBlock),
    ("write_zero", ErrorKind::WriteZero),
];

/// For `#[serde(with = "..")]`.
pub(super) fn serialize<S: Serializer>(kind: &ErrorKind, serializer: S) -> Result<S::Ok, S::Error> {
    match KINDS.iter().find(|(_, known)| known == kind) {
        Some((name, _)) => serializer.serialize_str(name),
        None => Err(serde::ser::Error::custom(format!("the error kind {kind:?} has no name in a plan"))),
    }
}

/// For `#[serde(with = "..")]`.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ErrorKind, D::Error> {
    let name = String::deserialize(deserializer)?;
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).ok_or_else(|| {
        let near = nearest(&name, KINDS.iter().map(|(known, _)| *known));
        let hint = if near.is_empty() { KINDS.iter().map(|(known, _)| *known).collect() } else { near };
        D::Error::custom(format!("unknown error kind `{name}`: did you mean {}?", hint.join(", ")))
    })
}

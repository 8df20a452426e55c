//! Reading whole files.

use super::Faults;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;
use std::{
    fs,
    io::{self, Read},
    path::Path,
};

/// The largest file that is read, in bytes: 1 GiB.
pub const READ_LIMIT: u64 = 1 << 30;

/// Opens something that must be a file. A pipe is opened without waiting for its other end, and refused.
pub(super) fn open(dir: &Dir, path: &Path, options: &mut OpenOptions, more: OFlags) -> io::Result<fs::File> {
    let file = dir.open_with(path, options.custom_flags(flags(OFlags::NONBLOCK | more)))?.into_std();
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        Ok(file)
    } else if kind.is_dir() {
        Err(io::ErrorKind::IsADirectory.into())
    } else {
        Err(io::Error::new(io::ErrorKind::Unsupported, "it is a pipe, a socket or a device"))
    }
}

/// Flags of the system in the form that `std` takes.
pub(super) fn flags(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

pub(super) fn bytes(dir: &Dir, path: &Path, faults: &Faults) -> io::Result<Vec<u8>> {
    let file = open(dir, path, OpenOptions::new().read(true), OFlags::empty())?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    if length <= READ_LIMIT {
        bytes.reserve(usize::try_from(length).unwrap_or(0));
        // It may grow while it is read.
        file.take(READ_LIMIT + 1).read_to_end(&mut bytes)?;
    }
    if length > READ_LIMIT || bytes.len() as u64 > READ_LIMIT {
        let text = format!("it has more than {READ_LIMIT} bytes: read it in parts with another crate");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    faults.read(&mut bytes);
    Ok(bytes)
}

pub(super) fn text(dir: &Dir, path: &Path, faults: &Faults) -> io::Result<String> {
    String::from_utf8(bytes(dir, path, faults)?).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        io::Error::new(io::ErrorKind::InvalidData, format!("it is no UTF-8 from byte {valid} on: use read"))
    })
}

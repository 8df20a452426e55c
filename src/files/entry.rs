//! What is in a directory, and what is known of one entry.

use super::{error::at, write};
use cap_std::fs::{Dir, FileType};
use std::{ffi::OsString, io, path::Path, time::SystemTime};

/// The most entries of one directory that are listed.
pub const LIST_LIMIT: usize = 100_000;

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Entry {
    /// Its name, without the directory.
    pub name: OsString,
    /// What it is; a symbolic link is one, wherever it leads.
    pub kind: EntryKind,
    /// The length of a file in bytes; 0 for everything else.
    pub len: u64,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum EntryKind {
    /// A file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A pipe, a socket or a device.
    Other,
}

/// What is known of a file or directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metadata {
    /// What it is; never [`EntryKind::Symlink`], since links are followed.
    pub kind: EntryKind,
    /// The length of a file in bytes; 0 for everything else.
    pub len: u64,
    /// When its content was last changed.
    pub modified: SystemTime,
}

impl From<FileType> for EntryKind {
    fn from(kind: FileType) -> Self {
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Dir
        } else if kind.is_symlink() {
            Self::Symlink
        } else {
            Self::Other
        }
    }
}

pub(super) fn metadata(dir: &Dir, path: &Path) -> io::Result<Metadata> {
    let found = dir.metadata(path)?;
    let kind = EntryKind::from(found.file_type());
    let len = if kind == EntryKind::File { found.len() } else { 0 };
    Ok(Metadata { kind, len, modified: found.modified()?.into_std() })
}

pub(super) fn list(dir: &Dir, path: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for found in dir.read_dir(path)? {
        let found = found?;
        let name = found.file_name();
        let (kind, len) = match found.metadata() {
            Ok(about) => (EntryKind::from(about.file_type()), about.len()),
            // It was removed since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(at(&path.join(name), error)),
        };
        // Of a write that is under way. Whatever else has such a name is somebody's.
        if kind == EntryKind::File && write::is_staging_file(&name) {
            continue;
        }
        if entries.len() == LIST_LIMIT {
            return Err(at(path, too_many(LIST_LIMIT)));
        }
        entries.push(Entry { name, kind, len: if kind == EntryKind::File { len } else { 0 } });
    }
    entries.sort();
    Ok(entries)
}

/// The refusal of what has more entries than the limit.
pub(super) fn too_many(limit: usize) -> io::Error {
    io::Error::new(io::ErrorKind::QuotaExceeded, format!("it has more than {limit} entries: split it"))
}

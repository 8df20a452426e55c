//! Writing: atomically in the place of a file, or to its end.

use super::read;
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt, Permissions};
use rustix::fs::OFlags;
use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt as _,
    },
    path::Path,
};

/// What the names of files end in that are not yet in their place.
const STAGING: &str = ".qtests-write~";

/// The longest name of a file on the usual file systems of Linux, in bytes (NAME_MAX).
const LONGEST_NAME: usize = 255;

/// Whether a path names a file that is not yet in its place.
pub(super) fn is_staging(path: &Path) -> bool {
    path.file_name().is_some_and(is_staging_name)
}

pub(super) fn is_staging_name(name: &OsStr) -> bool {
    name.as_bytes().ends_with(STAGING.as_bytes())
}

/// The refusal of such a name.
pub(super) fn reserved() -> io::Error {
    let text = format!("names that end in {STAGING} belong to writes that are under way: choose another");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// The file that the bytes for `name` go to first. One for each target, so that what a killed process leaves is found
/// by the next writer. Long names are cut: targets that share one only wait for each other.
fn staging_name(name: &OsStr) -> OsString {
    let name = name.as_bytes();
    let kept = name.len().min(LONGEST_NAME - STAGING.len() - 1);
    OsString::from_vec([b".", &name[..kept], STAGING.as_bytes()].concat())
}

/// The directory that holds the entry, and the entry's name.
fn place<'path>(dir: &Dir, path: &'path Path) -> io::Result<(Dir, &'path OsStr)> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = dir.open_dir(parent)?;
    match path.file_name() {
        Some(name) => Ok((parent, name)),
        None => {
            // A path that leads outside is refused for that.
            dir.metadata(path)?;
            Err(io::ErrorKind::IsADirectory.into())
        }
    }
}

pub(super) fn replace(dir: &Dir, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (parent, name) = place(dir, path)?;
    let permissions = match parent.symlink_metadata(name) {
        Ok(before) if before.is_file() => Some(before.permissions()),
        Ok(before) if before.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let staging = staging_name(name);
    let file = claim(&parent, &staging)?;
    let done = fill(&file, permissions, bytes).and_then(|()| parent.rename(&staging, &parent, name));
    if let Err(error) = done {
        // Still locked: nobody else uses it.
        let _ = parent.remove_file(&staging);
        return Err(error);
    }
    parent.open(".")?.sync_all()
}

/// Opens the staging file for this writer alone, and empties it.
fn claim(parent: &Dir, staging: &OsStr) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).custom_flags(read::flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
    loop {
        let file = parent.open_with(staging, &options)?.into_std();
        while let Err(error) = file.lock() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        // Whoever had the lock before may have renamed this file into its place, or removed it.
        let ours = file.metadata()?;
        match parent.symlink_metadata(staging) {
            Ok(found) if (found.dev(), found.ino()) == (ours.dev(), ours.ino()) => {
                file.set_len(0)?;
                return Ok(file);
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
}

fn fill(mut file: &fs::File, permissions: Option<Permissions>, bytes: &[u8]) -> io::Result<()> {
    if let Some(permissions) = permissions {
        // Before the bytes, which may be a secret.
        file.set_permissions(permissions.into_std(file)?)?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

pub(super) fn append(dir: &Dir, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = read::open(dir, path, OpenOptions::new().append(true).create(true), OFlags::empty())?;
    file.write_all(bytes)?;
    file.sync_all()
}

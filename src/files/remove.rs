//! Removing files and trees.

use cap_std::fs::Dir;
use std::{io, path::Path};

/// How often the removal of a tree begins anew when others change it at the same time.
const ATTEMPTS: usize = 16;

/// Removes what is there, which must be something.
pub(super) fn one(dir: &Dir, path: &Path) -> io::Result<()> {
    if dir.symlink_metadata(path)?.is_dir() { dir.remove_dir_all(path) } else { dir.remove_file(path) }
}

/// Removes until nothing is there.
pub(super) fn until_gone(dir: &Dir, path: &Path) -> io::Result<()> {
    let mut done = one(dir, path);
    for _ in 1..ATTEMPTS {
        match &done {
            // Somebody else removed a part of it first, or put something in.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => {}
            _ => return done,
        }
        match dir.symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            _ => done = one(dir, path),
        }
    }
    done
}

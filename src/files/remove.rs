//! Removing files and trees.

use super::{error::at, read, write};
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::{fs::OFlags, io::Errno};
use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
};

/// How often the removal of a tree begins anew when others change it at the same time.
const ATTEMPTS: usize = 16;

/// How many directories above the deepest one are held open, and at which distance further up one of them stays so: a
/// tree of any depth needs few descriptors, and the way back up is short.
const HELD: usize = 32;

/// How many directories in one directory are removed before it is read again.
const BATCH: usize = 1_000;

/// Removes what is there, which must be something.
pub(super) fn one(dir: &Dir, path: &Path) -> io::Result<()> {
    if !dir.symlink_metadata(path)?.is_dir() {
        return dir.remove_file(path);
    }
    let (parent, name) = write::place(dir, path)?;
    let mut tree = Tree { parent, path, levels: Vec::new() };
    let done = tree.enter(name.to_owned()).and_then(|()| tree.remove());
    done.map_err(|error| at(&tree.here(), error))
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

/// A tree that is removed from its leaves on, not by recursion: its depth may be anything. Every directory is reached
/// from the one above it by one name, never through a link, so that nobody who exchanges a directory for a link leads
/// us away.
struct Tree<'a> {
    parent: Dir,
    /// Of the first level, for errors.
    path: &'a Path,
    /// The way down to the directory that is emptied now: one for each level.
    levels: Vec<Level>,
}

struct Level {
    name: OsString,
    /// Device and number, by which it is known again.
    id: (u64, u64),
    /// Closed while the work is far below.
    dir: Option<Dir>,
    /// Directories in it that are still to be removed: [`BATCH`] at most.
    below: Vec<OsString>,
    /// There may be more of them.
    more: bool,
}

impl Tree<'_> {
    /// The path of the directory that is emptied now.
    fn here(&self) -> PathBuf {
        self.levels.iter().skip(1).fold(self.path.to_owned(), |path, level| path.join(&level.name))
    }

    fn remove(&mut self) -> io::Result<()> {
        while let Some(level) = self.levels.last_mut() {
            if let Some(name) = level.below.pop() {
                self.enter(name)?;
            } else if level.more {
                self.sweep()?;
            } else {
                let (name, first) = (level.name.clone(), self.levels.len() == 1);
                match self.above()?.remove_dir(name) {
                    // Below the first level somebody else may have done our work.
                    Err(error) if first || error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => drop(self.levels.pop()),
                }
            }
        }
        Ok(())
    }

    /// Goes one level down, and removes all there that is no directory.
    fn enter(&mut self, name: OsString) -> io::Result<()> {
        let first = self.levels.is_empty();
        let above = match self.levels.len() {
            0 => &self.parent,
            depth => self.open(depth - 1)?,
        };
        let dir = match open_real(above, &name) {
            Ok(dir) => dir,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !first => return Ok(()),
            Err(error)
                if matches!(error.raw_os_error().map(Errno::from_raw_os_error), Some(Errno::NOTDIR | Errno::LOOP)) =>
            {
                return Err(changed());
            }
            Err(error) if first => return Err(error),
            Err(error) => return Err(at(&self.here().join(name), error)),
        };
        let id = id(&dir)?;
        let depth = self.levels.len();
        if let Some(far) = depth.checked_sub(HELD).filter(|far| far % HELD != 0) {
            self.levels[far].dir = None;
        }
        self.levels.push(Level { name, id, dir: Some(dir), below: Vec::new(), more: false });
        self.sweep()
    }

    /// Removes all in the directory that is no directory, and takes down which directories are there.
    fn sweep(&mut self) -> io::Result<()> {
        let depth = self.levels.len() - 1;
        let mut below = Vec::new();
        let mut more = false;
        let entries = match self.open(depth)?.entries() {
            // It was removed since it was opened.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type();
            if kind.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                continue;
            }
            if !kind?.is_dir() {
                match entry.remove_file() {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(at(&self.here().join(entry.file_name()), error));
                    }
                    _ => {}
                }
            } else if below.len() < BATCH {
                below.push(entry.file_name());
            } else {
                more = true;
            }
        }
        let level = &mut self.levels[depth];
        (level.below, level.more) = (below, more);
        Ok(())
    }

    /// The directory that holds the one that is emptied now.
    fn above(&mut self) -> io::Result<&Dir> {
        match self.levels.len() {
            0 | 1 => Ok(&self.parent),
            depth => self.open(depth - 2),
        }
    }

    /// The directory of a level, opened again if it was closed.
    fn open(&mut self, depth: usize) -> io::Result<&Dir> {
        let held = (0..=depth).rev().find(|level| self.levels[*level].dir.is_some());
        for level in held.map_or(0, |held| held + 1)..=depth {
            let above = level.checked_sub(1).and_then(|above| self.levels[above].dir.as_ref());
            let dir = match open_real(above.unwrap_or(&self.parent), &self.levels[level].name) {
                Ok(dir) => dir,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(changed()),
                Err(error) => return Err(error),
            };
            if id(&dir)? != self.levels[level].id {
                return Err(changed());
            }
            self.levels[level].dir = Some(dir);
        }
        self.levels[depth].dir.as_ref().ok_or_else(changed)
    }
}

/// What is removed is not what it was a moment ago.
fn changed() -> io::Error {
    io::Error::new(io::ErrorKind::DirectoryNotEmpty, "others change it at the same time: try again")
}

/// Opens a directory, but not through a link.
fn open_real(above: &Dir, name: &OsStr) -> io::Result<Dir> {
    let flags = read::flags(OFlags::DIRECTORY | OFlags::NOFOLLOW);
    let file = above.open_with(name, OpenOptions::new().read(true).custom_flags(flags))?;
    Ok(Dir::from_std_file(file.into_std()))
}

fn id(dir: &Dir) -> io::Result<(u64, u64)> {
    let about = dir.dir_metadata()?;
    Ok((about.dev(), about.ino()))
}

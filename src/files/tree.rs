//! Copying trees.

use super::{
    Faults,
    entry::{self, EntryKind},
    error::{at, is_escape, outside},
    read, remove,
};
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt, Permissions};
use rustix::fs::OFlags;
use std::{
    io,
    path::{Component, Path, PathBuf},
};

/// The most entries that one copy may have, over all its directories.
pub const COPY_LIMIT: usize = 1_000_000;

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// How many files.
    pub files: usize,
    /// How many directories, the first one too.
    pub dirs: usize,
    /// How many symbolic links.
    pub symlinks: usize,
    /// How many bytes the files have together.
    pub bytes: u64,
}

impl Copied {
    fn entries(&self) -> usize {
        self.files + self.dirs + self.symlinks
    }
}

/// Copies what is at `from` to `to`, where nothing may be.
pub(super) fn copy(dir: &Dir, from: &Path, to: &Path, faults: &Faults) -> io::Result<Copied> {
    let from = real(dir, from)?;
    let to = match (to.parent(), to.file_name()) {
        (Some(parent), Some(name)) => real(dir, parent).map_err(|error| at(parent, error))?.join(name),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    let kind = EntryKind::from(dir.metadata(here(&from))?.file_type());
    if kind == EntryKind::Dir && to.starts_with(&from) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a tree cannot be copied into itself"));
    }
    let mut walk =
        Walk { dir, faults, copied: Copied::default(), begun: false, pending: Vec::new(), modes: Vec::new() };
    let done = walk.all(from, to.clone(), kind);
    if done.is_err() && walk.begun {
        // What was copied up to here; the reason why it failed counts more than what this may say.
        let _ = remove::until_gone(dir, &to);
    }
    done.map(|()| walk.copied)
}

/// The path below the root without links, `.` and `..`; empty for the root itself.
pub(super) fn real(dir: &Dir, path: &Path) -> io::Result<PathBuf> {
    let real = dir.canonicalize(here(path))?;
    Ok(real.components().filter(|part| *part != Component::CurDir).collect())
}

/// The empty path is the root, which the system calls `.`.
fn here(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

struct Walk<'a> {
    dir: &'a Dir,
    faults: &'a Faults,
    copied: Copied,
    /// Whether there is anything at the target that is ours.
    begun: bool,
    /// Directories whose entries are not copied yet: [`COPY_LIMIT`] at most.
    pending: Vec<(PathBuf, PathBuf)>,
    /// What the directories may be once all is in them.
    modes: Vec<(PathBuf, Permissions)>,
}

impl Walk<'_> {
    fn all(&mut self, from: PathBuf, to: PathBuf, kind: EntryKind) -> io::Result<()> {
        self.one(from, to, kind)?;
        while let Some((from, to)) = self.pending.pop() {
            for entry in entry::list(self.dir, here(&from)).map_err(|error| at(&from, error))? {
                self.one(from.join(&entry.name), to.join(&entry.name), entry.kind)?;
            }
        }
        // The latest first: a directory that may not be searched any more hides those in it.
        while let Some((to, mode)) = self.modes.pop() {
            self.dir.set_permissions(&to, mode).map_err(|error| at(&to, error))?;
        }
        Ok(())
    }

    fn one(&mut self, from: PathBuf, to: PathBuf, kind: EntryKind) -> io::Result<()> {
        if self.copied.entries() == COPY_LIMIT {
            return Err(at(&from, entry::too_many(COPY_LIMIT)));
        }
        match kind {
            EntryKind::File => self.file(&from, &to),
            EntryKind::Symlink => self.link(&from, &to),
            EntryKind::Dir => {
                let mode = self.dir.metadata(here(&from)).map_err(|error| at(&from, error))?.permissions();
                // Nobody else looks in before it has the permissions of the original.
                let made = self.dir.create_dir_with(&to, DirBuilder::new().mode(0o700));
                made.map_err(|error| at(&to, error))?;
                self.begun = true;
                self.copied.dirs += 1;
                self.modes.push((to.clone(), mode));
                self.pending.push((from, to));
                Ok(())
            }
            EntryKind::Other => {
                let refusal = io::Error::new(io::ErrorKind::Unsupported, "it is a pipe, a socket or a device");
                Err(at(&from, refusal))
            }
        }
    }

    fn file(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let source = read::open(self.dir, from, OpenOptions::new().read(true), OFlags::NOFOLLOW);
        let mut source = source.map_err(|error| at(from, error))?;
        let target = self.dir.open_with(to, OpenOptions::new().write(true).create_new(true).mode(0o600));
        let mut target = target.map_err(|error| at(to, error))?.into_std();
        self.begun = true;
        self.faults.writes_to(to, &target);
        self.copied.bytes += io::copy(&mut source, &mut target).map_err(|error| at(to, error))?;
        let mode = source.metadata().and_then(|about| target.set_permissions(about.permissions()));
        mode.map_err(|error| at(to, error))?;
        self.copied.files += 1;
        Ok(())
    }

    fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let leads = self.dir.read_link_contents(from).map_err(|error| at(from, error))?;
        let escapes = self.dir.metadata(from).is_err_and(|error| is_escape(&error));
        if escapes || !stays_inside(to, &leads) {
            return Err(outside(from));
        }
        self.dir.symlink(leads, to).map_err(|error| at(to, error))?;
        self.copied.symlinks += 1;
        Ok(())
    }
}

/// Whether a link at `link`, a path below the root without links, leads to somewhere below the root by its letters.
fn stays_inside(link: &Path, leads: &Path) -> bool {
    let mut depth = link.components().count() - 1;
    leads.components().all(|part| match part {
        Component::Normal(_) => {
            depth += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => match depth.checked_sub(1) {
            Some(up) => {
                depth = up;
                true
            }
            None => false,
        },
        Component::RootDir | Component::Prefix(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_by_their_letters() {
        for (link, leads, inside) in [
            ("a", "b", true),
            ("a", "../b", false),
            ("d/a", "../b", true),
            ("d/a", "../../b", false),
            ("d/a", "x/../../b", true),
            ("d/a", "x/../../../b", false),
            ("d/a", "/b", false),
            ("d/a", "", true),
        ] {
            assert_eq!(stays_inside(Path::new(link), Path::new(leads)), inside, "{link} -> {leads}");
        }
    }
}

//! What was at a path before it was replaced or removed, so that it can come back.

use super::{loss::FILES, read};
use cap_std::fs::{
    Dir, DirBuilder, DirBuilderExt, MetadataExt as _, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt as _,
};
use rustix::fs::OFlags;
use std::{
    ffi::OsString,
    fs,
    io::{self, Seek},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// What was at a path. Files are held open, so that their bytes need not be copied, and so that what a crash does to
/// them is seen in what comes back.
pub(super) enum Kept {
    Nothing,
    File(fs::File, u32),
    Link(PathBuf),
    Dir(u32, Vec<(OsString, Kept)>),
}

/// The refusal of what would be more than is held.
pub(super) fn full() -> io::Error {
    io::Error::other(format!("more than {FILES} files and entries would be held"))
}

impl Kept {
    /// Takes down what is there; of `room` entries at most.
    pub(super) fn take(dir: &Dir, path: &Path, room: usize) -> io::Result<Self> {
        Self::within(dir, path, &mut { room })
    }

    fn within(dir: &Dir, path: &Path, room: &mut usize) -> io::Result<Self> {
        let about = match dir.symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            about => about?,
        };
        let (kind, mode) = (about.file_type(), about.mode() & 0o7777);
        *room = room.checked_sub(1).ok_or_else(full)?;
        if kind.is_symlink() {
            return dir.read_link_contents(path).map(Self::Link);
        }
        if kind.is_file() {
            let file = read::open(dir, path, OpenOptions::new().read(true), OFlags::NOFOLLOW)?;
            return Ok(Self::File(file, mode));
        }
        if !kind.is_dir() {
            let text = format!("`{}` is a pipe, a socket or a device", path.display());
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        let mut entries = Vec::new();
        for entry in dir.read_dir(path)? {
            let name = entry?.file_name();
            let kept = Self::within(dir, &path.join(&name), room)?;
            entries.push((name, kept));
        }
        Ok(Self::Dir(mode, entries))
    }

    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    pub(super) fn is_tree(&self) -> bool {
        matches!(self, Self::Dir(..))
    }

    /// How many entries it has.
    pub(super) fn entries(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::File(..) | Self::Link(_) => 1,
            Self::Dir(_, entries) => 1 + entries.iter().map(|(_, kept)| kept.entries()).sum::<usize>(),
        }
    }

    /// Whether the file is in it.
    pub(super) fn has(&self, id: (u64, u64)) -> bool {
        match self {
            Self::Nothing | Self::Link(_) => false,
            Self::File(file, _) => file.metadata().is_ok_and(|about| (about.dev(), about.ino()) == id),
            Self::Dir(_, entries) => entries.iter().any(|(_, kept)| kept.has(id)),
        }
    }

    /// Puts it where nothing is.
    pub(super) fn put(self, dir: &Dir, path: &Path) -> io::Result<()> {
        match self {
            Self::Nothing => Ok(()),
            Self::Link(leads) => dir.symlink_contents(leads, path),
            Self::File(mut kept, mode) => {
                let mut options = OpenOptions::new();
                let mut file = dir.open_with(path, options.write(true).create_new(true).mode(0o600))?.into_std();
                kept.rewind()?;
                io::copy(&mut kept, &mut file)?;
                dir.set_permissions(path, Permissions::from_mode(mode))
            }
            Self::Dir(mode, entries) => {
                dir.create_dir_with(path, DirBuilder::new().mode(0o700))?;
                for (name, kept) in entries {
                    kept.put(dir, &path.join(name))?;
                }
                dir.set_permissions(path, Permissions::from_mode(mode))
            }
        }
    }
}

//! Writing: atomically in the place of a file, or to its end.

use super::{Faults, error::at, read};
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt};
use rustix::{fs::OFlags, io::Errno, process::geteuid};
use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{MetadataExt as _, PermissionsExt},
    },
    path::{Component, Path},
};

/// The mode of a file while it is written: its bytes may be a secret.
const PRIVATE: u32 = 0o600;

/// What the names of files end in that are not yet in their place.
const STAGING: &str = ".qtests-write~";

/// The longest name of a file on the usual file systems of Linux, in bytes (NAME_MAX).
const LONGEST_NAME: usize = 255;

/// Whether something on a path has a name that only writes give.
pub(super) fn is_reserved(path: &Path) -> bool {
    let ends = |part: Component<'_>| part.as_os_str().as_bytes().ends_with(STAGING.as_bytes());
    path.components().any(ends)
}

/// Whether a file with this name is that of a write.
pub(super) fn is_staging_file(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") && name.ends_with(STAGING.as_bytes()) && name.len() > STAGING.len() + 1
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
pub(super) fn place<'path>(dir: &Dir, path: &'path Path) -> io::Result<(Dir, &'path OsStr)> {
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

pub(super) fn replace(dir: &Dir, path: &Path, bytes: &[u8], faults: &Faults) -> io::Result<()> {
    let (parent, name) = place(dir, path)?;
    let staging = staging_name(name);
    let shown = path.with_file_name(&staging);
    let file = claim(&parent, &staging, &shown, faults)?;
    let done = mode(&parent, name).and_then(|mode| {
        fill(&file, mode, bytes, faults)?;
        faults.renaming(&shown, path, || parent.rename(&staging, &parent, name))?;
        Ok(mode)
    });
    let mode = done.inspect_err(|_| {
        // Still locked: nobody else uses it.
        let _ = parent.remove_file(&staging);
    })?;
    if !can_be_opened(mode) {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        faults.sync(&file)?;
    }
    faults.sync_dir(|| parent.open(".")?.sync_all())
}

/// Whether its owner can open a file with this mode, as whoever waits for the staging file must. To others it is given
/// only in its place.
fn can_be_opened(mode: u32) -> bool {
    mode & PRIVATE != 0
}

/// The mode that a file will have in its place: that of the file which is there, or that of any new one.
fn mode(parent: &Dir, name: &OsStr) -> io::Result<u32> {
    match parent.symlink_metadata(name) {
        Ok(before) if before.is_file() => Ok(before.mode() & 0o7777),
        Ok(before) if before.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(umask().map_or(PRIVATE, |umask| 0o666 & !umask)),
    }
}

/// The umask of the process, where the system tells it; the only call that does changes it for all threads.
fn umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/thread-self/status").ok()?;
    let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(umask.trim(), 8).ok()
}

/// Makes the staging file, or takes the one that was left, for this writer alone; it is empty.
fn claim(parent: &Dir, staging: &OsStr, shown: &Path, faults: &Faults) -> io::Result<fs::File> {
    loop {
        let (file, made) = open(parent, staging, shown)?;
        while let Err(error) = faults.waiting(|| file.lock()) {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        // Whoever had the lock before may have renamed this file into its place, or removed it.
        let ours = file.metadata()?;
        match parent.symlink_metadata(staging) {
            Ok(found) if (found.dev(), found.ino()) == (ours.dev(), ours.ino()) => {}
            Ok(_) => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        }
        if made {
            // The umask may have taken more.
            file.set_permissions(fs::Permissions::from_mode(PRIVATE))?;
            return Ok(file);
        }
        // What was left by a write that came to its end but not into its place, or by somebody else, may be held open
        // by those who could read it. They would read what comes now.
        let private = ours.mode() & 0o7777 == PRIVATE && ours.uid() == geteuid().as_raw() && ours.nlink() == 1;
        if private {
            file.set_len(0)?;
            return Ok(file);
        }
        parent.remove_file(staging)?;
    }
}

/// Opens the staging file, and says whether it was made for that. One that cannot be written is opened to be locked
/// only: its mode tells that it is not to be used.
fn open(parent: &Dir, staging: &OsStr, shown: &Path) -> io::Result<(fs::File, bool)> {
    let existing = || {
        let mut options = OpenOptions::new();
        options.custom_flags(read::flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
        options
    };
    loop {
        let made = parent.open_with(staging, OpenOptions::new().write(true).create_new(true).mode(PRIVATE));
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (file.into_std(), true)),
        }
        let found = parent.open_with(staging, existing().write(true));
        let found = match found {
            Err(error) if is_denied(&error) => parent.open_with(staging, existing().read(true)),
            found => found,
        };
        match found {
            Ok(file) => return Ok((file.into_std(), false)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if is_denied(&error) => clear(parent, staging).map_err(|error| at(shown, error))?,
            Err(error) => return Err(at(shown, error)),
        }
    }
}

/// Removes a staging file that may neither be read nor written. None of ours that is in use is like that.
fn clear(parent: &Dir, staging: &OsStr) -> io::Result<()> {
    let done = match parent.symlink_metadata(staging) {
        Ok(found) if found.uid() == geteuid().as_raw() => parent.remove_file(staging),
        Ok(found) => {
            let text = format!("it was left by a write of the user {}: remove it", found.uid());
            Err(io::Error::new(io::ErrorKind::ResourceBusy, text))
        }
        Err(error) => Err(error),
    };
    done.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn is_denied(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ACCESS.raw_os_error())
}

fn fill(file: &fs::File, mode: u32, bytes: &[u8], faults: &Faults) -> io::Result<()> {
    faults.write_all(file, bytes)?;
    if can_be_opened(mode) {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    faults.sync(file)
}

pub(super) fn append(dir: &Dir, path: &Path, bytes: &[u8], faults: &Faults) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    let file = faults.making(path, || read::open(dir, path, &mut options, OFlags::empty()))?;
    // Its directory is synced before it has bytes, by everybody who finds it empty. So a file with bytes is in a
    // directory that was synced, also if whoever made it died or failed on the way.
    if file.metadata()?.len() == 0 {
        // The path may be a link to where the file was made.
        let real = dir.canonicalize(path)?;
        let parent = real.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let synced = faults.sync_dir(|| dir.open(parent)?.sync_all());
        synced.map_err(|error| at(parent, error))?;
    }
    faults.write_all(&file, bytes)?;
    faults.sync(&file)
}

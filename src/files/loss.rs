//! What a crash would lose: bytes that were not synced, and changes of directories that were not.

use super::{Lost, kept::Kept, remove};
use crate::base::{Error, Kind};
use cap_std::fs::{Dir, MetadataExt as _};
use std::{
    fs, io, mem,
    ops::Range,
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, MetadataExt as _},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

/// How many files are held open at most, for what they may lose or for what they were.
pub(super) const FILES: usize = 256;

/// How many changes of directories, and how many failed syncs of one file, are known at most.
const CHANGES: usize = 10_000;

/// What a crash now would lose.
#[derive(Default)]
pub(super) struct Loss {
    files: Vec<Unsynced>,
    /// In their order.
    changes: Vec<Change>,
    /// Why it is not known any more.
    given_up: Option<String>,
}

/// A file with bytes that were not synced.
struct Unsynced {
    /// Device and number; they are not given to another file while this one is open.
    id: (u64, u64),
    file: fs::File,
    /// So many bytes were there, or were synced.
    durable: u64,
    /// Bytes whose sync failed. A later sync that succeeds says nothing about them.
    doubtful: Vec<Range<u64>>,
}

/// A change of directories.
pub(super) struct Change {
    dir: Arc<Dir>,
    what: What,
}

enum What {
    /// Something was made where nothing was.
    Made(PathBuf),
    Renamed {
        from: PathBuf,
        to: PathBuf,
        replaced: Kept,
    },
    Removed(PathBuf, Kept),
}

impl Loss {
    /// How many more files may be held open.
    pub(super) fn room(&self) -> usize {
        let kept: usize = self.changes.iter().map(Change::files).sum();
        FILES.saturating_sub(self.files.len() + kept)
    }

    /// What is written to the file from now on is not synced.
    pub(super) fn writes_to(&mut self, file: &fs::File) {
        let known = file.metadata().and_then(|about| {
            let id = (about.dev(), about.ino());
            let is_known = self.files.iter().any(|known| known.id == id);
            let room = self.room();
            Ok(match (is_known, room) {
                (true, _) => None,
                (false, 0) => return Err(io::Error::other(format!("more than {FILES} files would be held open"))),
                (false, _) => Some(Unsynced { id, file: opened(file)?, durable: about.len(), doubtful: Vec::new() }),
            })
        });
        match known {
            Ok(new) => self.files.extend(new),
            Err(error) => self.give_up(error.to_string()),
        }
    }

    pub(super) fn sync_ended(&mut self, file: &fs::File, well: bool) {
        let about = match file.metadata() {
            Ok(about) => about,
            Err(error) => return self.give_up(error.to_string()),
        };
        let Some(at) = self.files.iter().position(|known| known.id == (about.dev(), about.ino())) else { return };
        let known = &mut self.files[at];
        let (durable, length, failures) = (known.durable, about.len(), known.doubtful.len());
        match known.doubtful.last_mut() {
            _ if well => known.durable = length,
            Some(last) if last.start == durable => last.end = length,
            _ if failures == CHANGES => {
                return self.give_up(format!("more than {CHANGES} syncs of one file failed"));
            }
            _ => known.doubtful.push(durable..length),
        }
        if well && known.doubtful.is_empty() {
            self.files.swap_remove(at);
        }
    }

    /// Changes of directories are kept in their order, so that all before this one are there too.
    pub(super) fn dir_is_synced(&mut self) {
        self.changes.clear();
    }

    pub(super) fn changed(&mut self, change: Result<Option<Change>, String>) {
        match change {
            Ok(Some(_)) if self.changes.len() == CHANGES => {
                self.give_up(format!("there are more than {CHANGES} changes"));
            }
            Ok(change) => self.changes.extend(change),
            Err(why) => self.give_up(why),
        }
    }

    fn give_up(&mut self, why: String) {
        self.given_up.get_or_insert(why);
    }

    /// Loses it. Draws are numbers in `0.0..1.0`.
    pub(super) fn happen(&mut self, mut draw: impl FnMut(&str) -> f64) -> Result<Lost, Error> {
        if let Some(why) = &self.given_up {
            let text = format!("it is not known what a crash would lose: {why}; crash earlier, or write less before");
            return Err(Error::new(Kind::Limit, text));
        }
        let failed = |error| Error::other("the crash could not be carried out").with_source(error);
        let mut lost = Lost::default();
        // The bytes first: a file that comes back is copied from what is left of it.
        for file in mem::take(&mut self.files) {
            lost.bytes += file.tear(&mut draw).map_err(failed)?;
        }
        let kept = share(self.changes.len() as u64, draw("changes"));
        for change in self.changes.drain(..).skip(kept as usize).collect::<Vec<_>>().into_iter().rev() {
            change.undo().map_err(failed)?;
            lost.changes += 1;
        }
        Ok(lost)
    }
}

/// So many of `0..=all`.
fn share(all: u64, draw: f64) -> u64 {
    ((all + 1) as f64 * draw) as u64
}

/// The file once more, so that it can be changed at any place, and so that its locks are not held.
fn opened(file: &fs::File) -> io::Result<fs::File> {
    let again = fs::OpenOptions::new().write(true).open(format!("/proc/self/fd/{}", file.as_raw_fd()));
    again.or_else(|_| file.try_clone())
}

impl Unsynced {
    /// Cuts what was not synced somewhere, and says how many bytes are gone.
    fn tear(&self, mut draw: impl FnMut(&str) -> f64) -> io::Result<u64> {
        let length = self.file.metadata()?.len();
        let tail = length.saturating_sub(self.durable);
        let end = length - tail + share(tail, draw("bytes"));
        self.file.set_len(end)?;
        let mut lost = length - end;
        for range in &self.doubtful {
            let range = range.start..range.end.min(end);
            if !range.is_empty() && draw("doubtful") < 0.5 {
                lost += range.end - range.start;
                zero(&self.file, range)?;
            }
        }
        Ok(lost)
    }
}

fn zero(file: &fs::File, mut range: Range<u64>) -> io::Result<()> {
    let zeros = [0; 4096];
    while !range.is_empty() {
        let length = (range.end - range.start).min(zeros.len() as u64);
        file.write_all_at(&zeros[..length as usize], range.start)?;
        range.start += length;
    }
    Ok(())
}

impl Change {
    /// `None` if everything on the path is there. The path is one that leads there when it is undone.
    pub(super) fn making(dir: &Arc<Dir>, path: &Path) -> Result<Option<Self>, String> {
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && matches!(dir.try_exists(path), Ok(false));
        let Some(missing) = path.ancestors().take_while(is_missing).last() else { return Ok(None) };
        // A link to nothing is there; what will be made is what it leads to.
        let made = match dir.read_link(missing) {
            Ok(leads) => missing.parent().unwrap_or(Path::new("")).join(leads),
            Err(_) => missing.to_owned(),
        };
        Ok(Some(Self { dir: Arc::clone(dir), what: What::Made(made) }))
    }

    /// Whether what was to be made is there.
    pub(super) fn is_made(&self) -> bool {
        match &self.what {
            What::Made(path) => self.dir.symlink_metadata(path).is_ok(),
            What::Renamed { .. } | What::Removed(..) => true,
        }
    }

    /// `None` if it changes nothing.
    pub(super) fn renaming(dir: &Arc<Dir>, from: &Path, to: &Path, room: usize) -> Result<Option<Self>, String> {
        let id = |path| dir.symlink_metadata(path).map(|about| (about.dev(), about.ino())).ok();
        if id(from).is_some() && id(from) == id(to) {
            return Ok(None);
        }
        let replaced = Kept::take(dir, to, room).map_err(|error| error.to_string())?;
        let what = What::Renamed { from: from.to_owned(), to: to.to_owned(), replaced };
        Ok(Some(Self { dir: Arc::clone(dir), what }))
    }

    pub(super) fn removing(dir: &Arc<Dir>, path: &Path, room: usize) -> Result<Option<Self>, String> {
        let kept = Kept::take(dir, path, room).map_err(|error| error.to_string())?;
        let what = What::Removed(path.to_owned(), kept);
        Ok(Some(Self { dir: Arc::clone(dir), what }))
    }

    fn files(&self) -> usize {
        match &self.what {
            What::Made(_) => 0,
            What::Renamed { replaced: kept, .. } | What::Removed(_, kept) => kept.files(),
        }
    }

    fn undo(self) -> io::Result<()> {
        match self.what {
            What::Made(path) => gone(&self.dir, &path),
            What::Renamed { from, to, replaced } => {
                match self.dir.rename(&to, &self.dir, &from) {
                    // Somebody else has changed it, not by these operations.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    renamed => renamed?,
                }
                replaced.put(&self.dir, &to)
            }
            What::Removed(path, kept) => {
                gone(&self.dir, &path)?;
                kept.put(&self.dir, &path)
            }
        }
    }
}

/// Removes what is there, if anything is.
fn gone(dir: &Dir, path: &Path) -> io::Result<()> {
    match remove::until_gone(dir, path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_share_is_from_nothing_to_all(all in 0_u64..1_000, draw in 0.0..1.0_f64) {
            prop_assert!(share(all, draw) <= all);
        }
    }

    #[test]
    fn every_share_is_drawn_alike() {
        let drawn: Vec<u64> = (0..8).map(|n| share(3, f64::from(n) / 8.0)).collect();
        assert_eq!(drawn, [0, 0, 1, 1, 2, 2, 3, 3]);
    }
}

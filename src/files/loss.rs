//! What a crash would lose: bytes that were not synced, and changes of directories that were not.

use super::{
    Lost,
    kept::{Kept, full},
    remove,
};
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

/// How many files and entries are held at most, for what they may lose or for what they were.
pub(super) const FILES: usize = 256;

/// How many changes of directories, and how many failed syncs of one file, are known at most.
const CHANGES: usize = 10_000;

/// How many links to links are followed, as by Linux.
const LINKS: usize = 40;

/// What a crash now would lose.
#[derive(Default)]
pub(super) struct Loss {
    files: Vec<Unsynced>,
    /// In their order.
    changes: Vec<Change>,
    /// Why the files are not all known any more.
    unknown_files: Option<String>,
    /// Why the changes are not.
    unknown_changes: Option<String>,
}

/// A file with bytes that were not synced.
struct Unsynced {
    /// The path by which it was written first: it names the draws.
    path: String,
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
    /// How many more files and entries may be held.
    pub(super) fn room(&mut self) -> usize {
        let kept: usize = self.changes.iter().map(|change| change.kept().map_or(0, Kept::entries)).sum();
        // What is nowhere any more, and cannot come back, has nothing to lose: such as what a failed write took away.
        let changes = &self.changes;
        let comes_back = |id| changes.iter().filter_map(Change::kept).any(|kept| kept.has(id));
        self.files.retain(|known| known.is_somewhere() || comes_back(known.id));
        FILES.saturating_sub(self.files.len() + kept)
    }

    /// What is written to the file from now on is not synced.
    pub(super) fn writes_to(&mut self, path: &Path, file: &fs::File) {
        if let Err(error) = self.know(path, file) {
            self.unknown_files.get_or_insert(error.to_string());
        }
    }

    fn know(&mut self, path: &Path, file: &fs::File) -> io::Result<()> {
        let about = file.metadata()?;
        let id = (about.dev(), about.ino());
        if self.files.iter().any(|known| known.id == id) {
            return Ok(());
        }
        if self.room() == 0 {
            return Err(full());
        }
        let (path, file) = (path.to_string_lossy().into_owned(), opened(file)?);
        self.files.push(Unsynced { path, id, file, durable: about.len(), doubtful: Vec::new() });
        Ok(())
    }

    pub(super) fn sync_ended(&mut self, file: &fs::File, well: bool) {
        let about = match file.metadata() {
            Ok(about) => about,
            Err(error) => {
                self.unknown_files.get_or_insert(error.to_string());
                return;
            }
        };
        let Some(at) = self.files.iter().position(|known| known.id == (about.dev(), about.ino())) else { return };
        let known = &mut self.files[at];
        let (durable, length, failures) = (known.durable, about.len(), known.doubtful.len());
        match known.doubtful.last_mut() {
            _ if well => known.durable = length,
            Some(last) if last.start == durable => last.end = length,
            _ if failures == CHANGES => {
                self.unknown_files.get_or_insert(format!("more than {CHANGES} syncs of one file failed"));
                return;
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
        self.unknown_changes = None;
    }

    pub(super) fn changed(&mut self, change: Result<Option<Change>, String>) {
        match change {
            Ok(Some(_)) if self.changes.len() == CHANGES => {
                self.unknown_changes.get_or_insert(format!("there are more than {CHANGES} changes"));
            }
            Ok(change) => self.changes.extend(change),
            Err(why) => {
                self.unknown_changes.get_or_insert(why);
            }
        }
    }

    /// Loses it. Draws are numbers in `0.0..1.0`, each with the name of what is drawn.
    pub(super) fn happen(&mut self, mut draw: impl FnMut(String) -> f64) -> Result<Lost, Error> {
        if let Some(why) = self.unknown_files.as_ref().or(self.unknown_changes.as_ref()) {
            let text = format!("it is not known what a crash would lose: {why}; crash earlier, or write less before");
            return Err(Error::new(Kind::Limit, text));
        }
        let failed = |error| Error::other("the crash could not be carried out").with_source(error);
        let mut lost = Lost::default();
        // Only of files that are somewhere, or that come back.
        self.room();
        // The bytes first: a file that comes back is copied from what is left of it.
        for file in mem::take(&mut self.files) {
            lost.bytes += file.tear(&mut draw).map_err(failed)?;
        }
        let kept = share(self.changes.len() as u64, draw("changes".to_owned()));
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

/// The file once more, so that it can be changed at any place, and so that its locks are not held. A clone would do
/// neither.
fn opened(file: &fs::File) -> io::Result<fs::File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let again = fs::OpenOptions::new().write(true).open(&path);
    again.map_err(|error| io::Error::new(error.kind(), format!("a file could not be opened again by {path}: {error}")))
}

impl Unsynced {
    /// Whether it is in any directory.
    fn is_somewhere(&self) -> bool {
        self.file.metadata().map_or(true, |about| about.nlink() > 0)
    }

    /// Cuts what was not synced somewhere, and says how many bytes are gone.
    fn tear(&self, mut draw: impl FnMut(String) -> f64) -> io::Result<u64> {
        let length = self.file.metadata()?.len();
        let tail = length.saturating_sub(self.durable);
        let end = length - tail + share(tail, draw(format!("bytes {}", self.path)));
        self.file.set_len(end)?;
        let mut lost = length - end;
        for range in &self.doubtful {
            let range = range.start..range.end.min(end);
            if !range.is_empty() && draw(format!("doubtful {}", self.path)) < 0.5 {
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
        let mut made = missing.to_owned();
        // A link to nothing is there; what will be made is what it leads to.
        for _ in 0..LINKS {
            let Ok(leads) = dir.read_link(&made) else { break };
            made = made.parent().unwrap_or(Path::new("")).join(leads);
        }
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

    /// `None` if nothing is there.
    pub(super) fn removing(dir: &Arc<Dir>, path: &Path, room: usize) -> Result<Option<Self>, String> {
        let kept = Kept::take(dir, path, room).map_err(|error| error.to_string())?;
        if kept.is_nothing() {
            return Ok(None);
        }
        let what = What::Removed(path.to_owned(), kept);
        Ok(Some(Self { dir: Arc::clone(dir), what }))
    }

    /// Whether it may have been done in part.
    pub(super) fn is_of_a_tree(&self) -> bool {
        self.kept().is_some_and(Kept::is_tree)
    }

    /// What comes back when it is undone.
    fn kept(&self) -> Option<&Kept> {
        match &self.what {
            What::Made(_) => None,
            What::Renamed { replaced: kept, .. } | What::Removed(_, kept) => Some(kept),
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
    fn what_is_left_of_a_file_does_not_depend_on_who_was_written_first() {
        let dir = tempfile::tempdir().unwrap();
        let left = |order: [&str; 2]| {
            let mut loss = Loss::default();
            for name in order {
                let path = dir.path().join(name);
                let file = fs::File::create(&path).unwrap();
                loss.writes_to(Path::new(name), &file);
                fs::write(&path, "0123456789").unwrap();
            }
            loss.happen(|what| if what == "bytes one" { 0.2 } else { 0.7 }).unwrap();
            ["one", "two"].map(|name| fs::read(dir.path().join(name)).unwrap().len())
        };
        assert_eq!(left(["one", "two"]), [2, 7]);
        assert_eq!(left(["two", "one"]), [2, 7]);
    }

    #[test]
    fn every_share_is_drawn_alike() {
        let drawn: Vec<u64> = (0..8).map(|n| share(3, f64::from(n) / 8.0)).collect();
        assert_eq!(drawn, [0, 0, 1, 1, 2, 2, 3, 3]);
    }
}

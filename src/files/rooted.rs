//! The operations, and the one way that each of them takes to the file system.

use super::{
    Copied, Entry, Faults, FileError, Metadata, entry,
    error::{Operation, Verb, at},
    read, remove, tree, write,
};
use cap_std::{ambient_authority, fs::Dir};
use std::{
    fmt, io,
    panic::resume_unwind,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// A directory, and the file operations below it. Clones are cheap and share the open directory.
///
/// See the [module](super) for where paths lead, on which threads operations run, and what a dropped future means.
#[derive(Clone)]
pub struct Files {
    dir: Arc<Dir>,
    root: Arc<Path>,
}

impl Files {
    /// Takes a directory, which must exist, as the root. It stays the root when it is renamed. Opening it blocks the
    /// thread for one system call.
    ///
    /// # Errors
    /// If it cannot be opened, or is no directory.
    pub fn rooted(root: impl AsRef<Path>) -> Result<Self, FileError> {
        let root: Arc<Path> = Arc::from(root.as_ref());
        let operation = Operation { verb: Verb::Open, path: root.to_path_buf(), to: None };
        let opened = Faults::at_open(&operation).and_then(|()| Dir::open_ambient_dir(&root, ambient_authority()));
        match opened {
            Ok(dir) => Ok(Self { dir: Arc::new(dir), root }),
            Err(error) => Err(FileError::new(operation, root, error)),
        }
    }

    /// The root, as it was given.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The bytes of a file; of [`READ_LIMIT`](super::READ_LIMIT) at most. Cancel safe.
    ///
    /// # Errors
    /// If it does not exist, is no file, is too large, leads outside, or the system refuses.
    pub async fn read(&self, path: impl AsRef<Path>) -> Result<Vec<u8>, FileError> {
        self.run(Verb::Read, path.as_ref(), read::bytes).await
    }

    /// The text of a file, which must be UTF-8. Cancel safe.
    ///
    /// # Errors
    /// As [`read`](Files::read), and `InvalidData` if it is no UTF-8.
    pub async fn read_to_string(&self, path: impl AsRef<Path>) -> Result<String, FileError> {
        self.run(Verb::Read, path.as_ref(), read::text).await
    }

    /// Puts `bytes` in the place of a file, or makes it. Its directory must exist.
    ///
    /// Atomic and durable: the bytes go to a file beside it, which is synced and renamed, and then the directory is
    /// synced. Whoever reads meanwhile, and whoever comes after a crash or a kill, finds the old content or the new
    /// one, never a mix. Permissions stay; a symbolic link at `path` is replaced, not followed. Writers of one file
    /// take turns, in other processes of the same user too (`flock`). A process that dies while it writes may leave one
    /// file beside each target, whose name ends in `.qtests-write~`; the next write of the same target uses it up.
    ///
    /// Until it is in its place the file belongs to its writer alone (mode 0600), also when the process dies: what is
    /// written may be a secret. A new file gets the mode 0666 without the bits of the umask, as from
    /// [`std::fs::write`]; on systems that do not tell the umask (other than Linux) it stays 0600.
    ///
    /// When the future is dropped, the write goes to its end or does not begin.
    ///
    /// # Errors
    /// If the directory does not exist or may not be read and written, `path` is a directory or leads outside, what
    /// another user's process left is in the way, or the system refuses. The old content is there then; only if the
    /// last step fails, the sync of the directory, it is the new one.
    pub async fn write(&self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> Result<(), FileError> {
        let bytes = bytes.into();
        let length = bytes.len();
        let work = move |dir: &Dir, path: &Path, faults: &Faults| write::replace(dir, path, &bytes, faults);
        self.run_on(Verb::Write, path.as_ref(), length, work).await
    }

    /// Adds `bytes` to the end of a file, or makes it, and syncs it. Its directory must exist.
    ///
    /// The directory of a file that is empty is synced first, so that a file with bytes that were added here cannot
    /// vanish in a crash; where a [`rename`](Files::rename) or a copy has put it is not synced. Appends of several
    /// callers do not overwrite each other. Not atomic: a crash, or a full disk, can leave a part of the bytes. When
    /// the future is dropped, the append goes to its end or does not begin.
    ///
    /// # Errors
    /// If the directory does not exist, `path` is no file or leads outside, or the system refuses; for an empty or
    /// a new file also if its directory may not be read, and so not be synced. A new file is there and empty then.
    pub async fn append(&self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> Result<(), FileError> {
        let bytes = bytes.into();
        let length = bytes.len();
        let work = move |dir: &Dir, path: &Path, faults: &Faults| write::append(dir, path, &bytes, faults);
        self.run_on(Verb::Append, path.as_ref(), length, work).await
    }

    /// Gives a file or a directory another name, below the same root. A file at `to` is replaced, an empty directory
    /// by a directory. Atomic, not synced. A symbolic link is renamed itself.
    ///
    /// When the future is dropped, the rename happens as a whole or not at all.
    ///
    /// # Errors
    /// If `from` does not exist, `to` is a directory with content, one of them leads outside, or the system refuses.
    pub async fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), FileError> {
        self.run_two(Verb::Rename, from.as_ref(), to.as_ref(), |dir, from, to, faults| {
            named(dir, from)?;
            named(dir, to)?;
            let renamed = faults.renaming(from, to, || dir.rename(from, dir, to));
            renamed.map_err(|error| missing(dir, from, to, error))
        })
        .await
    }

    /// Removes a file, a symbolic link (not what it points to), or a directory with all that is in it, however deep. It
    /// holds 32 directories open, and one more for every 32 levels of the tree.
    ///
    /// When the future is dropped, the removal goes to its end or does not begin.
    ///
    /// # Errors
    /// [`is_not_found`](FileError::is_not_found) if there is nothing; if `path` is the root or leads outside, or the
    /// system refuses. A part of a directory may be gone then.
    pub async fn remove(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        self.run(Verb::Remove, path.as_ref(), |dir, path, faults| {
            named(dir, path)?;
            faults.removing(path, || remove::one(dir, path))
        })
        .await
    }

    /// [`remove`](Files::remove) that is content if there is nothing, also if others remove the same at the same time.
    ///
    /// # Errors
    /// As [`remove`](Files::remove), without the first.
    pub async fn remove_all(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        self.run(Verb::Remove, path.as_ref(), |dir, path, faults| {
            named(dir, path)?;
            faults.removing(path, || remove::until_gone(dir, path))
        })
        .await
    }

    /// Whether there is something, links followed: a link to nothing does not exist. Cancel safe.
    ///
    /// # Errors
    /// Whatever is not "not found": if the path leads outside or through a file, or the system refuses.
    pub async fn exists(&self, path: impl AsRef<Path>) -> Result<bool, FileError> {
        self.run(Verb::LookAt, path.as_ref(), |dir, path, _| dir.try_exists(path)).await
    }

    /// Kind, length and age of what is at `path`, links followed. Cancel safe.
    ///
    /// # Errors
    /// If there is nothing, the path leads outside, or the system refuses.
    pub async fn metadata(&self, path: impl AsRef<Path>) -> Result<Metadata, FileError> {
        self.run(Verb::LookAt, path.as_ref(), |dir, path, _| entry::metadata(dir, path)).await
    }

    /// Makes a directory with all that lead to it; content if it is there. Not synced.
    ///
    /// When the future is dropped, the directories are made or not begun with.
    ///
    /// # Errors
    /// If something on the path is no directory, it leads outside, or the system refuses. Some of the directories may
    /// be made then.
    pub async fn ensure_dir(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
        self.run(Verb::MakeDir, path.as_ref(), |dir, path, faults| faults.making(path, || dir.create_dir_all(path)))
            .await
    }

    /// What is in a directory, sorted by name; of [`LIST_LIMIT`](super::LIST_LIMIT) entries at most. What is in
    /// directories below is not listed. Cancel safe.
    ///
    /// # Errors
    /// If it is no directory, has too many entries, leads outside, or the system refuses.
    pub async fn list(&self, path: impl AsRef<Path>) -> Result<Vec<Entry>, FileError> {
        self.run(Verb::List, path.as_ref(), |dir, path, _| entry::list(dir, path)).await
    }

    /// Copies a file, or a directory with all that is in it, of [`COPY_LIMIT`](super::COPY_LIMIT) entries at most and
    /// [`LIST_LIMIT`](super::LIST_LIMIT) in one directory. Nothing may be at `to`; the directory of `to` must exist.
    ///
    /// Permissions are copied, times are not. A symbolic link is copied as a link and must stay below the root, where
    /// it is and where it goes; `from` itself is followed. The copy is not synced. If it fails, what was copied is
    /// removed.
    ///
    /// When the future is dropped, the copy goes to its end or does not begin. A process that dies leaves a part of it.
    ///
    /// # Errors
    /// `AlreadyExists` if there is something at `to`, `InvalidInput` if `to` is inside `from`,
    /// [`is_outside`](FileError::is_outside) also if a link in the tree leads outside, `Unsupported` for sockets, pipes
    /// and devices; if there is nothing at `from`, there are too many entries, or the system refuses.
    pub async fn copy_tree(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Copied, FileError> {
        self.run_two(Verb::Copy, from.as_ref(), to.as_ref(), |dir, from, to, faults| {
            named(dir, to)?;
            faults.making(to, || tree::copy(dir, from, to, faults))
        })
        .await
    }

    async fn run<T, W>(&self, verb: Verb, path: &Path, work: W) -> Result<T, FileError>
    where
        T: Send + 'static,
        W: FnOnce(&Dir, &Path, &Faults) -> io::Result<T> + Send + 'static,
    {
        let plain = plain(path);
        let operation = Operation { verb, path: path.to_owned(), to: None };
        self.through(operation, None, move |dir, faults| work(dir, &plain, faults)).await
    }

    /// An operation that is given so many bytes.
    async fn run_on<T, W>(&self, verb: Verb, path: &Path, length: usize, work: W) -> Result<T, FileError>
    where
        T: Send + 'static,
        W: FnOnce(&Dir, &Path, &Faults) -> io::Result<T> + Send + 'static,
    {
        let plain = plain(path);
        let operation = Operation { verb, path: path.to_owned(), to: None };
        self.through(operation, Some(length), move |dir, faults| work(dir, &plain, faults)).await
    }

    async fn run_two<T, W>(&self, verb: Verb, from: &Path, to: &Path, work: W) -> Result<T, FileError>
    where
        T: Send + 'static,
        W: FnOnce(&Dir, &Path, &Path, &Faults) -> io::Result<T> + Send + 'static,
    {
        let plain = (plain(from), plain(to));
        let operation = Operation { verb, path: from.to_owned(), to: Some(to.to_owned()) };
        self.through(operation, None, move |dir, faults| work(dir, &plain.0, &plain.1, faults)).await
    }

    /// Every operation passes here, on the task that asked for it and before anything is touched.
    async fn through<T, W>(&self, operation: Operation, length: Option<usize>, work: W) -> Result<T, FileError>
    where
        T: Send + 'static,
        W: FnOnce(&Dir, &Faults) -> io::Result<T> + Send + 'static,
    {
        let done = match operation.paths().find(|path| write::is_reserved(path)) {
            Some(_) => Err(write::reserved()),
            None => self.carry_out(&operation, length, work).await,
        };
        done.map_err(|error| FileError::new(operation, Arc::clone(&self.root), error))
    }

    async fn carry_out<T, W>(&self, operation: &Operation, length: Option<usize>, work: W) -> io::Result<T>
    where
        T: Send + 'static,
        W: FnOnce(&Dir, &Faults) -> io::Result<T> + Send + 'static,
    {
        let (faults, after) = Faults::at(operation, &self.dir, length).await?;
        let dir = Arc::clone(&self.dir);
        let done = match tokio::task::spawn_blocking(faults.around(move |faults| work(&dir, faults))).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => Err(io::Error::other("the runtime stopped before it began")),
        };
        after.finish(done).await
    }
}

impl Operation {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        [Some(self.path.as_path()), self.to.as_deref()].into_iter().flatten()
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Files").field(&self.root).finish()
    }
}

/// The path without what means nothing: `a/./b/` is `a/b`, and nothing is `.`.
fn plain(path: &Path) -> PathBuf {
    let plain: PathBuf = path.components().collect();
    if plain.as_os_str().is_empty() { PathBuf::from(".") } else { plain }
}

/// Says which of two paths is missing, if one is.
fn missing(dir: &Dir, from: &Path, to: &Path, error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::NotFound {
        return error;
    }
    match (dir.symlink_metadata(from), to.parent()) {
        (Ok(_), Some(parent)) => at(parent, error),
        _ => at(from, error),
    }
}

/// Refuses paths that name the root, or a directory by `..`, where an entry of a directory must be named.
fn named(dir: &Dir, path: &Path) -> io::Result<()> {
    if let Some(Component::Normal(_)) = path.components().next_back() {
        return Ok(());
    }
    // A path that leads outside is refused for that.
    dir.metadata(path)?;
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no entry below the root: end it with a name"))
}

//! What a file operation met.

use crate::fault::Injected;
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file operation that failed: which one, on what path, below which root, and why.
///
/// ```text
/// cannot write `a/b.txt` below /tmp/x: permission denied
/// ```
///
/// The error of the system is its [`source`](std::error::Error::source).
pub struct FileError {
    operation: Operation,
    root: Arc<Path>,
    /// What it failed at, if that is not the path of the operation itself.
    nested: Option<PathBuf>,
    source: io::Error,
}

/// One operation, with its paths as the caller gave them.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) verb: Verb,
    pub(super) path: PathBuf,
    /// The second path, of operations that have two.
    pub(super) to: Option<PathBuf>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Open,
    Read,
    Write,
    Append,
    Rename,
    Remove,
    LookAt,
    MakeDir,
    Copy,
    List,
}

/// A path, named by the one who walked over it, that leads out of the root.
#[derive(Debug)]
struct Outside(PathBuf);

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the link `{}` leads outside", self.0.display())
    }
}

impl std::error::Error for Outside {}

/// An error at a path that the caller did not give, such as one in a tree that is copied.
#[derive(Debug)]
struct Nested {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for Nested {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Says at which path below the root an operation failed, unless that is said or it is a link that leads outside.
pub(super) fn at(path: &Path, error: io::Error) -> io::Error {
    let said = error.get_ref().is_some_and(|inner| inner.is::<Nested>() || inner.is::<Outside>());
    if said { error } else { io::Error::new(error.kind(), Nested { path: path.to_owned(), error }) }
}

/// A link that was met on the way leads out of the root.
pub(super) fn outside(link: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, Outside(link.to_owned()))
}

/// Whether cap-std or we refused a path because it leads out of the root. cap-std has no type for it: its refusal is
/// the only "permission denied" that comes neither from the system nor from a fault.
pub(super) fn is_escape(error: &io::Error) -> bool {
    let injected = error.get_ref().is_some_and(|inner| inner.is::<Injected>());
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none() && !injected
}

impl FileError {
    pub(super) fn new(operation: Operation, root: Arc<Path>, source: io::Error) -> Self {
        let (nested, source) = match source.downcast::<Nested>() {
            Ok(nested) => (Some(nested.path), nested.error),
            Err(source) => (None, source),
        };
        let nested = nested.filter(|nested| *nested != operation.path);
        Self { operation, root, nested, source }
    }

    /// The operation in a word or two, such as `write` or `append to`.
    pub fn operation(&self) -> &'static str {
        self.operation.verb.words()
    }

    /// The path, as the caller gave it.
    pub fn path(&self) -> &Path {
        &self.operation.path
    }

    /// The second path of [`rename`](super::Files::rename) and [`copy_tree`](super::Files::copy_tree).
    pub fn to(&self) -> Option<&Path> {
        self.operation.to.as_deref()
    }

    /// The root that the path is relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The kind of the error below.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// Something on the path does not exist.
    pub fn is_not_found(&self) -> bool {
        self.kind() == io::ErrorKind::NotFound
    }

    /// The path, or a symbolic link on it, leads out of the root. Nothing was touched there.
    pub fn is_outside(&self) -> bool {
        is_escape(&self.source)
    }

    /// The path below the root at which it failed: [`path`](FileError::path) itself, or one in the tree that is copied
    /// or removed, or the directory that [`to`](FileError::to) needs.
    pub fn failed_at(&self) -> &Path {
        self.nested.as_deref().unwrap_or(self.path())
    }

    /// Why, in lower case, with what to do next where that is known.
    fn reason(&self) -> String {
        if self.is_outside() {
            let link = self.source.get_ref().and_then(|inner| inner.downcast_ref::<Outside>());
            let what = link.map_or_else(|| "it leads outside".to_owned(), ToString::to_string);
            return format!("{what}, and paths must stay below that directory");
        }
        let text = self.source.to_string();
        // The number of the system's error adds nothing to its text.
        let text = text.split(" (os error").next().unwrap_or_default();
        let mut letters = text.chars();
        let text = letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect());
        let cure = if self.is_not_found() { self.cure() } else { "" };
        match &self.nested {
            Some(nested) => format!("`{}`: {text}{cure}", nested.display()),
            None => format!("{text}{cure}"),
        }
    }

    /// What to do about something that is not there.
    fn cure(&self) -> &'static str {
        let needed = self.to().and_then(Path::parent);
        match self.operation.verb {
            Verb::Write | Verb::Append => "; make its directory with ensure_dir",
            Verb::Rename | Verb::Copy if self.nested.as_deref() == needed => "; make it with ensure_dir",
            _ => "",
        }
    }
}

impl Verb {
    fn words(self) -> &'static str {
        match self {
            Self::Open => "work",
            Self::Read => "read",
            Self::Write => "write",
            Self::Append => "append to",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::LookAt => "look at",
            Self::MakeDir => "make the directory",
            Self::Copy => "copy",
            Self::List => "list",
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation())?;
        if self.operation.verb != Verb::Open {
            write!(f, " `{}`", self.path().display())?;
        }
        if let Some(to) = self.to() {
            write!(f, " to `{}`", to.display())?;
        }
        write!(f, " below {}: {}", self.root.display(), self.reason())
    }
}

/// As [`Display`](fmt::Display), since a test that returns `Err` shows its `Debug` form.
impl fmt::Debug for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Keeps the kind, and the text of the [`FileError`].
impl From<FileError> for io::Error {
    fn from(error: FileError) -> Self {
        Self::new(error.kind(), error)
    }
}

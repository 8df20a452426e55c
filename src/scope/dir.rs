//! The directory of a test: made at first use, removed when the test passes, kept and named when it fails.

use crate::base::Error;
use once_cell::sync::OnceCell;
use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};
use tempfile::TempDir;

/// The directory of one test.
#[derive(Debug, Default)]
pub(super) struct Dir {
    path: OnceCell<PathBuf>,
    made: Mutex<Option<TempDir>>,
}

impl Dir {
    /// The path of the directory, which is made now if it was not before.
    pub(super) fn path(&self, test: &str) -> Result<&Path, Error> {
        let path = self.path.get_or_try_init(|| {
            let readable: String =
                test.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
            let made = tempfile::Builder::new().prefix(&format!("qtests-{readable}-")).tempdir();
            let made =
                made.map_err(|error| Error::other("the directory of the test cannot be made").with_source(error))?;
            let path = made.path().to_owned();
            *super::lock(&self.made) = Some(made);
            Ok(path)
        })?;
        Ok(path)
    }

    /// Whether there is anything to remove.
    pub(super) fn is_made(&self) -> bool {
        self.path.get().is_some()
    }

    /// Removes the directory, or leaves it and returns where it is.
    pub(super) fn end(&self, keep: bool) -> Result<Option<PathBuf>, std::io::Error> {
        match super::lock(&self.made).take() {
            None => Ok(None),
            Some(made) if keep => Ok(Some(made.keep())),
            Some(made) => made.close().map(|()| None),
        }
    }
}

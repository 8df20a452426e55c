//! What a test asks of its files.

use super::Files;
use crate::{
    base::Error,
    scope::{Test, ready},
};

impl Test {
    /// File operations below [`dir`](Test::dir): they are undone with it, and kept with it when the test fails.
    ///
    /// # Panics
    /// If the directory cannot be made or opened, as when a fault at `files.open` fails, or the test is over.
    #[track_caller]
    pub fn files(&self) -> Files {
        let files = Files::rooted(self.dir());
        ready(files.map_err(|error| Error::other("the files of the test cannot be reached").with_source(error)))
    }
}

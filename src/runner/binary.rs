//! What a test binary knows about itself.

use crate::scope::Target;
use std::path::{Path, PathBuf};

/// What a test binary knows about itself; [`main!`](crate::main) fills it in, and no promise is made about it.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// The package.
    pub package: &'static str,
    /// Where its `Cargo.toml` stands.
    pub folder: &'static str,
    /// The crate that the binary is compiled from.
    pub module: &'static str,
    /// The file with the `main`.
    pub file: &'static str,
    /// The cargo target.
    pub target: Target,
}

impl Binary {
    /// The file with the `main`, if it is on this machine: the compiler names it from the root of the workspace.
    pub(super) fn source(&self) -> Option<PathBuf> {
        Path::new(self.folder).ancestors().map(|folder| folder.join(self.file)).find(|path| path.is_file())
    }
}

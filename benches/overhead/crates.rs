//! Crates that are written and built by the bench, since what they measure is a build of its own.

use super::measure::Spent;
use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A crate in the target directory of the bench.
#[derive(Debug)]
pub(crate) struct Crate {
    folder: PathBuf,
}

/// The folder of qtests.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the benches are a folder of the repository")
}

impl Crate {
    /// Writes a crate with these `[dependencies]`, in which `{qtests}` stands for the folder of qtests.
    pub(crate) fn new(name: &str, dependencies: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("overhead").join(name);
        let written = Self { folder };
        let dependencies = dependencies.replace("{qtests}", &root().display().to_string());
        written.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
                 [workspace]\n\n[dependencies]\n{dependencies}\n"
            ),
        );
        // The same versions of everything as in the repository.
        let lock = fs::read_to_string(root().join("Cargo.lock")).expect("the repository has a lock file");
        written.write("Cargo.lock", &lock);
        written.write("src/lib.rs", "");
        written
    }

    /// Where a file of the crate is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Writes a file of the crate, even if it has this content already: cargo then compiles it again.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        let folder = path.parent().expect("a file stands in a folder");
        fs::create_dir_all(folder).expect("the target directory can be written");
        fs::write(path, text).expect("the target directory can be written");
    }

    /// Runs cargo on the crate.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> (Spent, String) {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(cargo);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.path("target"))
            // A compilation from nothing is measured, not how much of the last one can be used again.
            .env("CARGO_INCREMENTAL", "0");
        let (spent, output) = Spent::by(&mut command);
        (spent, String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

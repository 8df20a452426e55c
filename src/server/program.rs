//! The programs of servers: on PATH, or where distributions put them.

use crate::{base::Error, scope::missing_server};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// A program that a server needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    /// A folder that holds a folder for each version, and the folder below that which holds the program.
    pub(super) versions: Option<(&'static str, &'static str)>,
    /// What is to be installed, in the words for a reader.
    pub(super) install: &'static str,
}

impl Program {
    /// Where the program is: the first of that name on PATH, or else that of the newest version.
    pub(super) fn find(self) -> Result<PathBuf, Error> {
        let path = env::var_os("PATH").unwrap_or_default();
        // Relative folders would mean something else to a process that starts elsewhere.
        let on_path =
            env::split_paths(&path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(self.name));
        let in_versions = self.versions.into_iter().flat_map(|(folder, below)| newest_first(Path::new(folder), below));
        let mut all = on_path.chain(in_versions.map(|folder| folder.join(self.name)));
        all.find(|path| is_program(path)).ok_or_else(|| {
            let looked = match self.versions {
                Some((folder, below)) => format!("on PATH, nor in {folder}/*/{below}"),
                None => "on PATH".to_owned(),
            };
            missing_server(self.name, &looked, self.install)
        })
    }
}

fn newest_first(folder: &Path, below: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let version = |path: PathBuf| Some((path.file_name()?.to_str()?.parse::<f64>().ok()?, path));
    let mut found: Vec<(f64, PathBuf)> = entries.filter_map(|entry| version(entry.ok()?.path())).collect();
    found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    found.into_iter().map(|(_, path)| path.join(below)).collect()
}

pub(super) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_numbers_and_other_names_are_none() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9.6", "15", "16", "common"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let names = ["16/bin", "15/bin", "9.6/bin"].map(|name| folder.path().join(name));
        assert_eq!(newest_first(folder.path(), "bin"), names);
        assert!(newest_first(&folder.path().join("none"), "bin").is_empty());
    }

    #[test]
    fn a_file_that_cannot_be_executed_and_a_folder_are_no_programs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("redis-server");
        fs::write(&file, "").unwrap();
        assert!(!is_program(&file) && !is_program(folder.path()) && is_program(Path::new("/bin/sh")));
    }
}

//! What is left of faults in a product: nothing.

use super::error::Operation;
use cap_std::fs::Dir;
use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

pub(super) struct Faults;

pub(super) struct After;

impl Faults {
    pub(super) fn at_open(_: &Operation) -> io::Result<()> {
        Ok(())
    }

    pub(super) async fn at(_: &Operation, _: &Arc<Dir>, _: Option<usize>) -> io::Result<(Self, After)> {
        Ok((Self, After))
    }

    pub(super) fn around<T>(self, work: impl FnOnce(&Self) -> io::Result<T>) -> impl FnOnce() -> io::Result<T> {
        move || work(&self)
    }

    pub(super) fn read(&self, _: &mut Vec<u8>) {}

    pub(super) fn write_all(&self, mut file: &fs::File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    pub(super) fn sync(&self, file: &fs::File) -> io::Result<()> {
        file.sync_all()
    }

    pub(super) fn sync_dir(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        sync()
    }

    pub(super) fn waiting(&self, wait: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        wait()
    }

    pub(super) fn making<T>(&self, _: &Path, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        make()
    }

    pub(super) fn renaming(&self, _: &Path, _: &Path, rename: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        rename()
    }

    pub(super) fn removing(&self, _: &Path, remove: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        remove()
    }

    pub(super) fn writes_to(&self, _: &Path, _: &fs::File) {}
}

impl After {
    pub(super) async fn finish<T>(self, done: io::Result<T>) -> io::Result<T> {
        done
    }
}

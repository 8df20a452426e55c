//! Any sequence of operations, failing syncs and crashes against a model of what the docs allow.

use super::files_crash::{BROKEN, names};
use proptest::prelude::*;
use qtests::{
    Test,
    fault::{ActiveFault, FaultBuilder},
    files::{Disk, FileError, Files},
};
use std::{collections::BTreeMap, fs, path::Path, pin::pin};

/// Names of files, and what they may hold.
type Dir = BTreeMap<u8, usize>;

/// What the docs allow, written down from them alone.
#[derive(Default)]
struct Model {
    files: Vec<Content>,
    /// What the directory may be after a crash; the last is what it is.
    dirs: Vec<Dir>,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: usize,
    /// Of failed syncs.
    doubtful: Vec<(usize, usize)>,
}

/// What fails in an operation.
#[derive(Clone, Copy, Debug)]
enum Broken {
    Nothing,
    /// The sync of the file.
    File,
    /// The sync of the directory.
    Dir,
    /// The disk becomes full after one byte.
    Short,
}

#[derive(Clone, Debug)]
enum Step {
    Write(u8, u8, Broken),
    Append(u8, u8, Broken),
    Rename(u8, u8),
    Remove(u8),
    Copy(u8, u8),
    Crash,
    /// The machine dies in an append, or in a write: in the sync of the file, or of the directory.
    Die {
        appends: bool,
        name: u8,
        length: u8,
        in_file: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let broken =
        || prop::sample::select(vec![Broken::Nothing, Broken::Nothing, Broken::File, Broken::Dir, Broken::Short]);
    let name = || b'a'..=b'c';
    prop_oneof![
        2 => (name(), 1_u8..6, broken()).prop_map(|(name, length, broken)| Step::Write(name, length, broken)),
        4 => (name(), 1_u8..6, broken()).prop_map(|(name, length, broken)| Step::Append(name, length, broken)),
        2 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => name().prop_map(Step::Remove),
        1 => (name(), name()).prop_map(|(from, to)| Step::Copy(from, to)),
        1 => Just(Step::Crash),
        2 => (any::<bool>(), name(), 1_u8..6, any::<bool>())
            .prop_map(|(appends, name, length, in_file)| Step::Die { appends, name, length, in_file }),
    ]
}

impl Model {
    fn now(&self) -> Dir {
        self.dirs.last().cloned().unwrap_or_default()
    }

    fn change(&mut self, change: impl FnOnce(&mut Dir)) {
        let mut dir = self.now();
        change(&mut dir);
        if self.dirs.is_empty() {
            self.dirs.push(Dir::new());
        }
        self.dirs.push(dir);
    }

    fn settle(&mut self) {
        self.dirs = vec![self.now()];
    }

    fn add(&mut self, content: Content) -> usize {
        self.files.push(content);
        self.files.len() - 1
    }

    fn write(&mut self, name: u8, bytes: Vec<u8>, broken: Broken) {
        if matches!(broken, Broken::File | Broken::Short) {
            return;
        }
        let synced = bytes.len();
        let file = self.add(Content { bytes, synced, doubtful: Vec::new() });
        self.change(|dir| _ = dir.insert(name, file));
        if matches!(broken, Broken::Nothing) {
            self.settle();
        }
    }

    /// Whether it is acknowledged.
    fn append(&mut self, name: u8, bytes: &[u8], broken: Broken) -> bool {
        if !self.now().contains_key(&name) {
            let file = self.add(Content::default());
            self.change(|dir| _ = dir.insert(name, file));
        }
        let file = self.now()[&name];
        if self.files[file].bytes.is_empty() {
            if matches!(broken, Broken::Dir) {
                return false;
            }
            self.settle();
        }
        let content = &mut self.files[file];
        let passing = if matches!(broken, Broken::Short) { &bytes[..1] } else { bytes };
        content.bytes.extend_from_slice(passing);
        let length = content.bytes.len();
        match broken {
            Broken::File => content.doubtful.push((content.synced, length)),
            Broken::Short => {}
            _ => content.synced = length,
        }
        matches!(broken, Broken::Nothing | Broken::Dir)
    }

    /// Whether it is acknowledged. Nothing of the copy is synced.
    fn copy(&mut self, from: u8, to: u8) -> bool {
        let dir = self.now();
        let Some(source) = dir.get(&from).filter(|_| !dir.contains_key(&to)) else { return false };
        let bytes = self.files[*source].bytes.clone();
        let file = self.add(Content { bytes, ..Content::default() });
        self.change(|dir| _ = dir.insert(to, file));
        true
    }

    /// The machine is about to die in a sync.
    fn die(&mut self, appends: bool, name: u8, bytes: Vec<u8>, in_file: bool) {
        let broken = if in_file { Broken::File } else { Broken::Dir };
        if !appends {
            return self.write(name, bytes, broken);
        }
        self.append(name, &bytes, broken);
        if in_file {
            // Its sync has not failed.
            let file = self.now()[&name];
            self.files[file].doubtful.pop();
        }
    }

    fn allows(&self, found: &BTreeMap<u8, Vec<u8>>) -> bool {
        let nothing = [Dir::new()];
        let dirs = if self.dirs.is_empty() { &nothing[..] } else { &self.dirs[..] };
        dirs.iter().any(|dir| {
            dir.keys().eq(found.keys()) && dir.iter().all(|(name, file)| self.files[*file].allows(&found[name]))
        })
    }
}

impl Content {
    fn allows(&self, found: &[u8]) -> bool {
        let is_doubtful = |at: usize| self.doubtful.iter().any(|(start, end)| (*start..*end).contains(&at));
        (self.synced..=self.bytes.len()).contains(&found.len())
            && found.iter().enumerate().all(|(at, byte)| self.bytes[at] == *byte || (*byte == 0 && is_doubtful(at)))
    }
}

fn found(dir: &Path) -> BTreeMap<u8, Vec<u8>> {
    let is_ours = |name: &String| !name.ends_with(".qtests-write~");
    let names = names(dir).into_iter().filter(is_ours);
    names.map(|name| (name.as_bytes()[0], fs::read(dir.join(&name)).unwrap())).collect()
}

/// The syncs of one kind.
fn syncs(t: &Test, of: &'static str) -> FaultBuilder {
    t.fault("files.sync").when(move |hit| hit.str("of") == Some(of)).optional()
}

/// Arms what fails in a write or an append.
fn arm(t: &Test, broken: Broken) -> Vec<ActiveFault> {
    match broken {
        Broken::Nothing => Vec::new(),
        Broken::File => vec![syncs(t, "file").fail_os(BROKEN).arm()],
        Broken::Dir => vec![syncs(t, "directory").fail_os(BROKEN).arm()],
        Broken::Short => {
            ["files.write", "files.append"].map(|point| t.fault(point).short(1).fail_os(BROKEN).optional().arm()).into()
        }
    }
}

/// Carries out an operation until it waits in a sync, and crashes. An error if it comes to its end.
async fn die_in(
    t: &Test,
    disk: &Disk,
    of: &'static str,
    work: impl Future<Output = Result<(), FileError>>,
) -> Result<(), String> {
    let held = syncs(t, of).hold().arm();
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => return Err(format!("{done:?} although it is held in the sync of the {of}")),
        () = held.wait_reached() => {}
    }
    disk.crash().await.map_err(|error| format!("{error:?}"))?;
    told("what the machine died in", work.await.is_ok(), false)
}

/// Compares what a crash has left with the model, and begins anew with that.
fn judge(t: &Test, model: &mut Model) -> Result<(), String> {
    let found = found(t.dir());
    if !model.allows(&found) {
        return Err(format!("{found:?} is left"));
    }
    *model = Model::default();
    model.change(|_| {});
    for (name, bytes) in found {
        model.write(name, bytes, Broken::Nothing);
    }
    Ok(())
}

fn told(what: &str, is: bool, expected: bool) -> Result<(), String> {
    if is == expected { Ok(()) } else { Err(format!("{what} was acknowledged: {is}")) }
}

/// Does the step, and gives an error if the model is contradicted.
async fn take(t: &Test, files: &Files, disk: &Disk, model: &mut Model, step: &Step, at: u8) -> Result<(), String> {
    let path = |name: u8| char::from(name).to_string();
    match *step {
        Step::Write(name, length, broken) => {
            let (bytes, fault) = (vec![at; length.into()], arm(t, broken));
            let done = files.write(path(name), bytes.clone()).await;
            fault.iter().for_each(ActiveFault::disarm);
            model.write(name, bytes, broken);
            told("a write", done.is_ok(), matches!(broken, Broken::Nothing))?;
        }
        Step::Append(name, length, broken) => {
            let (bytes, fault) = (vec![at; length.into()], arm(t, broken));
            let done = files.append(path(name), bytes.clone()).await;
            fault.iter().for_each(ActiveFault::disarm);
            let expected = model.append(name, &bytes, broken);
            told("an append", done.is_ok(), expected)?;
        }
        Step::Rename(from, to) => {
            let done = files.rename(path(from), path(to)).await;
            let moved = model.now().get(&from).copied();
            told("a rename", done.is_ok(), moved.is_some())?;
            if let Some(file) = moved.filter(|_| from != to) {
                model.change(|dir| {
                    dir.remove(&from);
                    dir.insert(to, file);
                });
            }
        }
        Step::Remove(name) => {
            let done = files.remove(path(name)).await;
            told("a removal", done.is_ok(), model.now().contains_key(&name))?;
            if done.is_ok() {
                model.change(|dir| _ = dir.remove(&name));
            }
        }
        Step::Copy(from, to) => {
            let done = files.copy_tree(path(from), path(to)).await;
            told("a copy", done.is_ok(), model.copy(from, to))?;
        }
        Step::Crash => {
            disk.crash().await.map_err(|error| format!("{error:?}"))?;
            judge(t, model)?;
        }
        Step::Die { appends, name, length, in_file } => {
            // The directory of a file with bytes is not synced by an append.
            let has_bytes = model.now().get(&name).is_some_and(|file| !model.files[*file].bytes.is_empty());
            let in_file = in_file || appends && has_bytes;
            let (bytes, of) = (vec![at; length.into()], if in_file { "file" } else { "directory" });
            if appends {
                die_in(t, disk, of, files.append(path(name), bytes.clone())).await?;
            } else {
                die_in(t, disk, of, files.write(path(name), bytes.clone())).await?;
            }
            model.die(appends, name, bytes, in_file);
            judge(t, model)?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    #[test]
    fn what_is_left_is_what_the_docs_allow(steps in prop::collection::vec(step(), 1..24)) {
        let t = Test::scoped();
        let (disk, files) = (t.disk(), t.files());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut model = Model::default();
        let last = [Step::Crash];
        for (at, step) in steps.iter().chain(&last).enumerate() {
            let taken = runtime.block_on(take(&t, &files, &disk, &mut model, step, at as u8 + 1));
            prop_assert_eq!(taken, Ok(()), "after step {} of {:?}", at, &steps);
        }
    }
}

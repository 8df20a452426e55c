//! The points that operations pass, and what a fault there does to their bytes and syncs.

use super::{
    error::{Operation, Verb},
    loss::Change,
    record::Session,
};
use crate::{
    fault::{Damage, Decision, Place, Value},
    scope::{Entered, Scope, current},
};
use cap_std::fs::Dir;
use std::{
    fmt, fs,
    io::{self, Write},
    path::Path,
    sync::{Arc, LazyLock, Weak},
};

/// In the order of [`Verb`].
const POINTS: [&str; 10] = [
    "files.open",
    "files.read",
    "files.write",
    "files.append",
    "files.rename",
    "files.remove",
    "files.look_at",
    "files.make_dir",
    "files.copy",
    "files.list",
];

static PLACES: LazyLock<[Place; POINTS.len()]> = LazyLock::new(|| POINTS.map(Place::new));
static SYNC: LazyLock<Place> = LazyLock::new(|| Place::new("files.sync"));

/// What faults do to one operation, on the thread that carries it out. Plain values, but for the point of its syncs.
pub(super) struct Faults {
    operation: Operation,
    dir: Arc<Dir>,
    damage: Damage,
    /// The operation fails after the bytes.
    stops: bool,
    scope: Option<Weak<Scope>>,
    /// Of tests that may crash.
    session: Option<Session>,
}

/// What is to happen once the bytes have passed.
pub(super) struct After(Option<Decision>);

/// The end of the bytes of an operation that a fault cuts short.
#[derive(Debug)]
struct Short {
    passed: usize,
    length: usize,
    point: &'static str,
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only {} of {} bytes were taken (injected at `{}`)", self.passed, self.length, self.point)
    }
}

impl std::error::Error for Short {}

fn is_short(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Short>())
}

/// What is to happen at a point; `None`, for the price of one relaxed load, where nobody has armed it.
fn decide(place: &Place, operation: &Operation, more: Option<(&'static str, Value<'_>)>) -> Option<Decision> {
    if !place.is_armed() {
        return None;
    }
    let path = operation.path.to_string_lossy();
    let to = operation.to.as_deref().map(Path::to_string_lossy);
    let mut fields = vec![("key", Value::Str(&path)), ("path", Value::Str(&path))];
    fields.extend(to.as_ref().map(|to| ("to", Value::Str(to))));
    fields.extend(more);
    place.decide(&fields)
}

impl Verb {
    fn place(self) -> &'static Place {
        &PLACES[self as usize]
    }

    fn point(self) -> &'static str {
        POINTS[self as usize]
    }
}

/// On the task or thread that asks for the operation.
impl Faults {
    /// Blocks the thread where a fault delays.
    pub(super) fn at_open(operation: &Operation) -> io::Result<()> {
        match decide(operation.verb.place(), operation, None) {
            Some(decision) => Ok(decision.run_blocking()?),
            None => Ok(()),
        }
    }

    /// The point of the operation: waits, fails and panics here where a fault says so. Cancel safe: nothing is begun.
    pub(super) async fn at(operation: &Operation, dir: &Arc<Dir>, length: Option<usize>) -> io::Result<(Self, After)> {
        let scope = current();
        // Taken before any wait: what was asked for before a crash does nothing after it.
        let session = scope.as_deref().and_then(Session::of);
        let scope = scope.map(|scope| Arc::downgrade(&scope));
        let length = length.map(|length| ("length", Value::Int(length as i128)));
        let (mut damage, mut after) = (Damage::default(), None);
        if let Some(decision) = decide(operation.verb.place(), operation, length) {
            let (before, to_bytes, then) = decision.around_bytes();
            before.run().await?;
            damage = to_bytes;
            after = Some(then).filter(|then| !then.is_empty());
        }
        let stops = after.as_ref().is_some_and(Decision::ends_the_point);
        let (operation, dir) = (operation.clone(), Arc::clone(dir));
        Ok((Self { operation, dir, damage, stops, scope, session }, After(after)))
    }

    /// The work for the other thread, which belongs to the test there.
    pub(super) fn around<T>(self, work: impl FnOnce(&Self) -> io::Result<T>) -> impl FnOnce() -> io::Result<T> {
        move || {
            let _entered = self.scope.clone().map(Entered::new);
            if let Some(session) = &self.session {
                session.begin()?;
            }
            work(&self)
        }
    }
}

impl After {
    /// What comes after the bytes. The operation's own failure counts more.
    pub(super) async fn finish<T>(self, done: io::Result<T>) -> io::Result<T> {
        match (self.0, done) {
            (Some(_), Err(error)) if !is_short(&error) => Err(error),
            (Some(decision), done) => {
                decision.run().await?;
                done
            }
            (None, done) => done,
        }
    }
}

/// On the thread that carries the operation out.
impl Faults {
    /// What was read.
    pub(super) fn read(&self, bytes: &mut Vec<u8>) {
        bytes.truncate(self.damage.passing(bytes.len()));
        self.damage.corrupt(bytes);
    }

    pub(super) fn write_all(&self, mut file: &fs::File, bytes: &[u8]) -> io::Result<()> {
        self.writes_to(&self.operation.path, file);
        let passed = self.damage.passing(bytes.len());
        if self.damage.corrupts() {
            let mut damaged = bytes[..passed].to_vec();
            self.damage.corrupt(&mut damaged);
            file.write_all(&damaged)?;
        } else {
            file.write_all(&bytes[..passed])?;
        }
        if passed < bytes.len() || self.stops {
            let short = Short { passed, length: bytes.len(), point: self.operation.verb.point() };
            return Err(io::Error::new(io::ErrorKind::WriteZero, short));
        }
        Ok(())
    }

    pub(super) fn sync(&self, file: &fs::File) -> io::Result<()> {
        let done = self.at_sync("file").and_then(|()| file.sync_all());
        if let Some(session) = &self.session {
            session.sync_ended(file, done.is_ok());
        }
        done
    }

    pub(super) fn sync_dir(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.at_sync("directory").and_then(|()| sync())?;
        if let Some(session) = &self.session {
            session.dir_is_synced();
        }
        Ok(())
    }

    /// Decided here and not on the task: a sync that is never come to is not hit. Blocks the thread where a fault says
    /// so.
    fn at_sync(&self, of: &'static str) -> io::Result<()> {
        let Some(decision) = decide(&SYNC, &self.operation, Some(("of", Value::Str(of)))) else { return Ok(()) };
        match &self.session {
            Some(session) => Ok(session.held(decision.holding(), || decision.run_blocking())??),
            None => Ok(decision.run_blocking()?),
        }
    }

    /// A wait for other writers, during which others may work.
    pub(super) fn waiting(&self, wait: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match &self.session {
            Some(session) => session.aside(wait)?,
            None => wait(),
        }
    }

    /// Makes what may not be there yet: a file, a tree, directories.
    pub(super) fn making<T>(&self, path: &Path, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(session) = &self.session else { return make() };
        let change = Change::making(&self.dir, path);
        let done = make();
        // Also when it failed: a part may be there.
        session.changed(change.map(|change| change.filter(Change::is_made)));
        done
    }

    pub(super) fn renaming(&self, from: &Path, to: &Path, rename: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let Some(session) = &self.session else { return rename() };
        let change = Change::renaming(&self.dir, from, to, session.room());
        rename().inspect(|()| session.changed(change))
    }

    pub(super) fn removing(&self, path: &Path, remove: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let Some(session) = &self.session else { return remove() };
        let change = Change::removing(&self.dir, path, session.room());
        let done = remove();
        // Of a tree a part may be gone.
        session.changed(change.map(|change| change.filter(|change| done.is_ok() || change.is_of_a_tree())));
        done
    }

    /// What is written to this file from now on is lost in a crash until it is synced.
    pub(super) fn writes_to(&self, path: &Path, file: &fs::File) {
        if let Some(session) = &self.session {
            session.writes_to(path, file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_its_point() {
        for (verb, point) in [
            (Verb::Open, "files.open"),
            (Verb::Read, "files.read"),
            (Verb::Write, "files.write"),
            (Verb::Append, "files.append"),
            (Verb::Rename, "files.rename"),
            (Verb::Remove, "files.remove"),
            (Verb::LookAt, "files.look_at"),
            (Verb::MakeDir, "files.make_dir"),
            (Verb::Copy, "files.copy"),
            (Verb::List, "files.list"),
        ] {
            assert_eq!(verb.point(), point);
        }
    }
}

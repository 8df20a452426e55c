//! A disk that forgets, in a crash of the machine, what was not synced.

use super::record::{Machine, Record};
use crate::{
    base::Error,
    scope::{Test, ready},
};
use std::{collections::BTreeMap, fmt, panic::resume_unwind, sync::Arc};

/// The disk of a test whose machine may crash: see [`Test::disk`].
#[derive(Clone)]
pub struct Disk {
    t: Test,
    machine: Arc<Machine>,
}

/// What a crash has lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// How many bytes of files are gone, or are zeros now. Those of files that are not there any more do not count.
    pub bytes: u64,
    /// How many changes of directories are undone: files and directories that were made, renamed, replaced or removed.
    pub changes: usize,
}

impl Test {
    /// The disk below the [`Files`](super::Files) of this test, which forgets in a [`crash`](Disk::crash) what was not
    /// synced.
    ///
    /// ```
    /// use qtests::Test;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    /// # runtime.block_on(async {
    /// let t = Test::scoped();
    /// let (disk, files) = (t.disk(), t.files());
    /// files.append("log", "one\n").await?;                        // synced when it is acknowledged
    /// let syncing = t.fault("files.sync").hold().arm();
    /// let append = t.spawn({
    ///     let files = files.clone();
    ///     async move { files.append("log", "two\n").await }
    /// });
    /// syncing.wait_reached().await;                                // its bytes are in the file, and not on the disk
    /// disk.crash().await?;
    /// assert!(append.await?.is_err());
    /// let log = files.read_to_string("log").await?;                // what the next process finds
    /// assert!(log.starts_with("one\n") && "one\ntwo\n".starts_with(&log));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// It begins to take down what is not synced when this is called for the first time; what is there then counts as
    /// synced. It knows what `Files` do that tasks and threads of this test ask for, wherever their roots are, and
    /// nothing else. Their operations run one after the other from then on, but for those that wait in a sync: so a
    /// callback of a fault at `files.sync` must not wait for one.
    ///
    /// # Panics
    /// If the test is over.
    #[track_caller]
    pub fn disk(&self) -> Disk {
        ready(self.scope.still_open("a disk"));
        Disk { t: self.clone(), machine: Arc::clone(&self.slot(Record::default).0) }
    }
}

impl Disk {
    /// The machine crashes: what is left is what a disk may hold then, drawn from the seed of the test, each time
    /// anew.
    ///
    /// - *Bytes.* Of what was written to a file and not synced a prefix is left, cut at any byte, since nothing
    ///   promises that more comes to the disk at once. Bytes whose sync failed are left or become zeros, also when a
    ///   later sync of the file succeeded: after a failed sync the system takes them for written (Rebello et al., "Can
    ///   Applications Recover from fsync Failures?", USENIX ATC 2020).
    /// - *Directories.* What was made, renamed, copied, replaced or removed since the last sync of a directory is
    ///   undone from some point on, the latest first. As in journaling file systems, changes of directories come to
    ///   the disk in their order, so that the sync of one directory keeps all changes before it; POSIX promises that
    ///   for the entries of this one directory alone. A file that is not there any more takes its bytes with it, synced
    ///   or not.
    ///
    /// So what [`append`](super::Files::append) and [`write`](super::Files::write) have acknowledged is there, and
    /// under this name, unless the name is not synced itself: of a file that was renamed or copied there, or that a
    /// `write` put there which then failed in its last sync, or that is in a directory that was renamed or copied
    /// there. What [`rename`](super::Files::rename), [`remove`](super::Files::remove),
    /// [`ensure_dir`](super::Files::ensure_dir) and [`copy_tree`](super::Files::copy_tree) have done may be there or
    /// not, and the bytes of copies in part. LazyFS does the same to whole programs: it loses what was not synced, and
    /// tears writes (Ramos et al., "When Amnesia Strikes", VLDB 2024).
    ///
    /// Operations that were asked for before the crash and are not done end with an error, and change nothing any more
    /// but that a write takes away the file beside its target. Faults at `files.sync` that hold somebody (`.hold()`,
    /// `.hang()`) are out of force: whoever waits there is dead. The code under test still runs: drop what it has in
    /// memory and open it anew, as its next process would.
    ///
    /// Not modelled: other changes than those by [`Files`](super::Files), a tree that is removed in part, bytes that
    /// come to the disk in another order than they were written or as zeros although no sync failed, a disk that
    /// acknowledges a sync and does not do it. What was removed comes back as a copy: with its bytes, links and
    /// permissions, without its times and its other names. When the future is dropped, the crash goes to its end or
    /// does not begin.
    ///
    /// # Errors
    /// [`is_limit`](Error::is_limit) if it is not known what would be lost: at most 256 files and entries are held, for
    /// their unsynced bytes or for what was replaced or removed, and at most 10,000 changes are known; and `/proc` must
    /// be there, as on Linux. Nothing is lost then, and operations that are not done end all the same.
    /// [`is_ended`](Error::is_ended) if the test is over; anything else if a file cannot be changed.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn crash(&self) -> Result<Lost, Error> {
        self.t.scope.still_open("a crash")?;
        let disk = self.clone();
        match tokio::task::spawn_blocking(move || disk.carry_out()).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => Err(Error::other("the runtime stopped before the crash began")),
        }
    }

    fn carry_out(&self) -> Result<Lost, Error> {
        let lost = self.machine.crash(|loss, crashes| {
            // The draws for one file do not depend on what others do at the same time.
            let mut drawn = BTreeMap::<_, u64>::new();
            loss.happen(|what| {
                let number = drawn.entry(what.clone()).or_default();
                *number += 1;
                self.t.seed().draw_unit("files.crash", &format!("{what} {number}"), crashes)
            })
        })?;
        let text = format!("the machine crashed: {} bytes and {} changes are lost", lost.bytes, lost.changes);
        self.t.record("files", text);
        Ok(lost)
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Disk").field(&self.t.name()).finish()
    }
}

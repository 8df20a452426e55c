//! What a server prints: into the journal of its test, and its last lines into each error.

use crate::{
    base::Ring,
    scope::{Scope, lock},
};
use std::{
    fmt,
    io::{self, PipeReader, Read, pipe},
    process::Command,
    sync::{Arc, Mutex, Weak},
    thread,
    time::Duration,
};
use tokio::{sync::watch, time::timeout};

/// How many of the last lines an error shows.
const LAST: usize = 20;

/// How many lines of one server go into the journal, which has room for other things too.
const TOLD: usize = 1_000;

/// How many bytes of a line are kept.
const LINE: usize = 400;

/// How long is waited for the rest of what a process printed that has ended. A child of it may hold the pipe open.
const REST: Duration = Duration::from_millis(500);

/// The output of one server. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

struct Shared {
    scope: Weak<Scope>,
    /// What stands in front of each line in the journal.
    name: String,
    book: Mutex<Book>,
    /// Told whenever the book changes.
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct Book {
    last: Ring<String>,
    told: usize,
    /// The start that is read now; what readers of earlier ones bring is kept, and means nothing.
    start: u64,
    /// Whether the pipe of this start is still open.
    open: bool,
    awaited: Option<String>,
    found: Option<String>,
}

impl Output {
    /// The output of a server that is not started yet. `awaited` is the text of the line that it is ready by.
    pub(super) fn new(scope: Weak<Scope>, name: String, awaited: Option<String>) -> Self {
        let book = Book { last: Ring::new(LAST), told: 0, start: 0, open: false, awaited, found: None };
        Self { shared: Arc::new(Shared { scope, name, book: Mutex::new(book), changed: watch::Sender::new(()) }) }
    }

    /// Connects a command that is about to start: both streams in one pipe, so that the lines keep their order.
    pub(super) fn connect(&self, command: &mut Command) -> io::Result<PipeReader> {
        let (reader, writer) = pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        Ok(reader)
    }

    /// Reads what the started process prints, on a thread of its own, whatever the test does with its runtime.
    pub(super) fn read(&self, reader: PipeReader) -> io::Result<()> {
        let start = {
            let mut book = lock(&self.shared.book);
            book.start += 1;
            (book.open, book.found) = (true, None);
            book.start
        };
        let ours = self.clone();
        let read = move || {
            ours.read_lines(reader, start);
            let mut book = lock(&ours.shared.book);
            book.open &= book.start != start;
            drop(book);
            ours.shared.changed.send_replace(());
        };
        thread::Builder::new().name("qtests-output".to_owned()).spawn(read).map(drop)
    }

    fn read_lines(&self, mut reader: PipeReader, start: u64) {
        let (mut buffer, mut line) = ([0; 4_096], Vec::with_capacity(LINE));
        loop {
            let count = match reader.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            for byte in &buffer[..count] {
                match byte {
                    b'\n' => self.line(&std::mem::take(&mut line), start),
                    byte if line.len() < LINE => line.push(*byte),
                    _ => {}
                }
            }
            if count == 0 {
                // A last line without an end.
                if !line.is_empty() {
                    self.line(&line, start);
                }
                return;
            }
        }
    }

    fn line(&self, bytes: &[u8], start: u64) {
        let Shared { scope, name, book, changed } = &*self.shared;
        let line = String::from_utf8_lossy(bytes).trim_end().to_owned();
        let mut book = lock(book);
        book.told += 1;
        let told = match book.told {
            ..TOLD => Some(format!("{name}: {line}")),
            TOLD => Some(format!("{name}: {line} (the last of its lines in here; it printed more than {TOLD})")),
            _ => None,
        };
        if let Some((told, scope)) = told.zip(scope.upgrade()) {
            scope.record("server", told);
        }
        if book.start == start && book.awaited.as_ref().is_some_and(|awaited| line.contains(awaited)) {
            book.found.get_or_insert_with(|| line.clone());
        }
        book.last.push(line);
        drop(book);
        changed.send_replace(());
    }

    /// Waits for the line that this start is ready by.
    pub(super) async fn awaited(&self) -> String {
        let mut changed = self.shared.changed.subscribe();
        loop {
            if let Some(line) = lock(&self.shared.book).found.clone() {
                return line;
            }
            // The sender is ours.
            let _ = changed.changed().await;
        }
    }

    /// Waits until all is read that a process printed which has ended, for a moment at most.
    pub(super) async fn settle(&self) {
        let mut changed = self.shared.changed.subscribe();
        let closed = async {
            while lock(&self.shared.book).open {
                let _ = changed.changed().await;
            }
        };
        let _ = timeout(REST, closed).await;
    }

    /// The last lines; at most 20.
    pub(super) fn last(&self) -> Vec<String> {
        lock(&self.shared.book).last.iter().cloned().collect()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("of", &self.name).finish_non_exhaustive()
    }
}

//! Threads that belong to the test that starts them.

use super::{current, leak, scope::Scope, teardown::named};
use std::{
    fmt, io,
    panic::Location,
    sync::Arc,
    thread::{Builder, JoinHandle},
};

/// Starts a thread that sees the faults and mocks of the current test and counts as its own.
///
/// Outside a test it is [`std::thread::spawn`]. A thread that is still running when the test ends fails it
/// (key `leaks`); a panic in it fails the test too.
///
/// # Panics
/// If the operating system cannot start a thread.
#[track_caller]
pub fn spawn<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    spawn_named("qtests-thread", run).unwrap_or_else(|error| panic!("failed to start a thread: {error}"))
}

/// [`spawn`] with a name for the thread.
///
/// # Errors
/// If the operating system cannot start a thread.
#[track_caller]
pub fn spawn_named<T: Send + 'static>(
    name: impl Into<String>,
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let name = name.into();
    let what = named(&format!("the thread `{name}` started"), Location::caller());
    let entry = current::current().map(|scope| Here { _entry: leak::Entry::thread(&scope, what), scope });
    Builder::new().name(name).spawn(move || {
        if let Some(here) = &entry {
            current::install(Arc::downgrade(&here.scope));
        }
        run()
    })
}

/// What a thread of a test carries.
struct Here {
    scope: Arc<Scope>,
    _entry: leak::Entry,
}

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Here")
    }
}

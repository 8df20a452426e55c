//! The locks of the places whose interleavings are checked by loom (`RUSTFLAGS="--cfg qtests_loom"`).

#[cfg(all(qtests_loom, feature = "live"))]
pub(crate) use loom::sync::Condvar;
#[cfg(qtests_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(all(not(qtests_loom), feature = "live"))]
pub(crate) use std::sync::Condvar;
use std::sync::PoisonError;
#[cfg(not(qtests_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Locks a mutex whose data is valid at every point where its holder could panic, so poison means nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a notification.
#[cfg(feature = "live")]
pub(crate) fn wait<'a, T>(changed: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

//! The two things that safe Rust cannot do: run code when the process starts and when it exits.
#![allow(unsafe_code, reason = "atexit and a constructor have no safe form; this module holds nothing else")]

use crate::base::environment;
use std::sync::{
    Once,
    atomic::{AtomicU32, Ordering},
};

/// Reads the environment before any thread can change it.
///
/// This runs before `main`, so it must not print (nextest lists the tests of a binary by running it) and must not
/// panic.
#[ctor::ctor(unsafe)]
fn at_start() {
    environment();
}

/// Has the live tests torn down when the process exits by `std::process::exit` or by returning from `main`.
pub(super) fn hook_up() {
    extern "C" fn at_exit() {
        // A child that was forked and not yet replaced inherits this hook, and must leave its parent's tests alone.
        if OWNER.load(Ordering::Relaxed) == std::process::id() {
            super::signal::process_exits();
        }
    }
    static ONCE: Once = Once::new();
    static OWNER: AtomicU32 = AtomicU32::new(0);
    OWNER.store(std::process::id(), Ordering::Relaxed);
    // SAFETY: `at_exit` is a plain function without arguments that does not unwind: `process_exits` only waits, and
    // what it starts runs on threads of its own. It is registered once. It lives in the test binary, which is never
    // unloaded.
    ONCE.call_once(|| unsafe {
        libc::atexit(at_exit);
    });
}

//! The three things that safe Rust cannot do: run code when the process starts and when it exits, and change a variable
//! of the environment.
#![allow(unsafe_code, reason = "none of the three has a safe form; this module holds nothing else")]

use crate::base::{ISOLATED, environment};
use std::{
    ffi::OsStr,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

/// Sets a variable of the environment, or removes it.
pub(super) fn set_variable(name: &OsStr, value: Option<&OsStr>) {
    // SAFETY: Rust code reads the environment under the lock of the standard library, which is held for writing here.
    // Code of another language may read it without: the caller makes sure that the process runs this one test only, and
    // the documentation of `Test::env` asks for the call to come before such code runs on other threads.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}

/// Reads the environment before any thread can change it.
///
/// This runs before `main`, so it must not print (nextest lists the tests of a binary by running it) and must not
/// panic.
#[ctor::ctor(unsafe)]
fn at_start() {
    if environment().isolated.is_some() {
        // No other thread exists yet. The processes that this one starts are not the isolated test.
        set_variable(ISOLATED.as_ref(), None);
    }
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

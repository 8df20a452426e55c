//! The three things that safe Rust cannot do: run code when the process starts and when it exits, and change a variable
//! of the environment.
#![allow(unsafe_code, reason = "none of the three has a safe form; this module holds nothing else")]

/// Has a function run before `main`, when no other thread exists yet. It must not print (nextest lists the tests of a
/// binary by running it) and must not panic.
macro_rules! before_main {
    ($function:path) => {
        #[allow(unsafe_code, reason = "a constructor has no safe form")]
        const _: () = {
            #[ctor::ctor(unsafe)]
            fn at_start() {
                $function();
            }
        };
    };
}
#[cfg(feature = "tracing-test")]
pub(crate) use before_main;

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

before_main!(read_environment);

/// Reads the environment before any thread can change it.
fn read_environment() {
    if environment().isolated.is_some() {
        // No other thread exists yet. The processes that this one starts are not the isolated test.
        set_variable(ISOLATED.as_ref(), None);
    }
}

/// The process that has the hook.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Has the live tests torn down when the process exits by `std::process::exit` or by returning from `main`.
pub(super) fn hook_up() {
    static ONCE: Once = Once::new();
    OWNER.store(std::process::id(), Ordering::Relaxed);
    ONCE.call_once(register);
}

fn exits(status: Option<i32>) {
    // A child that was forked and not yet replaced inherits this hook, and must leave its parent's tests alone.
    if OWNER.load(Ordering::Relaxed) == std::process::id() {
        super::signal::process_exits(status);
    }
}

/// The C library of GNU tells the hook the status.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn register() {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn on_exit(hook: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }
    extern "C" fn at_exit(status: c_int, _: *mut c_void) {
        exits(Some(status));
    }
    // SAFETY: the declaration is that of the library. `at_exit` does not unwind: `process_exits` only waits, and what it
    // starts runs on threads of its own; it does not look at its second argument. It is registered once, and lives in
    // the test binary, which is never unloaded.
    unsafe {
        on_exit(at_exit, std::ptr::null_mut());
    }
}

/// Elsewhere the status is not known.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn register() {
    extern "C" fn at_exit() {
        exits(None);
    }
    // SAFETY: `at_exit` is a plain function without arguments that does not unwind, see above.
    unsafe {
        libc::atexit(at_exit);
    }
}

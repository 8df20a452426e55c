//! A test beside the one that is measured.

use qtests::Test;
use std::{sync::mpsc, thread};

/// Runs `measured` while another test, on a thread of its own, has done `prepare`.
pub(crate) fn beside<R>(prepare: impl FnOnce(&Test) + Send, measured: impl FnOnce() -> R) -> R {
    thread::scope(|threads| {
        let (ready, is_ready) = mpsc::channel::<()>();
        let (over, is_over) = mpsc::channel::<()>();
        threads.spawn(move || {
            let neighbour = Test::scoped();
            prepare(&neighbour);
            drop(ready);
            let _ = is_over.recv();
        });
        let _ = is_ready.recv();
        let result = measured();
        drop(over);
        result
    })
}

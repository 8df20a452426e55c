//! Servers that this machine does not have. The test that needs one is skipped, which is said aloud; where servers are
//! required (`QTESTS_REQUIRE_SERVERS=1`) it fails.
//!
//! What a body returns is known by its text only, and a shared fixture passes its error on as a text to all who ask. So
//! a body was in want of a server if its error, or its panic, holds the very text that the want was told in.

use super::lock;
use crate::base::{Error, Kind, environment};
use std::sync::Mutex;

/// The texts of all wants of this process: one for each kind of server at most.
static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The error for a server whose program is not there. `looked` names where it was looked for, `install` what brings it.
pub(crate) fn missing_server(program: &str, looked: &str, install: &str) -> Error {
    let mut text = format!("the server `{program}` is not installed: it is not {looked}; install {install}");
    if environment().require_servers {
        text.push_str(" (QTESTS_REQUIRE_SERVERS makes this a failure)");
    } else {
        let mut told = lock(&TOLD);
        if !told.contains(&text) {
            told.push(text.clone());
        }
    }
    Error::new(Kind::MissingProgram, text)
}

/// The want of a server that a text tells of.
pub(super) fn told_in(text: &str) -> Option<String> {
    lock(&TOLD).iter().find(|want| text.contains(want.as_str())).cloned()
}

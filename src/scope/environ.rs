//! The environment and the working directory of the process, for a test that is alone in it.

use super::{Test, os, teardown::Undo};
use crate::base::{Error, Kind, environment};
use std::{env, ffi::OsString, path::Path};

impl Test {
    /// Sets a variable of the environment until the test ends, for a test that is alone in its process.
    ///
    /// The environment belongs to the whole process. So this is refused unless the test has a process of its own: by
    /// the key `isolate = "process"`, or under nextest. For code that reads its settings through
    /// [`config`](crate::config), [`configure`](Test::configure) needs no process.
    ///
    /// The change, and the restoration at the end of the test, must not coincide with code of another language that reads
    /// the environment on another thread (`getenv` in C, as resolvers do): call it before such threads are started, and end
    /// them before the test ends. Rust code, which reads it by [`mod@std::env`], is safe at any time.
    ///
    /// ```
    /// use qtests::prelude::*;
    ///
    /// #[qtest(isolate = "process")]
    /// fn a_proxy_is_taken_from_the_environment(t: Test) {
    ///     t.env("HTTPS_PROXY", "http://127.0.0.1:3128");
    ///     assert!(std::env::var("HTTPS_PROXY").is_ok());
    /// }
    /// ```
    ///
    /// # Panics
    /// If the test is not alone in its process, or is over, or if the name is empty or has `=` or NUL in it.
    #[track_caller]
    pub fn env(&self, name: impl Into<OsString>, value: impl Into<OsString>) {
        self.change_env("t.env", name.into(), Some(value.into()));
    }

    /// Removes a variable of the environment until the test ends. See [`env`](Test::env).
    ///
    /// # Panics
    /// As [`env`](Test::env).
    #[track_caller]
    pub fn env_remove(&self, name: impl Into<OsString>) {
        self.change_env("t.env_remove", name.into(), None);
    }

    /// Changes the working directory until the test ends, for a test that is alone in its process; see
    /// [`env`](Test::env). Relative paths, also of [`Command`](std::process::Command), begin there.
    ///
    /// # Panics
    /// If the test is not alone in its process, or is over, or if the directory cannot be entered.
    #[track_caller]
    pub fn cwd(&self, directory: impl AsRef<Path>) {
        let directory = directory.as_ref();
        super::ready(self.alone("t.cwd", "the working directory"));
        let failed = |error| Error::other(format!("cannot enter {}", directory.display())).with_source(error);
        let entered = env::current_dir().and_then(|before| env::set_current_dir(directory).map(|()| before));
        let before = super::ready(entered.map_err(failed));
        self.record("env", format!("entered {}", directory.display()));
        let back = Undo::now("the return to the working directory", move || {
            if let Err(error) = env::set_current_dir(&before) {
                panic!("cannot return to {}: {error}", before.display());
            }
        });
        super::ready(self.scope.undo_at_end(back));
    }

    #[track_caller]
    fn change_env(&self, call: &str, name: OsString, value: Option<OsString>) {
        super::ready(self.alone(call, "the environment"));
        let bytes = name.as_encoded_bytes();
        let malformed = bytes.is_empty() || bytes.contains(&b'=') || bytes.contains(&0);
        let has_nul = value.as_ref().is_some_and(|value| value.as_encoded_bytes().contains(&0));
        if malformed || has_nul {
            let text =
                format!("{call}: {name:?} cannot be set: a name is not empty and has no `=`, and NUL ends a text");
            super::ready(Err(Error::invalid(text)))
        }
        let before = env::var_os(&name);
        self.record("env", format!("{} = {value:?}", name.display()));
        os::set_variable(&name, value.as_deref());
        let what = format!("the restoration of the variable {}", name.display());
        let back = Undo::now(what, move || os::set_variable(&name, before.as_deref()));
        super::ready(self.scope.undo_at_end(back));
    }

    /// Whether nobody else can be hurt by what this test does to its process.
    fn alone(&self, call: &str, what: &str) -> Result<(), Error> {
        self.scope.still_open(what)?;
        if environment().sole_test.as_deref() == Some(self.name()) {
            return Ok(());
        }
        let text = format!(
            "{call} changes {what} of the whole process, which other tests share: write #[qtest(isolate = \"process\")], \
             or pass what is needed as an argument or by t.configure"
        );
        Err(Error::new(Kind::Invalid, text))
    }
}

//! Trials that are made by code.

use super::Binary;
use crate::{
    base::Error,
    scope::{Body, Leaks, MadeBody, Meta, Options, Outcome, TaskPanics, Test},
    trial::Registered,
};
use std::{fmt, panic::Location, time::Duration};

/// A test that is made by code, for a binary with a `main` of its own: `runner.trial(..)`.
///
/// It is what `#[qtest]` makes of a function: watched, isolated, torn down. Fixtures are asked for in the body:
/// `t.fixture::<Database>().await?`.
#[must_use = "a trial runs when it is given to `Runner::trial`"]
pub struct Trial {
    name: String,
    body: MadeBody,
    options: Options,
    tags: Vec<String>,
    serial: Option<String>,
    ignored: bool,
    should_panic: Option<String>,
    place: &'static Location<'static>,
}

impl Trial {
    /// A trial with an async body, which may return what a `#[qtest]` may.
    ///
    /// The name is what filters and reports see; modules are written as `orders::large`. It must differ from the names
    /// of all other tests of the binary.
    #[track_caller]
    pub fn new<F, T>(name: impl Into<String>, body: impl Fn(Test) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = T> + 'static,
        T: Outcome,
    {
        let body = move |t: Test| -> crate::scope::BodyFuture {
            let future = body(t);
            Box::pin(async move { future.await.into_body_result() })
        };
        Self::of(name.into(), MadeBody::Async(Box::new(body)), Location::caller())
    }

    /// A trial whose body is not async.
    #[track_caller]
    pub fn sync<T: Outcome>(name: impl Into<String>, body: impl Fn(Test) -> T + Send + Sync + 'static) -> Self {
        let body = move |t: Test| body(t).into_body_result();
        Self::of(name.into(), MadeBody::Sync(Box::new(body)), Location::caller())
    }

    fn of(name: String, body: MadeBody, place: &'static Location<'static>) -> Self {
        Self {
            name,
            body,
            options: Options::new(),
            tags: Vec::new(),
            serial: None,
            ignored: false,
            should_panic: None,
            place,
        }
    }

    /// What `QTESTS_TAGS` chooses by. Defaults to none.
    pub fn tags(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// How long the body may take. Defaults to 60 s.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.options = self.options.with_limit(Some(limit));
        self
    }

    /// No limit for the body.
    pub fn no_timeout(mut self) -> Self {
        self.options = self.options.no_timeout();
        self
    }

    /// How often it is tried again after a failure. Defaults to 0.
    pub fn retries(mut self, count: u32) -> Self {
        self.options = self.options.retries(count);
        self
    }

    /// Trials and `#[qtest]`s of one group run one at a time. Defaults to no group.
    pub fn serial(mut self, group: impl Into<String>) -> Self {
        self.serial = Some(group.into());
        self
    }

    /// Runs it alone in a process of its own. Defaults to this process.
    pub fn isolated(mut self) -> Self {
        self.options = self.options.isolate();
        self
    }

    /// A runtime with so many worker threads. Defaults to one thread for everything.
    pub fn workers(mut self, count: std::num::NonZeroUsize) -> Self {
        self.options = self.options.workers(count.get());
        self
    }

    /// Virtual time, on one thread. Defaults to real time.
    pub fn paused(mut self) -> Self {
        self.options = self.options.paused();
        self
    }

    /// Everything that outlives it fails it, not only what qtests started.
    pub fn strict_leaks(mut self) -> Self {
        self.options = self.options.leaks(Leaks::Strict);
        self
    }

    /// Where its randomness starts; `QTESTS_SEED` wins over it. Defaults to a number from the name.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options = self.options.seed(seed);
        self
    }

    /// How long each teardown may take. Defaults to 5 s.
    pub fn teardown_timeout(mut self, limit: Duration) -> Self {
        let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        self.options = self.options.teardown_timeout_millis(millis);
        self
    }

    /// A panic in one of its tasks or threads is a note. Defaults to a failure.
    pub fn allow_task_panics(mut self) -> Self {
        self.options = self.options.task_panics(TaskPanics::Allow);
        self
    }

    /// Its body must panic with a text that contains this one, which may be empty.
    pub fn should_panic(mut self, expected: impl Into<String>) -> Self {
        self.should_panic = Some(expected.into());
        self
    }

    /// Only `--ignored` and `--include-ignored` run it.
    pub fn ignored(mut self) -> Self {
        self.ignored = true;
        self
    }

    /// What the runner makes of it. It lives as long as the process, as the tests of the binary do.
    pub(super) fn register(self, binary: &Binary) -> Result<&'static Registered, Error> {
        let Self { name, body, options, tags, serial, ignored, should_panic, place } = self;
        let refused = |why: &str| Err(Error::invalid(format!("the trial {name:?} at {place} {why}")));
        if name.trim() != name || name.is_empty() || name.contains(char::is_control) {
            return refused("needs a name of one line, without spaces around it");
        }
        if options.limit() == Some(Duration::ZERO) {
            return refused("has no time: its timeout is zero (leave it out, or say no_timeout)");
        }
        if options.retries > 10 {
            return refused("is tried too often: retries is 10 at most");
        }
        if options.is_paused() && options.has_workers() {
            return refused("has a paused clock and worker threads: a paused clock works on one thread only");
        }
        if serial.as_ref().is_some_and(|group| group.trim().is_empty()) {
            return refused("has a serial group without a name");
        }
        let is_word = |tag: &String| {
            !tag.is_empty() && !tag.starts_with('!') && !tag.contains(|c: char| c == ',' || c.is_whitespace())
        };
        if !tags.iter().all(is_word) {
            return refused(
                "has a tag that QTESTS_TAGS cannot name: one word without `,`, and without `!` at its start",
            );
        }
        let tags: Vec<&'static str> = tags.into_iter().map(|tag| &*tag.leak()).collect();
        let mut options = options.tags(tags.leak());
        if let Some(group) = serial {
            options = options.serial(group.leak());
        }
        let meta = Meta {
            path: format!("{}::{name}", binary.module).leak(),
            file: place.file(),
            line: place.line(),
            package: binary.package,
            target: binary.target,
            ignored,
            should_panic: should_panic.map(|text| &*text.leak()),
            options: Box::leak(Box::new(options)),
        };
        Ok(Box::leak(Box::new(Registered { meta, body: Body::Made(Box::leak(Box::new(body))) })))
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("name", &self.name).finish_non_exhaustive()
    }
}

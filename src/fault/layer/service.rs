//! The service that has fault points around another one.

use super::{
    Describe, FaultFuture, NoFields,
    future::{Wait, waiting},
};
use crate::fault::{ByFrom, MakeError, Place};
use std::{
    fmt, mem,
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// A service with the points `tower.NAME.ready`, `before` and `after`; made by [`FaultLayer`](super::FaultLayer).
///
/// A clone is a service that was not asked yet whether it is ready, whatever its original is, as tower wants it.
pub struct FaultService<S, D = NoFields, E = ByFrom> {
    inner: S,
    points: Points,
    describe: D,
    make_error: E,
    ready: Readiness,
}

/// The three points of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Points {
    ready: Place,
    before: Place,
    after: Place,
}

/// How far the point `ready` is.
enum Readiness {
    /// Nobody has asked since the last call.
    Unasked,
    /// A fault lets the caller wait.
    Waiting(Wait),
    /// The point let the caller through, and is not asked again before the call: the inner service has the word.
    Passed,
}

impl Points {
    #[track_caller]
    pub(super) fn of(name: &str) -> Self {
        let place = |point: &str| Place::new(&format!("tower.{name}.{point}"));
        Self { ready: place("ready"), before: place("before"), after: place("after") }
    }
}

impl<S, D, E> FaultService<S, D, E> {
    pub(super) fn new(inner: S, points: Points, describe: D, make_error: E) -> Self {
        Self { inner, points, describe, make_error, ready: Readiness::Unasked }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, to be changed.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, Request, D, E> Service<Request> for FaultService<S, D, E>
where
    S: Service<Request> + Clone,
    D: Describe<Request>,
    E: MakeError<S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = FaultFuture<S, Request, E>;

    /// Asks the point `ready`, once for each call, and then the inner service. The inner service is not asked while a
    /// fault lets the caller wait, so it reserves nothing meanwhile.
    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // What is there is taken out first: it must not be polled again if it panics.
        match mem::replace(&mut self.ready, Readiness::Unasked) {
            Readiness::Unasked => match self.points.ready.decide(&[]) {
                Some(decision) => {
                    self.ready = Readiness::Waiting(waiting(decision));
                    return self.poll_ready(context);
                }
                None => self.ready = Readiness::Passed,
            },
            Readiness::Waiting(mut wait) => match wait.as_mut().poll(context) {
                Poll::Ready(Ok(())) => self.ready = Readiness::Passed,
                Poll::Ready(Err(injected)) => return Poll::Ready(Err(self.make_error.make(injected))),
                Poll::Pending => {
                    self.ready = Readiness::Waiting(wait);
                    return Poll::Pending;
                }
            },
            Readiness::Passed => self.ready = Readiness::Passed,
        }
        let answer = ready!(self.inner.poll_ready(context));
        if answer.is_err() {
            self.ready = Readiness::Unasked;
        }
        Poll::Ready(answer)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.ready = Readiness::Unasked;
        let seen = self.describe.see(&request);
        let Some(decision) = self.points.before.decide(&seen.and(&[])) else {
            let future = self.inner.call(request);
            return FaultFuture::calling(future, self.points.after, seen, self.make_error.clone());
        };
        // The instance that was found ready goes with the request, and a clone that was not takes its place. If the
        // request never gets there, what the instance had reserved is given back.
        let clone = self.inner.clone();
        let found_ready = mem::replace(&mut self.inner, clone);
        FaultFuture::before(decision, (found_ready, request), self.points.after, seen, self.make_error.clone())
    }
}

impl<S: Clone, D: Clone, E: Clone> Clone for FaultService<S, D, E> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.points, self.describe.clone(), self.make_error.clone())
    }
}

impl<S: fmt::Debug, D, E> fmt::Debug for FaultService<S, D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultService").field("inner", &self.inner).field("ready", &self.ready).finish_non_exhaustive()
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unasked => "unasked",
            Self::Waiting(_) => "waiting",
            Self::Passed => "passed",
        })
    }
}

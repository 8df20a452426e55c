//! A request on its way through the points.

use super::fields::Seen;
use crate::fault::{Decision, Injected, MakeError, Place, Value};
use pin_project_lite::pin_project;
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower_service::Service;

/// What a point does, to be polled.
pub(super) type Wait = Pin<Box<dyn Future<Output = Result<(), Injected>> + Send + Sync>>;

pub(super) fn waiting(decision: Decision) -> Wait {
    Box::pin(decision.run())
}

pin_project! {
    /// The answer of a [`FaultService`](super::FaultService).
    ///
    /// It may be dropped at any time: before the inner service was called the request is gone with it, afterwards what
    /// happens is up to the future of the inner service.
    #[must_use = "a request does not get anywhere until its future is awaited"]
    pub struct FaultFuture<S, Request, E>
    where
        S: Service<Request>,
    {
        #[pin]
        state: State<S, Request>,
        after: Place,
        seen: Seen,
        make_error: E,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, Request>
    where
        S: Service<Request>,
    {
        Before { wait: Wait, call: Option<(S, Request)> },
        Calling { #[pin] future: S::Future },
        After { wait: Wait, answer: Option<Result<S::Response, S::Error>> },
    }
}

impl<S: Service<Request>, Request, E> FaultFuture<S, Request, E> {
    /// The request is there; its inner service is called when the decision has been run.
    pub(super) fn before(decision: Decision, call: (S, Request), after: Place, seen: Seen, make_error: E) -> Self {
        let state = State::Before { wait: waiting(decision), call: Some(call) };
        Self { state, after, seen, make_error }
    }

    /// The inner service was called.
    pub(super) fn calling(future: S::Future, after: Place, seen: Seen, make_error: E) -> Self {
        Self { state: State::Calling { future }, after, seen, make_error }
    }
}

impl<S, Request, E> Future for FaultFuture<S, Request, E>
where
    S: Service<Request>,
    E: MakeError<S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProjection::Before { wait, call } => {
                    if let Err(injected) = ready!(wait.as_mut().poll(context)) {
                        // The inner service is dropped now: it may have reserved something for this request.
                        drop(call.take());
                        return Poll::Ready(Err(this.make_error.make(injected)));
                    }
                    let (mut inner, request) = call.take().expect("a future that has answered is polled again");
                    State::Calling { future: inner.call(request) }
                }
                StateProjection::Calling { future } => {
                    let answer = ready!(future.poll(context));
                    match this.after.decide(&this.seen.and(&[("ok", Value::Bool(answer.is_ok()))])) {
                        Some(decision) => State::After { wait: waiting(decision), answer: Some(answer) },
                        None => return Poll::Ready(answer),
                    }
                }
                StateProjection::After { wait, answer } => {
                    let passed = ready!(wait.as_mut().poll(context));
                    let answer = answer.take().expect("a future that has answered is polled again");
                    return Poll::Ready(match passed {
                        Ok(()) => answer,
                        Err(injected) => Err(this.make_error.make(injected)),
                    });
                }
            };
            this.state.set(next);
        }
    }
}

impl<S: Service<Request>, Request, E> fmt::Debug for FaultFuture<S, Request, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Before { .. } => "before the inner service",
            State::Calling { .. } => "in the inner service",
            State::After { .. } => "after the inner service",
        };
        f.debug_struct("FaultFuture").field("state", &state).field("seen", &self.seen).finish_non_exhaustive()
    }
}

//! Faults in tower's middleware: a service that is not ready, is never reached, or whose reply is lost.
//!
//! ```
//! use qtests::{Test, fault::layer::FaultLayer};
//! use std::{io, sync::atomic::{AtomicU32, Ordering::SeqCst}};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! static CHARGED: AtomicU32 = AtomicU32::new(0);
//!
//! async fn charge(order: u32) -> io::Result<u32> {
//!     CHARGED.fetch_add(1, SeqCst);
//!     Ok(order)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> io::Result<()> {
//! let t = Test::scoped();
//! let mut payments = ServiceBuilder::new().layer(FaultLayer::new("payments")).service(service_fn(charge));
//! let _lost = t.fault("tower.payments.after").nth(1).fail(io::ErrorKind::ConnectionReset).arm();
//! assert!(payments.ready().await?.call(7).await.is_err());
//! assert!(payments.ready().await?.call(7).await.is_ok()); // whoever tries again ..
//! assert_eq!(CHARGED.load(SeqCst), 2); // .. has paid twice
//! # Ok(())
//! # }
//! ```
//!
//! # The points
//!
//! In the order in which they act, for a layer that is called `payments`:
//!
//! 1. `tower.payments.ready`, when the service is asked whether it is ready, once for each call. An error is that of
//!    `poll_ready`. During a delay, a hold or a hang the service is not ready, and the inner one is not asked.
//! 2. `tower.payments.before`, at `call`. After an error the inner service is not called; after a delay or a hold it is
//!    called so much later.
//! 3. `tower.payments.after`, when the inner service has answered. An error takes the place of the answer: the work is
//!    done, the reply is lost. A delay or a hold keeps the answer back.
//!
//! A hang ends with the test, in an error of kind [`Interrupted`](std::io::ErrorKind::Interrupted). All waiting is on
//! tokio's clock, so it works under a paused one.
//!
//! A hit at `before` and `after` has the fields that [`FaultLayer::key`] and [`FaultLayer::field`] read of the request;
//! at `after` there is also `ok`, which tells whether the inner service answered without an error. At `ready` there is
//! no request yet, and no field.
//!
//! # Errors
//!
//! The type of error stays that of the inner service. It is made by `From<Injected>`, which
//! [`io::Error`](std::io::Error) and boxed errors such as `tower::BoxError` have, or by what is given to
//! [`FaultLayer::map_err`]. A service that cannot fail, such as a router of axum, gets an error type first, below the
//! layer:
//!
//! ```
//! # use qtests::fault::layer::FaultLayer;
//! # use std::convert::Infallible;
//! # use tower::{BoxError, ServiceBuilder, service_fn};
//! # let router = service_fn(async |request: u32| Ok::<_, Infallible>(request));
//! let service = ServiceBuilder::new()
//!     .layer(FaultLayer::new("api"))
//!     .map_err(|never: Infallible| -> BoxError { match never {} })
//!     .service(router);
//! # let mut service = service;
//! # let _ = tower::Service::call(&mut service, 1);
//! ```
//!
//! # Cancel safety
//!
//! The futures may be dropped at any time. Who gives up before `before` has passed has not called the inner service;
//! what it had reserved is given back. A wait in `poll_ready` goes on where it was when it is polled again.

mod fields;
mod future;
mod service;

pub use self::{
    fields::{Describe, Fields, NoFields},
    future::FaultFuture,
    service::FaultService,
};

use self::service::Points;
use crate::fault::{ByFrom, ByMap, Injected, ToValue};
use std::fmt;
use tower_layer::Layer;

/// Puts fault points around a service. See the [module](self) for what they are called and what they do.
///
/// The inner service must be `Clone`, since a request that is held up takes the instance with it that was found ready.
#[derive(Clone)]
#[must_use = "a layer does nothing until a service is put into it"]
pub struct FaultLayer<D = NoFields, E = ByFrom> {
    points: Points,
    describe: D,
    make_error: E,
}

impl FaultLayer {
    /// A layer with the points `tower.NAME.ready`, `tower.NAME.before` and `tower.NAME.after`. Layers with the same
    /// name share their points. Faults may be armed before or after the layer is made.
    ///
    /// # Panics
    /// If the name is empty, or the process has 10,000 names of streams, layers and pools.
    #[track_caller]
    pub fn new(name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        assert!(!name.is_empty(), "a layer needs a name, by which its faults are armed: `tower.NAME.before`");
        Self { points: Points::of(name), describe: NoFields, make_error: ByFrom }
    }
}

impl<D, E> FaultLayer<D, E> {
    /// Lets faults see a value of each request as the field `key`:
    /// [`FaultBuilder::key`](crate::fault::FaultBuilder::key) asks for it, and each key has its own sequence of draws.
    /// Defaults to no key.
    ///
    /// ```
    /// # use qtests::{Test, fault::layer::FaultLayer};
    /// # use std::io;
    /// # use tower::{Layer, Service, service_fn};
    /// struct Get { path: String }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let t = Test::scoped();
    /// let layer = FaultLayer::new("cdn").key(|request: &Get| request.path.clone());
    /// t.fault("tower.cdn.before").key("/logo").fail(io::ErrorKind::TimedOut).arm();
    /// let mut cdn = layer.layer(service_fn(async |request: Get| io::Result::Ok(request.path.len())));
    /// assert!(cdn.call(Get { path: "/logo".to_owned() }).await.is_err());
    /// assert!(cdn.call(Get { path: "/".to_owned() }).await.is_ok());
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the layer reads 16 fields already.
    #[track_caller]
    pub fn key<Request, V: ToValue + Send + Sync + 'static>(
        self,
        read: impl Fn(&Request) -> V + Send + Sync + 'static,
    ) -> FaultLayer<Fields<Request>, E>
    where
        D: Describe<Request>,
    {
        self.field("key", read)
    }

    /// Lets faults see a value of each request as a field of this name, for
    /// [`FaultBuilder::when`](crate::fault::FaultBuilder::when): `.when(|hit| hit.str("method") == Some("POST"))`. The
    /// closure runs at each call, so that the point `after` has the value too. It returns something of its own, not a
    /// part of the request. Where two fields have the same name, the first one counts. Defaults to no field.
    ///
    /// # Panics
    /// If the layer reads 16 fields already.
    #[track_caller]
    pub fn field<Request, V: ToValue + Send + Sync + 'static>(
        self,
        name: &'static str,
        read: impl Fn(&Request) -> V + Send + Sync + 'static,
    ) -> FaultLayer<Fields<Request>, E>
    where
        D: Describe<Request>,
    {
        let describe = self.describe.into_fields().add(name, read);
        FaultLayer { points: self.points, describe, make_error: self.make_error }
    }

    /// Says how an injected error becomes one of the inner service:
    /// `.map_err(|injected| MyError::Db(injected.into()))`. Defaults to `From<Injected>`.
    pub fn map_err<Error>(
        self,
        make: impl Fn(Injected) -> Error + Send + Sync + 'static,
    ) -> FaultLayer<D, ByMap<Error>> {
        FaultLayer { points: self.points, describe: self.describe, make_error: ByMap::new(make) }
    }
}

impl<S, D: Clone, E: Clone> Layer<S> for FaultLayer<D, E> {
    type Service = FaultService<S, D, E>;

    fn layer(&self, inner: S) -> Self::Service {
        FaultService::new(inner, self.points, self.describe.clone(), self.make_error.clone())
    }
}

impl<D: fmt::Debug, E> fmt::Debug for FaultLayer<D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultLayer")
            .field("points", &self.points)
            .field("fields", &self.describe)
            .finish_non_exhaustive()
    }
}

//! The door: HTTP in, HTTP out; start and stop.

use crate::{
    checkout::Checkout,
    error::{CheckoutError, InventoryError, PaymentError, StartError, StoreError},
    limit::{Entry, Limit},
    order::{NewOrder, Order, Placed},
    recovery,
    settings::Settings,
    store::Store,
};
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, State},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
    time::timeout,
};

/// A running service. Dropping it stops the service in the middle of whatever it does, as a crash
/// would; see [`Running::shutdown`] for the polite way.
#[derive(Debug)]
#[must_use = "dropping this stops the service"]
pub struct Running {
    /// Where it listens.
    addr: SocketAddr,
    /// Read by tests and by `shutdown`.
    store: Store,
    /// The door, to see the last order leave.
    limit: Arc<Limit>,
    /// How long to wait for that.
    grace: Duration,
    /// Sending asks the server to stop; so does dropping.
    stop: Option<oneshot::Sender<()>>,
    /// Ends when all connections have.
    server: JoinHandle<io::Result<()>>,
    /// Never ends by itself.
    recovery: JoinHandle<()>,
    /// Dropped with the service, which ends the work on all orders.
    _alive: watch::Sender<()>,
}

impl Checkout {
    /// Starts the service. When this returns it accepts connections, whether or not the other
    /// services are there.
    ///
    /// # Errors
    /// If the database cannot be opened or the address not be listened on.
    pub async fn start(settings: Settings) -> Result<Running, StartError> {
        let store = Store::open(&settings.database, settings.bug).await?;
        let (alive, still_alive) = watch::channel(());
        let checkout = Arc::new(Self::new(&settings, store.clone(), still_alive)?);
        // Before the first customer: from then on a pending order may be one that is being worked
        // on.
        checkout.adopt_cut_off_orders().await?;
        let listener = TcpListener::bind(settings.listen).await?;
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let serve = axum::serve(listener, routes(Arc::clone(&checkout)));
        let serve = serve.with_graceful_shutdown(async { drop(stopped.await) });
        Ok(Running {
            addr,
            store,
            limit: Arc::clone(&checkout.limit),
            grace: settings.shutdown_grace,
            stop: Some(stop),
            server: tokio::spawn(serve.into_future()),
            recovery: tokio::spawn(recovery::run(checkout, settings.recovery_interval)),
            _alive: alive,
        })
    }
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The database, for a look inside.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How many orders stand; see [`Store::orders`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn orders(&self) -> Result<u64, StoreError> {
        self.store.orders().await
    }

    /// How many mails are queued; see [`Store::outbox`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn outbox(&self) -> Result<u64, StoreError> {
        self.store.outbox().await
    }

    /// Lets nobody in any more, and waits for the orders in work, also those whose customer has
    /// hung up, however long that takes.
    pub async fn last_orders_out(&mut self) {
        self.stop.take();
        if !self.server.is_finished() {
            let _ = (&mut self.server).await;
        }
        self.limit.until_empty().await;
    }

    /// Stops after [the last orders are out](Running::last_orders_out), or after
    /// [`Settings::shutdown_grace`]. What is not done by then is found by the next start.
    pub async fn shutdown(mut self) {
        if timeout(self.grace, self.last_orders_out()).await.is_err() {
            eprintln!("checkout: cut off after {:?}, with {} orders in work", self.grace, self.limit.in_work());
        }
        self.recovery.abort();
        let _ = (&mut self.recovery).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
        self.recovery.abort();
    }
}

fn routes(checkout: Arc<Checkout>) -> Router {
    Router::new()
        .route("/orders", post(place_order))
        .route("/orders/{id}", get(show_order))
        .route("/health", get(health))
        .with_state(checkout)
}

/// `Entry` comes before the body: who is sent away costs us not even the reading of his order.
async fn place_order(
    entry: Entry,
    State(checkout): State<Arc<Checkout>>,
    Json(wish): Json<NewOrder>,
) -> Result<(StatusCode, Json<Placed>), CheckoutError> {
    let placed = checkout.place(wish, entry).await?;
    Ok((StatusCode::CREATED, Json(placed)))
}

async fn show_order(State(checkout): State<Arc<Checkout>>, Path(id): Path<String>) -> Result<Json<Order>, Response> {
    match checkout.look_up(&id).await {
        Ok(Some(order)) => Ok(Json(order)),
        Ok(None) => Err(refusal(StatusCode::NOT_FOUND, "no such order")),
        Err(error) => Err(CheckoutError::from(error).into_response()),
    }
}

/// Asks nobody else: when a service behind us is down we are not, and restarting us would not help.
async fn health(State(checkout): State<Arc<Checkout>>) -> Json<Value> {
    Json(json!({ "status": "ok", "in_work": checkout.limit.in_work(), "to_take_back": checkout.unfinished.len() }))
}

impl FromRequestParts<Arc<Checkout>> for Entry {
    type Rejection = Response;

    async fn from_request_parts(_: &mut Parts, checkout: &Arc<Checkout>) -> Result<Self, Response> {
        let full = || {
            let answer = refusal(StatusCode::SERVICE_UNAVAILABLE, "too many orders at once");
            ([(header::RETRY_AFTER, "1")], answer).into_response()
        };
        checkout.limit.enter().ok_or_else(full)
    }
}

impl IntoResponse for CheckoutError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Empty => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Payment(PaymentError::Declined) => StatusCode::PAYMENT_REQUIRED,
            Self::Inventory(InventoryError::SoldOut) => StatusCode::CONFLICT,
            Self::Payment(PaymentError::Call(_)) | Self::Inventory(InventoryError::Call(_)) => StatusCode::BAD_GATEWAY,
            Self::Store(_) | Self::CutOff => StatusCode::INTERNAL_SERVER_ERROR,
        };
        refusal(status, &self.to_string())
    }
}

fn refusal(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

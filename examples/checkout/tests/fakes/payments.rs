//! A payment service that charges nobody.

use super::Server;
use axum::{
    Json, Router,
    body::{Body, Bytes, HttpBody},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{delete, post},
};
use http_body::Frame;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{sync::Semaphore, time::sleep};

/// The card that is always declined.
pub(crate) const BAD_CARD: &str = "0000";

/// A running payment service.
pub(crate) struct Payments {
    server: Server,
    bank: Arc<Bank>,
}

struct Bank {
    ledger: Mutex<Ledger>,
    /// How many charges are worked on at once; the others wait in line.
    clerks: Semaphore,
}

#[derive(Default)]
struct Ledger {
    /// What was charged, by idempotency key. `None` for a key that was voided: it can never be
    /// charged again.
    charges: HashMap<String, Option<Charge>>,
    /// How long a clerk works on a charge, after it has been booked.
    delay: Duration,
    /// How many of the next answers break off in the middle, after the charge has been booked.
    cut: usize,
    /// Whether every call is answered with 503, and nothing is booked.
    down: bool,
}

#[derive(Clone, Deserialize)]
struct Charge {
    order_id: String,
    amount: u64,
    card: String,
}

impl Payments {
    /// Starts it, quick and with a thousand clerks.
    pub(crate) async fn start() -> Self {
        Self::with_clerks(1_000).await
    }

    /// Starts it with so many clerks.
    pub(crate) async fn with_clerks(clerks: usize) -> Self {
        let bank = Arc::new(Bank { ledger: Mutex::default(), clerks: Semaphore::new(clerks) });
        let routes = Router::new()
            .route("/charges", post(charge))
            .route("/charges/{key}", delete(void))
            .with_state(Arc::clone(&bank));
        Self { server: Server::start(routes).await, bank }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// From now on a charge takes so long.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.bank.ledger().delay = delay;
    }

    /// The next `answers` break off in the middle.
    pub(crate) fn cut_next(&self, answers: usize) {
        self.bank.ledger().cut = answers;
    }

    /// From now on it answers nothing but 503, or works again.
    pub(crate) fn set_down(&self, down: bool) {
        self.bank.ledger().down = down;
    }

    /// How often an order was charged, without what was voided.
    pub(crate) fn charges_of(&self, order_id: &str) -> usize {
        self.bank.ledger().standing().filter(|charge| charge.order_id == order_id).count()
    }

    /// How many charges stand, without what was voided.
    pub(crate) fn charges(&self) -> usize {
        self.bank.ledger().standing().count()
    }

    /// The cents that were taken, without what was voided.
    pub(crate) fn captured(&self) -> u64 {
        self.bank.ledger().standing().map(|charge| charge.amount).sum()
    }
}

impl Bank {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no fake panics")
    }
}

impl Ledger {
    fn standing(&self) -> impl Iterator<Item = &Charge> {
        self.charges.values().flatten()
    }

    /// Books a charge once for each key, whatever becomes of the answer.
    fn book(&mut self, key: &str, charge: Charge) -> StatusCode {
        if self.down {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        if charge.card == BAD_CARD {
            return StatusCode::PAYMENT_REQUIRED;
        }
        match self.charges.entry(key.to_owned()).or_insert(Some(charge)) {
            Some(_) => StatusCode::CREATED,
            None => StatusCode::GONE,
        }
    }
}

async fn charge(State(bank): State<Arc<Bank>>, headers: HeaderMap, Json(charge): Json<Charge>) -> Response {
    let Some(key) = headers.get("idempotency-key").and_then(|key| key.to_str().ok()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let status = bank.ledger().book(key, charge);
    let _clerk = bank.clerks.acquire().await;
    let delay = bank.ledger().delay;
    sleep(delay).await;
    if status != StatusCode::CREATED {
        return status.into_response();
    }
    let cut = {
        let mut ledger = bank.ledger();
        let cut = ledger.cut > 0;
        ledger.cut -= usize::from(cut);
        cut
    };
    if cut { cut_answer() } else { (status, Json(json!({ "charge_id": format!("ch-{key}") }))).into_response() }
}

async fn void(State(bank): State<Arc<Bank>>, Path(key): Path<String>) -> StatusCode {
    let mut ledger = bank.ledger();
    if ledger.down {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    ledger.charges.insert(key, None);
    StatusCode::NO_CONTENT
}

/// The body of an answer that breaks off: the first half, and then an error, at which the server
/// closes the connection.
struct HalfAnswer {
    /// Taken when it is sent.
    half: Option<Bytes>,
    /// Whether the server had the time to send it.
    sent: bool,
}

impl HttpBody for HalfAnswer {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.sent {
            self.sent = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

fn cut_answer() -> Response {
    let half = Some(Bytes::from_static(b"{\"charge_id\":"));
    (StatusCode::CREATED, Body::new(HalfAnswer { half, sent: false })).into_response()
}

//! A payment service that charges nobody.

use super::Server;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{delete, post},
};
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
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
    /// What was charged, by idempotency key. `None` for a key that was voided: it can never be
    /// charged again.
    ledger: Mutex<HashMap<String, Option<Charge>>>,
    /// How many charges are worked on at once; the others wait in line.
    clerks: Semaphore,
    /// How long a clerk works on a charge, after it has been booked.
    work: Duration,
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
        Self::with_clerks(1_000, Duration::ZERO).await
    }

    /// Starts it with so many clerks, who take so long for each charge.
    pub(crate) async fn with_clerks(clerks: usize, work: Duration) -> Self {
        let bank = Arc::new(Bank { ledger: Mutex::default(), clerks: Semaphore::new(clerks), work });
        let routes = Router::new()
            .route("/charges", post(charge))
            .route("/charges/{key}", delete(void))
            .with_state(Arc::clone(&bank));
        Self { server: Server::start(routes).await, bank }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// How often an order was charged, without what was voided.
    pub(crate) fn charges_of(&self, order_id: &str) -> usize {
        self.bank.ledger().values().flatten().filter(|charge| charge.order_id == order_id).count()
    }

    /// The cents that were taken, without what was voided.
    pub(crate) fn captured(&self) -> u64 {
        self.bank.ledger().values().flatten().map(|charge| charge.amount).sum()
    }
}

impl Bank {
    fn ledger(&self) -> MutexGuard<'_, HashMap<String, Option<Charge>>> {
        self.ledger.lock().expect("no fake panics")
    }

    /// Books a charge once for each key, whatever becomes of the answer.
    fn book(&self, key: &str, charge: Charge) -> StatusCode {
        if charge.card == BAD_CARD {
            return StatusCode::PAYMENT_REQUIRED;
        }
        match self.ledger().entry(key.to_owned()).or_insert(Some(charge)) {
            Some(_) => StatusCode::CREATED,
            None => StatusCode::GONE,
        }
    }
}

async fn charge(State(bank): State<Arc<Bank>>, headers: HeaderMap, Json(charge): Json<Charge>) -> Response {
    let Some(key) = headers.get("idempotency-key").and_then(|key| key.to_str().ok()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let status = bank.book(key, charge);
    let _clerk = bank.clerks.acquire().await;
    sleep(bank.work).await;
    if status != StatusCode::CREATED {
        return status.into_response();
    }
    (status, Json(json!({ "charge_id": format!("ch-{key}") }))).into_response()
}

async fn void(State(bank): State<Arc<Bank>>, Path(key): Path<String>) -> StatusCode {
    bank.ledger().insert(key, None);
    StatusCode::NO_CONTENT
}

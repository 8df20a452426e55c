//! An inventory service with an endless storeroom, but for what is sold out.

use super::Server;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{delete, post},
};
use serde::Deserialize;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

/// What is always sold out.
pub(crate) const SOLD_OUT: &str = "unicorn";

/// A running inventory service.
pub(crate) struct Inventory {
    server: Server,
    room: Arc<Room>,
}

/// What is reserved, by order.
type Room = Mutex<HashMap<String, Reservation>>;

#[derive(Clone, Deserialize)]
struct Reservation {
    order_id: String,
    sku: String,
    quantity: u32,
}

impl Inventory {
    pub(crate) async fn start() -> Self {
        let room = Arc::<Room>::default();
        let routes = Router::new()
            .route("/reservations", post(reserve))
            .route("/reservations/{order_id}", delete(release))
            .with_state(Arc::clone(&room));
        Self { server: Server::start(routes).await, room }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// How many orders have their goods reserved.
    pub(crate) fn reservations(&self) -> usize {
        lock(&self.room).len()
    }

    /// How many pieces are reserved for an order.
    pub(crate) fn reserved_for(&self, order_id: &str) -> u32 {
        lock(&self.room).get(order_id).map_or(0, |reservation| reservation.quantity)
    }
}

async fn reserve(State(room): State<Arc<Room>>, Json(reservation): Json<Reservation>) -> StatusCode {
    if reservation.sku == SOLD_OUT {
        return StatusCode::CONFLICT;
    }
    lock(&room).insert(reservation.order_id.clone(), reservation);
    StatusCode::OK
}

async fn release(State(room): State<Arc<Room>>, Path(order_id): Path<String>) -> StatusCode {
    match lock(&room).remove(&order_id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

fn lock(room: &Room) -> MutexGuard<'_, HashMap<String, Reservation>> {
    room.lock().expect("no fake panics")
}

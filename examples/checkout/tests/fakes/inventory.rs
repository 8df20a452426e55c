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
    room: Arc<Mutex<Room>>,
}

#[derive(Default)]
struct Room {
    /// What is reserved, by order.
    reservations: HashMap<String, Reservation>,
    /// Whether every call is answered with 503.
    down: bool,
}

#[derive(Clone, Deserialize)]
struct Reservation {
    order_id: String,
    sku: String,
    quantity: u32,
}

impl Inventory {
    pub(crate) async fn start() -> Self {
        let room = Arc::<Mutex<Room>>::default();
        let routes = Router::new()
            .route("/reservations", post(reserve))
            .route("/reservations/{order_id}", delete(release))
            .with_state(Arc::clone(&room));
        Self { server: Server::start(routes).await, room }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// From now on it answers nothing but 503, or works again.
    pub(crate) fn set_down(&self, down: bool) {
        lock(&self.room).down = down;
    }

    /// How many orders have their goods reserved.
    pub(crate) fn reservations(&self) -> usize {
        lock(&self.room).reservations.len()
    }

    /// How many pieces are reserved for an order.
    pub(crate) fn reserved_for(&self, order_id: &str) -> u32 {
        lock(&self.room).reservations.get(order_id).map_or(0, |reservation| reservation.quantity)
    }
}

async fn reserve(State(room): State<Arc<Mutex<Room>>>, Json(reservation): Json<Reservation>) -> StatusCode {
    let mut room = lock(&room);
    if room.down {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    if reservation.sku == SOLD_OUT {
        return StatusCode::CONFLICT;
    }
    room.reservations.insert(reservation.order_id.clone(), reservation);
    StatusCode::OK
}

async fn release(State(room): State<Arc<Mutex<Room>>>, Path(order_id): Path<String>) -> StatusCode {
    let mut room = lock(&room);
    if room.down {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    match room.reservations.remove(&order_id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

fn lock(room: &Mutex<Room>) -> MutexGuard<'_, Room> {
    room.lock().expect("no fake panics")
}

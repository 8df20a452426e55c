//! What is asked of the inventory service.

use crate::{
    error::{CallError, InventoryError},
    http::Peer,
    order::Order,
    retry::{Backoff, retry},
    settings::Settings,
};
use axum::http::StatusCode;
use qtests::fault_point;
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;

/// The inventory service, as we see it.
#[derive(Debug)]
pub(crate) struct Inventory {
    /// Where it is.
    peer: Peer,
    /// How long one call may take.
    timeout: Duration,
    /// How often to try to reserve.
    backoff: Backoff,
}

/// The body of `POST /reservations`.
#[derive(Serialize)]
struct Reservation<'a> {
    sku: &'a str,
    quantity: u32,
    /// The service keeps one reservation for each order, so a repeat does not reserve twice.
    order_id: &'a str,
}

impl Inventory {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            peer: Peer::new(settings.inventory),
            timeout: settings.inventory_timeout,
            backoff: settings.backoff.clone(),
        }
    }

    /// Reserves the goods of an order once, however often it has to ask.
    pub(crate) async fn reserve(&self, order: &Order) -> Result<(), InventoryError> {
        retry(&self.backoff, &order.id, |_| self.within_limit(self.ask_to_reserve(order))).await
    }

    /// Gives the goods of an order free again, if there are any.
    pub(crate) async fn release(&self, order_id: &str) -> Result<(), InventoryError> {
        self.within_limit(async {
            let path = format!("/reservations/{order_id}");
            let answer = self.peer.delete(&path).await?;
            match answer.status {
                StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(()),
                other => Err(CallError::Status(other).into()),
            }
        })
        .await
    }

    async fn ask_to_reserve(&self, order: &Order) -> Result<(), InventoryError> {
        fault_point!(async "inventory.reserve")?;
        let reservation = Reservation { sku: &order.sku, quantity: order.quantity, order_id: &order.id };
        let answer = self.peer.post("/reservations", None, &reservation).await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED => Ok(()),
            StatusCode::CONFLICT => Err(InventoryError::SoldOut),
            other => Err(CallError::Status(other).into()),
        }
    }

    async fn within_limit(&self, call: impl Future<Output = Result<(), InventoryError>>) -> Result<(), InventoryError> {
        timeout(self.timeout, call).await.unwrap_or_else(|_| Err(CallError::TimedOut.into()))
    }
}

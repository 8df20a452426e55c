//! A customer, for tests: what a browser or an app would do.

use crate::{
    error::CallError,
    http::{Answer, Peer},
    order::{NewOrder, Order, Placed},
};
use axum::http::{StatusCode, header};
use serde::Deserialize;
use std::{net::SocketAddr, time::Duration};
use thiserror::Error;

/// A customer of one order service. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Shop {
    peer: Peer,
}

/// Why a customer has no order.
#[derive(Debug, Error)]
pub enum ShopError {
    /// The service is full, and says when to come back.
    #[error("sent away for {retry_after:?}")]
    SentAway {
        /// When to come back.
        retry_after: Duration,
    },
    /// The service gave a reason.
    #[error("refused with status {status}: {why}")]
    Refused {
        /// The status: 402 declined, 409 sold out, 502 a service behind it failed, 500 it failed
        /// itself.
        status: u16,
        /// The reason, in words.
        why: String,
    },
    /// There is no answer, or none that can be understood. Whether there is an order is not known.
    #[error("no answer from the shop")]
    NoAnswer(#[from] CallError),
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Shop {
    /// A customer of the service at this address. Nothing is connected yet.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Self {
        Self { peer: Peer::new(addr) }
    }

    /// Orders something, with a card that is good.
    ///
    /// # Errors
    /// If there is no order; see [`ShopError`].
    pub async fn order(&self, sku: &str, quantity: u32) -> Result<Placed, ShopError> {
        self.order_with_card(sku, quantity, "4242").await
    }

    /// Orders something.
    ///
    /// # Errors
    /// If there is no order; see [`ShopError`].
    pub async fn order_with_card(&self, sku: &str, quantity: u32, card: &str) -> Result<Placed, ShopError> {
        let wish = NewOrder { sku: sku.to_owned(), quantity, card: card.to_owned() };
        let answer = self.peer.post("/orders", None, &wish).await?;
        understand(&answer)
    }

    /// Looks an order up.
    ///
    /// # Errors
    /// If it cannot be seen; see [`ShopError`].
    pub async fn look_up(&self, order_id: &str) -> Result<Order, ShopError> {
        let answer = self.peer.get(&format!("/orders/{order_id}")).await?;
        understand(&answer)
    }
}

fn understand<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, ShopError> {
    if answer.status.is_success() {
        return Ok(answer.json()?);
    }
    let seconds = answer.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    match seconds {
        Some(seconds) if answer.status == StatusCode::SERVICE_UNAVAILABLE => {
            Err(ShopError::SentAway { retry_after: Duration::from_secs(seconds) })
        }
        _ => Err(ShopError::Refused { status: answer.status.as_u16(), why: answer.json::<Refusal>()?.error }),
    }
}

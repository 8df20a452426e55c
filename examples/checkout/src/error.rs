//! What can go wrong, one type for each place that reacts to it.
//!
//! An injected fault arrives here by `From<Injected>`, as the error that the real thing would be: a
//! broken connection, a broken database.

use crate::{bug::UnknownBug, order::Status, retry::Repeatable};
use axum::http::StatusCode;
use qtests::Injected;
use std::io;
use thiserror::Error;

/// Any error, where only its text matters.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a call to another service brought no answer that is of use. Whether the service did what was
/// asked is *not known*.
#[derive(Debug, Error)]
pub enum CallError {
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// No connection, or one that broke before the answer was complete.
    #[error("the connection failed")]
    Broken(#[source] BoxError),
    /// A question that cannot be written, or an answer that cannot be read.
    #[error("it makes no sense")]
    Garbled(#[source] BoxError),
    /// An answer with a status that nobody expects here.
    #[error("answered with status {0}")]
    Status(StatusCode),
}

impl Repeatable for CallError {
    /// All calls carry the order's name, and both services do a thing only once for each name; so a
    /// repeat does no harm. It is of no use where the service understood the question and
    /// refused: it would refuse again.
    fn is_worth_repeating(&self) -> bool {
        match self {
            Self::TimedOut | Self::Broken(_) | Self::Garbled(_) => true,
            Self::Status(status) => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl From<Injected> for CallError {
    fn from(injected: Injected) -> Self {
        Self::Broken(injected.into())
    }
}

/// Why a card was not charged, or perhaps was.
#[derive(Debug, Error)]
pub enum PaymentError {
    /// The bank says no.
    #[error("the card was declined")]
    Declined,
    /// Not known whether it was charged.
    #[error("the payment service failed")]
    Call(#[from] CallError),
}

impl Repeatable for PaymentError {
    fn is_worth_repeating(&self) -> bool {
        matches!(self, Self::Call(call) if call.is_worth_repeating())
    }
}

impl From<Injected> for PaymentError {
    fn from(injected: Injected) -> Self {
        Self::Call(injected.into())
    }
}

/// Why the goods were not reserved, or perhaps were.
#[derive(Debug, Error)]
pub enum InventoryError {
    /// There are not enough of them.
    #[error("sold out")]
    SoldOut,
    /// Not known whether they were reserved.
    #[error("the inventory service failed")]
    Call(#[from] CallError),
}

impl Repeatable for InventoryError {
    fn is_worth_repeating(&self) -> bool {
        matches!(self, Self::Call(call) if call.is_worth_repeating())
    }
}

impl From<Injected> for InventoryError {
    fn from(injected: Injected) -> Self {
        Self::Call(injected.into())
    }
}

/// Why the database did not do what it was asked. What was asked is then not done, not even in
/// part.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The reason that the database gives.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// A fault that a test put in.
    #[error("the database failed")]
    Injected(#[from] Injected),
    /// The order may not go that way; see [`Status`].
    #[error("the order cannot become {0:?}")]
    NotOpen(Status),
    /// A statement panicked.
    #[error("the database code panicked")]
    Panicked,
}

/// Why an order does not stand. What was begun has been taken back, or will be.
#[derive(Debug, Error)]
pub enum CheckoutError {
    /// The customer asked for nothing.
    #[error("an order needs at least one piece")]
    Empty,
    /// See [`PaymentError`].
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// See [`InventoryError`].
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// See [`StoreError`].
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service stopped while it worked on the order, or its code panicked.
    #[error("the order was cut off")]
    CutOff,
}

/// Why the service did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A variable that must be set is not.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// A variable that cannot be read.
    #[error("the value of {0} makes no sense")]
    Nonsense(&'static str),
    /// The address of the cache cannot be read.
    #[error("the address of the cache makes no sense")]
    Cache(#[from] redis::RedisError),
    /// A bug that does not exist.
    #[error(transparent)]
    Bug(#[from] UnknownBug),
    /// The address cannot be listened on.
    #[error("cannot listen")]
    Listen(#[from] io::Error),
    /// The database cannot be opened.
    #[error("cannot open the database")]
    Store(#[from] StoreError),
}

//! The words of the trade: an order, from the customer's wish to the row in the database.

use serde::{Deserialize, Serialize};

/// What a customer sends: the body of `POST /orders`.
///
/// It has no `Debug`, so that no log ever shows a card.
#[derive(Clone, Deserialize, Serialize)]
pub struct NewOrder {
    /// What is bought.
    pub sku: String,
    /// How many pieces; at least one.
    pub quantity: u32,
    /// Who pays. It goes to the payment service and is never written down here.
    pub card: String,
}

/// What the customer gets to know at once: the answer to `POST /orders`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Placed {
    /// The name of the order, for `GET /orders/{id}`.
    pub order_id: String,
    /// [`Status::Confirmed`] or [`Status::Backordered`].
    pub status: Status,
}

/// An order as it stands in the database: the answer to `GET /orders/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Order {
    /// Its name, made by [`NEW_ID`](crate::NEW_ID) and known to all three services.
    pub id: String,
    /// What was bought.
    pub sku: String,
    /// How many pieces.
    pub quantity: u32,
    /// How far it has come.
    pub status: Status,
    /// When it came in, in milliseconds since 1970, by [`CLOCK`](crate::CLOCK).
    pub created_at: i64,
}

/// How far an order has come.
///
/// ```text
/// pending ──> confirmed <── backordered <── pending
///    └──────> cancelled
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Written down, not decided. Nobody has been told that it stands, so it may still be taken
    /// back.
    Pending,
    /// Paid, and the goods are reserved.
    Confirmed,
    /// Paid, and the goods will be reserved as soon as the inventory service answers.
    Backordered,
    /// Taken back: neither paid nor reserved.
    Cancelled,
}

impl Status {
    /// Whether it stays so for good.
    pub(crate) const fn is_final(self) -> bool {
        matches!(self, Self::Confirmed | Self::Cancelled)
    }

    /// The word in the database.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Backordered => "backordered",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status for a word from the database.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Confirmed, Self::Backordered, Self::Cancelled];
        all.into_iter().find(|status| status.word() == word)
    }
}

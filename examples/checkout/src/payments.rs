//! What is asked of the payment service.

use crate::{
    bug::Bug,
    error::{CallError, PaymentError},
    http::Peer,
    retry::{Backoff, retry},
    settings::Settings,
};
use axum::http::StatusCode;
use qtests::fault_point;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, time::Duration};
use tokio::time::timeout;

/// The payment service, as we see it.
#[derive(Debug)]
pub(crate) struct Payments {
    /// Where it is.
    peer: Peer,
    /// How long one call may take.
    timeout: Duration,
    /// How often to try to charge.
    backoff: Backoff,
    /// The protection that is missing.
    bug: Option<Bug>,
}

/// What is to be paid, by whom and for what.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Charge<'a> {
    /// The order that is paid for; the key is made from it.
    pub(crate) order_id: &'a str,
    /// How much, in cents.
    pub(crate) amount: u64,
    /// Who pays.
    pub(crate) card: &'a str,
}

/// The answer to `POST /charges`. That it can be read is the proof that we talked to the right
/// service and heard it to the end.
#[derive(Deserialize)]
struct Charged {
    #[serde(rename = "charge_id")]
    _charge_id: String,
}

impl Payments {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            peer: Peer::new(settings.payments),
            timeout: settings.payment_timeout,
            backoff: settings.backoff.clone(),
            bug: settings.bug,
        }
    }

    /// Charges a card once, however often it has to ask.
    pub(crate) async fn charge(&self, charge: Charge<'_>) -> Result<(), PaymentError> {
        retry(&self.backoff, charge.order_id, |attempt| self.within_limit(self.ask_to_charge(charge, attempt))).await
    }

    /// Gives back what was charged for an order. A charge that is still on its way will be refused:
    /// the service remembers the key.
    pub(crate) async fn void(&self, order_id: &str) -> Result<(), PaymentError> {
        self.within_limit(async {
            let path = format!("/charges/{}", self.key(order_id, 1));
            let answer = self.peer.delete(&path).await?;
            match answer.status {
                StatusCode::OK | StatusCode::NO_CONTENT => Ok(()),
                other => Err(CallError::Status(other).into()),
            }
        })
        .await
    }

    async fn ask_to_charge(&self, charge: Charge<'_>, attempt: u32) -> Result<(), PaymentError> {
        fault_point!(async "payments.charge")?;
        let key = self.key(charge.order_id, attempt);
        let answer = self.peer.post("/charges", Some(&key), &charge).await?;
        match answer.status {
            StatusCode::OK | StatusCode::CREATED => answer.json::<Charged>()?,
            StatusCode::PAYMENT_REQUIRED => return Err(PaymentError::Declined),
            other => return Err(CallError::Status(other).into()),
        };
        Ok(())
    }

    /// The name under which the service does a thing once only. It must not depend on the attempt:
    /// when an answer is lost on its way, the card has been charged all the same, and only the
    /// same name tells the service that we mean that charge and not another one.
    fn key<'a>(&self, order_id: &'a str, attempt: u32) -> Cow<'a, str> {
        match self.bug {
            Some(Bug::NewKeyPerRetry) => format!("{order_id}-{attempt}").into(),
            _ => order_id.into(),
        }
    }

    /// Gives a call a limited time. A service that does not answer is worse than one that is gone:
    /// without a limit each customer waits for as long as it pleases, and keeps one of our
    /// places while doing so.
    async fn within_limit<T>(&self, call: impl Future<Output = Result<T, PaymentError>>) -> Result<T, PaymentError> {
        if self.bug == Some(Bug::NoPaymentTimeout) {
            return call.await;
        }
        timeout(self.timeout, call).await.unwrap_or_else(|_| Err(CallError::TimedOut.into()))
    }
}

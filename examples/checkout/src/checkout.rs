//! The order itself, told from top to bottom: what is done in which order, and how it is taken
//! back.

use crate::{
    bug::Bug,
    cache::Cache,
    error::{CheckoutError, InventoryError, StartError, StoreError},
    inventory::Inventory,
    limit::{Entry, Limit},
    order::{NewOrder, Order, Placed, Status},
    payments::{Charge, Payments},
    recovery::Unfinished,
    seams::{CLOCK, NEW_ID},
    settings::Settings,
    store::Store,
};
use std::{sync::Arc, time::UNIX_EPOCH};
use tokio::{select, sync::watch};

/// The order service. [`Checkout::start`] runs it.
#[derive(Debug)]
pub struct Checkout {
    /// Keeps the orders.
    pub(crate) store: Store,
    /// Answers look-ups instead of it, if there is one.
    cache: Option<Cache>,
    /// Reserves the goods.
    inventory: Inventory,
    /// Charges the card.
    payments: Payments,
    /// The door: how many orders may be in work.
    pub(crate) limit: Arc<Limit>,
    /// Orders that could not be taken back at once, as somebody did not answer. `recovery` keeps
    /// trying.
    pub(crate) unfinished: Unfinished,
    /// The price of a piece in cents.
    price: u64,
    /// Closed when the service is dropped, and with it all work ends, wherever it is.
    alive: watch::Receiver<()>,
    /// The protection that is missing.
    bug: Option<Bug>,
}

impl Checkout {
    /// A service that is not yet running.
    pub(crate) fn new(settings: &Settings, store: Store, alive: watch::Receiver<()>) -> Result<Self, StartError> {
        Ok(Self {
            store,
            cache: Cache::new(settings)?,
            inventory: Inventory::new(settings),
            payments: Payments::new(settings),
            limit: Arc::new(Limit::new(settings.max_in_flight, settings.bug)),
            unfinished: Unfinished::default(),
            price: settings.price,
            alive,
            bug: settings.bug,
        })
    }

    /// An order, from the cache if that knows it. The cache is asked first and may fail or be slow: nobody who looks
    /// an order up sees more of that than its time limit. It is told only what stays so for good, so it is never
    /// wrong.
    pub(crate) async fn look_up(&self, order_id: &str) -> Result<Option<Order>, StoreError> {
        if let Some(cache) = &self.cache
            && let Some(order) = cache.get(order_id).await
        {
            return Ok(Some(order));
        }
        let found = self.store.find(order_id).await?;
        if let (Some(cache), Some(order)) = (&self.cache, &found)
            && order.status.is_final()
        {
            cache.put(order);
        }
        Ok(found)
    }

    /// Places an order. It is carried to its end in a task of its own: when a customer hangs up,
    /// the server drops what it was doing for them, and an order must not be dropped half-way.
    pub(crate) async fn place(self: Arc<Self>, wish: NewOrder, entry: Entry) -> Result<Placed, CheckoutError> {
        if wish.quantity == 0 {
            return Err(CheckoutError::Empty);
        }
        let order = Order {
            id: NEW_ID.get()(),
            sku: wish.sku,
            quantity: wish.quantity,
            status: Status::Pending,
            created_at: now(),
        };
        let id = order.id.clone();
        let this = Arc::clone(&self);
        let work = tokio::spawn(async move {
            let _entry = entry; // The place is taken until the work ends, not until the customer leaves.
            select! {
                answer = this.carry_through(order, &wish.card) => answer,
                () = this.stopped() => Err(CheckoutError::CutOff),
            }
        });
        work.await.unwrap_or_else(|_panicked| {
            self.unfinished.add(id);
            Err(CheckoutError::CutOff)
        })
    }

    /// Waits until the service is dropped.
    async fn stopped(&self) {
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
    }

    /// Writes the order down, carries it out, and takes everything back if that fails.
    async fn carry_through(&self, order: Order, card: &str) -> Result<Placed, CheckoutError> {
        self.store.begin(order.clone()).await?;
        match self.carry_out(&order, card).await {
            Ok(status) => Ok(Placed { order_id: order.id, status }),
            Err(error) => {
                // Somebody does not answer? Then it is taken back as soon as they do.
                if self.undo(&order.id).await.is_err() {
                    self.unfinished.add(order.id);
                }
                Err(error)
            }
        }
    }

    /// What is easiest to take back comes first; the write that makes the order stand comes last.
    async fn carry_out(&self, order: &Order, card: &str) -> Result<Status, CheckoutError> {
        let status = self.reserve(order).await?;
        let amount = self.price.saturating_mul(order.quantity.into());
        self.payments.charge(Charge { order_id: &order.id, amount, card }).await?;
        self.store.finish(&order.id, status).await?;
        Ok(status)
    }

    /// Reserves the goods. If the inventory service is down, the order is taken all the same and
    /// the goods are reserved later: nearly always they are there, and a shop that sells
    /// nothing while a storeroom's computer restarts loses more than a late parcel costs.
    async fn reserve(&self, order: &Order) -> Result<Status, InventoryError> {
        match self.inventory.reserve(order).await {
            Ok(()) => Ok(Status::Confirmed),
            Err(InventoryError::Call(_)) if self.bug != Some(Bug::NoInventoryFallback) => Ok(Status::Backordered),
            Err(error) => Err(error),
        }
    }

    /// Takes an order back. Every step may be repeated, so after a failure or a crash it simply
    /// starts again; the row is closed last, so until all is done somebody will.
    pub(crate) async fn undo(&self, order_id: &str) -> Result<(), CheckoutError> {
        let order = self.store.find(order_id).await?;
        if order.is_none_or(|order| order.status != Status::Pending) {
            return Ok(()); // It was never begun, or it is decided: then it stays as it is.
        }
        if self.bug != Some(Bug::NoCompensation) {
            self.payments.void(order_id).await?;
            self.inventory.release(order_id).await?;
        }
        Ok(self.store.cancel(order_id).await?)
    }

    /// Reserves the goods of an order that was taken without.
    pub(crate) async fn complete(&self, order: &Order) -> Result<(), CheckoutError> {
        self.inventory.reserve(order).await?;
        Ok(self.store.finish(&order.id, Status::Confirmed).await?)
    }

    /// The orders that nobody is working on, when the service starts: whatever is pending then was
    /// cut off by a crash. Its customer has been told nothing, or that it failed, and will
    /// order again; so it is taken back rather than carried on with.
    pub(crate) async fn adopt_cut_off_orders(&self) -> Result<(), StoreError> {
        for order in self.store.with_status(Status::Pending).await? {
            self.unfinished.add(order.id);
        }
        Ok(())
    }
}

fn now() -> i64 {
    let since = CLOCK.get().now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

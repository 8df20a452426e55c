//! The order service and all that is around it, of one test.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

use crate::fakes::{Inventory, Payments};
use checkout::{Bug, Checkout, Settings, Shop, Status, Store};
use qtests::prelude::*;
use std::{fmt::Display, sync::Arc};
use tokio::time::{sleep, timeout};

/// What a test returns: `?` is for what is not the point of the test.
pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// The services behind the shop, and how the shop is to be set up. All belongs to the test and is
/// stopped when it ends, however it ends.
pub(crate) struct World {
    pub(crate) payments: Arc<Payments>,
    pub(crate) inventory: Arc<Inventory>,
    /// Change it before [`World::open`].
    pub(crate) settings: Settings,
    t: Test,
}

impl World {
    pub(crate) async fn new(t: &Test) -> Result<Self, Box<dyn Error>> {
        Self::around(t, Payments::start().await).await
    }

    /// A world with this payment service.
    pub(crate) async fn around(t: &Test, payments: Payments) -> Result<Self, Box<dyn Error>> {
        let (payments, inventory) = (t.own(payments), t.own(Inventory::start().await));
        let mut settings = Settings::new(payments.addr(), inventory.addr(), t.dir().join("orders.db"));
        // Long enough for a machine that has other things to do; who tests a time limit sets a short one.
        settings.payment_timeout = Duration::from_secs(10);
        settings.inventory_timeout = Duration::from_secs(10);
        settings.shutdown_grace = Duration::from_secs(1);
        settings.bug = Bug::from_env()?;
        Ok(Self { payments, inventory, settings, t: t.clone() })
    }

    /// Opens the shop; it is closed politely when the test ends. Gives a customer of it, and a look
    /// into its database.
    pub(crate) async fn open(&self) -> Result<(Shop, Store), Box<dyn Error>> {
        let running = Checkout::start(self.settings.clone()).await?;
        let (shop, store) = (Shop::at(running.addr()), running.store().clone());
        self.t.defer_async(running.shutdown());
        Ok((shop, store))
    }
}

/// How many orders have this status.
pub(crate) async fn count(store: &Store, status: Status) -> usize {
    store.with_status(status).await.expect("the database answers").len()
}

/// Fails the test with words that tell what is wrong; the report adds where, and how to repeat it.
#[track_caller]
pub(crate) fn check(holds: bool, story: &str, expected: impl Display, happened: impl Display) {
    assert!(holds, "{story}\n  expected: {expected}\n  happened: {happened}");
}

/// Waits until something holds; the condition, not the clock, ends the waiting.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    const LIMIT: Duration = Duration::from_secs(10);
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let held = timeout(LIMIT, wait).await.is_ok();
    check(held, "something did not come about", format!("{what}, within {LIMIT:?}"), "it still is not so");
}

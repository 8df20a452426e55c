//! A small but honest order service.
//!
//! It takes an order over HTTP, reserves the goods with one service, charges the card with another,
//! keeps the order in a database, and may have a redis as a cache for those who look orders up. Each
//! of these can be slow, cut an answer in the middle, or be gone; the code that copes with that is
//! what this example is about. `tests/` shows that it copes.
//!
//! # How an order goes
//! 1. A place among the orders in work is taken, or the customer is sent away at once (`limit`).
//! 2. The order is written down as *pending* (`store`). From here on a crash cannot make us forget
//!    it.
//! 3. The goods are reserved (`inventory`). Nobody there? Then the order goes on as *backordered*.
//! 4. The card is charged (`payments`), with a time limit, and again if need be (`retry`).
//! 5. The order becomes *confirmed* or *backordered*, and the mail to the customer is queued: one
//!    transaction (`store`).
//! 6. Whatever fails after step 2 takes everything back (`checkout`), now or as soon as the others
//!    answer again (`recovery`).
//!
//! # What protects it
//!
//! | protection | where | taken away by `QTESTS_DEMO_BUG=` |
//! |---|---|---|
//! | a payment call may only take so long | `payments.rs`, `within_limit` | `no-payment-timeout` |
//! | every repeat of a charge carries the same key | `payments.rs`, `key` | `new-key-per-retry` |
//! | an inventory that is down does not stop sales | `checkout.rs`, `reserve` | `no-inventory-fallback` |
//! | order and mail are written together or not at all | `store.rs`, `finish` | `no-transaction` |
//! | an order that fails gives the money back | `checkout.rs`, `undo` | `no-compensation` |
//! | a spike is turned away at the door | `limit.rs`, `enter` | `no-load-shedding` |
//! | a look into the cache may only take so long | `cache.rs`, `within_limit` | `no-cache-timeout` |
//!
//! # Map of the code
//! In the order in which it is best read:
//!
//! - [`settings`](Settings): everything that can be set. [`bug`](Bug): the protections that can be
//!   taken away.
//! - [`order`](Order): the words of the trade. [`error`](CheckoutError): what can go wrong.
//! - `seams`: the clock and the order numbers, which tests replace.
//! - `retry`, `limit`: two protections that know nothing of orders.
//! - `http`: one HTTP call. `payments`, `inventory`: what is asked of the two other services.
//! - [`store`](Store): the database. `cache`: what may answer instead of it.
//! - [`checkout`](Checkout): the order itself, told from top to bottom. `recovery`: what is left to
//!   be finished or taken back.
//! - [`server`](Running): the door: HTTP in, HTTP out; start and stop.
//! - [`shop`](Shop): a customer, for tests.

mod bug;
mod cache;
mod checkout;
mod error;
mod http;
mod inventory;
mod limit;
mod order;
mod payments;
mod recovery;
mod retry;
mod seams;
mod server;
mod settings;
mod shop;
mod store;

pub use bug::{Bug, UnknownBug};
pub use checkout::Checkout;
pub use error::{CallError, CheckoutError, InventoryError, PaymentError, StartError, StoreError};
pub use order::{NewOrder, Order, Placed, Status};
pub use retry::Backoff;
pub use seams::{CLOCK, Clock, NEW_ID, SystemClock};
pub use server::Running;
pub use settings::Settings;
pub use shop::{Shop, ShopError};
pub use store::Store;

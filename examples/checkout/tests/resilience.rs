//! What the order service survives. Each test is about one protection; `QTESTS_DEMO_BUG=<name>`
//! takes it away and makes the test fail.

mod fakes;

use checkout::{Bug, Checkout, Running, Settings, Shop, ShopError, Status, Store, StoreError};
use fakes::{BAD_CARD, Inventory, Payments, SOLD_OUT};
use std::{num::NonZeroUsize, time::Duration};
use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// What our own work may take on top of the waiting for others, on a machine that has other things
/// to do.
const SLACK: Duration = Duration::from_millis(400);

/// The order service and all that is around it, of one test.
struct World {
    payments: Payments,
    inventory: Inventory,
    settings: Settings,
    _dir: TempDir,
}

impl World {
    async fn new(bug: Option<Bug>) -> Self {
        Self::around(Payments::start().await, bug).await
    }

    async fn around(payments: Payments, bug: Option<Bug>) -> Self {
        let inventory = Inventory::start().await;
        let dir = TempDir::new().expect("a temporary folder");
        let mut settings = Settings::new(payments.addr(), inventory.addr(), dir.path().join("orders.db"));
        settings.payment_timeout = Duration::from_millis(200);
        settings.bug = bug;
        Self { payments, inventory, settings, _dir: dir }
    }

    async fn start(&self) -> (Running, Shop) {
        let running = Checkout::start(self.settings.clone()).await.expect("the service starts");
        let shop = Shop::at(running.addr());
        (running, shop)
    }

    /// Makes every write of a mail fail: a fault between the two writes of an order.
    fn break_outbox(&self) {
        self.sql("CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    }

    fn sql(&self, statement: &str) {
        let database = rusqlite::Connection::open(&self.settings.database).expect("the database is there");
        database.execute_batch(statement).expect("the statement is good");
    }
}

/// The protection to be taken away in all tests, from the environment.
fn bug_from_env() -> Option<Bug> {
    Bug::from_env().unwrap_or_else(|unknown| panic!("{unknown}"))
}

async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(Duration::from_secs(5), wait).await.is_ok(), "{what}: not within 5 s");
}

async fn count(store: &Store, status: Status) -> usize {
    store.with_status(status).await.expect("the database answers").len()
}

async fn good_day(bug: Option<Bug>) {
    let world = World::new(bug).await;
    let (running, shop) = world.start().await;
    let placed = shop.order("teapot", 3).await.expect("all is well");
    assert_eq!(placed.status, Status::Confirmed);
    assert_eq!(world.payments.charges_of(&placed.order_id), 1);
    assert_eq!(world.payments.captured(), 3 * world.settings.price);
    assert_eq!(world.inventory.reserved_for(&placed.order_id), 3);
    assert_eq!((running.orders().await.unwrap(), running.outbox().await.unwrap()), (1, 1));
    assert_eq!(shop.look_up(&placed.order_id).await.unwrap().status, Status::Confirmed);
    running.shutdown().await;
}

async fn slow_payments(bug: Option<Bug>) {
    let world = World::new(bug).await;
    world.payments.set_delay(Duration::from_secs(20));
    let (running, shop) = world.start().await;
    let limit = world.settings.longest_wait() + SLACK;
    let answer = timeout(limit, shop.order("teapot", 1)).await;
    let answer = answer.unwrap_or_else(|_| panic!("the customer still waits after {limit:?}"));
    assert!(matches!(answer, Err(ShopError::Refused { status: 502, .. })), "{answer:?}");
    assert_eq!(running.orders().await.unwrap(), 0);
}

async fn cut_answer(bug: Option<Bug>) {
    let world = World::new(bug).await;
    world.payments.cut_next(1);
    let (running, shop) = world.start().await;
    let placed = shop.order("teapot", 1).await.expect("a repeat goes well");
    assert_eq!(world.payments.charges_of(&placed.order_id), 1, "charges of one order");
    assert_eq!(running.orders().await.unwrap(), 1);
}

async fn inventory_down(bug: Option<Bug>) {
    let mut world = World::new(bug).await;
    world.settings.recovery_interval = Duration::from_millis(50);
    world.inventory.set_down(true);
    let (running, shop) = world.start().await;
    let placed = shop.order("teapot", 2).await.expect("an order is taken without the inventory");
    assert_eq!(placed.status, Status::Backordered);
    assert_eq!(world.payments.charges_of(&placed.order_id), 1);

    world.inventory.set_down(false);
    eventually("the order is confirmed", async || {
        shop.look_up(&placed.order_id).await.unwrap().status == Status::Confirmed
    })
    .await;
    assert_eq!(world.inventory.reserved_for(&placed.order_id), 2);
    assert_eq!(running.outbox().await.unwrap(), 2, "one mail for each thing the customer should know");
    assert_eq!(shop.order("teapot", 1).await.unwrap().status, Status::Confirmed);
}

async fn half_a_write(bug: Option<Bug>) {
    let world = World::new(bug).await;
    let (running, shop) = world.start().await;
    world.break_outbox();
    let answer = shop.order("teapot", 1).await;
    assert!(matches!(answer, Err(ShopError::Refused { status: 500, .. })), "{answer:?}");
    assert_eq!(running.store().half_written().await.unwrap(), 0, "orders without their mail");
    assert_eq!(running.orders().await.unwrap(), 0, "orders that stand although the customer was told that they do not");
}

async fn money_back(bug: Option<Bug>) {
    let world = World::new(bug).await;
    let (running, shop) = world.start().await;
    world.break_outbox();
    let _ = shop.order("teapot", 1).await;
    if running.orders().await.unwrap() == 0 {
        assert_eq!(world.payments.captured(), 0, "cents taken for no order");
        assert_eq!(world.inventory.reservations(), 0, "goods kept for no order");
    }
    world.sql("DROP TRIGGER broken");
    assert_eq!(shop.order("teapot", 1).await.unwrap().status, Status::Confirmed);
}

async fn spike(bug: Option<Bug>) {
    const CUSTOMERS: usize = 150;
    // Two clerks at 25 ms serve 80 orders a second; eight orders in work take about 100 ms each,
    // all the customers at once 1.9 s.
    let mut world = World::around(Payments::with_clerks(2).await, bug).await;
    world.payments.set_delay(Duration::from_millis(25));
    world.settings.payment_timeout = Duration::from_secs(10);
    world.settings.max_in_flight = NonZeroUsize::new(8).unwrap();
    let (running, shop) = world.start().await;
    let mut customers = JoinSet::new();
    for _ in 0..CUSTOMERS {
        let shop = shop.clone();
        customers.spawn(async move {
            let start = Instant::now();
            (shop.order("teapot", 1).await, start.elapsed())
        });
    }
    let (mut served, mut slowest_served) = (0, Duration::ZERO);
    let (mut sent_away, mut slowest_sent_away) = (0, Duration::ZERO);
    for (answer, took) in customers.join_all().await {
        let (count, slowest) = match answer {
            Ok(_) => (&mut served, &mut slowest_served),
            Err(ShopError::SentAway { .. }) => (&mut sent_away, &mut slowest_sent_away),
            Err(other) => panic!("{other:?}"),
        };
        *count += 1;
        *slowest = took.max(*slowest);
    }
    println!("served {served} within {slowest_served:?}, sent away {sent_away} within {slowest_sent_away:?}");
    assert!(
        served >= 8 && slowest_served < Duration::from_millis(900),
        "{served} served, the last after {slowest_served:?}"
    );
    assert!(
        sent_away > 0 && slowest_sent_away < Duration::from_millis(600),
        "{sent_away} sent away, the last after {slowest_sent_away:?}"
    );
    assert_eq!(running.orders().await.unwrap(), served);
}

async fn crash(bug: Option<Bug>) {
    let mut world = World::new(bug).await;
    world.settings.payment_timeout = Duration::from_secs(10);
    world.payments.set_delay(Duration::from_secs(20));
    let (running, shop) = world.start().await;
    let customer = tokio::spawn(async move { shop.order("teapot", 1).await });
    eventually("the card is charged", async || world.payments.charges() == 1).await;
    drop(running);
    let answer = timeout(SLACK, customer).await.expect("the work ends with the service").unwrap();
    assert!(answer.is_err(), "{answer:?}");

    world.payments.set_delay(Duration::ZERO);
    let (running, shop) = world.start().await;
    eventually("the order is taken back", async || count(running.store(), Status::Cancelled).await == 1).await;
    assert_eq!((world.payments.captured(), world.inventory.reservations()), (0, 0));
    assert_eq!(shop.order("teapot", 1).await.unwrap().status, Status::Confirmed);
}

async fn customer_hangs_up(bug: Option<Bug>) {
    let world = World::new(bug).await;
    world.payments.set_delay(Duration::from_millis(100));
    let (running, shop) = world.start().await;
    let customer = tokio::spawn(async move { shop.order("teapot", 1).await });
    eventually("the card is charged", async || world.payments.charges() == 1).await;
    customer.abort();
    eventually("the order stands all the same", async || running.orders().await.unwrap() == 1).await;
    assert_eq!((world.payments.charges(), running.outbox().await.unwrap()), (1, 1));
}

async fn payments_go_down_before_the_void(bug: Option<Bug>) {
    let mut world = World::new(bug).await;
    world.settings.recovery_interval = Duration::from_millis(50);
    world.payments.set_delay(Duration::from_millis(100));
    world.payments.cut_next(1);
    let (running, shop) = world.start().await;
    let customer = tokio::spawn(async move { shop.order("teapot", 1).await });
    eventually("the card is charged", async || world.payments.charges() == 1).await;
    world.payments.set_down(true);
    let answer = customer.await.unwrap();
    assert!(matches!(answer, Err(ShopError::Refused { status: 502, .. })), "{answer:?}");
    assert_eq!(count(running.store(), Status::Pending).await, 1, "nothing could be taken back yet");

    world.payments.set_down(false);
    eventually("the order is closed", async || count(running.store(), Status::Cancelled).await == 1).await;
    assert_eq!(world.payments.captured(), 0, "cents taken for no order");
}

async fn refusals(bug: Option<Bug>) {
    let world = World::new(bug).await;
    let (running, shop) = world.start().await;
    for (sku, card, expected) in [(SOLD_OUT, "4242", 409), ("teapot", BAD_CARD, 402)] {
        let answer = shop.order_with_card(sku, 1, card).await;
        assert!(matches!(answer, Err(ShopError::Refused { status, .. }) if status == expected), "{answer:?}");
    }
    assert!(matches!(shop.order("teapot", 0).await, Err(ShopError::Refused { status: 422, .. })));
    assert!(matches!(shop.look_up("none").await, Err(ShopError::Refused { status: 404, .. })));
    assert_eq!((world.payments.captured(), running.orders().await.unwrap()), (0, 0));
}

macro_rules! tests {
    ($($name:ident: $body:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            $body(bug_from_env()).await;
        }
    )*};
}

tests! {
    an_order_is_paid_reserved_written_and_mailed: good_day;
    slow_payments_do_not_keep_the_customer_waiting: slow_payments;
    an_answer_cut_in_the_middle_does_not_charge_twice: cut_answer;
    an_inventory_that_is_down_does_not_stop_sales: inventory_down;
    a_fault_in_the_middle_of_the_write_leaves_nothing_behind: half_a_write;
    an_order_that_cannot_be_written_gives_the_money_back: money_back;
    a_spike_does_not_make_everybody_slow: spike;
    a_crash_in_the_middle_is_taken_back_at_the_next_start: crash;
    an_order_goes_on_when_the_customer_hangs_up: customer_hangs_up;
    money_is_given_back_as_soon_as_payments_answer_again: payments_go_down_before_the_void;
    what_cannot_be_sold_is_refused_with_the_reason: refusals;
}

/// The proof that the tests above can fail.
#[tokio::test]
async fn each_bug_breaks_its_test() {
    async fn fails(scenario: impl Future<Output = ()> + Send + 'static) -> bool {
        tokio::spawn(scenario).await.is_err_and(|error| error.is_panic())
    }
    if bug_from_env().is_some() {
        return;
    }
    for bug in Bug::ALL {
        let seen = match bug {
            Bug::NoPaymentTimeout => fails(slow_payments(Some(bug))).await,
            Bug::NewKeyPerRetry => fails(cut_answer(Some(bug))).await,
            Bug::NoInventoryFallback => fails(inventory_down(Some(bug))).await,
            Bug::NoTransaction => fails(half_a_write(Some(bug))).await,
            Bug::NoCompensation => fails(money_back(Some(bug))).await,
            Bug::NoLoadShedding => fails(spike(Some(bug))).await,
        };
        assert!(seen, "{bug} went unnoticed");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_stops_the_start() {
    let world = World::new(None).await;
    let mut settings = world.settings.clone();
    settings.database = "/nowhere/orders.db".into();
    let error = Checkout::start(settings).await.err();
    assert!(matches!(error, Some(checkout::StartError::Store(StoreError::Database(_)))), "{error:?}");
}

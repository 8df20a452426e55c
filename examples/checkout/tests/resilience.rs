//! What the order service survives.
//!
//! Each test is about one protection: `QTESTS_DEMO_BUG=<name>` takes it away, and that one test
//! fails. `bugs.rs` checks that it does.

mod fakes;
mod world;

use checkout::{CLOCK, Checkout, Clock, NEW_ID, Shop, ShopError, Status};
use fakes::{BAD_CARD, Payments, SOLD_OUT};
use qtests::prelude::*;
use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::time::{Instant, timeout};
use world::{Outcome, World, check, count, eventually};

/// A clock that always shows the same time.
struct Stopped(SystemTime);

impl Clock for Stopped {
    fn now(&self) -> SystemTime {
        self.0
    }
}

/// No faults. Time and the order's name are mocks, for this test only, however many run beside it.
#[qtest]
async fn a_customer_can_order(t: Test) -> Outcome {
    t.mock(&CLOCK, Arc::new(Stopped(UNIX_EPOCH + Duration::from_secs(1_000_000_000))));
    t.mock(&NEW_ID, Arc::new(|| "order-1".to_owned()));
    let world = World::new(&t).await?;
    let (shop, store) = world.open().await?;

    let placed = shop.order("teapot", 3).await?;

    assert_eq!((placed.order_id.as_str(), placed.status), ("order-1", Status::Confirmed));
    assert_eq!(shop.look_up("order-1").await?.created_at, 1_000_000_000_000, "milliseconds, by the clock");
    assert_eq!(world.payments.captured(), 3 * world.settings.price, "cents taken for three pieces");
    assert_eq!(world.inventory.reserved_for("order-1"), 3, "pieces reserved");
    assert_eq!((store.orders().await?, store.outbox().await?), (1, 1), "orders, and mails about them");
    Ok(())
}

/// What cannot be sold is no fault: the customer is told why, and pays nothing.
#[qtest]
async fn what_cannot_be_sold_is_refused_with_the_reason(t: Test) -> Outcome {
    let world = World::new(&t).await?;
    let (shop, store) = world.open().await?;

    for (sku, quantity, card, expected) in
        [(SOLD_OUT, 1, "4242", 409), ("teapot", 1, BAD_CARD, 402), ("teapot", 0, "4242", 422)]
    {
        let answer = shop.order_with_card(sku, quantity, card).await;
        let refused = matches!(&answer, Err(ShopError::Refused { status, .. }) if *status == expected);
        let (story, expected) = (format!("{quantity} x {sku} is ordered"), format!("a refusal with status {expected}"));
        check(refused, &story, expected, format!("{answer:?}"));
    }

    assert_eq!((store.orders().await?, world.payments.captured()), (0, 0), "orders, and cents taken");
    Ok(())
}

/// The payment service works, but its answers take a minute. As soon as it is quick again the order is taken back.
#[qtest]
async fn slow_payments_do_not_keep_the_customer_waiting(t: Test) -> Outcome {
    const PATIENCE: Duration = Duration::from_secs(3);
    let mut world = World::new(&t).await?;
    let wire = t.proxy(world.payments.addr()).await?;
    world.settings.payments = wire.addr();
    world.settings.payment_timeout = Duration::from_millis(200);
    world.settings.recovery_interval = Duration::from_millis(50);
    let (shop, store) = world.open().await?;

    let slow = wire.add(Latency::of(Duration::from_secs(60))).await?;
    let (start, answer) = (Instant::now(), timeout(PATIENCE, shop.order("teapot", 1)).await);

    let refused = matches!(answer, Ok(Err(ShopError::Refused { status: 502, .. })));
    let happened = match answer {
        Err(_) => format!("still no answer after {:.1?}", start.elapsed()),
        Ok(answer) => format!("{answer:?}"),
    };
    let expected = format!("a refusal with status 502 within {PATIENCE:?}");
    check(refused, "payments are slow, and the customer waits with us", expected, happened);
    assert_eq!(store.orders().await?, 0, "orders that stand although the customer was told that they do not");

    slow.remove().await?;
    eventually("payments are quick, and the order is taken back", async || count(&store, Status::Cancelled).await == 1)
        .await;
    Ok(())
}

/// The payment service is a little slow all the time: customers notice no more than that.
#[qtest]
async fn sluggish_payments_delay_an_order_by_little_more(t: Test) -> Outcome {
    let mut world = World::new(&t).await?;
    let wire = t.proxy(world.payments.addr()).await?;
    world.settings.payments = wire.addr();
    world.settings.max_in_flight = NonZeroUsize::new(1_000).expect("not 0");
    let (shop, _) = world.open().await?;

    wire.add(Latency::of(Duration::from_millis(60)).jitter(Duration::from_millis(20))).await?;
    let run = t.load("sluggish payments").rate(Rate::per_sec(60)).hold(Duration::from_secs(2));
    let run = run.run(shop, async |shop: Shop| shop.order("teapot", 1).await).await?;

    println!("\n{run}\n");
    // Two seconds prove no more on a host that has other things to do; `Slo::p99` takes 450 arrivals on an idle one.
    run.assert(Slo::quantile(0.75, Duration::from_secs(1)).error_rate(0.25));
    Ok(())
}

/// The payment service charges the card, and the connection breaks in the middle of the answer.
#[qtest]
async fn payments_that_reset_mid_answer_charge_once(t: Test) -> Outcome {
    let mut world = World::new(&t).await?;
    let wire = t.proxy(world.payments.addr()).await?;
    world.settings.payments = wire.addr();
    let (shop, _) = world.open().await?;

    let reset = wire.add(Reset::after_bytes(100)).await?;
    let retry = t.fault("payments.charge").nth(2).hold().arm();
    let customer = t.spawn(async move { shop.order("teapot", 1).await });
    retry.wait_reached().await; // The answer was lost, and the service is about to ask again:
    reset.remove().await?; // now the wire is whole.
    retry.release();
    let placed = customer.await??;

    let (charges, cents) = (world.payments.charges_of(&placed.order_id), world.payments.captured());
    check(
        charges == 1,
        "the answer to a charge was lost, so the card was charged again",
        format!("1 charge for one order, {} cents", world.settings.price),
        format!("{charges} charges, {cents} cents"),
    );
    Ok(())
}

/// The inventory service goes away and comes back.
#[qtest]
async fn inventory_down_and_back(t: Test) -> Outcome {
    let mut world = World::new(&t).await?;
    let wire = t.proxy(world.inventory.addr()).await?;
    world.settings.inventory = wire.addr();
    world.settings.recovery_interval = Duration::from_millis(50);
    let (shop, store) = world.open().await?;

    let down = wire.add(Down::new()).await?;
    let answer = shop.order("teapot", 2).await;
    let taken = answer.as_ref().is_ok_and(|placed| placed.status == Status::Backordered);
    let expected = "the order taken all the same, as backordered";
    check(taken, "the inventory is down, and we sell nothing", expected, format!("{answer:?}"));
    let id = answer?.order_id;

    down.remove().await?;
    eventually("the inventory is back, and the order is confirmed", async || {
        shop.look_up(&id).await.is_ok_and(|order| order.status == Status::Confirmed)
    })
    .await;
    assert_eq!(world.inventory.reserved_for(&id), 2, "pieces reserved");
    assert_eq!(store.outbox().await?, 2, "one mail for each thing the customer should know");
    assert_eq!(shop.order("teapot", 1).await?.status, Status::Confirmed);
    Ok(())
}

/// The database fails between the order and the mail that says so.
#[qtest]
async fn a_fault_in_the_middle_of_the_write_leaves_nothing_behind(t: Test) -> Outcome {
    let world = World::new(&t).await?;
    let (shop, store) = world.open().await?;

    t.fault("orders.outbox").first(1).fail(io::ErrorKind::StorageFull).arm();
    let answer = shop.order("teapot", 1).await;

    let refused = matches!(answer, Err(ShopError::Refused { status: 500, .. }));
    check(refused, "the disk is full", "a refusal with status 500", format!("{answer:?}"));
    let (orders, half) = (store.orders().await?, store.half_written().await?);
    check(
        (orders, half) == (0, 0),
        "the write of an order failed half-way, and half of it is there",
        "0 orders that stand",
        format!("{orders}, {half} of them without the mail that says so"),
    );
    assert_eq!(count(&store, Status::Cancelled).await, 1, "orders that were taken back");
    assert_eq!(shop.order("teapot", 1).await?.status, Status::Confirmed, "the next order");
    Ok(())
}

/// The service dies after the card was charged, and before it knows.
#[qtest]
async fn a_crash_after_the_charge_gives_the_money_back(t: Test) -> Outcome {
    let mut world = World::new(&t).await?;
    let wire = t.proxy(world.payments.addr()).await?;
    world.settings.payments = wire.addr();
    let running = Checkout::start(world.settings.clone()).await?;
    let shop = Shop::at(running.addr());

    let slow = wire.add(Latency::of(Duration::from_secs(60))).await?;
    let customer = t.spawn(async move { shop.order("teapot", 1).await });
    eventually("the card is charged, and the answer on its way", async || slow.fired()).await;
    drop(running);
    let answer = customer.await?;
    check(answer.is_err(), "the service died while it worked on an order", "an error", format!("{answer:?}"));

    slow.remove().await?;
    let (_, store) = world.open().await?;
    eventually("the order is taken back", async || count(&store, Status::Cancelled).await == 1).await;
    let (cents, goods) = (world.payments.captured(), world.inventory.reservations());
    check(
        (cents, goods) == (0, 0),
        "an order was cut off by a crash and taken back, but not all of it",
        "0 cents and 0 reservations kept",
        format!("{cents} cents and {goods} reservation kept"),
    );
    Ok(())
}

/// Five times as many customers as can be served.
#[qtest]
async fn a_spike_of_load_is_shed_not_queued(t: Test) -> Outcome {
    // One clerk at 25 ms serves 40 orders a second, so four orders in work take some 100 ms each.
    let mut world = World::around(&t, Payments::with_clerks(1, Duration::from_millis(25)).await).await?;
    world.settings.max_in_flight = NonZeroUsize::new(4).expect("not 0");
    let (shop, store) = world.open().await?;

    let run = t
        .load("spike")
        .rate(Rate::per_sec(200))
        .hold(Duration::from_millis(1_500))
        .grace(Duration::from_secs(1))
        .run(shop, async |shop: Shop| match shop.order("teapot", 1).await {
            Ok(_) | Err(ShopError::SentAway { .. }) => Ok(()), // Both are answers. What counts is how soon they come.
            Err(other) => Err(other),
        })
        .await?;

    let (all, served) = (run.ok(), store.orders().await?);
    println!("\n{run}\n  {served} customers were served, {} were sent away\n", all.saturating_sub(served));
    // A fifth is served, so the slowest tenth are some of them.
    run.assert(Slo::p90(Duration::from_secs(1)).error_rate(0.1));
    let shed = 0 < served && served < all;
    check(shed, "a spike", "some customers served, some sent away", format!("{served} of {all} served"));
    Ok(())
}

qtests::main!();

//! A storm: faults on all wires of the service, one after the other and on top of each other, by a timeline, while
//! customers order. Afterwards the books must be right.

mod fakes;
mod world;

use checkout::{Placed, Shop, Status};
use qtests::prelude::*;
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};
use world::{Outcome, World, check, count, eventually};

/// What customers were told that they have.
type Told = Arc<Mutex<Vec<Placed>>>;

/// One customer.
async fn order((shop, told): (Shop, Told)) -> Result<(), checkout::ShopError> {
    let placed = shop.order("teapot", 1).await?;
    told.lock().expect("no customer panics").push(placed);
    Ok(())
}

/// A charge may be lost on its way there, on its way back, or come too late, and so may what takes it back.
#[qtest]
async fn no_order_is_lost_or_taken_twice_in_a_storm(t: Test) -> Outcome {
    let ms = Duration::from_millis;
    let mut world = World::new(&t).await?;
    let (payments, inventory) = (t.proxy(world.payments.addr()).await?, t.proxy(world.inventory.addr()).await?);
    (world.settings.payments, world.settings.inventory) = (payments.addr(), inventory.addr());
    (world.settings.payment_timeout, world.settings.inventory_timeout) = (ms(200), ms(200));
    world.settings.recovery_interval = ms(50);
    world.settings.max_in_flight = NonZeroUsize::new(1_000).expect("not 0");
    let (shop, store) = world.open().await?;

    let storm = t
        .timeline()
        .between(ms(100), ms(400), inventory.toxic(Latency::of(ms(100)).jitter(ms(50))))
        .between(ms(150), ms(550), payments.toxic(Latency::of(ms(400)))) // Charged, but told too late.
        .between(ms(500), ms(750), inventory.toxic(Down::new()))
        .between(ms(600), ms(800), payments.toxic(Down::new()))
        .between(ms(850), ms(1_150), payments.toxic(Reset::after_bytes(100))) // Charged, and told half of it.
        .start();
    let told = Told::default();
    let run = t.load("storm").rate(Rate::per_sec(50)).hold(ms(1_300)).grace(Duration::from_secs(30));
    let run = run.run((shop.clone(), Arc::clone(&told)), order).await?;
    storm.finished().await;

    println!("\n{run}\n");
    eventually("the storm is over, and who orders gets something", async || {
        order((shop.clone(), Arc::clone(&told))).await.is_ok()
    })
    .await;
    eventually("every order is decided", async || {
        count(&store, Status::Pending).await + count(&store, Status::Backordered).await == 0
    })
    .await;

    let told = told.lock().expect("no customer panics").clone();
    for Placed { order_id, .. } in &told {
        let (charges, pieces) = (world.payments.charges_of(order_id), world.inventory.reserved_for(order_id));
        let status = store.find(order_id).await?.map(|order| order.status);
        check(
            (status, charges, pieces) == (Some(Status::Confirmed), 1, 1),
            "a customer was told in the storm that the order stands",
            "it is confirmed, with 1 charge and 1 piece",
            format!("{status:?}, with {charges} charges and {pieces} pieces"),
        );
    }
    let (orders, goods) = (count(&store, Status::Confirmed).await, world.inventory.reservations());
    let charges = world.payments.captured() / world.settings.price;
    check(
        (orders, goods, charges) == (told.len(), told.len(), told.len() as u64),
        "the storm is over, and the books of the three do not agree with what customers were told",
        format!("{} orders, as many reservations and charges", told.len()),
        format!("{orders} orders, {goods} reservations, {charges} charges"),
    );
    assert!(count(&store, Status::Cancelled).await > 0, "a storm that no order felt proves nothing");
    Ok(())
}

qtests::main!();

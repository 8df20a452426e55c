//! Who looks an order up sees it, whatever becomes of the cache: a real redis behind a proxy.
//!
//! Where redis is not installed the tests that need it are skipped, aloud.

mod fakes;
mod world;

use checkout::{Order, Shop, Status, Store};
use qtests::{prelude::*, proxy::FaultProxy, server::Redis};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisResult, aio::MultiplexedConnection};
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, timeout},
};
use world::{Outcome, World, check, eventually};

/// How long a customer waits: far longer than an answer takes on a busy machine, far shorter than these faults last.
const PATIENCE: Duration = Duration::from_secs(3);

/// A shop with a cache, and an order of it.
struct Cached {
    redis: Redis,
    /// Between the shop and its cache.
    wire: FaultProxy,
    /// Change it before [`Cached::open`].
    world: World,
    t: Test,
}

impl Cached {
    async fn new(t: &Test) -> Result<Self, Box<dyn Error>> {
        let redis = t.redis().await?;
        let wire = t.proxy(redis.addr()).await?;
        let mut world = World::new(t).await?;
        world.settings.cache = Some(format!("redis://{}", wire.addr()));
        // Longer than the patience; who tests the time limit sets a short one.
        world.settings.cache_timeout = PATIENCE * 2;
        Ok(Self { redis, wire, world, t: t.clone() })
    }

    /// Opens the shop and orders something.
    async fn open(&self) -> Result<Customer, Box<dyn Error>> {
        let (shop, store) = self.world.open().await?;
        let id = shop.order("teapot", 1).await?.order_id;
        Ok(Customer { shop, store, id, t: self.t.clone() })
    }
}

/// Somebody who has ordered.
struct Customer {
    shop: Shop,
    store: Store,
    id: String,
    t: Test,
}

impl Customer {
    /// Looks the order up, which must show it as it is.
    async fn sees_the_order(&self, story: &str) {
        let (start, answer) = (Instant::now(), timeout(PATIENCE, self.shop.look_up(&self.id)).await);
        let right = matches!(&answer, Ok(Ok(order)) if order.id == self.id && order.status == Status::Confirmed);
        let happened = match answer {
            Err(_) => format!("still no answer after {:.1?}", start.elapsed()),
            Ok(answer) => format!("{answer:?}"),
        };
        check(right, story, format!("the confirmed order, within {PATIENCE:?}"), happened);
    }

    /// Waits until the cache knows the order and is asked for it: until it is shown while the database fails.
    async fn is_answered_by_the_cache(&self) {
        eventually("the cache answers instead of the database", async || {
            let _ = self.shop.look_up(&self.id).await; // The cache is told, if it can be.
            let broken = self.t.fault("orders.find").optional().fail(io::ErrorKind::Other).arm();
            let answer = self.shop.look_up(&self.id).await;
            broken.disarm();
            answer.is_ok()
        })
        .await;
    }
}

/// A bad day of the cache by the clock, while a hundred customers a second look the order up.
#[qtest]
async fn look_ups_outlast_a_bad_day_of_the_cache(t: Test) -> Outcome {
    let mut cached = Cached::new(&t).await?;
    cached.world.settings.cache_timeout = Duration::from_millis(50);
    let customer = cached.open().await?;
    customer.is_answered_by_the_cache().await;

    let ms = Duration::from_millis;
    let bad_day = t
        .timeline()
        .between(ms(100), ms(400), cached.wire.toxic(Latency::of(ms(200))))
        .between(ms(300), ms(500), cached.wire.toxic(Down::new()))
        .between(ms(600), ms(800), cached.redis.pausing())
        .between(ms(900), ms(1_000), cached.redis.killing())
        .start();
    let run = t.load("look-ups").rate(Rate::per_sec(100)).hold(ms(1_200)).grace(PATIENCE);
    let (shop, id) = (customer.shop.clone(), customer.id.clone());
    let run = run.run((shop, id), async |(shop, id): (Shop, String)| shop.look_up(&id).await).await?;
    bad_day.finished().await;

    println!("\n{run}\n");
    run.assert(Slo::quantile(0.75, Duration::from_secs(1)));
    check(run.ok() == run.offered(), "the cache had a bad day", "everybody saw the order", "some did not");
    customer.is_answered_by_the_cache().await;
    Ok(())
}

/// The cache is what it should be: quick, and right.
#[qtest]
async fn an_order_in_the_cache_is_shown_even_if_the_database_fails(t: Test) -> Outcome {
    let cached = Cached::new(&t).await?;
    let customer = cached.open().await?;
    let other = customer.shop.order("teapot", 1).await?.order_id;
    customer.is_answered_by_the_cache().await;

    t.fault("orders.find").fail(io::ErrorKind::Other).arm();

    customer.sees_the_order("the database fails, and the order is in the cache").await;
    let answer = customer.shop.look_up(&other).await;
    check(answer.is_err(), "nobody has looked this one up yet", "a refusal", format!("{answer:?}"));
    Ok(())
}

/// The cache takes a minute to answer, and later does not answer at all. Nobody is told: only the clock shows it.
#[qtest]
async fn a_cache_that_hangs_keeps_nobody_waiting(t: Test) -> Outcome {
    let mut cached = Cached::new(&t).await?;
    cached.world.settings.cache_timeout = Duration::from_millis(50);
    let customer = cached.open().await?;
    customer.is_answered_by_the_cache().await;

    let slow = cached.wire.add(Latency::of(Duration::from_secs(60))).await?;
    customer.sees_the_order("the cache is slow, and the customer waits with us").await;
    slow.remove().await?;
    customer.is_answered_by_the_cache().await;

    cached.redis.pause()?;
    customer.sees_the_order("the cache stands still, and the customer waits with us").await;
    customer.shop.order("teapot", 1).await?;
    cached.redis.resume()?;
    customer.is_answered_by_the_cache().await;
    Ok(())
}

/// The cache is not there, breaks off in the middle of an answer, dies. Whoever asks is told so, and need not wait.
#[qtest]
async fn a_cache_that_is_gone_costs_nothing_and_is_used_again_when_it_is_back(t: Test) -> Outcome {
    let cached = Cached::new(&t).await?;
    let down = cached.wire.add(Down::new()).await?;
    let customer = cached.open().await?;
    customer.sees_the_order("the cache was not there when the shop opened").await;
    down.remove().await?;
    customer.is_answered_by_the_cache().await;

    let cut = cached.wire.add(Reset::after_bytes(10)).await?;
    customer.sees_the_order("the connection breaks in the middle of what the cache says").await;
    cut.remove().await?;
    customer.is_answered_by_the_cache().await;

    cached.redis.kill()?;
    customer.sees_the_order("the cache died").await;
    customer.shop.order("teapot", 1).await?;
    cached.redis.restart().await?; // It comes back empty.
    customer.is_answered_by_the_cache().await;
    Ok(())
}

/// The cache holds what we never told it.
#[qtest]
async fn what_the_cache_says_wrongly_is_not_believed(t: Test) -> Outcome {
    let cached = Cached::new(&t).await?;
    let customer = cached.open().await?;
    customer.is_answered_by_the_cache().await;
    let (truth, key) =
        (customer.store.find(&customer.id).await?.ok_or("it is there")?, format!("order:{}", customer.id));
    let mut redis = connect(&cached.redis).await?;

    let another = serde_json::to_string(&Order { id: "another".to_owned(), ..truth.clone() })?;
    let outdated = serde_json::to_string(&Order { status: Status::Pending, ..truth.clone() })?;
    for (command, lie) in [("SET", "{"), ("SET", &another), ("SET", &outdated), ("RPUSH", "a list")] {
        let () = redis.del(&key).await?;
        let () = redis::cmd(command).arg(&key).arg(lie).exec_async(&mut redis).await?;
        customer.sees_the_order(&format!("the cache says {lie:?}")).await;
        let truth = serde_json::to_string(&truth)?;
        eventually("the cache knows better", async || {
            redis.clone().get::<_, String>(&key).await.is_ok_and(|says| says == truth)
        })
        .await;
    }
    Ok(())
}

/// At the address of the cache somebody else answers.
#[qtest]
async fn what_is_no_redis_at_all_is_not_believed(t: Test) -> Outcome {
    let (mut world, listener) = (World::new(&t).await?, t.listener()?);
    world.settings.cache = Some(format!("redis://{}", listener.local_addr()?));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let (shop, store) = world.open().await?;
    let id = shop.order("teapot", 1).await?.order_id;
    Customer { shop, store, id, t: t.clone() }.sees_the_order("the cache speaks another language").await;
    Ok(())
}

/// A connection of our own, past the proxy.
async fn connect(redis: &Redis) -> RedisResult<MultiplexedConnection> {
    let patient = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
    Client::open(redis.url())?.get_multiplexed_async_connection_with_config(&patient).await
}

qtests::main!();

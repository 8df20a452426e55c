//! redis and its client `redis`.

use qtests::{prelude::*, server::Redis};
use redis::{AsyncCommands, AsyncConnectionConfig, RedisResult, aio::MultiplexedConnection};

/// How long a client waits for an answer of a server that works, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that waits so long for an answer.
pub(crate) async fn connect(redis: &Redis, patience: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(patience));
    let config = config.set_connection_timeout(Some(PATIENCE));
    redis::Client::open(redis.url())?.get_multiplexed_async_connection_with_config(&config).await
}

#[qtest]
async fn each_redis_server_is_empty_and_of_its_own(t: Test) -> Result<(), Box<dyn Error>> {
    let (one, other) = (t.redis().await?, t.redis().await?);
    assert_ne!(one.addr(), other.addr());
    let (mut first, mut second) = (connect(&one, PATIENCE).await?, connect(&other, PATIENCE).await?);
    let () = first.set("order", 7).await?;
    assert!(!second.exists::<_, bool>("order").await?);
    assert_eq!(first.get::<_, u32>("order").await?, 7);
    Ok(())
}

#[qtest]
async fn a_client_times_out_while_redis_is_paused_and_goes_on_when_it_is_resumed(
    t: Test,
) -> Result<(), Box<dyn Error>> {
    let redis = t.redis().await?;
    let mut patient = connect(&redis, PATIENCE).await?;
    let mut hasty = connect(&redis, Duration::from_millis(50)).await?;
    let () = patient.set("order", 7).await?;

    redis.pause()?;
    assert!(redis.is_paused());
    let error = hasty.get::<_, u32>("order").await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");

    // What was sent meanwhile is answered when it goes on.
    let mut waiting = t.spawn({
        let mut patient = patient.clone();
        async move { patient.incr::<_, _, u32>("order", 1).await }
    });
    let early = tokio::time::timeout(Duration::from_millis(50), &mut waiting).await;
    assert!(early.is_err(), "{early:?}");
    redis.resume()?;
    assert!(!redis.is_paused());
    assert_eq!(waiting.await??, 8);
    assert_eq!(patient.get::<_, u32>("order").await?, 8);
    Ok(())
}

#[qtest]
async fn a_client_of_a_killed_redis_is_told_and_a_durable_one_comes_back_with_its_data(
    t: Test,
) -> Result<(), Box<dyn Error>> {
    let redis = t.redis().durable().await?;
    let mut client = connect(&redis, PATIENCE).await?;
    let () = client.set("order", 7).await?;

    redis.kill()?;
    let error = client.get::<_, u32>("order").await.unwrap_err();
    assert!(error.is_connection_dropped() || error.is_unrecoverable_error(), "{error:?}");
    let error = connect(&redis, PATIENCE).await.map(drop).expect_err("nobody listens");
    assert!(error.is_connection_refusal(), "{error:?}");

    let (before, id) = (redis.addr(), redis.process().id());
    redis.restart().await?;
    assert_eq!(redis.addr(), before);
    assert_ne!(redis.process().id(), id);
    let mut client = connect(&redis, PATIENCE).await?;
    assert_eq!(client.get::<_, u32>("order").await?, 7);
    Ok(())
}

#[qtest]
async fn a_redis_that_stores_nothing_comes_back_empty(t: Test) -> Result<(), Box<dyn Error>> {
    let redis = t.redis().await?;
    let () = connect(&redis, PATIENCE).await?.set("order", 7).await?;
    redis.restart().await?;
    assert!(!connect(&redis, PATIENCE).await?.exists::<_, bool>("order").await?);
    Ok(())
}

#[qtest]
async fn redis_takes_arguments_and_tells_what_it_says_of_wrong_ones(t: Test) -> Result<(), Box<dyn Error>> {
    let redis = t.redis().args(["--maxmemory", "10mb", "--maxmemory-policy"]).arg("allkeys-lru").await?;
    let mut client = connect(&redis, PATIENCE).await?;
    let (_, limit): (String, u64) = redis::cmd("CONFIG").arg(&["GET", "maxmemory"]).query_async(&mut client).await?;
    assert_eq!(limit, 10 << 20);

    let error = t.redis().args(["--maxmemory", "many"]).await.unwrap_err().to_string();
    assert!(error.starts_with("the server `redis-server` ended before it was ready: exit status: 1"), "{error}");
    assert!(error.contains("maxmemory"), "{error}");
    Ok(())
}

#[qtest]
async fn a_redis_with_a_password_is_ready_when_it_asks_for_it(t: Test) -> Result<(), Box<dyn Error>> {
    let redis = t.redis().args(["--requirepass", "secret"]).await?;
    let url = format!("redis://:secret@{}", redis.addr());
    let mut client = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let () = client.set("order", 7).await?;
    Ok(())
}

/// A slow connection, made slow by the proxy.
#[qtest]
async fn a_slow_redis_is_slow_for_its_client(t: Test) -> Result<(), Box<dyn Error>> {
    let redis = t.redis().await?;
    let wire = t.proxy(redis.addr()).await?;
    let client = redis::Client::open(format!("redis://{}", wire.addr()))?;
    let mut client = client.get_multiplexed_async_connection().await?;
    client.set_response_timeout(PATIENCE);
    wire.add(Latency::of(Duration::from_millis(50))).await?;
    let began = std::time::Instant::now();
    let () = client.set("order", 7).await?;
    assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
    Ok(())
}

#[qtest]
fn a_test_that_is_not_async_has_a_redis_too(t: Test) -> Result<(), Box<dyn Error>> {
    let redis = t.block_on(t.redis().into_future())?;
    let mut client = redis::Client::open(redis.url())?.get_connection()?;
    let () = redis::Commands::set(&mut client, "order", 7)?;
    assert_eq!(redis::Commands::get::<_, u32>(&mut client, "order")?, 7);
    Ok(())
}

#[qtest(paused)]
async fn a_paused_clock_and_a_server_do_not_go_together(t: Test) {
    let error = t.redis().await.unwrap_err();
    assert!(error.is_paused_clock(), "{error}");
    let error = t.postgres().await.unwrap_err();
    assert!(error.is_paused_clock(), "{error}");
}

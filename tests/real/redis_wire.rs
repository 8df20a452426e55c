//! The client `redis` behind a proxy: what it reports when the wire to redis fails, and that it works when it is healed.

use super::redis_server::PATIENCE;
use qtests::{
    prelude::*,
    proxy::{Corrupt, FaultProxy, Limit, Stall},
    server::Redis,
};
use redis::{AsyncCommands, AsyncConnectionConfig, RedisResult, aio::MultiplexedConnection};
use std::time::Instant;

const HASTE: Duration = Duration::from_millis(100);

async fn behind(t: &Test) -> Result<(Redis, FaultProxy), BoxError> {
    let redis = t.redis().await?;
    let wire = t.proxy(redis.addr()).named("redis").await?;
    Ok((redis, wire))
}

async fn connect(wire: &FaultProxy, patience: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(patience));
    let config = config.set_connection_timeout(Some(PATIENCE));
    redis::Client::open(format!("redis://{}", wire.addr()))?.get_multiplexed_async_connection_with_config(&config).await
}

#[qtest]
async fn a_partition_is_a_time_limit_and_the_same_connection_goes_on_when_it_is_healed(
    t: Test,
) -> Result<(), BoxError> {
    let (_redis, wire) = behind(&t).await?;
    let mut hasty = connect(&wire, HASTE).await?;
    let mut patient = connect(&wire, PATIENCE).await?;
    let () = patient.set("order", 7).await?;
    let partition = wire.partition().await?;
    let error = hasty.get::<_, u32>("order").await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let waiting = t.spawn(async move { patient.incr::<_, _, u32>("order", 1).await });
    partition.remove().await?;
    assert_eq!(waiting.await??, 8);
    Ok(())
}

#[qtest]
async fn a_reset_is_told_and_a_new_connection_works(t: Test) -> Result<(), BoxError> {
    let (_redis, wire) = behind(&t).await?;
    let mut client = connect(&wire, PATIENCE).await?;
    let () = client.set("order", 7).await?;
    let reset = wire.add(Reset::now()).await?;
    let error = client.get::<_, u32>("order").await.unwrap_err();
    assert!(error.is_connection_dropped(), "{error:?}");
    reset.remove().await?;
    assert_eq!(connect(&wire, PATIENCE).await?.get::<_, u32>("order").await?, 7);
    Ok(())
}

#[qtest]
async fn a_reply_that_is_cut_in_its_middle_is_an_error_and_never_a_shorter_value(t: Test) -> Result<(), BoxError> {
    let (_redis, wire) = behind(&t).await?;
    let mut client = connect(&wire, PATIENCE).await?;
    let () = client.set("order", "x".repeat(100_000)).await?;
    // The client tells an end of file within a reply as one that does not parse.
    for (cut, is_told_as_dropped) in [(Limit::bytes(50_000), false), (Limit::bytes(50_000).reset(), true)] {
        let mut client = connect(&wire, PATIENCE).await?;
        let cut = wire.add(cut).await?;
        let error = client.get::<_, String>("order").await.unwrap_err();
        assert_eq!(error.is_connection_dropped(), is_told_as_dropped, "{error:?}");
        assert!(is_told_as_dropped || error.kind() == redis::ErrorKind::Parse, "{error:?}");
        cut.remove().await?;
    }
    assert_eq!(connect(&wire, PATIENCE).await?.get::<_, String>("order").await?.len(), 100_000);
    Ok(())
}

#[qtest]
async fn a_reply_whose_form_is_changed_is_no_value(t: Test) -> Result<(), BoxError> {
    let (_redis, wire) = behind(&t).await?;
    let mut client = connect(&wire, PATIENCE).await?;
    let () = client.set("order", 7).await?;
    let corrupt = wire.add(Corrupt::every(1)).await?;
    let error = client.get::<_, u32>("order").await.unwrap_err();
    assert_eq!(error.kind(), redis::ErrorKind::Parse, "{error:?}");
    assert!(corrupt.corrupted() > 0);
    Ok(())
}

#[qtest]
async fn nobody_gets_in_while_the_server_is_down_and_everybody_when_it_is_back(t: Test) -> Result<(), BoxError> {
    let (_redis, wire) = behind(&t).await?;
    let mut client = connect(&wire, PATIENCE).await?;
    let () = client.set("order", 7).await?;
    let down = wire.add(Down::new()).await?;
    assert!(client.get::<_, u32>("order").await.unwrap_err().is_connection_dropped());
    let error = connect(&wire, PATIENCE).await.map(drop).unwrap_err();
    assert!(error.is_connection_refusal(), "{error:?}");
    down.remove().await?;
    assert_eq!(connect(&wire, PATIENCE).await?.get::<_, u32>("order").await?, 7);
    Ok(())
}

#[qtest]
async fn a_lost_packet_makes_a_reply_late_and_not_wrong(t: Test) -> Result<(), BoxError> {
    let (_redis, wire) = behind(&t).await?;
    let mut client = connect(&wire, PATIENCE).await?;
    let () = client.set("order", 7).await?;
    wire.add(Stall::rto()).await?;
    let began = Instant::now();
    assert_eq!(client.get::<_, u32>("order").await?, 7);
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    Ok(())
}

/// Everything at once: the client reconnects, as a service would, and in the end it works.
#[qtest(timeout = "120s")]
async fn a_client_that_connects_anew_comes_through_a_storm(t: Test) -> Result<(), BoxError> {
    let redis = t.redis().durable().await?;
    let wire = t.proxy(redis.addr()).named("redis").await?;
    let ms = Duration::from_millis;
    let storm = t
        .timeline()
        .between(ms(20), ms(120), wire.toxic(Latency::of(ms(20)).both().optional()))
        .between(ms(150), ms(250), redis.pausing())
        .between(ms(300), ms(400), redis.killing())
        .between(ms(600), ms(700), wire.toxic(Down::new().reset().optional()))
        .start();
    let (mut acknowledged, mut failed) = (0_u32, 0_u32);
    while storm.ended() < 4 {
        let counted = async { connect(&wire, HASTE).await?.incr::<_, _, u32>("orders", 1).await };
        match tokio::time::timeout(PATIENCE, counted).await? {
            Ok(_) => acknowledged += 1,
            Err(_) => failed += 1,
        }
    }
    let stored: u32 = connect(&wire, PATIENCE).await?.get("orders").await?;
    assert!(failed > 0, "the storm was not noticed");
    assert!(stored >= acknowledged, "{acknowledged} were acknowledged and {stored} are stored");
    Ok(())
}

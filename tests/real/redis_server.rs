//! redis and its client `redis`.

use qtests::{prelude::*, server::Redis};
use redis::{AsyncCommands, aio::MultiplexedConnection};

/// How long a client of these tests waits for an answer: long for a server that works, on a busy machine, too.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(redis: &Redis) -> redis::RedisResult<MultiplexedConnection> {
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    let config = config.set_connection_timeout(Some(PATIENCE));
    redis::Client::open(redis.url())?.get_multiplexed_async_connection_with_config(&config).await
}

#[qtest]
async fn a_redis_server_is_empty_and_of_its_own(t: Test) -> Result<(), Box<dyn Error>> {
    let (one, other) = (t.redis().await?, t.redis().await?);
    assert_ne!(one.addr(), other.addr());
    let (mut one, mut other) = (connect(&one).await?, connect(&other).await?);
    let () = one.set("order", 7).await?;
    assert!(!other.exists::<_, bool>("order").await?);
    assert_eq!(one.get::<_, u32>("order").await?, 7);
    Ok(())
}

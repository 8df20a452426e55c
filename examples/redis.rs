//! What a client of redis meets when redis hangs, dies and comes back. Needs `redis-server`. Run it with
//! `cargo run --example redis`.

use qtests::{Test, prelude::*};
use redis::{AsyncCommands, AsyncConnectionConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let t = Test::scoped();
    let redis = match t.redis().durable().await {
        Err(error) if error.is_missing_program() => {
            println!("skipped: {error}");
            return Ok(());
        }
        started => started?,
    };
    let client = redis::Client::open(redis.url())?;
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(1)));
    let mut cache = client.get_multiplexed_async_connection_with_config(&config).await?;
    let () = cache.set("visits", 41).await?;
    println!("healthy:   {}", cache.incr::<_, _, u32>("visits", 1).await?);

    redis.pause()?;
    let late = cache.get::<_, u32>("visits").await.unwrap_err();
    println!("paused:    it timed out: {}", late.is_timeout());
    redis.resume()?;

    redis.kill()?;
    println!("killed:    the client has an error: {}", cache.get::<_, u32>("visits").await.is_err());
    redis.restart().await?;
    let mut cache = client.get_multiplexed_async_connection_with_config(&config).await?;
    println!("restarted: {}", cache.get::<_, u32>("visits").await?);
    t.finish().await.assert();
    Ok(())
}

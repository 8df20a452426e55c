//! The clients `tokio-postgres` and its pool-less users behind a proxy: what is reported when the wire fails, and that
//! all works when it is healed.

use super::postgres_server::connect;
use qtests::{
    prelude::*,
    proxy::{Close, FaultProxy, HalfOpen, Limit},
    server::Postgres,
};
use std::{io::ErrorKind, time::Instant};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
const HASTE: Duration = Duration::from_millis(100);

async fn behind(t: &Test) -> Result<(FaultProxy, String), BoxError> {
    let database: Postgres = t.postgres().await?;
    let wire = t.proxy(database.addr()).named("postgres").await?;
    let url = database.url().replace(&database.addr().to_string(), &wire.addr().to_string());
    Ok((wire, url))
}

/// The kind of the input or output error below an error of the client.
fn io_kind(error: &tokio_postgres::Error) -> Option<ErrorKind> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<io::Error>().map(io::Error::kind)
}

#[qtest]
async fn a_slow_wire_is_slow_and_nothing_more(t: Test) -> Result<(), BoxError> {
    let (wire, url) = behind(&t).await?;
    let client = connect(&t, &url).await?;
    wire.add(Latency::of(Duration::from_millis(50))).await?;
    let began = Instant::now();
    let row = client.query_one("SELECT 7", &[]).await?;
    assert_eq!(row.get::<_, i32>(0), 7);
    assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
    Ok(())
}

/// The client has no time limit of its own: whoever calls it must have one.
#[qtest]
async fn a_partition_hangs_a_query_and_it_is_answered_when_healed(t: Test) -> Result<(), BoxError> {
    let (wire, url) = behind(&t).await?;
    let client = connect(&t, &url).await?;
    let partition = wire.partition().await?;
    let mut query = Box::pin(client.query_one("SELECT 7", &[]));
    assert!(timeout(HASTE, &mut query).await.is_err(), "it was answered through a partition");
    partition.remove().await?;
    assert_eq!(timeout(PATIENCE, query).await??.get::<_, i32>(0), 7);
    Ok(())
}

#[qtest]
async fn a_reset_and_an_end_are_told_and_a_new_connection_works(t: Test) -> Result<(), BoxError> {
    let (wire, url) = behind(&t).await?;
    for toxic in [Reset::now().optional(), Close::now().optional()] {
        let client = connect(&t, &url).await?;
        let cut = wire.add(toxic).await?;
        let error = client.query_one("SELECT 7", &[]).await.unwrap_err();
        assert!(error.is_closed() || io_kind(&error) == Some(ErrorKind::ConnectionReset), "{error:?}");
        eventually_closed(&client).await;
        cut.remove().await?;
        assert_eq!(connect(&t, &url).await?.query_one("SELECT 7", &[]).await?.get::<_, i32>(0), 7);
    }
    Ok(())
}

async fn eventually_closed(client: &tokio_postgres::Client) {
    while !client.is_closed() {
        tokio::task::yield_now().await;
    }
}

#[qtest]
async fn a_result_that_is_cut_in_its_middle_is_an_error_and_never_fewer_rows(t: Test) -> Result<(), BoxError> {
    let (wire, url) = behind(&t).await?;
    for limit in [Limit::bytes(10_000), Limit::bytes(10_000).reset()] {
        let client = connect(&t, &url).await?;
        let cut = wire.add(limit).await?;
        let result = client.query("SELECT repeat('x', 100) FROM generate_series(1, 1000)", &[]).await;
        let error = result.map(|rows| rows.len()).unwrap_err();
        assert!(error.is_closed() || io_kind(&error).is_some(), "{error:?}");
        cut.remove().await?;
    }
    Ok(())
}

#[qtest]
async fn connecting_is_refused_while_the_server_is_down(t: Test) -> Result<(), BoxError> {
    let (wire, url) = behind(&t).await?;
    let down = wire.add(Down::new()).await?;
    let error = connect(&t, &url).await.map(drop).unwrap_err();
    assert_eq!(io_kind(&error), Some(ErrorKind::ConnectionRefused), "{error:?}");
    down.remove().await?;
    assert_eq!(connect(&t, &url).await?.query_one("SELECT 7", &[]).await?.get::<_, i32>(0), 7);
    Ok(())
}

/// What a router does that has forgotten the connection: only a time limit finds out.
#[qtest]
async fn a_half_open_connection_is_silent_until_the_client_gives_up(t: Test) -> Result<(), BoxError> {
    let (wire, url) = behind(&t).await?;
    let client = connect(&t, &url).await?;
    let half_open = wire.add(HalfOpen::new()).await?;
    assert!(timeout(HASTE, client.query_one("SELECT 7", &[])).await.is_err());
    half_open.remove().await?;
    let error = timeout(PATIENCE, client.query_one("SELECT 7", &[])).await?.unwrap_err();
    assert!(error.is_closed() || io_kind(&error) == Some(ErrorKind::ConnectionReset), "{error:?}");
    Ok(())
}

#[qtest(timeout = "120s")]
async fn a_server_that_hangs_and_dies_behind_the_wire_is_told_and_comes_back_with_what_was_committed(
    t: Test,
) -> Result<(), BoxError> {
    let server = t.postgres().own_server().await?;
    let wire = t.proxy(server.addr()).named("postgres").await?;
    let url = server.url().replace(&server.addr().to_string(), &wire.addr().to_string());
    let client = connect(&t, &url).await?;
    client.batch_execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (7)").await?;

    server.pause()?;
    let mut query = Box::pin(client.query_one("SELECT count(*) FROM orders", &[]));
    assert!(timeout(HASTE, &mut query).await.is_err(), "it was answered by a server that is paused");
    server.resume()?;
    assert_eq!(timeout(PATIENCE, query).await??.get::<_, i64>(0), 1);

    server.kill()?;
    let error = client.query_one("SELECT 1", &[]).await.unwrap_err();
    assert!(error.is_closed() || io_kind(&error).is_some(), "{error:?}");
    // The proxy is there, and what it stands for is not.
    let error = connect(&t, &url).await.map(drop).unwrap_err();
    assert!(error.is_closed() || io_kind(&error).is_some(), "{error:?}");

    server.restart().await?;
    let row = connect(&t, &url).await?.query_one("SELECT id FROM orders", &[]).await?;
    assert_eq!(row.get::<_, i32>(0), 7);
    Ok(())
}

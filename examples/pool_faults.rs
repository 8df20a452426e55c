//! Two pools whose server goes down, and whose connections die. Run it with `cargo run --example pool_faults`.

use deadpool::managed::{self, Metrics, RecycleResult};
use qtests::{Test, fault::manager::FaultManager};
use std::{io, time::Duration};

/// Connects to nothing, without fail: what goes wrong is injected.
struct Postgres;

struct Connection;

impl bb8::ManageConnection for Postgres {
    type Connection = Connection;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<Connection> {
        Ok(Connection)
    }

    async fn is_valid(&self, _connection: &mut Connection) -> io::Result<()> {
        Ok(())
    }

    fn has_broken(&self, _connection: &mut Connection) -> bool {
        false
    }
}

impl managed::Manager for Postgres {
    type Type = Connection;
    type Error = io::Error;

    async fn create(&self) -> io::Result<Connection> {
        Ok(Connection)
    }

    async fn recycle(&self, _connection: &mut Connection, _metrics: &Metrics) -> RecycleResult<io::Error> {
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let t = Test::scoped();

    let builder = bb8::Pool::builder().max_size(1).connection_timeout(Duration::from_secs(5));
    let orders = builder.build_unchecked(FaultManager::new("orders", Postgres));
    let down = t.fault("pool.orders.connect").first(2).fail(io::ErrorKind::ConnectionRefused).arm();
    println!("bb8, down twice:        {} (tried {} times)", outcome(&orders.get().await), down.hits());
    let stalled = t.fault("pool.orders.check").hang().arm();
    println!("bb8, checks hang:       {}", outcome(&orders.get().await));
    stalled.disarm();

    let users = managed::Pool::<FaultManager<Postgres>>::builder(FaultManager::new("users", Postgres)).build()?;
    let down = t.fault("pool.users.connect").first(1).fail(io::ErrorKind::ConnectionRefused).arm();
    println!("deadpool, down once:    {}", outcome(&users.get().await));
    println!("deadpool, up again:     {} (tried {} times in all)", outcome(&users.get().await), down.hits());
    let stale = t.fault("pool.users.recycle").first(1).fail(io::ErrorKind::BrokenPipe).arm();
    println!("deadpool, stale once:   {} ({} found stale)", outcome(&users.get().await), stale.fired());

    t.finish().await.assert();
    Ok(())
}

fn outcome<T, E: std::fmt::Display>(result: &Result<T, E>) -> String {
    result.as_ref().err().map_or("got one".to_owned(), |error| error.to_string())
}

//! A database of a test's own, and a server that is killed under its client. Needs postgres. Run it with
//! `cargo run --example postgres`.

use qtests::{Test, prelude::*};
use tokio_postgres::{Client, NoTls};

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let t = Test::scoped();
    let database = match t.postgres().await {
        Err(error) if error.is_missing_program() => {
            println!("skipped: {error}");
            return Ok(());
        }
        made => made?,
    };
    let client = connect(&database.url()).await?;
    client.batch_execute("CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)").await?;
    println!("shared:    {} order(s)", client.query("SELECT id FROM orders", &[]).await?.len());

    let server = t.postgres().own_server().await?;
    let client = connect(&server.url()).await?;
    client.batch_execute("CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)").await?;
    server.kill()?;
    println!("killed:    the client has an error: {}", client.query("SELECT id FROM orders", &[]).await.is_err());
    server.restart().await?;
    let client = connect(&server.url()).await?;
    println!("restarted: {} order(s)", client.query("SELECT id FROM orders", &[]).await?.len());
    t.finish().await.assert();
    Ok(())
}

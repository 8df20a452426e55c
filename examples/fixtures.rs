//! What tests need before they begin, as their arguments. Run it with `cargo run --example fixtures --all-features`.

use qtests::prelude::*;
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A server that answers each connection with a greeting. It stops when its test ends.
struct Server {
    port: u16,
}

impl Fixture for Server {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        let listener = t.listener()?;
        let port = listener.local_addr()?.port();
        let task = t.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(b"hello").await;
            }
        });
        // Undone next to what made it. The teardown owns a handle of its own.
        t.defer(move || task.abort());
        Ok(Self { port })
    }
}

/// A client of a server, which is a fixture too.
struct Client {
    server: Arc<Server>,
}

impl Fixture for Client {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        // `Arc`: all fixtures of one test that ask for the server get the same one.
        Ok(Self { server: t.fixture().await? })
    }
}

impl Client {
    async fn greeting(&self) -> io::Result<String> {
        let mut text = String::new();
        TcpStream::connect(("127.0.0.1", self.server.port)).await?.read_to_string(&mut text).await?;
        Ok(text)
    }
}

#[qtest]
async fn a_client_is_greeted(client: Client) -> io::Result<()> {
    assert_eq!(client.greeting().await?, "hello");
    Ok(())
}

#[qtest]
async fn two_clients_of_one_test_share_its_server(one: Client, other: Client) {
    assert_eq!(one.server.port, other.server.port);
}

/// Something that takes long to prepare: the process has one, torn down when all tests are over.
struct Catalogue {
    books: Vec<String>,
}

impl Fixture for Catalogue {
    async fn set_up(t: &Test) -> Result<Self, BoxError> {
        println!("(the catalogue is read once)");
        t.defer_async(async { println!("(the catalogue is put away)") });
        Ok(Self { books: (1..=1_000).map(|number| format!("book {number}")).collect() })
    }
}

#[qtest]
fn the_catalogue_has_books(catalogue: Shared<Catalogue>) {
    assert_eq!(catalogue.books.len(), 1_000);
}

#[qtest]
async fn the_catalogue_is_the_same_for_all(catalogue: Shared<Catalogue>, client: Client) {
    assert_eq!(catalogue.books[41], "book 42");
    assert!(client.greeting().await.is_ok());
}

qtests::main!();

//! A test binary of your own: trials that are made by code, and something that the whole suite needs. Run it with
//! `cargo run --example runner --all-features`; it takes the arguments that libtest takes, such as `-- --list`.

use qtests::{prelude::*, runner::Trial};
use std::sync::OnceLock;

static PORT: OnceLock<u16> = OnceLock::new();

#[qtest]
async fn the_server_is_there() {
    let port = PORT.get().copied().unwrap_or_default();
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok());
}

/// One trial for each row of a table, which could as well be a file of a folder.
fn trials() -> impl Iterator<Item = Trial> {
    let table = [("small", 1), ("large", 1_000)];
    table.into_iter().map(|(name, count)| {
        Trial::new(format!("baskets::{name}"), move |t: Test| async move {
            t.note(format!("{count} books"));
            let basket: Vec<u32> = (0..count).collect();
            if basket.len() == count as usize { Ok(()) } else { Err("a book is missing") }
        })
        .tags(["baskets"])
        .timeout(Duration::from_secs(5))
    })
}

qtests::main!(|runner| runner
    .set_up(|t: Test| async move {
        let listener = t.listener()?;
        let _ = PORT.set(listener.local_addr()?.port());
        let task = t.spawn(async move { while listener.accept().await.is_ok() {} });
        t.defer_async(async move {
            task.abort();
            println!("(the server is stopped)");
        });
        Ok(())
    })
    .trials(trials()));

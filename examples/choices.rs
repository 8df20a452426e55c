//! Faults for some connections only, from the first client on, and an outage by the clock. Run it with
//! `cargo run --example choices`.

use qtests::{Test, prelude::*, proxy::FaultProxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let t = Test::scoped();
    let listener = t.listener()?;
    let server = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 3];
                stream.read_exact(&mut request).await?;
                stream.write_all(b"done").await
            });
        }
    });

    // The first client is reset, before anybody else can get in.
    let shop = t.proxy(server).named("shop").with(Reset::now().first(1)).await?;
    println!("first:    {}", ask(&shop, b"GET").await);
    println!("second:   {}", ask(&shop, b"GET").await);

    // Writes are slow, reads are not.
    let slow = shop.add(Latency::of(Duration::from_millis(50)).matching(|first| first == b"PUT")).await?;
    println!("a read:   {}", ask(&shop, b"GET").await);
    println!("a write:  {}", ask(&shop, b"PUT").await);
    slow.remove().await?;

    // Down from 20 to 60 ms after the start.
    let ms = Duration::from_millis;
    let outage = t.timeline().between(ms(20), ms(60), shop.toxic(Down::new())).start();
    while ask(&shop, b"GET").await.starts_with("done") {}
    println!("outage:   {}", ask(&shop, b"GET").await);
    outage.finished().await;
    println!("after it: {}", ask(&shop, b"GET").await);
    println!("{:?}", shop.stats());
    t.finish().await.assert();
    Ok(())
}

async fn ask(shop: &FaultProxy, request: &[u8]) -> String {
    let began = std::time::Instant::now();
    let mut text = String::new();
    let asked = async {
        let mut client = TcpStream::connect(shop.addr()).await?;
        client.write_all(request).await?;
        client.read_to_string(&mut text).await
    };
    match asked.await {
        Ok(_) => format!("{text} ({} ms)", began.elapsed().as_millis()),
        Err(error) => error.to_string(),
    }
}

//! A server that becomes slow, goes away and comes back. Run it with `cargo run --example proxy`.

use qtests::{Test, prelude::*};
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
            tokio::spawn(async move { stream.write_all(b"hello").await });
        }
    });

    let wire = t.proxy(server).await?;
    println!("healthy:  {}", greeting(&wire).await);

    let slow = wire.add(Latency::of(Duration::from_millis(50))).await?;
    println!("slow:     {}", greeting(&wire).await);
    slow.remove().await?;

    let down = wire.add(Down::new()).await?;
    println!("down:     {}", greeting(&wire).await);
    down.remove().await?;

    wire.add(Reset::after_bytes(3)).await?;
    println!("reset:    {}", greeting(&wire).await);
    t.finish().await.assert();
    Ok(())
}

async fn greeting(wire: &qtests::proxy::FaultProxy) -> String {
    let began = std::time::Instant::now();
    let mut text = String::new();
    let read = async { TcpStream::connect(wire.addr()).await?.read_to_string(&mut text).await };
    match read.await {
        Ok(_) => format!("{text} ({} ms)", began.elapsed().as_millis()),
        Err(error) => error.to_string(),
    }
}

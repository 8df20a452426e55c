//! What can go wrong with bytes on a wire, one toxic after the other. Run it with `cargo run --example effects`.

use qtests::{Test, prelude::*, proxy::*};
use std::time::Instant;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let t = Test::scoped();
    let listener = t.listener()?;
    let server = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { stream.write_all(b"the quick brown fox").await });
        }
    });

    let wire = t.proxy(server).await?;
    let toxics: Vec<Toxic> = vec![
        Noop::new().into(),
        Latency::of(Duration::from_millis(20)).pareto(3.0).into(),
        Bandwidth::of(200).into(),
        Slicer::of(4).variation(2).delay(Duration::from_millis(5)).into(),
        SlowClose::of(Duration::from_millis(50)).into(),
        Stall::rto().into(),
        Corrupt::byte_at(4).into(),
        Limit::bytes(9).reset().into(),
        Truncate::to(9).into(),
        Timeout::after(Duration::from_millis(50)).into(),
        Blackhole::new().into(),
        Toxic::try_from(serde_json::from_str::<ToxicSpec>(r#"{ "limit": { "bytes": 9, "end": "stall" } }"#)?)?,
    ];
    for toxic in toxics {
        let name = format!("{toxic:?}");
        let active = wire.add(toxic).await?;
        println!("{name:55} {}", greeting(&wire).await);
        active.remove().await?;
    }
    t.finish().await.assert();
    Ok(())
}

async fn greeting(wire: &FaultProxy) -> String {
    let began = Instant::now();
    let mut bytes = Vec::new();
    let read = async { TcpStream::connect(wire.addr()).await?.read_to_end(&mut bytes).await };
    let end = match timeout(Duration::from_millis(500), read).await {
        Ok(Ok(_)) => "closed".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "still open".to_owned(),
    };
    format!("{:?}, {end} after {} ms", String::from_utf8_lossy(&bytes), began.elapsed().as_millis())
}

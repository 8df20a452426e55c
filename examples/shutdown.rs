//! A small service that loses nothing when it is told to stop: it counts visits and keeps the count. Run it with `cargo
//! run --features shutdown --example shutdown`; with the arguments `serve FILE` it serves until SIGTERM or Ctrl-C, and
//! goes on counting where FILE says that the last one stopped.

use qtests::shutdown::{Shutdown, ShutdownHandle};
use std::{
    error::Error,
    fs, io,
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    select,
};

/// What a visitor reads before the work begins.
const GREETING: &[u8] = b"welcome, visitor ";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let kept = match &arguments[..] {
        [] => None,
        [serve, file] if serve == "serve" => Some(PathBuf::from(file)),
        _ => return Err("the arguments are none, or `serve FILE`".into()),
    };
    let file = kept.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("visits-{}", std::process::id())));
    let visits = Arc::new(AtomicU64::new(saved(&file)));
    let (state, path) = (Arc::clone(&visits), file.clone());
    // Before anybody can learn that we are there: until then a signal kills.
    let shutdown = Shutdown::new()
        .on_signals()
        .drain_limit(Duration::from_secs(5))
        .hook("save the count", async move || save(path, state.load(Ordering::SeqCst)).await)
        .start()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    println!("listening on {address}");
    if kept.is_none() {
        // A customer who tells the service to stop after three visits.
        tokio::spawn(visit(address, shutdown.clone()));
    }
    serve(listener, &shutdown, &visits).await;

    let report = shutdown.finish().await;
    println!("{report}");
    println!("{} visits are saved in {}", saved(&file), file.display());
    if kept.is_none() {
        // What was only shown is cleared away.
        fs::remove_file(file)?;
    }
    Ok(report.exit_code())
}

/// Accepts until the shutdown is requested. The listener is closed on return, so nobody else gets in.
async fn serve(listener: TcpListener, shutdown: &ShutdownHandle, visits: &Arc<AtomicU64>) {
    loop {
        let accepted = select! {
            () = shutdown.requested() => return,
            accepted = listener.accept() => accepted,
        };
        let mut stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // One visitor who is gone already, or too many of them: no reason to leave and to save nothing.
                eprintln!("a visitor was not let in: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(guard) = shutdown.in_flight() else { return };
        let visits = Arc::clone(visits);
        tokio::spawn(async move {
            let _guard = guard; // as long as it lives `finish` waits
            stream.write_all(GREETING).await?;
            tokio::time::sleep(Duration::from_millis(50)).await; // some work
            let number = visits.fetch_add(1, Ordering::SeqCst) + 1;
            stream.write_all(number.to_string().as_bytes()).await
        });
    }
}

/// Writes a new file beside the old one and puts it in its place, so that a crash leaves one of the two.
async fn save(file: PathBuf, count: u64) -> io::Result<()> {
    let new = file.with_extension("new");
    tokio::fs::write(&new, count.to_string()).await?;
    tokio::fs::rename(new, file).await
}

fn saved(file: &PathBuf) -> u64 {
    fs::read_to_string(file).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Three visits; the shutdown is requested while the third is in flight, and it is answered all the same.
async fn visit(address: SocketAddr, shutdown: ShutdownHandle) -> io::Result<()> {
    for number in 1..=3 {
        let mut stream = TcpStream::connect(address).await?;
        stream.read_exact(&mut [0; GREETING.len()]).await?;
        // From here on the service is at work for us.
        if number == 3 {
            shutdown.request("three visits are enough");
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        println!("visitor {answer} was served");
    }
    Ok(())
}

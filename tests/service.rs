//! A service that shuts down rightly or commits one sin; `it/shutdown_conformance.rs` starts it with the name of the
//! sin in `SERVICE_SIN`. Without that it is a test binary with no test in it.
//!
//! A client sends a line. `work` is answered with `done` a while after the service was told to stop, so that however
//! busy the host is, it is in flight then. `wait` is never answered.

use qtests::shutdown::{Shutdown, ShutdownHandle, ShutdownReport};
use std::{
    future::pending,
    io,
    os::fd::AsFd,
    process,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
    select,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

/// How long the work of a request takes once the service is told to stop.
const WORK: Duration = Duration::from_millis(300);

/// How long the drain may take.
const DRAIN: Duration = Duration::from_millis(900);

/// How long those who stop late go on accepting: longer than the requests from before take.
const LATE: Duration = Duration::from_millis(500);

/// After so many connections one sinner opens a second listener.
const CONNECTIONS: usize = 8;

/// How often SIGTERM came, where the service counts by itself.
static HEARD: AtomicUsize = AtomicUsize::new(0);

/// The threads of the runtime.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let Ok(sin) = std::env::var("SERVICE_SIN") else { return ExitCode::SUCCESS };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let runtime = runtime.expect("a runtime can be built");
    let code = runtime.block_on(async {
        let listener = listen("127.0.0.1:0")?;
        if sin == "plain" { plain(listener).await } else { serve(listener, &sin).await }
    });
    code.expect("the service works")
}

/// A listener that lets others listen on its port.
fn listen(address: &str) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address.parse().map_err(io::Error::other)?)?;
    socket.listen(1_024)
}

/// The service, with the `Shutdown` of qtests.
async fn serve(listener: TcpListener, sin: &str) -> io::Result<ExitCode> {
    let shutdown = begin(&listener, sin)?;
    let report = drain(listener, &shutdown, sin).await;
    eprintln!("{report}");
    match sin {
        "never exits" => pending().await,
        "exits with 1" => Ok(ExitCode::FAILURE),
        "is killed" => {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            pending().await
        }
        "dies by the second signal in the end" if HEARD.load(Ordering::SeqCst) > 1 => {
            signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTERM)?;
            pending().await
        }
        // What was abandoned is no sin by itself: a request that never ends has to be.
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Everything before the first request.
fn begin(listener: &TcpListener, sin: &str) -> io::Result<ShutdownHandle> {
    let shutdown = Shutdown::new().drain_limit(if sin == "waits for ever" { WORK * 1_000 } else { DRAIN });
    let deaf = matches!(
        sin,
        "ignores the second signal" | "cuts its drain by its own limit only" | "dies by the second signal in the end"
    );
    let shutdown = if deaf { shutdown } else { shutdown.on_signals() };
    let shutdown = shutdown.hook("save", async || io::Result::Ok(())).start().map_err(io::Error::other)?;
    if deaf {
        let (mut heard, shutdown) = (signal(SignalKind::terminate())?, shutdown.clone());
        tokio::spawn(async move {
            while heard.recv().await.is_some() {
                HEARD.fetch_add(1, Ordering::SeqCst);
                shutdown.request("SIGTERM");
            }
        });
    }
    // Now it heeds signals, so now it may be told to stop.
    println!("listening on {}", listener.local_addr()?);
    match sin {
        "leaves a child" => drop(process::Command::new("sleep").arg("600").spawn()?),
        "leaves a child that ignores SIGTERM" => {
            drop(process::Command::new("sh").args(["-c", "trap '' TERM; exec sleep 600"]).spawn()?);
        }
        "drops what is in flight the first time" => {
            let times = std::env::var("SERVICE_TIMES").map_err(io::Error::other)?;
            // It is there from the second time on.
            if std::fs::File::create_new(times).is_ok() {
                let shutdown = shutdown.clone();
                tokio::spawn(async move {
                    shutdown.requested().await;
                    process::exit(0)
                });
            }
        }
        "leaves its port to a child" => leave_to_child(listener)?,
        _ => {}
    }
    Ok(shutdown)
}

/// Starts a child that inherits the socket, which stays open as long as the child lives.
fn leave_to_child(listener: &TcpListener) -> io::Result<()> {
    let socket = listener.as_fd().try_clone_to_owned()?;
    drop(process::Command::new("sleep").arg("600").stdin(socket).spawn()?);
    Ok(())
}

/// From the first request to the last.
async fn drain(listener: TcpListener, shutdown: &ShutdownHandle, sin: &str) -> ShutdownReport {
    match sin {
        "blocks its runtime" => {
            // Every thread of the runtime, this one too.
            (0..WORKERS).for_each(|_| drop(tokio::spawn(async { park() })));
            park()
        }
        "keeps accepting" => {
            select! {
                report = async { shutdown.requested().await; shutdown.finish().await } => report,
                () = accept_for_ever(&listener, shutdown) => unreachable!("it accepts for ever"),
            }
        }
        "stops late" => {
            select! {
                () = async { shutdown.requested().await; sleep(LATE).await } => {}
                () = accept_for_ever(&listener, shutdown) => unreachable!("it accepts for ever"),
            }
            drop(listener);
            sleep(WORK).await;
            shutdown.finish().await
        }
        "starts again" => {
            accept(&listener, shutdown, sin).await;
            let address = listener.local_addr().expect("it has one").to_string();
            drop(listener);
            // Long enough for some to be refused, and not so long that the drain is over.
            sleep(WORK / 2).await;
            let again = listen(&address).expect("its port is its own");
            select! {
                () = sleep(WORK * 3) => {}
                () = accept_for_ever(&again, shutdown) => unreachable!("it accepts for ever"),
            }
            shutdown.finish().await
        }
        "leaves them in the queue" => {
            accept(&listener, shutdown, sin).await;
            shutdown.finish().await
        }
        "answers busy" => {
            accept(&listener, shutdown, sin).await;
            select! {
                report = shutdown.finish() => report,
                () = refuse_for_ever(&listener) => unreachable!("it refuses for ever"),
            }
        }
        _ => {
            accept(&listener, shutdown, sin).await;
            drop(listener);
            shutdown.finish().await
        }
    }
}

fn park() -> ! {
    loop {
        std::thread::park();
    }
}

async fn accept(listener: &TcpListener, shutdown: &ShutdownHandle, sin: &str) {
    let drops = sin == "drops what is in flight";
    let work = if sin == "cuts its drain by its own limit only" { WORK * 1_000 } else { WORK };
    for accepted_before in 0.. {
        select! {
            () = shutdown.requested() => return,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let Some(guard) = shutdown.in_flight() else { return };
                if sin == "leaves its second listener to a child" && accepted_before + 1 == CONNECTIONS {
                    // Before it reads what came on this connection: so before anybody can see it read.
                    let address = listener.local_addr().expect("it has one").to_string();
                    let left = listen(&address).and_then(|second| leave_to_child(&second));
                    left.expect("the port may be shared, and `sleep` is installed");
                }
                let (told, dropped) = (shutdown.requested(), shutdown.requested());
                tokio::spawn(async move {
                    select! {
                        _ = answer(stream, told, work) => {}
                        () = dropped, if drops => {}
                    }
                    drop(guard);
                });
            }
        }
    }
}

async fn accept_for_ever(listener: &TcpListener, shutdown: &ShutdownHandle) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let (guard, told) = (shutdown.in_flight(), shutdown.requested());
            tokio::spawn(async move {
                let _guard = guard;
                answer(stream, told, WORK).await
            });
        }
    }
}

async fn refuse_for_ever(listener: &TcpListener) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { BufReader::new(stream).write_all(b"busy\n").await });
        }
    }
}

async fn answer(stream: TcpStream, told_to_stop: impl Future<Output = ()>, work: Duration) -> io::Result<()> {
    let (mut stream, mut line) = (BufReader::new(stream), String::new());
    stream.read_line(&mut line).await?;
    match line.as_str() {
        "work\n" => {
            told_to_stop.await;
            sleep(work).await;
        }
        _ => pending().await,
    }
    stream.write_all(b"done\n").await
}

/// The same service without qtests: with tokio alone.
async fn plain(listener: TcpListener) -> io::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    println!("listening on {}", listener.local_addr()?);
    let (stop, told) = watch::channel(false);
    let mut in_flight = JoinSet::new();
    loop {
        select! {
            _ = terminate.recv() => break,
            accepted = listener.accept() => {
                let ((stream, _), mut told) = (accepted?, told.clone());
                in_flight.spawn(answer(stream, async move { _ = told.wait_for(|stop| *stop).await }, WORK));
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    select! {
        _ = timeout(DRAIN, in_flight.join_all()) => Ok(ExitCode::SUCCESS),
        _ = terminate.recv() => process::exit(143),
    }
}

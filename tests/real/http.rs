//! The client `reqwest` behind a proxy, and before a service that hangs, dies and comes back.

use qtests::{
    prelude::*,
    proxy::{FaultProxy, Limit, NoConnect, Slicer},
    server::Server,
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    time::Instant,
};

const PATIENCE: Duration = Duration::from_secs(30);
const HASTE: Duration = Duration::from_millis(100);

/// What the service answers; more than one segment.
const BODY: usize = 100_000;

/// This program as a service: answers each GET on each connection, for ever.
#[test]
#[ignore = "what other tests start as a service"]
fn a_service_of_these_tests() {
    let Ok(port) = std::env::var("LISTEN_ON") else { return };
    let listener = TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap();
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || serve(stream));
    }
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 {
        request.push(byte[0]);
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {BODY}\r\n\r\n")?;
            stream.write_all(&vec![b'x'; BODY])?;
        }
    }
    Ok(())
}

async fn service(t: &Test) -> Result<(Server, FaultProxy), BoxError> {
    let command = |port: u16| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let of_tests = ["--exact", "http::a_service_of_these_tests", "--ignored"];
        command.args(of_tests).env("LISTEN_ON", port.to_string());
        command
    };
    let service = t.server(command).named("service").await?;
    let wire = t.proxy(service.addr()).named("service").await?;
    Ok((service, wire))
}

fn client(patience: Duration) -> reqwest::Client {
    reqwest::Client::builder().timeout(patience).no_proxy().build().unwrap()
}

async fn get(client: &reqwest::Client, wire: &FaultProxy) -> reqwest::Result<usize> {
    let answer = client.get(format!("http://{}/", wire.addr())).send().await?;
    Ok(answer.bytes().await?.len())
}

/// The kind of the input or output error that is deepest below an error.
fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    let mut kind = None;
    while let Some(error) = source {
        kind = error.downcast_ref::<io::Error>().map(io::Error::kind).or(kind);
        source = error.source();
    }
    kind
}

#[qtest]
async fn a_slow_and_a_sliced_answer_are_whole(t: Test) -> Result<(), BoxError> {
    let (_service, wire) = service(&t).await?;
    let client = client(PATIENCE);
    wire.add(Latency::of(Duration::from_millis(50))).await?;
    wire.add(Slicer::of(1_000).variation(500)).await?;
    let began = Instant::now();
    assert_eq!(get(&client, &wire).await?, BODY);
    assert!(began.elapsed() >= Duration::from_millis(50), "{:?}", began.elapsed());
    Ok(())
}

#[qtest]
async fn a_partition_is_a_time_limit_and_what_follows_its_heal_works(t: Test) -> Result<(), BoxError> {
    let (_service, wire) = service(&t).await?;
    let client = client(HASTE);
    let partition = wire.partition().await?;
    let error = get(&client, &wire).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    partition.remove().await?;
    assert_eq!(get(&self::client(PATIENCE), &wire).await?, BODY);
    Ok(())
}

#[qtest]
async fn a_reset_before_the_answer_is_told_as_one(t: Test) -> Result<(), BoxError> {
    let (_service, wire) = service(&t).await?;
    let client = client(PATIENCE);
    // At the first bytes of the request, so that the client cannot take it for a connection to be tried anew.
    let reset = wire.add(Reset::now().matching(|first| first.starts_with(b"GET"))).await?;
    let error = get(&client, &wire).await.unwrap_err();
    assert!(error.is_request() && io_kind(&error) == Some(ErrorKind::ConnectionReset), "{error:?}");
    reset.remove().await?;
    assert_eq!(get(&client, &wire).await?, BODY);
    Ok(())
}

#[qtest]
async fn an_answer_that_is_cut_in_its_middle_is_an_error_and_never_a_shorter_body(t: Test) -> Result<(), BoxError> {
    let (_service, wire) = service(&t).await?;
    for (limit, kind) in
        [(Limit::bytes(50_000), ErrorKind::UnexpectedEof), (Limit::bytes(50_000).reset(), ErrorKind::ConnectionReset)]
    {
        let client = client(PATIENCE);
        let cut = wire.add(limit).await?;
        let error = get(&client, &wire).await.unwrap_err();
        assert!(error.is_body() || error.is_decode(), "{error:?}");
        assert_eq!(io_kind(&error), Some(kind), "{error:?}");
        cut.remove().await?;
    }
    assert_eq!(get(&client(PATIENCE), &wire).await?, BODY);
    Ok(())
}

#[qtest]
async fn connecting_is_refused_or_hangs_and_is_told_so(t: Test) -> Result<(), BoxError> {
    let (_service, wire) = service(&t).await?;
    let down = wire.add(Down::new()).await?;
    let error = get(&client(PATIENCE), &wire).await.unwrap_err();
    assert!(error.is_connect() && io_kind(&error) == Some(ErrorKind::ConnectionRefused), "{error:?}");
    down.remove().await?;
    let hang = wire.add(NoConnect::new()).await?;
    let hasty = reqwest::Client::builder().connect_timeout(HASTE).no_proxy().build()?;
    let error = get(&hasty, &wire).await.unwrap_err();
    assert!(error.is_connect() && error.is_timeout(), "{error:?}");
    hang.remove().await?;
    assert_eq!(get(&client(PATIENCE), &wire).await?, BODY);
    Ok(())
}

#[qtest]
async fn a_service_that_hangs_dies_and_comes_back_is_told_each_time(t: Test) -> Result<(), BoxError> {
    let (service, wire) = service(&t).await?;
    let patient = client(PATIENCE);
    assert_eq!(get(&patient, &wire).await?, BODY);

    service.pause()?;
    let error = get(&client(HASTE), &wire).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    service.resume()?;
    assert_eq!(get(&patient, &wire).await?, BODY);

    service.kill()?;
    let error = get(&client(PATIENCE), &wire).await.unwrap_err();
    assert!(error.is_connect() || io_kind(&error) == Some(ErrorKind::ConnectionReset), "{error:?}");
    service.restart().await?;
    assert_eq!(get(&client(PATIENCE), &wire).await?, BODY);
    Ok(())
}

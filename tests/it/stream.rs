//! Wrapped streams: by which points calls come, and what each fault does there.

use qtests::{
    Injected, Test,
    fault::{FaultStream, Hit},
    prelude::*,
};
use std::{
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, timeout},
};

fn pair() -> (FaultStream<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(64);
    (FaultStream::new("db", ours), theirs)
}

/// How many bits differ.
fn flips(a: &[u8], b: &[u8]) -> u32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// A hit as the test sees it: the end of the point's name, and all arguments that are numbers.
fn told(hit: &Hit<'_>) -> String {
    let point = hit.point().trim_start_matches("stream.db.");
    assert_eq!(hit.str("stream"), Some("db"));
    let number = |field: &str| hit.int(field).map(|number| format!(" {field} {number}")).unwrap_or_default();
    format!("{point}{}{}{}", number("key"), number("offset"), number("length"))
}

#[qtest]
async fn each_call_comes_by_one_point(t: Test) -> io::Result<()> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    for point in ["connect", "first_write", "write", "first_read", "read", "close"] {
        let seen = Arc::clone(&seen);
        t.fault(format!("stream.db.{point}")).call(move |hit| seen.lock().unwrap().push(told(hit))).arm();
    }
    let (ours, mut theirs) = duplex(64);
    let mut stream = FaultStream::connect("db", async { Ok(ours) }).await?;
    for text in ["hello", "you", "all"] {
        stream.write_all(text.as_bytes()).await?;
    }
    theirs.write_all(b"and you!").await?;
    stream.read_exact(&mut [0; 2]).await?;
    stream.read_exact(&mut [0; 6]).await?;
    stream.flush().await?;
    stream.shutdown().await?;
    let expected = [
        "connect key 1",
        "first_write key 1 offset 0 length 5",
        "write key 1 offset 5 length 3",
        "write key 1 offset 8 length 3",
        "first_read key 1 offset 0 length 2",
        "read key 1 offset 2 length 6",
        "close key 1 offset 11",
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(format!("{stream:?}"), "FaultStream(db 1, 8 bytes read, 11 written)");
    Ok(())
}

#[qtest]
async fn a_failing_write_writes_nothing_and_the_next_one_is_first_again(t: Test) -> io::Result<()> {
    let full = t.fault("stream.db.first_write").first(2).fail_os(28).arm();
    let (mut stream, mut theirs) = pair();
    for _ in 0..2 {
        assert_eq!(stream.write_all(b"lost").await.unwrap_err().raw_os_error(), Some(28));
    }
    stream.write_all(b"kept").await?;
    drop(stream);
    let mut arrived = String::new();
    theirs.read_to_string(&mut arrived).await?;
    assert_eq!((arrived.as_str(), full.hits()), ("kept", 3));
    Ok(())
}

#[qtest]
async fn a_failing_read_loses_no_bytes(t: Test) -> io::Result<()> {
    t.fault("stream.db.first_read").nth(1).fail_with(|| 7_u32).arm();
    t.fault("stream.db.read").nth(1).fail(ErrorKind::ConnectionReset).arm();
    let (mut stream, mut theirs) = pair();
    theirs.write_all(b"abcd").await?;
    let mut bytes = [0; 4];
    let error = stream.read(&mut bytes).await.unwrap_err();
    assert_eq!(error.downcast::<Injected>().unwrap().downcast::<u32>().unwrap(), 7);
    stream.read_exact(&mut bytes[..2]).await?;
    assert_eq!(stream.read(&mut bytes[2..]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    stream.read_exact(&mut bytes[2..]).await?;
    assert_eq!(&bytes, b"abcd");
    Ok(())
}

#[qtest(paused)]
async fn delays_pass_on_the_clock_of_the_test(t: Test) -> io::Result<()> {
    t.fault("stream.db.connect").delay(Duration::from_secs(1)).arm();
    t.fault("stream.db.first_write").delay(Duration::from_secs(10)).arm();
    t.fault("stream.db.first_read").delay(Duration::from_secs(100)).arm();
    t.fault("stream.db.close").delay(Duration::from_secs(1000)).arm();
    let (ours, mut theirs) = duplex(64);
    theirs.write_all(b"x").await?;
    let began = Instant::now();
    let mut stream = FaultStream::connect("db", async { Ok(ours) }).await?;
    stream.write_all(b"y").await?;
    assert_eq!(stream.read_u8().await?, b'x');
    stream.shutdown().await?;
    assert_eq!(began.elapsed().as_secs(), 1111);
    Ok(())
}

#[qtest(paused)]
async fn a_stall_stops_one_direction_until_its_fault_is_disarmed(t: Test) -> io::Result<()> {
    let stall = t.fault("stream.db.first_read").hang().arm();
    let (mut stream, mut theirs) = pair();
    theirs.write_all(b"x").await?;
    assert!(timeout(Duration::from_secs(3600), stream.read_u8()).await.is_err());
    stream.write_all(b"y").await?;
    assert_eq!(theirs.read_u8().await?, b'y');
    stall.disarm();
    let mut byte = [0; 1];
    assert_eq!(stream.read(&mut byte).await.unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!((stream.read(&mut byte).await?, byte, stall.hits()), (1, *b"x", 1));
    Ok(())
}

#[qtest(paused)]
async fn a_held_write_goes_on_when_it_is_released(t: Test) -> io::Result<()> {
    let hold = t.fault("stream.db.first_write").hold().arm();
    let (mut stream, mut theirs) = pair();
    let writer = t.spawn(async move { stream.write_all(b"x").await });
    hold.wait_reached().await;
    assert!(timeout(Duration::from_secs(1), theirs.read_u8()).await.is_err());
    hold.release();
    assert_eq!(theirs.read_u8().await?, b'x');
    writer.await.unwrap()
}

#[qtest]
async fn a_stream_is_used_further_after_a_panic(t: Test) -> io::Result<()> {
    t.fault("stream.db.first_write").nth(1).panic("torn").arm();
    let (mut stream, mut theirs) = pair();
    let mut cx = Context::from_waker(Waker::noop());
    let write = AssertUnwindSafe(|| Pin::new(&mut stream).poll_write(&mut cx, b"lost"));
    assert!(catch_unwind(write).is_err());
    stream.write_all(b"kept").await?;
    let mut bytes = [0; 4];
    theirs.read_exact(&mut bytes).await?;
    assert_eq!(&bytes, b"kept");
    Ok(())
}

#[qtest(paused)]
async fn what_follows_a_short_write_comes_at_the_next_call(t: Test) -> io::Result<()> {
    let (mut stream, mut theirs) = pair();
    let slow = t.fault("stream.db.first_write").short(3).delay(Duration::from_secs(5)).arm();
    let began = Instant::now();
    assert_eq!(stream.write(b"abcdef").await?, 3);
    assert!(began.elapsed().is_zero());
    assert_eq!(stream.write(b"def").await?, 3);
    assert_eq!((began.elapsed().as_secs(), slow.hits()), (5, 1));

    for last in ["write", "flush", "shutdown"] {
        let cut = t.fault("stream.db.write").nth(1).short(1).fail(ErrorKind::BrokenPipe).arm();
        assert_eq!(stream.write(b"gh").await?, 1);
        let result = match last {
            "write" => stream.write(b"h").await.map(drop),
            "flush" => stream.flush().await,
            _ => stream.shutdown().await,
        };
        assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe, "{last}");
        cut.disarm();
    }
    stream.shutdown().await?;
    let mut arrived = String::new();
    theirs.read_to_string(&mut arrived).await?;
    assert_eq!(arrived, "abcdefggg");
    Ok(())
}

#[qtest]
async fn what_follows_a_short_read_comes_at_the_next_one(t: Test) -> io::Result<()> {
    let cut = t.fault("stream.db.first_read").short(3).fail(ErrorKind::ConnectionReset).arm();
    let next = t.fault("stream.db.read").short(2).arm();
    let (mut stream, mut theirs) = pair();
    theirs.write_all(b"abcdef").await?;
    let mut bytes = [0; 6];
    assert_eq!(stream.read(&mut bytes).await?, 3);
    assert_eq!(stream.read(&mut bytes[3..]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream.read(&mut bytes[3..]).await?, 2);
    assert_eq!(stream.read(&mut bytes[5..]).await?, 1);
    assert_eq!((&bytes, cut.fired(), next.fired()), (b"abcdef", 1, 2));
    Ok(())
}

#[qtest]
async fn a_read_that_is_short_by_all_is_the_end(t: Test) -> io::Result<()> {
    let end = t.fault("stream.db.read").short(0).arm();
    let (mut stream, mut theirs) = pair();
    theirs.write_all(b"abcdef").await?;
    stream.read_exact(&mut [0; 3]).await?;
    for _ in 0..3 {
        assert_eq!(stream.read(&mut [0; 8]).await?, 0);
    }
    assert_eq!(end.hits(), 1);
    let mut rest = [0; 3];
    stream.into_inner().read_exact(&mut rest).await?;
    assert_eq!(&rest, b"def");

    let _reset = t.fault("stream.db.first_read").short(0).fail(ErrorKind::ConnectionReset).arm();
    let (mut stream, _theirs) = pair();
    assert_eq!(stream.read(&mut [0; 8]).await?, 0);
    assert_eq!(stream.read(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream.read(&mut [0; 8]).await?, 0);
    Ok(())
}

#[qtest]
async fn a_write_that_is_short_by_all_writes_nothing_once(t: Test) -> io::Result<()> {
    t.fault("stream.db.first_write").nth(1).short(0).arm();
    let (mut stream, mut theirs) = pair();
    assert_eq!(stream.write_all(b"lost").await.unwrap_err().kind(), ErrorKind::WriteZero);
    stream.write_all(b"kept").await?;
    let mut bytes = [0; 4];
    theirs.read_exact(&mut bytes).await?;
    assert_eq!(&bytes, b"kept");
    Ok(())
}

#[qtest]
async fn one_bit_of_what_passes_is_flipped(t: Test) -> io::Result<()> {
    t.fault("stream.db.first_read").corrupt().arm();
    t.fault("stream.db.first_write").short(4).corrupt().arm();
    let (mut stream, mut theirs) = pair();
    theirs.write_all(b"abcdef").await?;
    let mut bytes = [0; 6];
    stream.read_exact(&mut bytes).await?;
    assert_eq!(flips(&bytes, b"abcdef"), 1);

    assert_eq!(stream.write(b"abcdef").await?, 4);
    stream.write_all(b"ef").await?;
    theirs.read_exact(&mut bytes).await?;
    assert_eq!((flips(&bytes[..4], b"abcd"), &bytes[4..]), (1, &b"ef"[..]));
    Ok(())
}

#[qtest]
async fn a_flipped_bit_is_not_lost_in_a_stream_that_takes_little_at_a_time(t: Test) -> io::Result<()> {
    for (point, always) in [("first_write", false), ("write", true)] {
        let corrupt = t.fault(format!("stream.db.{point}")).corrupt();
        let corrupt = if always { corrupt.arm() } else { corrupt.nth(1).arm() };
        let (ours, mut theirs) = duplex(4);
        let mut stream = FaultStream::new("db", ours);
        let data = [0x5a; 999];
        let write = async {
            stream.write_all(&data).await?;
            stream.shutdown().await
        };
        let mut arrived = Vec::new();
        let (written, read) = tokio::join!(write, theirs.read_to_end(&mut arrived));
        written?;
        read?;
        let flips = flips(&arrived, &data);
        assert!(if always { flips >= 1 } else { flips == 1 }, "{flips}");
        assert!(u64::from(flips) <= corrupt.fired());
        corrupt.disarm();
    }
    Ok(())
}

#[qtest]
async fn a_connection_that_fails_is_not_opened_and_counts(t: Test) -> io::Result<()> {
    let refused = t.fault("stream.db.connect").key("2").fail(ErrorKind::ConnectionRefused).arm();
    let mut opened = Vec::new();
    for attempt in 1..=3 {
        let open = async {
            opened.push(attempt);
            Ok(duplex(1).0)
        };
        let result = FaultStream::connect("db", open).await;
        assert_eq!(result.map_err(|error| error.kind()).err(), (attempt == 2).then_some(ErrorKind::ConnectionRefused));
    }
    assert_eq!((opened, refused.hits()), (vec![1, 3], 3));
    let error = FaultStream::connect("db", async { Err::<DuplexStream, _>(ErrorKind::TimedOut.into()) }).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
    Ok(())
}

#[qtest]
async fn a_shutdown_that_fails_leaves_the_stream_open(t: Test) -> io::Result<()> {
    let fault = t.fault("stream.db.close").nth(1).fail(ErrorKind::NotConnected).arm();
    let (mut stream, mut theirs) = pair();
    assert_eq!(stream.shutdown().await.unwrap_err().kind(), ErrorKind::NotConnected);
    stream.write_all(b"x").await?;
    stream.shutdown().await?;
    stream.shutdown().await?;
    let mut arrived = String::new();
    theirs.read_to_string(&mut arrived).await?;
    assert_eq!((arrived.as_str(), fault.hits()), ("x", 3));
    Ok(())
}

#[qtest]
async fn a_fault_is_meant_for_one_stream_of_its_name(t: Test) -> io::Result<()> {
    let second = t.fault("stream.db.first_write").key("2").fail(ErrorKind::BrokenPipe).arm();
    let mut pairs = [pair(), pair(), pair()];
    let mut other = FaultStream::new("cache", tokio::io::sink());
    for (number, (stream, _)) in pairs.iter_mut().enumerate() {
        assert_eq!(stream.write_all(b"x").await.is_err(), number == 1, "{number}");
    }
    other.write_all(b"x").await?;
    assert_eq!(second.hits(), 3);
    Ok(())
}

/// The key that the next stream has.
fn key_of_a_new_stream(t: &Test) -> String {
    let seen = Arc::new(Mutex::new(String::new()));
    let told = Arc::clone(&seen);
    let fault = t.fault("stream.db.first_write").call(move |hit| *told.lock().unwrap() = hit.key()).arm();
    let mut cx = Context::from_waker(Waker::noop());
    let _ = Pin::new(&mut pair().0).poll_write(&mut cx, b"x");
    fault.disarm();
    seen.lock().unwrap().clone()
}

#[test]
fn streams_are_numbered_anew_in_each_test() {
    for _ in 0..2 {
        let t = Test::scoped();
        assert_eq!([key_of_a_new_stream(&t), key_of_a_new_stream(&t)], ["1", "2"]);
    }
    let outside = pair().0;
    assert!(format!("{outside:?}").starts_with("FaultStream(db 0,"), "{outside:?}");
}

#[qtest]
fn what_a_point_cannot_do_is_refused(t: Test) {
    for point in ["connect", "close"] {
        let error = t.fault(format!("stream.db.{point}")).short(1).try_arm().unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("no bytes pass"), "{error}");
    }
    let error = t.fault("stream.db.raed").hang().try_arm().unwrap_err();
    assert!(error.is_unknown_name() && error.to_string().contains("stream.NAME.{connect|"), "{error}");
    assert!(catch_unwind(|| FaultStream::new("", tokio::io::empty())).is_err());
}

//! Wrapped streams are streams: they keep the contract of polling, and bytes arrive unchanged and in order.

use proptest::prelude::*;
use qtests::{
    Test,
    fault::{Fault, FaultPlan, FaultSpec, FaultStream, Trigger},
    prelude::*,
};
use std::{
    future::poll_fn,
    io::{ErrorKind, IoSlice},
    marker::PhantomPinned,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use tokio::{
    io::{
        AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter, ReadBuf,
        copy_bidirectional, duplex,
    },
    net::TcpStream,
    time::{Instant, timeout},
};

#[qtest(paused)]
async fn a_poll_that_is_repeated_is_the_same_call(t: Test) -> io::Result<()> {
    let points = ["first_read", "first_write", "close"];
    let holds = points.map(|point| t.fault(format!("stream.db.{point}")).hold().arm());
    let (ours, mut theirs) = duplex(1);
    let mut stream = FaultStream::new("db", ours);
    let mut cx = Context::from_waker(Waker::noop());
    let mut bytes = [0; 8];
    for round in 0..6 {
        if round == 3 {
            holds.iter().for_each(|hold| hold.release());
            // From now on the pipe is what they wait for: it is full in one direction and empty in the other.
            stream.get_mut().write_all(b"x").await?;
        }
        assert!(Pin::new(&mut stream).poll_read(&mut cx, &mut ReadBuf::new(&mut bytes)).is_pending());
        assert!(Pin::new(&mut stream).poll_write(&mut cx, b"y").is_pending());
        if round < 3 {
            assert!(Pin::new(&mut stream).poll_shutdown(&mut cx).is_pending());
        }
    }
    assert_eq!(holds.map(|hold| hold.hits()), [1, 1, 1]);
    assert_eq!(theirs.read_u8().await?, b'x');
    stream.write_all(b"y").await?;
    assert_eq!(theirs.read_u8().await?, b'y');
    Ok(())
}

#[qtest(paused)]
async fn a_read_that_is_dropped_while_it_waits_goes_on_in_another_task(t: Test) -> io::Result<()> {
    let slow = t.fault("stream.db.first_read").delay(Duration::from_secs(10)).arm();
    let (ours, mut theirs) = duplex(8);
    let mut stream = FaultStream::new("db", ours);
    let began = Instant::now();
    for _ in 0..3 {
        assert!(timeout(Duration::from_secs(3), stream.read_u8()).await.is_err());
    }
    let reader = t.spawn(async move { (stream.read_u8().await, began.elapsed().as_secs()) });
    theirs.write_all(b"x").await?;
    let (read, seconds) = reader.await.unwrap();
    assert_eq!((read?, seconds, slow.hits()), (b'x', 10, 1));
    Ok(())
}

#[qtest]
async fn a_fault_that_is_armed_while_a_read_waits_meets_the_next_one(t: Test) -> io::Result<()> {
    let (ours, mut theirs) = duplex(8);
    let mut stream = FaultStream::new("db", ours);
    let mut bytes = [0; 1];
    {
        let mut read = pin!(stream.read(&mut bytes));
        assert!(poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx).is_pending())).await);
        t.fault("stream.db.read").fail(ErrorKind::ConnectionReset).arm();
        theirs.write_all(b"ab").await?;
        assert_eq!(read.await?, 1);
    }
    assert_eq!(stream.read(&mut bytes).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    Ok(())
}

#[qtest]
async fn empty_buffers_come_by_no_point(t: Test) -> io::Result<()> {
    let points = ["first_read", "first_write"];
    let faults = points.map(|point| t.fault(format!("stream.db.{point}")).fail(ErrorKind::Other).optional().arm());
    let mut stream = FaultStream::new("db", duplex(8).0);
    assert_eq!(stream.read(&mut []).await?, 0);
    assert_eq!(stream.write(&[]).await.unwrap_or(0), 0);
    assert_eq!(faults.map(|fault| fault.hits()), [0, 0]);
    Ok(())
}

/// Takes vectored writes, and says how many slices each had.
#[derive(Default)]
struct Vectored {
    calls: Vec<usize>,
    bytes: Vec<u8>,
}

impl AsyncWrite for Vectored {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.calls.push(1);
        self.bytes.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.calls.push(bufs.len());
        bufs.iter().for_each(|buf| self.bytes.extend_from_slice(buf));
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[qtest]
async fn vectored_writes_pass_as_they_are_or_cut_in_the_middle(t: Test) -> io::Result<()> {
    t.fault("stream.db.write").nth(1).short(4).arm();
    let mut stream = FaultStream::new("db", Vectored::default());
    assert!(stream.is_write_vectored());
    let bufs = [b"abc", b"def", b"ghi"].map(|buf| IoSlice::new(buf));
    assert_eq!(stream.write_vectored(&bufs).await?, 9);
    assert_eq!(stream.write_vectored(&bufs).await?, 4);
    assert_eq!(stream.write_vectored(&bufs[1..]).await?, 6);
    let Vectored { calls, bytes } = stream.into_inner();
    assert_eq!((calls, bytes.as_slice()), (vec![3, 1, 2], &b"abcdefghiabcddefghi"[..]));
    Ok(())
}

/// A stream that must be pinned.
struct Pinned(PhantomPinned);

impl AsyncRead for Pinned {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        buf.put_slice(b"x");
        Poll::Ready(Ok(()))
    }
}

#[qtest]
async fn a_stream_that_is_pinned_first_can_be_wrapped() -> io::Result<()> {
    assert_eq!(FaultStream::new("db", Box::pin(Pinned(PhantomPinned))).read_u8().await?, b'x');
    Ok(())
}

#[test]
fn a_wrapped_stream_can_be_sent_and_shared_as_the_stream_can() {
    fn is_both<T: Send + Sync + Unpin + 'static>() {}
    is_both::<FaultStream<TcpStream>>();
}

#[qtest]
async fn halves_wait_without_waking_each_other(t: Test) -> io::Result<()> {
    let hold = t.fault("stream.db.first_read").hold().arm();
    let (ours, mut theirs) = duplex(8);
    let (mut reads, mut writes) = tokio::io::split(FaultStream::new("db", ours));
    let reader = t.spawn(async move { reads.read_u8().await });
    hold.wait_reached().await;
    for byte in 0..100 {
        writes.write_u8(byte).await?;
        assert_eq!(theirs.read_u8().await?, byte);
    }
    hold.release();
    theirs.write_u8(7).await?;
    assert_eq!(reader.await.unwrap()?, 7);
    Ok(())
}

#[qtest(paused)]
async fn lines_are_read_whole_though_they_come_byte_by_byte(t: Test) -> io::Result<()> {
    for point in ["first_read", "read", "first_write", "write"] {
        t.fault(format!("stream.db.{point}")).delay(Duration::from_secs(1)).short(1).arm();
    }
    let (ours, theirs) = duplex(64);
    let write = async {
        let mut writer = BufWriter::new(FaultStream::new("db", ours));
        writer.write_all(b"one\ntwo\n").await?;
        writer.shutdown().await
    };
    let mut lines = BufReader::new(FaultStream::new("db", theirs)).lines();
    let read = async { io::Result::Ok((lines.next_line().await?, lines.next_line().await?, lines.next_line().await?)) };
    let (written, read) = tokio::join!(write, read);
    written?;
    assert_eq!(read?, (Some("one".to_owned()), Some("two".to_owned()), None));
    Ok(())
}

#[qtest(paused)]
async fn bytes_are_copied_in_both_directions(t: Test) -> io::Result<()> {
    for point in ["first_read", "read", "first_write", "write"] {
        t.fault(format!("stream.db.{point}")).delay(Duration::from_millis(3)).short(100).arm();
    }
    let ((mut client, left), (right, mut server)) = (duplex(64), duplex(64));
    let (mut left, mut right) = (FaultStream::new("db", left), FaultStream::new("db", right));
    let (question, answer) = (vec![1; 5000], vec![2; 7000]);
    let ask = async {
        let (mut reads, mut writes) = tokio::io::split(&mut client);
        let mut got = Vec::new();
        let write = async {
            writes.write_all(&question).await?;
            writes.shutdown().await
        };
        tokio::try_join!(write, reads.read_to_end(&mut got))?;
        io::Result::Ok(got)
    };
    let serve = async {
        let mut got = vec![0; question.len()];
        server.read_exact(&mut got).await?;
        server.write_all(&answer).await?;
        server.shutdown().await?;
        io::Result::Ok(got)
    };
    let (asked, served, copied) = tokio::join!(ask, serve, copy_bidirectional(&mut left, &mut right));
    assert_eq!((asked? == answer, served? == question, copied?), (true, true, (5000, 7000)));
    Ok(())
}

#[qtest]
async fn faults_meet_sockets(t: Test) -> Result<(), Box<dyn Error>> {
    let listener = t.listener()?;
    let addr = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut got = Vec::new();
                stream.read_to_end(&mut got).await?;
                stream.write_all(&got).await
            });
        }
    });
    let ask = async || {
        let mut stream = FaultStream::connect("echo", TcpStream::connect(addr)).await?;
        stream.write_all(b"abcdef").await?;
        stream.shutdown().await?;
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await?;
        io::Result::Ok(got)
    };
    assert_eq!(ask().await?, b"abcdef");
    let faults: [(_, _, Result<&[u8], _>); 6] = [
        ("connect", fail(ErrorKind::ConnectionRefused), Err(ErrorKind::ConnectionRefused)),
        ("first_write", fail(ErrorKind::BrokenPipe), Err(ErrorKind::BrokenPipe)),
        ("first_write", Fault::Short(2), Ok(b"abcdef")),
        ("close", fail(ErrorKind::NotConnected), Err(ErrorKind::NotConnected)),
        ("first_read", Fault::Short(0), Ok(b"")),
        ("read", fail(ErrorKind::ConnectionReset), Err(ErrorKind::ConnectionReset)),
    ];
    for (point, fault, expected) in faults {
        let short = t.fault("stream.echo.first_read").short(2).optional().arm();
        let spec =
            FaultSpec { point: format!("stream.echo.{point}"), when: vec![], then: vec![fault], optional: false };
        let faults = t.arm(&FaultPlan { faults: vec![spec.clone()] });
        let got = ask().await;
        assert_eq!(got.as_deref().map_err(io::Error::kind), expected, "{spec:?}");
        faults.iter().chain([&short]).for_each(|fault| fault.disarm());
    }
    t.fault("stream.echo.first_write").corrupt().arm();
    let got = ask().await?;
    assert_eq!(got.iter().zip(b"abcdef").map(|(a, b)| (a ^ b).count_ones()).sum::<u32>(), 1);
    Ok(())
}

fn fail(kind: ErrorKind) -> Fault {
    Fault::Fail { kind, message: None }
}

fn any_fault() -> impl Strategy<Value = FaultSpec> {
    let point = prop::sample::select(vec!["first_write", "write", "first_read", "read"]);
    let action = prop_oneof![
        (1_usize..60).prop_map(|bytes| vec![Fault::Short(bytes)]),
        (0_u64..9).prop_map(|millis| vec![Fault::Delay(Duration::from_millis(millis))]),
        (1_usize..60, 0_u64..9)
            .prop_map(|(bytes, millis)| { vec![Fault::Short(bytes), Fault::Delay(Duration::from_millis(millis))] }),
    ];
    (point, 0.1..=1.0_f64, action).prop_map(|(point, probability, then)| FaultSpec {
        point: format!("stream.db.{point}"),
        when: vec![Trigger::Probability(probability)],
        then,
        optional: true,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn bytes_arrive_unchanged_and_in_order(
        data in prop::collection::vec(any::<u8>(), 100..2000),
        (room, chunk, buffer) in (1_usize..90, 1_usize..300, 1_usize..90),
        faults in prop::collection::vec(any_fault(), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let t = Test::scoped();
        t.arm(&FaultPlan { faults });
        let short = t.fault("stream.db.write").short(7).arm();
        let (ours, theirs) = duplex(room);
        let write = async {
            let mut stream = FaultStream::new("db", ours);
            for chunk in data.chunks(chunk) {
                stream.write_all(chunk).await?;
            }
            stream.shutdown().await
        };
        let read = async {
            let (mut stream, mut got, mut part) = (FaultStream::new("db", theirs), Vec::new(), vec![0; buffer]);
            loop {
                match stream.read(&mut part).await? {
                    0 => return io::Result::Ok(got),
                    count => got.extend_from_slice(&part[..count]),
                }
            }
        };
        let (written, got) = runtime.block_on(async { tokio::join!(write, read) });
        prop_assert!(written.is_ok() && short.fired() > 0);
        prop_assert_eq!(got.unwrap(), data);
    }
}

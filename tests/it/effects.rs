//! What toxics do to bytes, in both directions, on connections that have carried bytes and on idle ones; judged by what
//! the two ends of a connection see.

use super::wire::*;
use qtests::{
    Scoped, Test,
    proxy::{
        ActiveToxic, Bandwidth, Blackhole, Corrupt, FaultProxy, Latency, Limit, Noop, Reset, Slicer, SlowClose, Stall,
        Timeout, Toxic, ToxicSpec, Truncate,
    },
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    panic,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// A connection through a proxy, seen along one direction.
struct Way {
    t: Scoped,
    wire: FaultProxy,
    sender: TcpStream,
    receiver: TcpStream,
    upstream: bool,
    /// Bytes that have gone this way already.
    before: u64,
}

impl Way {
    fn new(upstream: bool, live: bool) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (t, wire) = proxied(listener.local_addr().unwrap());
        let mut client = connect(wire.addr());
        let mut server = listener.accept().unwrap().0;
        server.set_nodelay(true).unwrap();
        server.set_read_timeout(Some(LIMIT)).unwrap();
        server.set_write_timeout(Some(LIMIT)).unwrap();
        if live {
            for _ in 0..2 {
                client.write_all(b"ping").unwrap();
                server.read_exact(&mut [0; 4]).unwrap();
                server.write_all(b"pong").unwrap();
                client.read_exact(&mut [0; 4]).unwrap();
            }
        }
        let (sender, receiver) = if upstream { (client, server) } else { (server, client) };
        Way { t, wire, sender, receiver, upstream, before: if live { 8 } else { 0 } }
    }

    fn add(&self, down: impl Into<Toxic>, up: impl Into<Toxic>) -> ActiveToxic {
        wait(self.wire.add(if self.upstream { up.into() } else { down.into() })).unwrap()
    }

    fn expect(&mut self, bytes: &[u8]) {
        let mut received = vec![0; bytes.len()];
        self.receiver.read_exact(&mut received).unwrap();
        assert!(received == bytes, "bytes were changed or reordered");
    }

    /// The other direction works.
    fn expect_back(&mut self) {
        self.receiver.write_all(b"back").unwrap();
        let mut back = [0; 4];
        self.sender.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"back");
    }

    fn expect_silence(&mut self) {
        self.receiver.set_read_timeout(Some(ms(30))).unwrap();
        let error = self.receiver.read(&mut [0; 1]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        self.receiver.set_read_timeout(Some(LIMIT)).unwrap();
    }

    fn expect_end(&mut self, end: Result<(), ErrorKind>) {
        for stream in [&mut self.receiver, &mut self.sender] {
            let (bytes, met) = read_all(stream);
            assert_eq!((bytes.len(), met.map_err(|error| error.kind())), (0, end));
        }
    }

    fn journal_has(&self, text: &str) -> bool {
        self.t.journal().iter().any(|line| line.contains(text))
    }
}

/// Each direction, each on a connection that is idle and on one that is not.
fn each_way(body: impl Fn(Way)) {
    for (upstream, live) in [(false, false), (false, true), (true, false), (true, true)] {
        body(Way::new(upstream, live));
    }
}

#[test]
fn bandwidth_is_kept_to_in_each_direction() {
    each_way(|mut way| {
        let toxic = way.add(Bandwidth::of(1_000_000), Bandwidth::of(1_000_000).upstream());
        let data = Random(5).bytes(200_000);
        let began = Instant::now();
        way.sender.write_all(&data).unwrap();
        way.expect(&data);
        let took = began.elapsed();
        assert!(took >= ms(200), "{took:?}");
        way.expect_back();
        assert!(toxic.met() > 0);
    });
}

#[test]
fn bandwidth_is_exact_over_seconds() {
    let mut way = Way::new(false, true);
    let _toxic = way.add(Bandwidth::of(1_000_000), Noop::new());
    let data = Random(5).bytes(2_000_000);
    let began = Instant::now();
    let (mut sender, sent) = (way.sender.try_clone().unwrap(), data.clone());
    let sending = thread::spawn(move || sender.write_all(&sent).unwrap());
    way.expect(&data);
    let took = began.elapsed();
    sending.join().unwrap();
    assert!(took >= Duration::from_secs(2), "{took:?}");
    // How late this machine is by itself just now.
    let slept = Instant::now();
    thread::sleep(ms(10));
    let late = slept.elapsed() - ms(10);
    if took >= Duration::from_micros(2_002_000) {
        println!("inconclusive unless this machine is idle: {took:?} for 2 s, with a wake-up {late:?} late");
    }
}

#[test]
fn only_the_end_is_late_with_a_slow_close() {
    each_way(|mut way| {
        let toxic = way.add(SlowClose::of(ms(80)), SlowClose::of(ms(80)).upstream());
        way.sender.write_all(b"abc").unwrap();
        way.expect(b"abc");
        assert_eq!(toxic.met(), 0, "bytes are not its affair");
        let closed = Instant::now();
        way.sender.shutdown(Shutdown::Write).unwrap();
        assert_eq!(way.receiver.read(&mut [0; 1]).unwrap(), 0);
        assert!(closed.elapsed() >= ms(80), "{:?}", closed.elapsed());
        way.expect_back();
        assert_eq!(toxic.met(), 1);
    });
}

#[test]
fn a_timeout_drops_everything_and_closes_in_time() {
    each_way(|mut way| {
        let armed = Instant::now();
        let toxic = way.add(Timeout::after(ms(150)), Timeout::after(ms(150)).upstream());
        let _ = way.sender.write_all(b"abc");
        way.expect_end(Ok(()));
        assert!(armed.elapsed() >= ms(150), "{:?}", armed.elapsed());
        eventually("the connection is counted", || toxic.met() > 0);
        eventually("it is told", || way.journal_has("closed conn 1 after"));
    });
}

#[test]
fn a_timeout_that_never_comes_closes_only_what_lost_bytes_when_it_is_removed() {
    each_way(|mut way| {
        let toxic = way.add(Timeout::never(), Timeout::never().upstream());
        way.sender.write_all(b"abc").unwrap();
        eventually("the bytes are dropped", || toxic.dropped() == 3);
        way.expect_back();
        wait(toxic.remove()).unwrap();
        way.expect_end(Ok(()));
    });
    each_way(|mut way| {
        let toxic = way.add(Timeout::never().optional(), Timeout::never().optional().upstream());
        wait(toxic.remove()).unwrap();
        way.sender.write_all(b"abc").unwrap();
        way.expect(b"abc");
    });
}

#[test]
fn a_slicer_keeps_bytes_and_order_and_its_delays() {
    each_way(|mut way| {
        let slicer = Slicer::of(100).variation(20).delay(ms(3));
        let toxic = way.add(slicer, slicer.upstream());
        let data = Random(9).bytes(1_000);
        let began = Instant::now();
        way.sender.write_all(&data).unwrap();
        way.expect(&data);
        // Of at most 120 bytes each: nine pieces at least, eight pauses.
        assert!(began.elapsed() >= ms(24), "{:?}", began.elapsed());
        eventually("it is met", || toxic.met() > 0);
    });
}

#[test]
fn a_limit_lets_exactly_so_many_bytes_pass_and_then_closes_resets_or_stalls() {
    each_way(|mut way| {
        let toxic = way.add(Limit::bytes(70_000), Limit::bytes(70_000).upstream());
        let data = Random(3).bytes(100_000);
        let _ = way.sender.write_all(&data);
        let (received, end) = read_all(&mut way.receiver);
        assert!(end.is_ok() && received == data[..70_000], "{} bytes, {end:?}", received.len());
        eventually("it is met", || toxic.met() == 1);
    });
    each_way(|mut way| {
        let toxic = way.add(Limit::bytes(5).stall(), Limit::bytes(5).stall().upstream());
        way.sender.write_all(b"abcdefgh").unwrap();
        way.expect(b"abcde");
        way.expect_silence();
        way.expect_back();
        wait(toxic.remove()).unwrap();
        way.expect(b"fgh");
        assert_eq!(toxic.met(), 1);
    });
    if cfg!(target_os = "linux") {
        each_way(|mut way| {
            way.add(Limit::bytes(5).reset(), Limit::bytes(5).reset().upstream());
            way.sender.write_all(b"abcdefgh").unwrap();
            way.expect(b"abcde");
            way.expect_end(Err(ErrorKind::ConnectionReset));
        });
    }
}

#[test]
fn exactly_the_named_byte_is_corrupted_and_the_journal_says_which() {
    each_way(|mut way| {
        let at = way.before + 5;
        let toxic = way.add(Corrupt::byte_at(at), Corrupt::byte_at(at).upstream());
        let mut received = [0; 9];
        for chunk in [&b"abc"[..], b"defg", b"hi"] {
            way.sender.write_all(chunk).unwrap();
        }
        way.receiver.read_exact(&mut received).unwrap();
        let changed: Vec<_> = (0..9).filter(|index| received[*index] != b"abcdefghi"[*index]).collect();
        assert_eq!(changed, [5]);
        eventually("it is counted", || toxic.corrupted() == 1 && toxic.met() == 1);
        let direction = if way.upstream { "upstream" } else { "downstream" };
        assert!(way.journal_has(&format!("corrupted byte {at} of conn 1 {direction}, by")), "{:#?}", way.t.journal());
    });
}

#[test]
fn a_blackhole_holds_the_sender_back_one_way_and_lets_all_arrive_once_it_is_gone() {
    each_way(|mut way| {
        let toxic = way.add(Blackhole::new().downstream(), Blackhole::new().upstream());
        way.sender.set_write_timeout(Some(ms(200))).unwrap();
        let data = Random(4).bytes(1_000_000);
        let mut sent = 0;
        // Systems keep some megabytes between two sockets.
        while let Ok(wrote) = way.sender.write(&data[sent % data.len()..]) {
            sent += wrote;
            assert!(sent < 256_000_000, "the sender is never held back");
        }
        assert!(sent > 0);
        way.expect_silence();
        way.expect_back();
        assert_eq!((toxic.met(), toxic.dropped()), (1, 0));
        wait(toxic.remove()).unwrap();
        way.sender.shutdown(Shutdown::Write).unwrap();
        let (received, end) = read_all(&mut way.receiver);
        end.unwrap();
        assert_eq!(received.len(), sent);
        assert!(received.chunks(data.len()).all(|chunk| chunk == &data[..chunk.len()]));
    });
}

#[test]
fn a_blackhole_that_drains_swallows_all_and_resets_what_lost_bytes() {
    each_way(|mut way| {
        let blackhole = Blackhole::new().draining();
        let toxic = way.add(blackhole.downstream(), blackhole.upstream());
        let data = vec![1; 1_000_000];
        for _ in 0..20 {
            way.sender.write_all(&data).unwrap();
        }
        eventually("all is dropped", || toxic.dropped() == 20_000_000);
        way.expect_silence();
        way.expect_back();
        wait(toxic.remove()).unwrap();
        way.expect_end(Err(ErrorKind::ConnectionReset));
    });
}

#[test]
fn a_message_is_cut_short() {
    each_way(|mut way| {
        let toxic = way.add(Truncate::to(5), Truncate::to(5).upstream());
        way.sender.write_all(b"hi").unwrap();
        way.expect(b"hi");
        way.sender.write_all(b"hello world").unwrap();
        way.expect(b"hello");
        way.expect_end(Ok(()));
        eventually("it is met", || toxic.met() == 1 && toxic.dropped() == 6);
    });
}

#[test]
fn a_stall_delays_what_is_behind_it_and_loses_nothing() {
    each_way(|mut way| {
        let stall = Stall::of(ms(70)).every(1_000);
        let toxic = way.add(stall, stall.upstream());
        let data = Random(8).bytes(3_500);
        let began = Instant::now();
        way.sender.write_all(&data).unwrap();
        way.expect(&data);
        // The runs count from the opening of the connection, so three of them may be cut off at both ends.
        assert!(began.elapsed() >= ms(140), "{:?}", began.elapsed());
        eventually("it is met", || toxic.met() >= 2);
    });
}

#[test]
fn a_latency_with_a_tail_is_never_below_its_least() {
    each_way(|mut way| {
        let tail = Latency::of(ms(20)).pareto(3.0);
        let toxic = way.add(tail, tail.upstream());
        for _ in 0..3 {
            let began = Instant::now();
            way.sender.write_all(b"abc").unwrap();
            way.expect(b"abc");
            assert!(began.elapsed() >= ms(20), "{:?}", began.elapsed());
        }
        eventually("it is met", || toxic.met() == 3);
    });
}

#[test]
fn noop_counts_and_probabilities_that_spared_all_are_not_vacuous() {
    each_way(|mut way| {
        let noop = way.add(Noop::new(), Noop::new().upstream());
        let spared = Stall::rto().probability(1e-12);
        let stall = way.add(spared, spared.upstream());
        let intact = way.add(Corrupt::bits(1e-12), Corrupt::bits(1e-12).upstream());
        way.sender.write_all(b"abc").unwrap();
        way.expect(b"abc");
        eventually("they are reached", || noop.met() == 1 && stall.fired() && intact.fired());
        assert_eq!((stall.met(), intact.met(), intact.corrupted()), (0, 0, 0));
        assert_eq!(wait(way.t.finish()).report(), None);
    });
}

#[test]
fn toxics_that_met_nothing_say_what_would_have_met_them() {
    let mut way = Way::new(false, true);
    let unmet: [Toxic; 6] = [
        Limit::bytes(100).into(),
        SlowClose::of(ms(1)).into(),
        Slicer::of(100).into(),
        Corrupt::byte_at(100).into(),
        Truncate::to(100).into(),
        Stall::rto().upstream().into(),
    ];
    for toxic in unmet {
        wait(way.wire.add(toxic)).unwrap();
    }
    way.sender.write_all(b"abc").unwrap();
    way.expect(b"abc");
    let report = wait(way.t.finish()).report().unwrap().to_owned();
    for text in [
        "no connection reached its limit",
        "no end of file met it",
        "no chunk was longer than a piece",
        "no byte came by that it was to change",
        "no chunk was longer than what it lets pass",
        "no byte came by at which it was to stall",
    ] {
        assert!(report.contains(&format!("never fired: {text}")), "{text}: {report}");
    }
}

#[test]
fn every_setting_out_of_range_is_refused_by_its_name() {
    let table: [(fn() -> Toxic, &str); 12] = [
        (|| Bandwidth::of(0).into(), "Bandwidth::of must be above 0, but is 0; Blackhole::new() lets nothing pass"),
        (|| Corrupt::bits(0.0).into(), "Corrupt::bits must be above 0.0 and at most 1.0, but is 0"),
        (|| Corrupt::bits(f64::NAN).into(), "Corrupt::bits must be above 0.0 and at most 1.0, but is NaN"),
        (|| Corrupt::every(0).into(), "Corrupt::every must be above 0, but is 0; 1 changes every byte"),
        (|| Latency::of(ms(1)).jitter(ms(2)).into(), "Latency::jitter must not be above the latency (1ms), but is 2ms"),
        (|| Latency::of(ms(1)).pareto(0.0).into(), "Latency::pareto must be above 0.0 and finite, but is 0"),
        (|| Limit::bytes(0).into(), "Limit::bytes must be above 0, but is 0; Timeout::after(Duration::ZERO) closes"),
        (|| Reset::after_bytes(0).into(), "Reset::after_bytes must be above 0, but is 0; Reset::now() resets"),
        (|| Slicer::of(0).into(), "Slicer::of must be above 0, but is 0; a piece is one byte at least"),
        (|| Slicer::of(5).variation(5).into(), "Slicer::variation must be below the average (5), but is 5"),
        (|| Stall::rto().every(0).into(), "Stall::every must be above 0, but is 0; 1 stalls at every byte"),
        (|| Stall::rto().probability(1.5).into(), "Stall::probability must be above 0.0 and at most 1.0, but is 1.5"),
    ];
    for (make, expected) in table {
        let panicked = panic::catch_unwind(make).unwrap_err();
        let text = panicked.downcast_ref::<String>().unwrap();
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn a_toxic_from_data_does_the_same() {
    let mut way = Way::new(false, false);
    let spec: ToxicSpec = serde_json::from_str(r#"{ "limit": { "bytes": 3 } }"#).unwrap();
    wait(way.wire.add(Toxic::try_from(spec).unwrap())).unwrap();
    way.sender.write_all(b"abcdef").unwrap();
    way.expect(b"abc");
    way.expect_end(Ok(()));
}

/// Toxics that change no byte, all different.
fn harmless(number: u64) -> Toxic {
    match number % 8 {
        0 => Latency::of(ms(1)).jitter(ms(1)).both().optional().into(),
        1 => Bandwidth::of(400_000_000).both().optional().into(),
        2 => Slicer::of(9_000).variation(3_000).both().optional().into(),
        3 => Stall::of(ms(1)).every(100_000).both().optional().into(),
        4 => Blackhole::new().optional().into(),
        5 => Limit::bytes(50_000).stall().both().optional().into(),
        6 => SlowClose::of(ms(1)).both().optional().into(),
        _ => Noop::new().both().optional().into(),
    }
}

#[test]
fn sixty_four_megabytes_each_way_stay_exact_while_toxics_come_and_go_a_thousand_times() {
    const BLOCK: usize = 64 * 1024;
    let t = Test::scoped();
    let wire = wait(t.proxy(echo())).unwrap();
    let random = Random(1).bytes(2 * BLOCK);
    let block = move |number: usize| random[number * 61 % BLOCK..][..BLOCK].to_vec();
    let (mut sender, mut receiver) = (connect(wire.addr()), None);
    receiver.replace(sender.try_clone().unwrap());
    let mut receiver = receiver.unwrap();
    // One block for each change of the toxics, and none waits for an answer.
    let (go, turns) = mpsc::channel();
    let data = block.clone();
    let sending = thread::spawn(move || {
        for turn in turns {
            sender.write_all(&data(turn)).unwrap();
        }
        sender.shutdown(Shutdown::Write).unwrap();
    });
    let receiving = thread::spawn(move || {
        let mut received = vec![0; BLOCK];
        for turn in 0..1_024 {
            receiver.read_exact(&mut received).unwrap();
            assert!(received == block(turn), "block {turn} was changed or reordered");
        }
        assert_eq!(receiver.read(&mut received).unwrap(), 0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut armed = std::collections::VecDeque::new();
        for turn in 0..1_024 {
            armed.push_back(wire.add(harmless(turn as u64 * 5 + turn as u64 / 8)).await.unwrap());
            go.send(turn).unwrap();
            if armed.len() > 3 {
                armed.pop_front().unwrap().remove().await.unwrap();
            }
        }
        for toxic in armed {
            toxic.remove().await.unwrap();
        }
    });
    drop(go);
    sending.join().unwrap();
    receiving.join().unwrap();
    let stats = wire.stats();
    assert_eq!((stats.upstream_bytes, stats.downstream_bytes), (64 << 20, 64 << 20));
    drop(t);
}

//! What toxics do to bytes, in both directions, on connections that have carried bytes and on idle ones; judged by what
//! the two ends of a connection see.

use super::wire::*;
use qtests::proxy::{
    Bandwidth, Blackhole, Corrupt, Latency, Limit, Noop, Slicer, SlowClose, Stall, Timeout, Toxic, ToxicSpec, Truncate,
};
use std::{
    io::{ErrorKind, Read, Write},
    net::Shutdown,
    time::Instant,
};

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
        eventually("it is met", || toxic.met() > 0);
    });
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
        let toxic = way.add(Timeout::never().optional(), Timeout::never().upstream().optional());
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
        eventually("it is met", || toxic.met() == 1);
        assert_eq!(toxic.dropped(), 0);
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
        // Two runs at least are whole: they count from the opening of the connection.
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
fn a_toxic_from_data_does_the_same() {
    let mut way = Way::new(false, false);
    let spec: ToxicSpec = serde_json::from_str(r#"{ "limit": { "bytes": 3 } }"#).unwrap();
    wait(way.wire.add(Toxic::try_from(spec).unwrap())).unwrap();
    way.sender.write_all(b"abcdef").unwrap();
    way.expect(b"abc");
    way.expect_end(Ok(()));
}

#[test]
fn an_end_that_was_dropped_arrives_when_its_toxic_goes_although_another_one_stays() {
    each_way(|mut way| {
        way.add(Noop::new().both().optional(), Noop::new().both().optional());
        let timeout = way.add(Timeout::never(), Timeout::never().upstream());
        way.sender.shutdown(Shutdown::Write).unwrap();
        eventually("it is met", || timeout.met() == 1);
        wait(timeout.remove()).unwrap();
        assert_eq!(way.receiver.read(&mut [0; 1]).unwrap(), 0);
        way.expect_back();
    });
}

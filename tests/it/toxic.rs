//! What each toxic does, judged by what a client and a server see.

use super::wire::*;
use qtests::proxy::{Down, Latency, Reset};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

#[test]
fn a_reset_hits_live_idle_and_new_connections_and_leaves_nothing_behind() {
    let (t, wire) = proxied(echo());
    let mut busy = connect(wire.addr());
    ping(&mut busy).unwrap();
    let mut idle = connect(wire.addr());
    eventually("both are accepted", || wire.connections() == 2);
    let reset = wait(wire.add(Reset::now())).unwrap();
    assert_eq!(wire.connections(), 0);
    for stream in [&mut busy, &mut idle] {
        assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(first_read(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionReset);
    eventually("three were met", || reset.met() == 3);
    wait(reset.remove()).unwrap();
    let mut after = connect(wire.addr());
    ping(&mut after).unwrap();
    after.shutdown(Shutdown::Write).unwrap();
    assert_eq!(after.read(&mut [0; 1]).unwrap(), 0, "an ordinary close must not be a reset");
    assert!(t.journal().iter().any(|line| line.contains("reset conn 1 after 4 bytes")), "{:#?}", t.journal());
    drop(t);
}

#[test]
fn a_reset_in_time_counts_from_arming_and_from_accepting() {
    let (t, wire) = proxied(echo());
    let mut live = connect(wire.addr());
    ping(&mut live).unwrap();
    thread::sleep(ms(80));
    let armed = Instant::now();
    wait(wire.add(Reset::after(ms(60)))).unwrap();
    assert_eq!(live.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(armed.elapsed() >= ms(60), "{:?}", armed.elapsed());
    let opened = Instant::now();
    // Nothing but time is asked of it: on a busy machine the reset may come before any answer.
    assert_eq!(first_read(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(opened.elapsed() >= ms(59), "{:?}", opened.elapsed());
    drop(t);
}

#[test]
#[cfg(target_os = "linux")] // Elsewhere nobody can ask what a peer has taken.
fn a_reset_after_bytes_delivers_exactly_so_many() {
    let source = server(|mut stream| {
        let data: Vec<_> = (0..3_000_000_u32).map(|index| index as u8).collect();
        let _ = stream.write_all(&data);
        let _ = stream.read(&mut [0; 1]);
    });
    for limit in [1, 999, 65_536, 65_537, 2_500_000] {
        let (t, wire) = proxied(source);
        let toxic = wait(wire.add(Reset::after_bytes(limit))).unwrap();
        let mut client = connect(wire.addr());
        let mut received: Vec<u8> = Vec::new();
        let mut buffer = [0; 30_000];
        let end = loop {
            match client.read(&mut buffer) {
                Ok(0) => break None,
                Ok(read) => received.extend(&buffer[..read]),
                Err(error) => break Some(error.kind()),
            }
            thread::sleep(ms(1));
        };
        assert_eq!(received.len() as u64, limit);
        assert!(received.iter().enumerate().all(|(index, byte)| *byte == index as u8));
        assert_eq!(end, Some(ErrorKind::ConnectionReset));
        eventually("it is met", || toxic.met() == 1);
        let line = format!("reset conn 1 after {limit} bytes down and 0 up");
        eventually("it is told", || t.journal().iter().any(|told| told.contains(&line)));
        drop(t);
    }
}

#[test]
fn a_reset_counts_the_direction_that_it_was_told_to() {
    let (tell, told) = std::sync::mpsc::channel();
    let sink = server(move |mut stream| {
        stream.set_nodelay(true).unwrap();
        let _ = stream.write_all(b"hello");
        let (received, end) = read_all(&mut stream);
        let _ = tell.send((received.len(), end.err().map(|error| error.kind())));
    });
    for (toxic, expected) in
        [(Reset::after_bytes(70_000).upstream(), 70_000), (Reset::after_bytes(70_000).both(), 70_000)]
    {
        let (t, wire) = proxied(sink);
        wait(wire.add(toxic)).unwrap();
        let mut client = connect(wire.addr());
        client.read_exact(&mut [0; 5]).unwrap();
        let _ = client.write_all(&[1; 500_000]);
        assert_eq!(told.recv_timeout(LIMIT).unwrap(), (expected, Some(ErrorKind::ConnectionReset)));
        drop(t);
    }
}

#[test]
#[cfg(target_os = "linux")] // Elsewhere nobody can ask what a peer has taken.
fn a_reset_of_a_peer_that_does_not_read_comes_all_the_same() {
    let flood = server(|mut stream| while stream.write_all(&[0; 65_536]).is_ok() {});
    let (t, wire) = proxied(flood);
    let toxic = wait(wire.add(Reset::after_bytes(3_000_000))).unwrap();
    let deaf = connect(wire.addr());
    eventually("it is reset", || toxic.met() == 1);
    assert!(t.journal().iter().any(|line| line.contains("conn 1 loses bytes")), "{:#?}", t.journal());
    drop(deaf);
    drop(t);
}

#[test]
fn a_server_that_is_down_refuses_keeps_its_port_and_comes_back() {
    let (t, wire) = proxied(echo());
    for round in 0..10 {
        let mut live = connect(wire.addr());
        ping(&mut live).unwrap();
        let down = wait(wire.add(Down::new())).unwrap();
        assert_eq!(live.read(&mut [0; 1]).unwrap(), 0, "an end of file, not a reset");
        assert_eq!(wire.connections(), 0);
        for _ in 0..3 {
            assert_eq!(TcpStream::connect(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        }
        if cfg!(target_os = "linux") {
            assert_eq!(TcpListener::bind(wire.addr()).unwrap_err().kind(), ErrorKind::AddrInUse);
        }
        // The connection of the round before may still be closing.
        assert!((1..=2).contains(&down.met()), "round {round}: met {}", down.met());
        wait(down.remove()).unwrap();
        wait(down.remove()).unwrap();
        ping(&mut connect(wire.addr())).unwrap();
    }
    drop(t);
}

#[test]
fn a_server_stays_down_until_the_last_down_is_removed() {
    let (t, wire) = proxied(echo());
    let first = wait(wire.add(Down::new().optional())).unwrap();
    let second = wait(wire.add(Down::new().optional())).unwrap();
    wait(first.remove()).unwrap();
    assert_eq!(TcpStream::connect(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert!(second.fired(), "a refused connect is taken as a meeting");
    wait(second.remove()).unwrap();
    ping(&mut connect(wire.addr())).unwrap();
    drop(t);
}

#[test]
fn a_refusal_alone_is_enough_for_down_to_have_fired() {
    let (t, wire) = proxied(echo());
    let down = wait(wire.add(Down::new())).unwrap();
    TcpStream::connect(wire.addr()).unwrap_err();
    assert!(down.fired());
    drop(t);
}

#[test]
fn latency_is_what_was_asked_for() {
    let (t, wire) = proxied(echo());
    let plain = wait(t.proxy(echo())).unwrap();
    let (mut client, mut bystander) = (connect(wire.addr()), connect(plain.addr()));
    let toxic = wait(wire.add(Latency::of(ms(10)))).unwrap();
    let (mut took, mut lateness) = (Vec::new(), Vec::new());
    for _ in 0..40 {
        took.push(ping(&mut client).unwrap());
        // How late this machine is by itself just now: the same way and the same wait, without the toxic.
        let slept = Instant::now();
        thread::sleep(ms(10));
        ping(&mut bystander).unwrap();
        lateness.push(slept.elapsed() - ms(10));
    }
    assert!(took.iter().all(|took| *took >= ms(10)), "never early: {took:?}");
    assert_eq!(toxic.met(), 40);
    took.sort();
    lateness.sort();
    let (median, late) = (took[20], lateness[30]);
    if late > Duration::from_micros(700) {
        println!("inconclusive: a quarter of this machine's wake-ups are {late:?} late");
    } else {
        assert!(median < ms(12), "the median ping took {median:?}, with a quarter of the wake-ups {late:?} late");
    }
    drop(t);
}

#[test]
fn chunks_in_a_row_are_delayed_side_by_side() {
    let (t, wire) = proxied(echo());
    wait(wire.add(Latency::of(ms(100)).both())).unwrap();
    let mut client = connect(wire.addr());
    let start = Instant::now();
    for chunk in 0..100_u8 {
        client.write_all(&[chunk]).unwrap();
        thread::sleep(ms(2));
    }
    let mut reply = [0; 100];
    client.read_exact(&mut reply).unwrap();
    assert!(reply.iter().enumerate().all(|(index, byte)| usize::from(*byte) == index));
    let took = start.elapsed();
    assert!(took >= ms(400), "{took:?}");
    // One after the other they would take 20 s.
    assert!(took < ms(5_000), "{took:?}");
    drop(t);
}

#[test]
fn removing_a_latency_releases_what_it_held_at_once_and_in_order() {
    let (t, wire) = proxied(echo());
    let slow = wait(wire.add(Latency::of(Duration::MAX))).unwrap();
    let mut client = connect(wire.addr());
    for chunk in 0..20_u8 {
        client.write_all(&[chunk; 10]).unwrap();
        thread::sleep(ms(1));
    }
    client.shutdown(Shutdown::Write).unwrap();
    eventually("something is held", || slow.met() > 0);
    client.set_read_timeout(Some(ms(50))).unwrap();
    assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.set_read_timeout(Some(LIMIT)).unwrap();
    wait(slow.remove()).unwrap();
    let (reply, end) = read_all(&mut client);
    end.unwrap();
    assert_eq!(reply, (0..20_u8).flat_map(|chunk| [chunk; 10]).collect::<Vec<_>>());
    let met = t.journal().iter().filter(|line| line.contains("met conn 1 (downstream) after 0 bytes that way")).count();
    assert_eq!(met, 1, "{:#?}", t.journal());
    drop(t);
}

#[test]
fn a_toxic_that_nothing_met_is_found_and_an_optional_one_is_not() {
    let (t, wire) = proxied(echo());
    let mut client = connect(wire.addr());
    ping(&mut client).unwrap();
    wait(wire.add(Latency::of(ms(5)))).unwrap();
    wait(wire.add(Reset::after(LIMIT * 2).optional())).unwrap();
    let removed = wait(wire.add(Reset::after_bytes(1_000))).unwrap();
    wait(removed.remove()).unwrap();
    let down = wait(wire.add(Latency::of(ms(1)).both())).unwrap();
    assert!(!down.fired());
    let report = wait(t.finish()).report().unwrap().to_owned();
    assert_eq!(report.matches("never fired: ").count(), 3, "{report}");
    assert!(report.contains("`latency 5ms downstream`, armed at tests/it/"), "{report}");
    assert!(report.contains("never fired: it met no bytes and no connection"), "{report}");
    assert!(
        report.contains("`reset after 1000 bytes downstream`") && report.contains("it reset no connection"),
        "{report}"
    );
}

#[test]
#[should_panic(expected = "Latency::jitter must not be above the latency (1ms), but is 2ms")]
fn jitter_above_the_latency_is_refused() {
    let _ = Latency::of(ms(1)).jitter(ms(2));
}

#[test]
#[should_panic(expected = "Reset::both is for Reset::after_bytes only")]
fn a_reset_in_time_has_no_direction() {
    let _ = Reset::after(ms(1)).both();
}

#[test]
#[should_panic(expected = "Reset::after_bytes must be above 0")]
fn a_reset_after_no_bytes_is_refused() {
    let _ = Reset::after_bytes(0);
}

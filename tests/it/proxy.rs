//! The fault proxy, from outside: real sockets on loopback, judged by what a client and a server see.

use super::wire::*;
use qtests::{
    Test,
    proxy::{Down, Latency, Reset},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener},
    thread,
    time::Instant,
};

#[test]
fn bytes_stay_exact_on_many_connections_while_toxics_come_and_go() {
    let (t, wire) = proxied(echo());
    let addr = wire.addr();
    let clients: Vec<_> = (1..=6).map(|seed| thread::spawn(move || exchange(addr, seed, 1_500_000))).collect();
    let mut rounds = 0;
    while !clients.iter().all(thread::JoinHandle::is_finished) {
        rounds += 1;
        let first = wait(wire.add(Latency::of(ms(3)).jitter(ms(3)).both().optional())).unwrap();
        let second = wait(wire.add(Latency::of(ms(2)).upstream().optional())).unwrap();
        thread::sleep(ms(5));
        wait(first.remove()).unwrap();
        wait(second.remove()).unwrap();
        thread::sleep(ms(rounds % 4));
    }
    clients.into_iter().for_each(|client| client.join().unwrap());
    eventually("all connections are closed", || wire.connections() == 0);
    let stats = wire.stats();
    assert_eq!((stats.accepted, stats.upstream_bytes, stats.downstream_bytes), (6, 9_000_000, 9_000_000));
    drop(t);
}

#[test]
fn a_client_that_shut_its_write_side_still_reads_the_reply() {
    let (t, wire) = proxied(summing());
    for round in 0..3 {
        if round == 1 {
            wait(wire.add(Latency::of(ms(20)).jitter(ms(20)).both())).unwrap();
        }
        let mut client = connect(wire.addr());
        client.write_all(&[7; 10_000]).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let (reply, end) = read_all(&mut client);
        end.unwrap();
        assert_eq!(reply, b"got 10000");
    }
    drop(t);
}

#[test]
fn control_calls_can_be_awaited_on_any_runtime() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let t = Test::scoped();
    let wire = wait(sendable(t.proxy(echo()))).unwrap();
    let slow = wait(sendable(wire.add(Latency::of(ms(1)).optional()))).unwrap();
    wait(sendable(slow.remove())).unwrap();
    drop(t);
}

#[test]
fn a_hundred_connections_are_served_at_once() {
    let (t, wire) = proxied(echo());
    wait(wire.add(Latency::of(ms(50)))).unwrap();
    let start = Instant::now();
    let mut clients: Vec<_> = (0..100).map(|_| connect(wire.addr())).collect();
    clients.iter_mut().for_each(|client| client.write_all(b"ping").unwrap());
    for client in &mut clients {
        let mut reply = [0; 4];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"ping");
    }
    assert_eq!(wire.connections(), 100);
    // One after the other they would take 5 s.
    assert!(start.elapsed() < ms(4_000), "{:?}", start.elapsed());
    drop(clients);
    eventually("all are closed", || wire.connections() == 0);
    drop(t);
}

#[test]
fn a_client_that_never_reads_holds_back_its_server_and_nobody_else() {
    let flood = server(|mut stream| {
        let mut first = [0; 1];
        if stream.read_exact(&mut first).is_ok() && first[0] == b'p' {
            let _ = stream.write_all(&first);
            return;
        }
        while stream.write_all(&[0; 65_536]).is_ok() {}
    });
    let (t, wire) = proxied(flood);
    for toxic in [None, Some(Latency::of(ms(1)))] {
        if let Some(latency) = toxic {
            wait(wire.add(latency)).unwrap();
        }
        let before = wire.stats().downstream_bytes;
        let mut deaf = connect(wire.addr());
        deaf.write_all(b"f").unwrap();
        let mut last = 0;
        eventually("the flood stands still", || {
            thread::sleep(ms(100));
            let now = wire.stats().downstream_bytes;
            now > before && now == std::mem::replace(&mut last, now)
        });
        assert!(last - before < 64 << 20, "{} bytes went to a client that does not read", last - before);
        let mut other = connect(wire.addr());
        other.write_all(b"p").unwrap();
        other.read_exact(&mut [0; 1]).unwrap();
        // Control calls do not wait for it either.
        let reset = wait(wire.add(Reset::now())).unwrap();
        eventually("nobody is left", || wire.connections() == 0);
        wait(reset.remove()).unwrap();
    }
    drop(t);
}

#[test]
fn the_end_of_the_test_stops_live_traffic_at_once() {
    let (t, wire) = proxied(echo());
    let late = Test::clone(&t);
    let toxic = wait(wire.add(Latency::of(ms(1)))).unwrap();
    let addr = wire.addr();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            thread::spawn(move || {
                let mut client = connect(addr);
                while ping(&mut client).is_ok() {}
            })
        })
        .collect();
    eventually("there is traffic", || toxic.met() > 20);
    let start = Instant::now();
    drop(t);
    assert!(start.elapsed() < ms(1_000), "{:?}", start.elapsed());
    clients.into_iter().for_each(|client| client.join().unwrap());
    // The port itself may be a neighbour's by now.
    assert!(wait(wire.add(Down::new())).unwrap_err().to_string().contains("the test is over"));
    assert!(wait(toxic.remove()).unwrap_err().to_string().contains("the test is over"));
    assert!(wait(late.proxy(addr)).unwrap_err().is_ended());
    assert_eq!(wire.connections(), 0);
}

#[test]
fn an_absent_server_is_told_in_the_journal_and_may_come_later() {
    let later = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let (t, wire) = proxied(later);
    assert_eq!(first_read(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let line = format!("upstream {later} refused the connection (is the server running?)");
    eventually("it is told", || t.journal().iter().any(|told| told.contains(&line)));
    let Ok(server) = TcpListener::bind(later) else {
        return println!("inconclusive: somebody else took the port");
    };
    let mut client = connect(wire.addr());
    server.accept().unwrap().0.write_all(b"here").unwrap();
    client.read_exact(&mut [0; 4]).unwrap();
    drop(t);
}

#[test]
fn an_upstream_that_is_no_address_is_refused() {
    let t = Test::scoped();
    for upstream in ["", "nonsense", ":80", "host:", "127.0.0.1:99999"] {
        let error = wait(t.proxy(upstream)).unwrap_err().to_string();
        assert_eq!(error, format!("upstream `{upstream}` is not of the form host:port"));
    }
    let error = wait(t.proxy("no.such.host.invalid:1")).unwrap_err().to_string();
    assert_eq!(error, "upstream `no.such.host.invalid:1` cannot be resolved");
    let by_name = wait(t.proxy(format!("localhost:{}", echo().port()))).unwrap();
    ping(&mut connect(by_name.addr())).unwrap();
    drop(t);
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_is_refused() {
    let t = Test::scoped();
    let error = t.proxy(echo()).await.unwrap_err();
    assert!(error.is_paused_clock() && error.to_string().contains("remove `paused` from #[qtest]"), "{error}");
}

#[test]
fn the_proxy_outlives_its_handles_and_tells_two_of_them_apart() {
    let (t, wire) = proxied(echo());
    let second = wait(t.proxy(echo())).unwrap();
    let (first, other) = (wire.addr(), second.addr());
    drop(wait(wire.add(Latency::of(ms(30)))).unwrap());
    drop((wire, second));
    assert!(ping(&mut connect(first)).unwrap() >= ms(30));
    assert!(ping(&mut connect(other)).unwrap() < LIMIT);
    let journal = t.journal();
    assert!(journal.iter().any(|line| line.contains("s proxy    conn 1 from 127.0.0.1:")), "{journal:#?}");
    assert!(journal.iter().any(|line| line.contains("s proxy    proxy 2: conn 1 from 127.0.0.1:")), "{journal:#?}");
    drop(t);
}

#[test]
fn a_servers_own_reset_reaches_the_client() {
    let rude = server(|mut stream| {
        // Closing with unread bytes is a reset.
        let _ = stream.read(&mut [0; 1]);
    });
    let (t, wire) = proxied(rude);
    let mut client = connect(wire.addr());
    client.write_all(b"two").unwrap();
    assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    drop(t);
}

#[test]
fn the_answer_of_a_server_that_reads_no_further_arrives_before_its_reset() {
    // It answers while unread bytes wait, as servers do with uploads that are too large: its system resets at once.
    let server = server(|mut stream| {
        stream.read_exact(&mut [0; 1_000]).unwrap();
        stream.write_all(b"413 too large").unwrap();
    });
    let (t, wire) = proxied(server);
    for _ in 0..50 {
        let mut client = connect(wire.addr());
        let mut writer = client.try_clone().unwrap();
        let upload = thread::spawn(move || while writer.write_all(&[7; 64 * 1024]).is_ok() {});
        let (answer, _) = read_all(&mut client);
        assert_eq!(String::from_utf8_lossy(&answer), "413 too large");
        upload.join().unwrap();
    }
    wait(t.finish()).assert();
}

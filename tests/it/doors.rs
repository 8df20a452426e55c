//! Who gets in at a proxy, how connections end or stand still, and that nothing is lost where nothing is to be.

use super::wire::*;
use qtests::{
    Test,
    proxy::{AcceptDelay, Close, Down, HalfOpen, NoConnect, Partition, Refuse, Reset},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

fn gets_nothing(client: &mut TcpStream) -> bool {
    client.set_read_timeout(Some(ms(60))).unwrap();
    let nothing = client.read(&mut [0; 1]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    client.set_read_timeout(Some(LIMIT)).unwrap();
    nothing
}

#[test]
fn a_server_that_refuses_keeps_whom_it_has() {
    let (t, wire) = proxied(echo());
    let mut live = connect(wire.addr());
    ping(&mut live).unwrap();
    let refuse = wait(wire.add(Refuse::new())).unwrap();
    assert_eq!(TcpStream::connect(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    ping(&mut live).unwrap();
    assert!(refuse.fired());
    wait(refuse.remove()).unwrap();
    ping(&mut live).unwrap();
    ping(&mut connect(wire.addr())).unwrap();
    wait(t.finish()).assert();
}

#[test]
fn a_server_that_is_killed_resets_whom_it_has() {
    let (t, wire) = proxied(echo());
    let (mut busy, mut idle) = (connect(wire.addr()), connect(wire.addr()));
    ping(&mut busy).unwrap();
    eventually("both are accepted", || wire.connections() == 2);
    let down = wait(wire.add(Down::new().reset())).unwrap();
    for client in [&mut busy, &mut idle] {
        assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
    assert_eq!(TcpStream::connect(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!((down.met(), wire.stats().reset), (2, 2));
    wait(t.finish()).assert();
}

#[test]
fn a_server_that_freezes_keeps_its_connections_and_loses_nothing() {
    let (t, wire) = proxied(echo());
    let mut live = connect(wire.addr());
    ping(&mut live).unwrap();
    let down = wait(wire.add(Down::new().freeze())).unwrap();
    assert_eq!(TcpStream::connect(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    live.write_all(b"kept").unwrap();
    assert!(gets_nothing(&mut live));
    assert_eq!(wire.stats().upstream_bytes, 4);
    wait(down.remove()).unwrap();
    let mut reply = [0; 4];
    live.read_exact(&mut reply).unwrap();
    assert_eq!((&reply, down.met()), (b"kept", 1));
    wait(t.finish()).assert();
}

#[test]
fn a_late_accept_connects_at_once_and_answers_late() {
    let (t, wire) = proxied(echo());
    let mut live = connect(wire.addr());
    ping(&mut live).unwrap();
    let late = wait(wire.add(AcceptDelay::of(ms(80)))).unwrap();
    let began = Instant::now();
    let mut client = connect(wire.addr());
    ping(&mut client).unwrap();
    assert!(began.elapsed() >= ms(80), "{:?}", began.elapsed());
    ping(&mut live).unwrap();
    assert_eq!(late.met(), 1);
    wait(late.remove()).unwrap();
    // Removing it lets in who waits.
    let ever = wait(wire.add(AcceptDelay::of(Duration::MAX))).unwrap();
    let mut waits = connect(wire.addr());
    waits.write_all(b"ping").unwrap();
    eventually("it is accepted", || ever.met() == 1);
    assert!(gets_nothing(&mut waits));
    wait(ever.remove()).unwrap();
    waits.read_exact(&mut [0; 4]).unwrap();
    wait(t.finish()).assert();
}

#[test]
#[cfg(target_os = "linux")] // Elsewhere it is refused.
fn connecting_hangs_and_heals() {
    let (t, wire) = proxied(echo());
    let mut live = connect(wire.addr());
    ping(&mut live).unwrap();
    let hang = wait(wire.add(NoConnect::new())).unwrap();
    for _ in 0..3 {
        let error = TcpStream::connect_timeout(&wire.addr(), ms(100)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
    assert!(hang.fired());
    ping(&mut live).unwrap();
    let addr = wire.addr();
    let patient = thread::spawn(move || ping(&mut connect(addr)).unwrap());
    wait(hang.remove()).unwrap();
    ping(&mut connect(wire.addr())).unwrap();
    patient.join().unwrap();
    eventually("nobody of the proxy's own is left", || wire.stats().accepted == 3);
    wait(t.finish()).assert();
}

#[test]
#[cfg(target_os = "linux")] // Elsewhere it is refused.
fn the_strictest_door_counts_and_each_way_back_works() {
    let (t, wire) = proxied(echo());
    for _ in 0..20 {
        let hang = wait(wire.add(NoConnect::new().optional())).unwrap();
        let refuse = wait(wire.add(Refuse::new().optional())).unwrap();
        assert_eq!(TcpStream::connect(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        wait(refuse.remove()).unwrap();
        assert_eq!(TcpStream::connect_timeout(&wire.addr(), ms(20)).unwrap_err().kind(), ErrorKind::TimedOut);
        wait(hang.remove()).unwrap();
        ping(&mut connect(wire.addr())).unwrap();
    }
    wait(t.finish()).assert();
}

#[test]
fn a_close_ends_in_an_end_of_file_while_data_flows() {
    let flood = server(|mut stream| while stream.write_all(&[7; 8192]).is_ok() {});
    let (t, wire) = proxied(flood);
    let mut live = connect(wire.addr());
    live.read_exact(&mut [0; 1000]).unwrap();
    let began = Instant::now();
    let close = wait(wire.add(Close::after(ms(50)))).unwrap();
    for mut client in [live, connect(wire.addr())] {
        let (data, end) = read_all(&mut client);
        end.expect("an end of file, not a reset");
        assert!(data.iter().all(|byte| *byte == 7));
        assert!(began.elapsed() >= ms(50), "{:?}", began.elapsed());
    }
    eventually("both were met", || close.met() == 2 && wire.stats().closed == 2);
    let mut idle = connect(wire.addr());
    let (_, end) = read_all(&mut idle);
    end.unwrap();
    wait(t.finish()).assert();
}

#[test]
fn a_half_open_connection_is_closed_for_the_server_alone() {
    let (tell, ended) = std::sync::mpsc::channel();
    let watched = server(move |mut stream| {
        let (data, end) = read_all(&mut stream);
        let _ = tell.send((data, end.is_ok()));
    });
    let (t, wire) = proxied(watched);
    let mut live = connect(wire.addr());
    live.write_all(b"before").unwrap();
    eventually("it has passed", || wire.stats().upstream_bytes == 6);
    let half = wait(wire.add(HalfOpen::new())).unwrap();
    assert_eq!(ended.recv_timeout(LIMIT).unwrap(), (b"before".to_vec(), true));
    let mut new = connect(wire.addr());
    for client in [&mut live, &mut new] {
        client.write_all(b"nobody hears this").unwrap();
        assert!(gets_nothing(client));
    }
    eventually("it is dropped", || wire.stats().upstream_dropped == 34);
    assert_eq!((half.met(), wire.connections()), (2, 2));
    wait(half.remove()).unwrap();
    assert!(gets_nothing(&mut live), "a server that is back says nothing by itself");
    live.write_all(b"hello?").unwrap();
    assert_eq!(live.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    // Another toxic ends what is half open.
    wait(wire.add(Reset::now())).unwrap();
    assert_eq!(new.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    wait(t.finish()).assert();
}

#[test]
fn a_second_half_open_does_not_end_the_first() {
    let (t, wire) = proxied(echo());
    let mut client = connect(wire.addr());
    ping(&mut client).unwrap();
    wait(wire.add(HalfOpen::new())).unwrap();
    wait(wire.add(HalfOpen::new().optional())).unwrap();
    assert!(gets_nothing(&mut client));
    let down = wait(wire.add(Down::new())).unwrap();
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(down.met(), 1);
    wait(t.finish()).assert();
}

#[test]
fn a_partition_loses_nothing_of_live_and_new_connections() {
    let (t, wire) = proxied(echo());
    let mut live = connect(wire.addr());
    ping(&mut live).unwrap();
    let partition = wait(wire.partition()).unwrap();
    let mut new = connect(wire.addr());
    for client in [&mut live, &mut new] {
        client.write_all(b"late").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(gets_nothing(client));
    }
    assert_eq!((partition.met(), wire.stats().upstream_read), (2, 4));
    wait(partition.remove()).unwrap();
    for client in [&mut live, &mut new] {
        let (reply, end) = read_all(client);
        end.unwrap();
        assert_eq!(reply, b"late");
    }
    wait(t.finish()).assert();
}

#[test]
fn a_one_way_partition_lets_the_other_way_pass() {
    let talker = server(|mut stream| {
        stream.set_nodelay(true).unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(ms(1));
        }
    });
    let (t, wire) = proxied(talker);
    let mut client = connect(wire.addr());
    client.read_exact(&mut [0; 1]).unwrap();
    let cut = wait(wire.add(Partition::new().upstream())).unwrap();
    client.write_all(b"unheard").unwrap();
    client.read_exact(&mut [0; 50]).unwrap();
    assert_eq!(wire.stats().upstream_bytes, 0);
    wait(cut.remove()).unwrap();
    eventually("it is heard", || wire.stats().upstream_bytes == 7);
    wait(t.finish()).assert();
}

#[test]
fn several_proxies_are_partitioned_and_healed_together() {
    let t = Test::scoped();
    let wires = [wait(t.proxy(echo())).unwrap(), wait(t.proxy(echo())).unwrap()];
    let mut clients: Vec<_> = wires.iter().map(|wire| connect(wire.addr())).collect();
    for client in &mut clients {
        ping(client).unwrap();
    }
    let partition = wait(t.partition(&[&wires[0], &wires[1]])).unwrap();
    for client in &mut clients {
        client.write_all(b"ping").unwrap();
        assert!(gets_nothing(client));
    }
    assert_eq!(partition.met(), 2);
    wait(partition.heal()).unwrap();
    clients.iter_mut().for_each(|client| client.read_exact(&mut [0; 4]).unwrap());
    assert!(wait(t.partition(&[])).unwrap_err().is_invalid());
    wait(t.finish()).assert();
}

//! How a proxy is asked for: names, addresses, Unix sockets, toxics from the start, absent servers.

use super::wire::*;
use qtests::{
    Test,
    proxy::{Down, Latency, Reset, Upstream, WhenDown},
};
use std::{
    io::{ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    thread,
};

fn unix_echo(dir: &Path) -> PathBuf {
    let path = dir.join("server");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    path
}

fn unix_ping(path: &Path) -> UnixStream {
    let mut client = UnixStream::connect(path).unwrap();
    client.set_read_timeout(Some(LIMIT)).unwrap();
    client.write_all(b"ping").unwrap();
    client.read_exact(&mut [0; 4]).unwrap();
    client
}

#[test]
fn a_named_proxy_is_called_by_its_name_and_stands_once() {
    let t = Test::scoped();
    let payments = wait(t.proxy(echo()).named("payments")).unwrap();
    assert_eq!(payments.name(), Some("payments"));
    let error = wait(t.proxy(echo()).named("payments")).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("has a proxy `payments` already"), "{error}");
    wait(t.proxy(echo()).named("mail")).unwrap();
    wait(payments.add(Latency::of(ms(1)))).unwrap();
    assert!(t.journal().iter().any(|line| line.contains("proxy    payments: armed `latency")), "{:#?}", t.journal());
    let report = wait(t.finish()).report().unwrap().to_owned();
    assert!(report.contains("on the proxy `payments`, 127.0.0.1:"), "{report}");
    // Another test has names of its own.
    let other = Test::scoped();
    wait(other.proxy(echo()).named("payments")).unwrap();
}

#[test]
fn a_toxic_from_the_start_meets_the_first_client() {
    let t = Test::scoped();
    let wire = wait(t.proxy(echo()).with(Reset::now().first(1)).with(Latency::of(ms(30)))).unwrap();
    first_read(wire.addr()).unwrap_err();
    assert!(ping(&mut connect(wire.addr())).unwrap() >= ms(30));
    let toxics = wire.toxics();
    assert_eq!(toxics.len(), 2);
    wait(toxics[1].remove()).unwrap();
    assert_eq!(wire.toxics().len(), 1);
    let down = wait(t.proxy(echo()).with(Down::new())).unwrap();
    assert_eq!(TcpStream::connect(down.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    wait(t.finish()).assert();
}

#[test]
fn a_toxic_that_cannot_be_armed_leaves_no_proxy() {
    let t = Test::scoped();
    let nonsense = qtests::proxy::Toxic::from(Down::new()).first(1);
    assert!(wait(t.proxy(echo()).named("x").with(nonsense)).unwrap_err().is_invalid());
    wait(t.proxy(echo()).named("x")).unwrap();
    wait(t.finish()).assert();
}

#[test]
fn a_proxy_listens_where_it_is_told() {
    let t = Test::scoped();
    if TcpListener::bind("[::1]:0").is_ok() {
        let six = wait(t.proxy(echo()).on("[::1]:0")).unwrap();
        assert!(six.addr().is_ipv6());
        ping(&mut connect(six.addr())).unwrap();
    } else {
        println!("inconclusive: this machine has no IPv6");
    }
    let other = wait(t.proxy(echo()).on(Ipv4Addr::new(127, 0, 0, 2))).unwrap();
    assert_eq!(other.addr().ip(), Ipv4Addr::new(127, 0, 0, 2));
    ping(&mut connect(other.addr())).unwrap();
    for taken in [other.addr(), echo()] {
        let error = wait(t.proxy(echo()).on(taken)).unwrap_err();
        assert!(error.to_string().contains(&format!("cannot listen on {taken}: the port is in use")), "{error}");
    }
    // Also while it refuses.
    let down = wait(other.add(Down::new().optional())).unwrap();
    wait(t.proxy(echo()).on(other.addr())).unwrap_err();
    wait(down.remove()).unwrap();
    for nonsense in ["", "localhost:0", "127.0.0.1:99999"] {
        let error = wait(t.proxy(echo()).on(nonsense)).unwrap_err();
        assert!(error.is_invalid() && error.to_string().contains("is no local address"), "{error}");
    }
    wait(t.finish()).assert();
}

#[test]
fn unix_sockets_are_proxied_like_tcp() {
    let t = Test::scoped();
    let server = unix_echo(t.dir());
    let wire = wait(t.proxy(Upstream::unix(&server))).unwrap();
    assert!(wire.path().starts_with(t.dir()));
    let mut live = unix_ping(wire.path());
    let slow = wait(wire.add(Latency::of(ms(30)))).unwrap();
    let began = std::time::Instant::now();
    unix_ping(wire.path());
    assert!(began.elapsed() >= ms(30));
    wait(slow.remove()).unwrap();
    for _ in 0..3 {
        let down = wait(wire.add(Down::new())).unwrap();
        assert_eq!(live.read(&mut [0; 1]).unwrap(), 0);
        assert_eq!(UnixStream::connect(wire.path()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(UnixListener::bind(wire.path()).unwrap_err().kind(), ErrorKind::AddrInUse);
        wait(down.remove()).unwrap();
        live = unix_ping(wire.path());
    }
    let error = wait(wire.add(qtests::proxy::NoConnect::new())).unwrap_err();
    assert!(format!("{error:?}").contains("a Unix socket cannot leave a connect without an answer"), "{error:?}");
    let path = wire.path().to_owned();
    wait(t.finish()).assert();
    eventually("the path is gone", || !path.exists());
}

#[test]
fn a_reset_on_a_unix_socket_is_one_if_bytes_were_unread() {
    let t = Test::scoped();
    let server = unix_echo(t.dir());
    let wire = wait(t.proxy(Upstream::unix(&server))).unwrap();
    let mut idle = unix_ping(wire.path());
    let partition = wait(wire.partition()).unwrap();
    let mut unread = UnixStream::connect(wire.path()).unwrap();
    unread.write_all(b"ping").unwrap();
    eventually("both are frozen", || partition.met() == 2);
    wait(wire.add(Reset::now())).unwrap();
    assert_eq!(unread.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(idle.read(&mut [0; 1]).unwrap(), 0);
    wait(t.finish()).assert();
}

#[test]
fn unix_and_tcp_can_be_on_either_side() {
    let t = Test::scoped();
    let path = t.dir().join("front");
    let front = wait(t.proxy(echo()).on_unix(&path)).unwrap();
    assert_eq!(front.path(), path);
    unix_ping(&path);
    let back = wait(t.proxy(Upstream::unix(&path)).on("127.0.0.1:0")).unwrap();
    ping(&mut connect(back.addr())).unwrap();
    let error = wait(t.proxy(echo()).on_unix(&path)).unwrap_err();
    assert!(error.to_string().contains("the path exists already"), "{error}");
    let long = t.dir().join("x".repeat(200));
    assert!(wait(t.proxy(echo()).on_unix(long)).unwrap_err().to_string().contains("give it a short path"));
    wait(t.finish()).assert();
}

#[test]
#[should_panic(expected = "ask for its path()")]
fn a_unix_proxy_has_no_tcp_address() {
    let t = Test::scoped();
    let wire = wait(t.proxy(echo()).on_unix(t.dir().join("front"))).unwrap();
    wire.addr();
}

/// A port on which nobody listens for now.
fn absent() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

#[test]
fn a_client_of_an_absent_server_can_be_held() {
    let t = Test::scoped();
    let server = absent();
    let wire = wait(t.proxy(server).when_down(WhenDown::Hold)).unwrap();
    let mut client = connect(wire.addr());
    client.write_all(b"early").unwrap();
    eventually("it is told", || t.journal().iter().any(|line| line.contains("conn 1 waits: upstream")));
    let Ok(listener) = TcpListener::bind(server) else {
        return println!("inconclusive: somebody else took the port");
    };
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = [0; 5];
    stream.read_exact(&mut request).unwrap();
    assert_eq!(&request, b"early");
    wait(t.finish()).assert();
}

#[test]
fn an_absent_server_can_refuse_and_be_found_when_it_comes() {
    let t = Test::scoped();
    let server = absent();
    let wire = wait(t.proxy(server).when_down(WhenDown::Refuse)).unwrap();
    assert_eq!(TcpStream::connect(wire.addr()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let Ok(listener) = TcpListener::bind(server) else {
        return println!("inconclusive: somebody else took the port");
    };
    eventually("clients are let in", || TcpStream::connect(wire.addr()).is_ok());
    drop(listener);
    // The first one finds out; those after it are refused.
    eventually("clients are refused", || {
        TcpStream::connect(wire.addr()).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
    assert!(wire.stats().unreachable > 0);
    wait(t.finish()).assert();
}

#[test]
fn a_thousand_connections_are_served_at_once() {
    let (t, wire) = proxied(echo());
    let slow = wait(wire.add(Latency::of(ms(5)).toxicity(0.5))).unwrap();
    let mut clients = Vec::new();
    for number in 0..1_000 {
        match TcpStream::connect(wire.addr()) {
            Ok(client) => clients.push(client),
            // Four descriptors for each, all in this process.
            Err(error) if error.raw_os_error() == Some(24) => {
                return println!("inconclusive: this machine allows too few open files for {number} connections");
            }
            Err(error) => panic!("connection {number}: {error}"),
        }
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client.write_all(&(number as u32).to_be_bytes()).unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let mut reply = [0; 4];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(u32::from_be_bytes(reply), number as u32);
    }
    assert!((300..700).contains(&slow.met()), "{}", slow.met());
    drop(clients);
    eventually("all are closed", || wire.connections() == 0);
    drop(t);
}

#[test]
fn bytes_stay_exact_while_a_toxic_is_toggled_at_full_speed() {
    let (t, wire) = proxied(echo());
    let addr = wire.addr();
    let clients: Vec<_> = (1..=3).map(|seed| thread::spawn(move || exchange(addr, seed, 4_000_000))).collect();
    wait(async {
        for round in 0..1_000_u64 {
            let toxic = match round % 3 {
                0 => Latency::of(ms(1)).both().optional(),
                1 => Latency::of(ms(1)).toxicity(0.5).optional(),
                _ => qtests::proxy::Partition::new().optional(),
            };
            let toxic = wire.add(toxic).await.unwrap();
            toxic.remove().await.unwrap();
        }
    });
    clients.into_iter().for_each(|client| client.join().unwrap());
    let stats = wire.stats();
    assert_eq!((stats.upstream_read, stats.upstream_bytes, stats.upstream_dropped), (12_000_000, 12_000_000, 0));
    assert_eq!((stats.downstream_read, stats.downstream_bytes), (12_000_000, 12_000_000));
    wait(t.finish()).assert();
}

//! Whether gigabytes arrive as they were sent while toxics come and go.

use super::{
    ends::connect,
    flow::{check, random_size, send, toggle},
    subject::Wire,
    wire::{MAX_CHUNK, Pattern, Stream},
};
use fastrand::Rng;
use qtests::proxy::{Latency, Toxic};
use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

/// The bytes of each direction.
const BYTES: u64 = 2_000_000_000;

/// Sends bytes both ways on one connection, in random pieces, while toxics are toggled; every byte is compared.
///
/// # Panics
/// If a byte is lost, changed or out of order.
pub(crate) fn measure() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let wire = Wire::open(listener.local_addr().expect("a bound socket has an address"));
    let seed = wire.test.seed();
    let pattern = Pattern::new(seed.value());
    pattern.assert_that_it_finds_damage();
    println!("\n## Exactness\nboth ways on one connection, in pieces of random size, latencies toggled (seed {seed})");

    let client = connect(wire.proxy.addr());
    let (server, _) = listener.accept().expect("the proxy connects");
    let (over, began) = (AtomicBool::new(false), Instant::now());
    let mut random = Rng::with_seed(seed.value());
    let (ends, toggles) = thread::scope(|threads| {
        let mut end = |stream, out, back| {
            let (sizes, limits) = (random.fork(), random.fork());
            let sent = threads.spawn(move || sent(stream, out, sizes));
            (sent, threads.spawn(move || received(stream, back, limits)))
        };
        let upstream = end(&client, pattern.stream(0), pattern.stream(1));
        let downstream = end(&server, pattern.stream(1), pattern.stream(0));
        let toggler = threads.spawn(|| toggle(&wire.proxy, &over, || latency(&mut random)));
        let joined = |handle: ScopedJoinHandle<'_, Stream>| handle.join().expect("no end of the connection fails");
        let ends = [upstream, downstream].map(|(sent, received)| (joined(sent), joined(received)));
        over.store(true, Relaxed);
        (ends, toggler.join().expect("no toggle fails"))
    });

    let took = began.elapsed().as_secs_f64();
    let checked: u64 = ends.iter().map(|(_, received)| received.done()).sum();
    let wrong: u64 = ends.iter().map(|(_, received)| received.wrong()).sum();
    let sent: u64 = ends.iter().map(|(sent, _)| sent.done()).sum();
    println!(
        "{:.2} GB sent, {:.2} GB checked in {took:.1} s, {toggles} toggles: {wrong} bytes wrong, {} lost",
        sent as f64 / 1e9,
        checked as f64 / 1e9,
        sent.abs_diff(checked)
    );
    assert_eq!((wrong, checked), (0, 2 * BYTES), "every byte must arrive, in its place; repeat with seed {seed}");
}

fn sent(to: &TcpStream, mut bytes: Stream, mut random: Rng) -> Stream {
    let size = |done: u64| usize::try_from(BYTES - done).unwrap_or(MAX_CHUNK).min(random_size(&mut random));
    send(to, &mut bytes, size).expect("the proxy takes bytes");
    bytes
}

fn received(from: &TcpStream, mut bytes: Stream, mut random: Rng) -> Stream {
    check(from, &mut bytes, || random_size(&mut random)).expect("the stream ends with an end of file");
    bytes
}

/// A delay of up to 3 ms, with or without jitter, one way or both.
fn latency(random: &mut Rng) -> Toxic {
    let delay = Duration::from_micros(random.u64(0..3_000));
    let latency = Latency::of(delay).jitter(if random.bool() { delay / 2 } else { Duration::ZERO }).optional();
    match random.u8(0..3) {
        0 => latency.upstream(),
        1 => latency.downstream(),
        _ => latency.both(),
    }
    .into()
}

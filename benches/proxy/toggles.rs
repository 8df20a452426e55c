//! How often a second a toxic can be added and removed while a connection runs at full speed, and what that costs it.

use super::{
    flow::{check, send, toggle},
    measure::{Sample, Series, Table, interleaved},
    subject::Wire,
    wire::{MAX_CHUNK, Pattern},
};
use qtests::proxy::Latency;
use std::{
    net::{Ipv4Addr, TcpListener},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

/// How often each is measured.
const ROUNDS: usize = 15;

/// How long a sample is.
const LENGTH: Duration = Duration::from_millis(500);

/// What one sample gave.
#[derive(Clone, Copy, Debug)]
struct Toggled {
    per_second: f64,
    gb_per_s: f64,
}

/// Runs a connection at full speed without and with toggles in turn and prints what happened.
pub(crate) fn measure() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let wire = Wire::open(listener.local_addr().expect("a bound socket has an address"));
    let mut subjects: Vec<Sample<'_, Toggled>> =
        vec![Box::new(|| run(&wire, &listener, false)), Box::new(|| run(&wire, &listener, true))];
    let samples = interleaved(ROUNDS, &mut subjects);

    let how = format!(
        "a latency of 1 ms added and removed as fast as possible, {} ms of one-way traffic at full speed, every byte \
         checked, {ROUNDS} rounds",
        LENGTH.as_millis()
    );
    let mut table = Table::new("Toggles on a live connection", &how);
    let [quiet, busy] = [0, 1].map(|subject| Series::of(&samples[subject], |toggled| toggled.gb_per_s));
    table.row("toggles", "/s", &Series::of(&samples[1], |toggled| toggled.per_second));
    table.row("traffic without toggles", "GB/s", &quiet);
    table.row("traffic with toggles", "GB/s", &busy);
    table.row("ratio", "x", &busy.ratio_to(&quiet));
    table.print();
}

fn run(wire: &Wire, listener: &TcpListener, toggling: bool) -> Toggled {
    let pattern = Pattern::new(wire.test.seed().value());
    let client = super::ends::connect(wire.proxy.addr());
    let (server, _) = listener.accept().expect("the proxy connects");
    let over = AtomicBool::new(false);
    let began = Instant::now();
    let (sent, received, toggles) = thread::scope(|threads| {
        let sender = threads.spawn(|| {
            let mut bytes = pattern.stream(0);
            let size = |_| if began.elapsed() < LENGTH { MAX_CHUNK } else { 0 };
            send(&client, &mut bytes, size).expect("the proxy takes bytes");
            over.store(true, Relaxed);
            bytes
        });
        let receiver = threads.spawn(|| {
            let mut bytes = pattern.stream(0);
            check(&server, &mut bytes, || MAX_CHUNK).expect("the connection ends with an end of file");
            bytes
        });
        let delay = || Latency::of(Duration::from_millis(1)).upstream().optional().into();
        let toggles = if toggling { toggle(&wire.proxy, &over, delay) } else { 0 };
        (sender.join().expect("no panic"), receiver.join().expect("no panic"), toggles)
    });
    let took = began.elapsed().as_secs_f64();
    assert_eq!((received.wrong(), received.done()), (0, sent.done()), "every byte arrived, in its place");
    Toggled { per_second: toggles as f64 / LENGTH.as_secs_f64(), gb_per_s: received.done() as f64 / 1e9 / took }
}

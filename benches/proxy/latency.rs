//! How exactly a latency is kept: message by message, and for messages that follow each other closely.

use super::{
    ends::{connect, echo},
    measure::{Series, Table},
    round_trips::trip,
    subject::Wire,
};
use qtests::proxy::Latency;
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// How often both are measured.
const RUNS: usize = 3;

/// The delay that is asked for.
const DELAY: Duration = Duration::from_millis(10);

/// Round trips of a run, with and without the delay.
const PINGS: usize = 500;

/// Messages of a run that do not wait for each other, and how far apart they are.
const MESSAGES: usize = 300;
const PAUSE: Duration = Duration::from_millis(2);

/// Some times in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    mean: f64,
    p50: f64,
    p99: f64,
}

impl Times {
    fn of(mut millis: Vec<f64>) -> Self {
        millis.sort_by(f64::total_cmp);
        let count = millis.len();
        let mean = millis.iter().sum::<f64>() / count as f64;
        Self { mean, p50: millis[count / 2], p99: millis[count * 99 / 100] }
    }

    /// How much more these are than `plain` ones with the delay added.
    fn errors(self, plain: Self) -> Self {
        let asked = DELAY.as_secs_f64() * 1e3;
        Self {
            mean: self.mean - plain.mean - asked,
            p50: self.p50 - plain.p50 - asked,
            p99: self.p99 - plain.p99 - asked,
        }
    }
}

/// Measures single and closely following messages and prints how exactly they were delayed.
pub(crate) fn measure() {
    let pings: Vec<Times> = (0..RUNS).map(|_| pings()).collect();
    let how = format!(
        "{PINGS} round trips with a latency of {DELAY:?} downstream, less {PINGS} without and the latency; {RUNS} runs \
         and their whole range"
    );
    let mut table = Table::new("The error of a latency", &how);
    table.at_most(0.15, "mean", "ms", &Series::of(&pings, |error| error.mean));
    table.row("p50", "ms", &Series::of(&pings, |error| error.p50));
    table.row("p99", "ms", &Series::of(&pings, |error| error.p99));
    table.print();

    let delays: Vec<Times> = (0..RUNS).map(|_| pipelined()).collect();
    let how = format!(
        "{MESSAGES} messages, one every {PAUSE:?}, with a latency of {DELAY:?} upstream, from sending to arrival; \
         {RUNS} runs and their whole range"
    );
    let mut table = Table::new("The delay of messages that do not wait for each other", &how);
    table.row("mean", "ms", &Series::of(&delays, |delay| delay.mean));
    table.row("p50", "ms", &Series::of(&delays, |delay| delay.p50));
    table.row("p99", "ms", &Series::of(&delays, |delay| delay.p99));
    table.print();
}

/// The errors of one run of round trips.
fn pings() -> Times {
    let wire = Wire::open(echo());
    let mut stream = connect(wire.proxy.addr());
    let mut times = || Times::of((0..PINGS).map(|_| trip(&mut stream) / 1e3).collect());
    let plain = times();
    wire.test.block_on(wire.proxy.add(Latency::of(DELAY))).expect("a toxic can be added");
    times().errors(plain)
}

/// The delays of one run of messages.
fn pipelined() -> Times {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let wire = Wire::open(listener.local_addr().expect("a bound socket has an address"));
    let client = connect(wire.proxy.addr());
    let (server, _) = listener.accept().expect("the proxy connects");
    wire.test.block_on(wire.proxy.add(Latency::of(DELAY).upstream())).expect("a toxic can be added");
    let epoch = Instant::now();
    thread::scope(|threads| {
        let arrivals = threads.spawn(|| arrivals(&server, epoch));
        send_all(&client, epoch);
        Times::of(arrivals.join().expect("all messages arrive"))
    })
}

/// Sends the messages; each says when it left, in nanoseconds since `epoch`.
fn send_all(mut to: &TcpStream, epoch: Instant) {
    for number in 0..MESSAGES as u32 {
        thread::sleep((PAUSE * number).saturating_sub(epoch.elapsed()));
        let now = u64::try_from(epoch.elapsed().as_nanos()).expect("a run takes seconds");
        let mut message = [0; 64];
        message[..8].copy_from_slice(&now.to_be_bytes());
        to.write_all(&message).expect("the proxy takes bytes");
    }
}

/// Milliseconds that each message was on its way.
fn arrivals(mut from: &TcpStream, epoch: Instant) -> Vec<f64> {
    let mut delays = Vec::with_capacity(MESSAGES);
    let mut message = [0; 64];
    for _ in 0..MESSAGES {
        from.read_exact(&mut message).expect("each message arrives");
        let arrived = epoch.elapsed();
        let (left, _) = message.split_first_chunk().expect("a message is longer than its time");
        let left = Duration::from_nanos(u64::from_be_bytes(*left));
        delays.push((arrived - left).as_secs_f64() * 1e3);
    }
    delays
}

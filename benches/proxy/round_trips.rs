//! How long a small message takes there and back, and what that takes of the processor.

use super::{
    ends::{connect, echo},
    measure::{Sample, Series, Table, interleaved},
    subject::{Kind, Way},
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Instant,
};

/// How often each way is measured.
const ROUNDS: usize = 21;

/// The round trips of a sample, and those before it that do not count.
const TRIPS: usize = 5_000;
const WARM_UP: usize = 200;

/// The bytes of a message.
const MESSAGE: usize = 64;

/// What the round trips of one sample took, in microseconds.
#[derive(Clone, Copy, Debug)]
struct Trips {
    mean: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
}

/// What is said about the samples, and how it is read off one.
type Figure = (&'static str, fn(&Trips) -> f64);

const FIGURES: [Figure; 3] = [("p50", |trips| trips.p50), ("mean", |trips| trips.mean), ("p99", |trips| trips.p99)];

/// Sends messages to and fro on each way in turn and prints what they took.
pub(crate) fn measure() {
    let server = echo();
    let ways = Kind::ALL.map(|kind| kind.open(server));
    let mut subjects: Vec<Sample<'_, Trips>> = Vec::new();
    for way in &ways {
        subjects.push(Box::new(|| trips(way)));
    }
    let samples = interleaved(ROUNDS, &mut subjects);

    let how = format!("{TRIPS} round trips of {MESSAGE} bytes, one connection each time, {ROUNDS} rounds");
    let mut table = Table::new("Round trips, no toxics", &how);
    for (name, figure) in FIGURES {
        let [direct, ours, copy8, copy64] = [0, 1, 2, 3].map(|way| Series::of(&samples[way], figure));
        for (kind, series) in Kind::ALL.iter().zip([&direct, &ours, &copy8, &copy64]) {
            table.row(&format!("{name}, {}", kind.name()), "us", series);
        }
        table.row(&format!("{name}, qtests / copy_bidirectional 8 KiB"), "x", &ours.ratio_to(&copy8));
    }
    let costs = [1, 2, 3].map(|way| Series::of(&samples[way], |trips| trips.cpu));
    for (kind, series) in Kind::ALL.iter().skip(1).zip(&costs) {
        table.row(&format!("CPU of the proxy, {}", kind.name()), "us", series);
    }
    let [ours, copy8, copy64] = costs;
    table.at_most(1.1, "CPU, qtests / copy_bidirectional 8 KiB", "x", &ours.ratio_to(&copy8));
    table.row("CPU, qtests / copy_bidirectional 64 KiB", "x", &ours.ratio_to(&copy64));
    table.print();
}

fn trips(way: &Way) -> Trips {
    let mut stream = connect(way.addr);
    for _ in 0..WARM_UP {
        trip(&mut stream);
    }
    let (began, before) = (Instant::now(), way.cpu());
    let mut took: Vec<f64> = (0..TRIPS).map(|_| trip(&mut stream)).collect();
    let (all, cpu) = (began.elapsed().as_secs_f64(), way.cpu() - before);
    took.sort_by(f64::total_cmp);
    let each = |seconds: f64| seconds * 1e6 / TRIPS as f64;
    Trips { mean: each(all), p50: took[TRIPS / 2], p99: took[TRIPS * 99 / 100], cpu: each(cpu) }
}

/// Microseconds of one round trip.
pub(crate) fn trip(stream: &mut TcpStream) -> f64 {
    let sent = Instant::now();
    let mut message = [7; MESSAGE];
    stream.write_all(&message).expect("the way takes bytes");
    stream.read_exact(&mut message).expect("the message comes back");
    sent.elapsed().as_nanos() as f64 / 1e3
}

//! How many bytes a second, one way, and what a gigabyte takes of the processor.

use super::{
    ends::{BUFFER, connect, counting},
    measure::{Sample, Series, Table, interleaved},
    subject::{Kind, Way},
};
use std::{
    io::{Read, Write},
    net::Shutdown,
    time::Instant,
};

/// How often each way is measured.
const ROUNDS: usize = 21;

/// The bytes of a sample.
const BYTES: usize = 256 * 1024 * 1024;

/// What one transfer gave.
#[derive(Clone, Copy, Debug)]
struct Transfer {
    gb_per_s: f64,
    cpu_per_gb: f64,
}

/// Sends the same bytes through each way in turn and prints the rates.
pub(crate) fn measure() {
    let server = counting();
    let ways = Kind::ALL.map(|kind| kind.open(server));
    // The first transfer of each finds cold caches and small socket buffers.
    for way in &ways {
        transfer(way);
    }
    let mut subjects: Vec<Sample<'_, Transfer>> = Vec::new();
    for way in &ways {
        subjects.push(Box::new(|| transfer(way)));
    }
    let samples = interleaved(ROUNDS, &mut subjects);

    let how = format!(
        "{} MiB from client to server in writes of {} KiB, one connection each time, {ROUNDS} rounds",
        BYTES >> 20,
        BUFFER >> 10
    );
    let mut table = Table::new("Bulk, no toxics", &how);
    let rates = [0, 1, 2, 3].map(|way| Series::of(&samples[way], |transfer| transfer.gb_per_s));
    let costs = [0, 1, 2, 3].map(|way| Series::of(&samples[way], |transfer| transfer.cpu_per_gb));
    for (kind, rate) in Kind::ALL.iter().zip(&rates) {
        table.row(kind.name(), "GB/s", rate);
    }
    let [_, ours, copy8, copy64] = rates;
    table.at_least(1.1, "rate, qtests / copy_bidirectional 8 KiB", "x", &ours.ratio_to(&copy8));
    table.row("rate, qtests / copy_bidirectional 64 KiB", "x", &ours.ratio_to(&copy64));
    for (kind, cost) in Kind::ALL.iter().zip(&costs).skip(1) {
        table.row(&format!("CPU of the proxy, {}", kind.name()), "s/GB", cost);
    }
    let [_, ours, copy8, copy64] = costs;
    table.row("CPU, qtests / copy_bidirectional 8 KiB", "x", &ours.ratio_to(&copy8));
    table.row("CPU, qtests / copy_bidirectional 64 KiB", "x", &ours.ratio_to(&copy64));
    table.print();
    println!("half-close: kept each time, the server's count came after the client's end of file");
}

fn transfer(way: &Way) -> Transfer {
    let chunk = vec![7; BUFFER];
    let mut stream = connect(way.addr);
    let (began, before) = (Instant::now(), way.cpu());
    for _ in 0..BYTES / BUFFER {
        stream.write_all(&chunk).expect("the way takes bytes");
    }
    stream.shutdown(Shutdown::Write).expect("the way takes the end of file");
    let mut count = [0; 8];
    stream.read_exact(&mut count).expect("the count comes back after the end of file");
    let (took, cpu) = (began.elapsed().as_secs_f64(), way.cpu() - before);
    assert_eq!(u64::from_be_bytes(count), BYTES as u64, "all bytes arrived");
    let gigabytes = BYTES as f64 / 1e9;
    Transfer { gb_per_s: gigabytes / took, cpu_per_gb: cpu / gigabytes }
}

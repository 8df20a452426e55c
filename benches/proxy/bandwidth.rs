//! How exactly a bandwidth is kept, from slow wires to fast ones.

use super::{
    ends::{BUFFER, connect, counting},
    measure::{Series, Table},
    subject::Wire,
};
use qtests::proxy::Bandwidth;
use std::{
    io::{Read, Write},
    net::Shutdown,
    time::Instant,
};

/// How often each rate is measured.
const RUNS: usize = 3;

/// Bytes a second that are asked for; each run carries as many as pass in two seconds.
const RATES: [(u64, &str); 4] =
    [(100_000, "100 kB/s"), (1_000_000, "1 MB/s"), (10_000_000, "10 MB/s"), (100_000_000, "100 MB/s")];
const SECONDS: u64 = 2;

/// Measures rates and prints by how much they miss what was asked for.
pub(crate) fn measure() {
    let how = format!(
        "from the first byte that the client sends to the server's answer after the last one, {SECONDS} s of bytes; the \
         error of their rate; {RUNS} runs and their whole range"
    );
    let mut table = Table::new("The error of a bandwidth", &how);
    for (rate, name) in RATES {
        let errors: Vec<f64> = (0..RUNS).map(|_| error(rate)).collect();
        table.at_most(0.1, name, "%", &Series::of(&errors, |error| *error));
    }
    table.print();
}

/// By how many per cent the rate is off, to either side.
fn error(rate: u64) -> f64 {
    let wire = Wire::open(counting());
    wire.test.block_on(wire.proxy.add(Bandwidth::of(rate).upstream())).expect("a toxic can be added");
    let mut stream = connect(wire.proxy.addr());
    let chunk = vec![7; BUFFER];
    let mut left = rate * SECONDS;
    let began = Instant::now();
    while left > 0 {
        let size = chunk.len().min(usize::try_from(left).unwrap_or(chunk.len()));
        stream.write_all(&chunk[..size]).expect("the proxy takes bytes");
        left -= size as u64;
    }
    stream.shutdown(Shutdown::Write).expect("the connection is open");
    let mut count = [0; 8];
    stream.read_exact(&mut count).expect("the server answers");
    let took = began.elapsed().as_secs_f64();
    assert_eq!(u64::from_be_bytes(count), rate * SECONDS, "every byte must arrive");
    let measured = (rate * SECONDS) as f64 / took;
    (measured / rate as f64 - 1.0).abs() * 100.0
}

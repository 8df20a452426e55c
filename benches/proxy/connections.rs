//! A thousand connections at once: how long until each has had an answer, and what they take of memory.
//!
//! Each sample is a process of its own: memory that one way gave back to the allocator would be there for the next.

use super::{
    ends::patient_listener,
    measure::{Sample, Series, Spent, Table, interleaved, raise_descriptor_limit, resident},
    subject::Kind,
};
use std::{env, io, net::SocketAddr, process::Command, sync::mpsc, thread, time::Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::{self, Runtime},
    task::JoinSet,
};

/// How often each way is measured.
const ROUNDS: usize = 15;

/// How many connections are opened at once.
const CONNECTIONS: usize = 1_000;

/// The argument that makes the bench a child which measures one way; the way follows.
const CHILD: &str = "--connections-by";

/// What one child found.
#[derive(Clone, Copy, Debug)]
struct Opened {
    /// Until every connection has had its answer, in milliseconds.
    millis: f64,
    /// Memory of the process that came with each connection, both ends and all, in KiB.
    memory: f64,
    /// Processor time of the proxy for each connection, in microseconds.
    cpu: f64,
}

/// What is said about the samples, its unit, and how it is read off one.
type Figure = (&'static str, &'static str, fn(&Opened) -> f64);

const FIGURES: [Figure; 3] = [
    ("all answered", "ms", |opened| opened.millis),
    ("memory of each, ends included", "KiB", |opened| opened.memory),
    ("CPU of the proxy, each", "us", |opened| opened.cpu),
];

/// Opens a thousand connections through each way in turn and prints what that took.
pub(crate) fn measure() {
    let mut subjects: Vec<Sample<'_, Opened>> = Vec::new();
    for way in 0..Kind::ALL.len() {
        subjects.push(Box::new(move || by_child(way)));
    }
    let samples = interleaved(ROUNDS, &mut subjects);

    let how = format!("opened together, a round trip of 64 bytes on each, a process for each sample, {ROUNDS} rounds");
    let mut table = Table::new(&format!("{CONNECTIONS} connections at once"), &how);
    for (what, unit, figure) in FIGURES {
        let series = [0, 1, 2, 3].map(|way| Series::of(&samples[way], figure));
        // Without a proxy there is no time of its thread.
        for (kind, series) in Kind::ALL.iter().zip(&series).skip(usize::from(unit == "us")) {
            table.row(&format!("{what}, {}", kind.name()), unit, series);
        }
        let [_, ours, copy8, copy64] = series;
        table.row("ratio, qtests / copy_bidirectional 8 KiB", "x", &ours.ratio_to(&copy8));
        table.row("ratio, qtests / copy_bidirectional 64 KiB", "x", &ours.ratio_to(&copy64));
    }
    table.print();
}

fn by_child(way: usize) -> Opened {
    let bench = env::current_exe().expect("a process knows its program");
    let (_, output) = Spent::by(Command::new(bench).args([CHILD, &way.to_string()]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let figures: Vec<f64> = text.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
    let [millis, memory, cpu] = figures[..] else { panic!("the child said `{text}`") };
    Opened { millis, memory, cpu }
}

/// Whether this process is a child that measures one way; if so it has done so now.
pub(crate) fn is_child() -> bool {
    let mut arguments = env::args().skip_while(|argument| argument != CHILD).skip(1);
    let Some(way) = arguments.next() else { return false };
    let way = Kind::ALL[way.parse::<usize>().expect("the way is given by its number")];
    // Two ends of each connection, twice through a proxy; some of everything else.
    raise_descriptor_limit(4 * CONNECTIONS as u64 + 100);
    let opened = open_all(way).expect("all connections can be opened");
    println!("{} {} {}", opened.millis, opened.memory, opened.cpu);
    true
}

fn open_all(kind: Kind) -> io::Result<Opened> {
    let way = kind.open(echo());
    let runtime = own_runtime();
    runtime.block_on(async {
        // What is made once belongs to no connection.
        drop(answered(way.addr).await?);
        let (memory, cpu, began) = (resident(), way.cpu(), Instant::now());
        let mut opening = JoinSet::new();
        for _ in 0..CONNECTIONS {
            opening.spawn(answered(way.addr));
        }
        let mut open = Vec::with_capacity(CONNECTIONS);
        while let Some(stream) = opening.join_next().await {
            open.push(stream.expect("no task panics")?);
        }
        let (took, cpu, memory) = (began.elapsed(), way.cpu() - cpu, resident().saturating_sub(memory));
        let each = |all: f64| all / open.len() as f64;
        Ok(Opened { millis: took.as_secs_f64() * 1e3, memory: each(memory as f64 / 1024.0), cpu: each(cpu * 1e6) })
    })
}

fn own_runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

/// A connection that has had an answer.
async fn answered(addr: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(addr).await?;
    let mut message = [7; 64];
    stream.write_all(&message).await?;
    stream.read_exact(&mut message).await?;
    Ok(stream)
}

/// A server for many connections: one thread, and a backlog that holds them all.
fn echo() -> SocketAddr {
    let (told, tell) = mpsc::channel();
    thread::spawn(move || {
        own_runtime().block_on(async {
            let listener = patient_listener();
            let _ = told.send(listener.local_addr().expect("a bound socket has an address"));
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection can be accepted");
                tokio::spawn(async move {
                    let mut message = [0; 64];
                    while stream.read_exact(&mut message).await.is_ok() && stream.write_all(&message).await.is_ok() {}
                });
            }
        });
    });
    tell.recv().expect("the server says where it listens")
}

//! Known bytes over a blocking socket, in pieces of any size, and toggles of toxics meanwhile.

use super::wire::{MAX_CHUNK, Stream};
use qtests::proxy::{FaultProxy, Toxic};
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// Sends the stream in pieces whose sizes `size` gives, from the bytes that were sent so far; the end of file follows
/// where it gives 0.
pub(crate) fn send(mut to: &TcpStream, bytes: &mut Stream, mut size: impl FnMut(u64) -> usize) -> io::Result<()> {
    loop {
        match size(bytes.done()) {
            0 => return to.shutdown(Shutdown::Write),
            size => {
                let taken = to.write(bytes.next(size))?;
                bytes.advance(taken);
            }
        }
    }
}

/// Reads to the end of file, at most so many bytes at once as `size` gives, and checks each byte.
pub(crate) fn check(mut from: &TcpStream, bytes: &mut Stream, mut size: impl FnMut() -> usize) -> io::Result<()> {
    let mut buffer = vec![0; MAX_CHUNK];
    loop {
        match from.read(&mut buffer[..size()])? {
            0 => return Ok(()),
            read => bytes.check(&buffer[..read]),
        }
    }
}

/// Sizes from a byte to the largest, short ones as often as long ones.
pub(crate) fn random_size(random: &mut fastrand::Rng) -> usize {
    let most = if random.bool() { 100 } else { MAX_CHUNK };
    random.usize(1..=most)
}

/// Adds a toxic and removes it again, as fast as it can, until `over`. Returns how often.
pub(crate) fn toggle(wire: &FaultProxy, over: &AtomicBool, mut toxic: impl FnMut() -> Toxic) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be made");
    runtime.block_on(async {
        let mut toggles = 0;
        while !over.load(Relaxed) {
            let added = wire.add(toxic()).await.expect("a toxic can be added");
            added.remove().await.expect("a toxic can be removed");
            toggles += 1;
        }
        toggles
    })
}

//! A log with checksums on a disk that crashes: it finds every record that it acknowledged, and drops the one that was
//! torn. A second one trusts what it finds, and hands out records that nobody wrote. Run it with
//! `cargo run --features files --example files_faults`.

use qtests::{
    Test,
    files::{FileError, Files},
};
use std::error::Error;

/// Records, each as its length (4 bytes), a checksum (4 bytes) and its text.
struct Log {
    files: Files,
    records: Vec<String>,
}

impl Log {
    const PATH: &str = "log";

    /// What the next process does: reads what is there, and cuts off what is no whole record.
    async fn open(files: Files, trusts_the_tail: bool) -> Result<Self, FileError> {
        let bytes = match files.read(Self::PATH).await {
            Err(error) if error.is_not_found() => Vec::new(),
            bytes => bytes?,
        };
        let (mut records, mut rest) = (Vec::new(), &bytes[..]);
        while let Some((record, after)) = decoded(rest, trusts_the_tail) {
            records.push(record);
            rest = after;
        }
        if !rest.is_empty() {
            files.write(Self::PATH, &bytes[..bytes.len() - rest.len()]).await?;
        }
        Ok(Self { files, records })
    }

    /// Acknowledges a record: it is on the disk.
    async fn append(&self, record: &str) -> Result<(), FileError> {
        let header = [(record.len() as u32).to_le_bytes(), checksum(record.as_bytes()).to_le_bytes()].concat();
        self.files.append(Self::PATH, [&header, record.as_bytes()].concat()).await
    }
}

/// The first record, and what comes after it; `None` where no whole record is.
fn decoded(bytes: &[u8], trusts_the_tail: bool) -> Option<(String, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let length = u32::from_le_bytes(*length) as usize;
    if trusts_the_tail {
        // The bug: whatever is left of a record is taken for the record.
        let (record, rest) = rest.split_at(length.min(rest.len()));
        return Some((String::from_utf8_lossy(record).into_owned(), rest));
    }
    let (record, rest) = rest.split_at_checked(length)?;
    let is_whole = checksum(record) == u32::from_le_bytes(*sum);
    is_whole.then(|| (String::from_utf8_lossy(record).into_owned(), rest))
}

/// FNV-1a, 32 bits.
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// How many of 50 crashes in the middle of an append the log survives.
async fn survived(trusts_the_tail: bool) -> Result<u32, Box<dyn Error>> {
    let t = Test::scoped();
    let disk = t.disk();
    let mut survived = 0;
    for _ in 0..50 {
        let files = t.files();
        files.remove_all(Log::PATH).await?;
        let log = Log::open(files.clone(), trusts_the_tail).await?;
        log.append("first").await?;
        log.append("second").await?;

        // The machine dies while the third is synced.
        let syncing = t.fault("files.sync").hold().arm();
        let third = t.spawn(async move { log.append("the third one").await });
        syncing.wait_reached().await;
        disk.crash().await?;
        assert!(third.await?.is_err());

        // Whether the third is there is open; that it is whole, and that the others are there, is not.
        let log = Log::open(files, trusts_the_tail).await?;
        let records: Vec<&str> = log.records.iter().map(String::as_str).collect();
        survived += u32::from(matches!(records[..], ["first", "second"] | ["first", "second", "the third one"]));
    }
    t.finish().await.assert();
    Ok(survived)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (checks, trusts) = (survived(false).await?, survived(true).await?);
    println!("the log that checks its records survives {checks} of 50 crashes");
    println!("the log that trusts its tail survives {trusts} of 50");
    assert!(checks == 50 && trusts < 50);
    Ok(())
}

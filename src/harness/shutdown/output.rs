//! What the service prints on its standard output.

use crate::scope::lock;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of the end is kept.
const KEPT: usize = 400;

/// The end of what was printed, 400 bytes at most. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    pub(super) fn add(&self, bytes: &[u8]) {
        let mut end = lock(&self.0);
        end.extend(&bytes[bytes.len().saturating_sub(KEPT)..]);
        let excess = end.len().saturating_sub(KEPT);
        end.drain(..excess);
    }

    /// The last line that is not empty, or the end of it.
    pub(super) fn last_line(&self) -> String {
        let end = String::from_utf8_lossy(&lock(&self.0)).into_owned();
        end.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("nothing").to_owned()
    }

    /// Reads all that comes, for whoever is not read from cannot write.
    pub(super) async fn read(self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = [0; 4_096];
        while let Ok(1..) = from.read(&mut buffer).await.inspect(|count| self.add(&buffer[..*count])) {}
    }
}

/// Why a service that runs is given up. `named` is the address and the line that names it, if there was one.
pub(super) fn never_listens(named: Option<(SocketAddr, &str)>, last: &str, limit: Duration) -> String {
    match named {
        None => format!(
            "the service told no address on its standard output within {limit:?} (its last line is: {last}): print \
             one, or override `ShutdownSubject::ready`"
        ),
        Some((address, line)) => format!(
            "nobody listens on {address} within {limit:?}, which the service named in the line: {line} (its last line \
             is: {last}): if that is the address of something else, override `ShutdownSubject::ready`"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_kept_in_bounds() {
        let printed = Printed::default();
        assert_eq!(printed.last_line(), "nothing");
        printed.add(b"one\ntw");
        printed.add(b"o\n\n");
        assert_eq!(printed.last_line(), "two");
        (0..100).for_each(|_| printed.add(&[b'x'; 1_000]));
        assert_eq!(printed.last_line(), "x".repeat(KEPT));
    }

    #[test]
    fn an_address_that_was_not_told_is_told_from_one_of_something_else() {
        let limit = Duration::from_secs(30);
        let told = never_listens(None, "ready on port 8080", limit);
        assert!(told.contains("told no address") && told.contains("(its last line is: ready on port 8080)"), "{told}");
        let line = "using database 127.0.0.1:9";
        let told = never_listens(Some((([127, 0, 0, 1], 9).into(), line)), "listening on 127.0.0.1:80", limit);
        for part in ["nobody listens on 127.0.0.1:9 within 30s", line, "(its last line is: listening on 127.0.0.1:80)"]
        {
            assert!(told.contains(part), "{told}");
        }
    }
}

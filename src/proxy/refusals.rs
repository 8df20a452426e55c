//! Whether somebody on this machine was refused a connection: the only trace that a refused connect leaves.

use std::sync::OnceLock;

/// Watches the kernel's count of failed connects from its making to [`end`](Self::end).
pub(super) struct Refusals {
    before: Option<u64>,
    /// Set once the answer can no longer change.
    answer: OnceLock<bool>,
}

impl Refusals {
    pub(super) fn watch() -> Refusals {
        Refusals { before: failed_connects(), answer: OnceLock::new() }
    }

    /// Whether a connect may have been refused meanwhile: by whom, nobody can say. Where the kernel does not count, it
    /// may.
    pub(super) fn possible(&self) -> bool {
        if let Some(answer) = self.answer.get() {
            return *answer;
        }
        let possible = self.before.is_none() || failed_connects() != self.before;
        if possible {
            let _ = self.answer.set(true);
        }
        possible
    }

    /// Nothing that happens from now on counts.
    pub(super) fn end(&self) {
        let _ = self.answer.set(self.possible());
    }
}

/// `AttemptFails` of RFC 4022 for this network namespace: connects that went from SYN-SENT straight to CLOSED.
fn failed_connects() -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let counters = std::fs::read_to_string("/proc/thread-self/net/snmp").ok()?;
    let mut tcp = counters.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (tcp.next()?, tcp.next()?);
    let column = names.split(' ').position(|name| name == "AttemptFails")?;
    values.split(' ').nth(column)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connect_is_noticed() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refusals = Refusals::watch();
        std::net::TcpStream::connect(free).unwrap_err();
        assert!(refusals.possible());
        refusals.end();
        assert!(refusals.possible());
    }
}

//! Whether somebody on this machine tried in vain to connect: the only trace that such a connect leaves.

use std::sync::OnceLock;

/// A count of the kernel for this network namespace.
#[derive(Clone, Copy)]
pub(super) enum Count {
    /// `AttemptFails` of RFC 4022: connects that went from SYN-SENT straight to CLOSED.
    Refused,
    /// `ListenOverflows`: first packets (SYN) that found the queue of a listener full.
    Dropped,
    /// The kernel does not count it.
    Nothing,
}

/// Watches such a count from its making to [`end`](Self::end).
pub(super) struct Refusals {
    count: Count,
    before: Option<u64>,
    /// Set once the answer can no longer change.
    answer: OnceLock<bool>,
}

impl Refusals {
    pub(super) fn watch(count: Count) -> Refusals {
        Refusals { count, before: count.read(), answer: OnceLock::new() }
    }

    /// Whether a connect may have failed meanwhile: by whom, nobody can say. Where the kernel does not count, it
    /// may.
    pub(super) fn possible(&self) -> bool {
        if let Some(answer) = self.answer.get() {
            return *answer;
        }
        let possible = self.before.is_none() || self.count.read() != self.before;
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

impl Count {
    fn read(self) -> Option<u64> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let (file, protocol, name) = match self {
            Count::Refused => ("snmp", "Tcp: ", "AttemptFails"),
            Count::Dropped => ("netstat", "TcpExt: ", "ListenOverflows"),
            Count::Nothing => return None,
        };
        let counters = std::fs::read_to_string(format!("/proc/thread-self/net/{file}")).ok()?;
        let mut lines = counters.lines().filter_map(|line| line.strip_prefix(protocol));
        let (names, values) = (lines.next()?, lines.next()?);
        let column = names.split(' ').position(|known| known == name)?;
        values.split(' ').nth(column)?.parse().ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connect_is_noticed() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refusals = Refusals::watch(Count::Refused);
        std::net::TcpStream::connect(free).unwrap_err();
        assert!(refusals.possible());
        refusals.end();
        assert!(refusals.possible());
    }

    #[test]
    fn what_the_kernel_does_not_count_is_taken_as_having_happened() {
        assert!(Refusals::watch(Count::Nothing).possible());
        assert!(Count::Dropped.read().is_some());
    }
}

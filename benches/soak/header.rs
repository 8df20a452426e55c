//! The first bytes of a connection: who it is, and what the server is to do.

/// What the server does on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Sends back what comes.
    Echo,
    /// Sends as fast as it can until the client's end of file.
    Flood,
    /// Sends so many bytes after the client's end of file.
    Reply(u64),
}

/// The header of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) service: Service,
}

impl Header {
    /// Its length in bytes.
    pub(crate) const LEN: usize = 24;

    pub(crate) fn to_bytes(self) -> [u8; Self::LEN] {
        let (service, argument) = match self.service {
            Service::Echo => (0, 0),
            Service::Flood => (1, 0),
            Service::Reply(bytes) => (2, bytes),
        };
        let mut bytes = [0; Self::LEN];
        for (at, word) in [self.number, service, argument].into_iter().enumerate() {
            bytes[at * 8..][..8].copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// `None` if no client wrote these bytes.
    pub(crate) fn from_bytes(bytes: [u8; Self::LEN]) -> Option<Self> {
        let word = |at: usize| bytes[at * 8..].first_chunk().map(|word| u64::from_be_bytes(*word));
        let service = match (word(1)?, word(2)?) {
            (0, 0) => Service::Echo,
            (1, 0) => Service::Flood,
            (2, bytes) => Service::Reply(bytes),
            _ => return None,
        };
        Some(Self { number: word(0)?, service })
    }

    /// The numbers of the streams to the server and back. An echo is the same stream again.
    pub(crate) fn streams(self) -> (u64, u64) {
        let up = self.number * 2;
        if self.service == Service::Echo { (up, up) } else { (up, up + 1) }
    }
}

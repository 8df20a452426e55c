//! What the kernel knows about the connections of a service: `/proc/net/tcp` and `/proc/net/tcp6` of Linux.
//!
//! A connection that waits in the accept queue belongs to no file yet, and its inode is 0. So whether a service has
//! accepted a connection can be seen, without asking it and without waiting some time.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// The sockets at the service's end, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sockets {
    /// The inodes of those that listen.
    pub(super) listening: Vec<u64>,
    /// Accepted, and all that came was read.
    pub(super) read: usize,
    /// Accepted, and something that came was not read yet.
    pub(super) unread: usize,
    /// Connected and not accepted.
    pub(super) queued: usize,
}

const ESTABLISHED: &str = "01";
/// The client has said that it will send no more.
const CLOSE_WAIT: &str = "08";
const LISTEN: &str = "0A";

/// The sockets of the service at `address`, now.
pub(super) fn look(address: SocketAddr) -> io::Result<Sockets> {
    let mut found = Sockets::default();
    found.read_table(&fs::read_to_string("/proc/net/tcp")?, address);
    // Without IPv6 there is no such table.
    if let Ok(table) = fs::read_to_string("/proc/net/tcp6") {
        found.read_table(&table, address);
    }
    Ok(found)
}

impl Sockets {
    /// All that are accepted.
    pub(super) fn accepted(&self) -> usize {
        self.read + self.unread
    }

    fn read_table(&mut self, table: &str, address: SocketAddr) {
        for row in table.lines().skip(1) {
            let _ = self.read_row(row, address);
        }
    }

    /// Number, local address, remote address, state, bytes to send and to read, timer, retransmits, user, timeout, inode.
    fn read_row(&mut self, row: &str, address: SocketAddr) -> Option<()> {
        let fields: Vec<&str> = row.split_whitespace().collect();
        let [_, local, _, state, queues, _, _, _, _, inode, ..] = fields[..] else { return None };
        let (ip, port) = local.split_once(':')?;
        if u16::from_str_radix(port, 16).ok()? != address.port() {
            return None;
        }
        let (ip, inode) = (ip_of(ip)?, inode.parse::<u64>().ok()?);
        let ours = ip == address.ip().to_canonical();
        match state {
            LISTEN if ours || ip.is_unspecified() => self.listening.push(inode),
            ESTABLISHED | CLOSE_WAIT if ours && inode == 0 => self.queued += 1,
            ESTABLISHED | CLOSE_WAIT if ours => {
                let unread = u64::from_str_radix(queues.split_once(':')?.1, 16).ok()?;
                // The end of what the client sends counts as a byte, and a service need not read it.
                let end = u64::from(state == CLOSE_WAIT);
                if unread <= end { self.read += 1 } else { self.unread += 1 }
            }
            _ => {}
        }
        Some(())
    }
}

/// The kernel prints an address as numbers of 32 bits in the byte order of the machine.
fn ip_of(hex: &str) -> Option<IpAddr> {
    let words: Option<Vec<[u8; 4]>> = (0..hex.len())
        .step_by(8)
        .map(|at| Some(u32::from_str_radix(hex.get(at..at + 8)?, 16).ok()?.to_ne_bytes()))
        .collect();
    match words?[..] {
        [v4] => Some(Ipv4Addr::from(v4).into()),
        [a, b, c, d] => {
            let bytes: [u8; 16] = [a, b, c, d].concat().try_into().ok()?;
            Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_endian = "little")]
    #[test]
    fn the_rows_of_the_kernel_are_understood() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:A001 01 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:A002 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0 20 4 30 10 -1
   3: 0100007F:1F90 0100007F:A003 01 00000000:00000005 00:00000000 00000000     0        0 79 1 0 20 4 30 10 -1
   4: 0100007F:1F90 0100007F:A004 08 00000000:00000001 00:00000000 00000000     0        0 80 1 0 20 4 30 10 -1
   5: 0100007F:A003 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 81 1 0 20 4 30 10 -1
   6: 0200007F:1F90 0100007F:A004 01 00000000:00000000 00:00000000 00000000     0        0 82 1 0 20 4 30 10 -1
";
        let address = "127.0.0.1:8080".parse().unwrap();
        let mut found = Sockets::default();
        found.read_table(table, address);
        assert_eq!(found, Sockets { listening: vec![77], read: 2, unread: 1, queued: 1 });
        let mapped = "   0: 0000000000000000FFFF00000100007F:1F90 0:0 01 0:0 0:0 0 0 0 5 1";
        found.read_row(mapped, address);
        assert_eq!(found.accepted(), 4);
    }

    #[test]
    fn a_connection_that_nobody_has_accepted_is_queued() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _client = std::net::TcpStream::connect(address).unwrap();
        let found = look(address).unwrap();
        assert_eq!((found.listening.len(), found.queued, found.accepted()), (1, 1, 0));
        let _server = listener.accept().unwrap();
        let found = look(address).unwrap();
        assert_eq!((found.queued, found.read), (0, 1));
    }
}

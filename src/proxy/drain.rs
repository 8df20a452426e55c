//! Whether what was written has left for the peer: a reset throws the rest away.

use std::time::Duration;

use tokio::net::TcpStream;

/// How often the socket is asked.
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until the peer's system has been sent all that was written to `stream`; for ever if the peer does not read.
#[cfg(target_os = "linux")]
pub(super) async fn sent(stream: &TcpStream) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    // From now on the socket is writable only when nothing is left unsent. It has nothing more to write.
    if socket2::SockRef::from(stream).set_tcp_notsent_lowat(1).is_err() {
        return;
    }
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    loop {
        let mut sockets = [PollFd::new(stream, PollFlags::OUT)];
        match poll(&mut sockets, Some(&now)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => tokio::time::sleep(PAUSE).await,
            // Writable, or broken: there is nothing to wait for.
            _ => return,
        }
    }
}

/// Gives the system a moment to send what was written to `stream`; it cannot be asked.
#[cfg(not(target_os = "linux"))]
pub(super) async fn sent(_stream: &TcpStream) {
    tokio::time::sleep(PAUSE * 20).await;
}

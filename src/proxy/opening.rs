//! The beginning of a connection: when it is let in, and the connection to the server.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use super::connection::Connection;
use super::stream::Stream;
use super::timer::wait;
use super::toxic::later;
use super::upstream::{Unreachable, dial};
use super::when_down::WhenDown;

impl Connection {
    /// Waits as long as toxics want it to be let in late.
    pub(super) async fn let_in(&self) -> io::Result<()> {
        let mut timer = None;
        loop {
            let seen = self.version();
            let armed = self.state().armed();
            let delays = armed.iter().filter_map(|armed| armed.spec.admission().filter(|_| self.meets(armed)));
            let due = later(self.opened, delays.fold(Duration::ZERO, Duration::saturating_add));
            tokio::select! {
                biased;
                expired = wait(&mut timer, Some(due)) => return expired,
                () = poll_fn(|_| if self.version() == seen { Poll::Pending } else { Poll::Ready(()) }) => {}
            }
        }
    }

    /// Connects to the server, at once or, where the proxy was told so, as soon as it is there.
    pub(super) async fn reach(&self) -> Result<Stream, Unreachable> {
        let mut told = false;
        loop {
            let unreachable = match dial(&self.site().upstream).await {
                Ok(stream) => return Ok(stream),
                Err(unreachable) => unreachable,
            };
            match self.site().when_down {
                WhenDown::Reset => return Err(unreachable),
                WhenDown::Refuse => {
                    self.site().gone.notify_one();
                    return Err(unreachable);
                }
                WhenDown::Hold if !told => self.site().record(&format!("conn {} waits: {unreachable}", self.number())),
                WhenDown::Hold => {}
            }
            told = true;
            tokio::time::sleep(WhenDown::PAUSE).await;
        }
    }
}

//! How a connection ends, and what the journal says of it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::connection::Connection;
use super::state::{Armed, count};
use super::stream::Stream;
use super::toxic::{Cut, Direction};
use super::upstream::Unreachable;

/// How a connection ended.
pub(super) enum End {
    /// Both sides said that they were done.
    Finished,
    Cut(Cut, Option<Arc<Armed>>),
    Broken(io::Error),
    Unreachable(Unreachable),
    /// It was half open, and the server that has forgotten it is back.
    Unknown,
    /// The proxy stopped.
    Stopped,
}

impl End {
    /// Closes what is left of it.
    pub(super) fn close(&self, streams: [Option<Stream>; 2]) {
        for stream in streams.into_iter().flatten() {
            match self {
                End::Finished | End::Stopped => {}
                End::Cut(Cut::Fin | Cut::HalfOpen, _) => stream.finish(),
                // A direct connection would pass a peer's reset on, too.
                End::Cut(Cut::Rst, _) | End::Broken(_) | End::Unreachable(_) | End::Unknown => stream.reset(),
            }
        }
    }

    /// Tells the journal, and counts it.
    pub(super) fn tell(&self, connection: &Connection) {
        let (number, passed) = (connection.number(), End::passed(connection));
        let ends = &connection.state().ends;
        connection.site().record(&match self {
            End::Finished => format!("conn {number} closed after {passed}"),
            End::Stopped => format!("conn {number} closed after {passed}: the proxy stopped"),
            End::Broken(error) => format!("conn {number} broke after {passed}: {error}"),
            End::Unknown => format!("reset conn {number} after {passed}: the server that forgot it is back"),
            End::Unreachable(why) => {
                count(&ends.unreachable, 1);
                format!("conn {number} closed with a reset: {why}")
            }
            End::Cut(how, by) => {
                let (verb, counter) = if *how == Cut::Rst { ("reset", &ends.reset) } else { ("closed", &ends.closed) };
                count(counter, 1);
                match by {
                    Some(by) => {
                        count(&by.met, 1);
                        format!("{verb} conn {number} after {passed}, by `{by}`")
                    }
                    None => format!("{verb} conn {number} after {passed}, by a removed toxic"),
                }
            }
        });
    }

    /// The bytes that a connection has carried.
    pub(super) fn passed(connection: &Connection) -> impl fmt::Display {
        let down = connection.bytes(Direction::Downstream).load(Relaxed);
        let up = connection.bytes(Direction::Upstream).load(Relaxed);
        format!("{down} bytes down and {up} up")
    }
}

//! So many bytes, and no more.

use std::fmt;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use super::range::{Checked, accept, at_least_one};
use super::{Cut, Direction, Effect, Item, LinkId, Outlet, Spec, Ways, later};

/// Ends a connection once so many bytes have passed: in order, with a reset, or by falling silent.
///
/// The bytes are counted from the arming, for each connection and direction by itself, and exactly so many reach the
/// receiver. The end comes with the last of them, not with the next one, except for [`stall`](Self::stall).
///
/// Counts as met: each connection that it ended or silenced. Bytes that pass below the limit do not count.
#[derive(Clone, Copy, Debug)]
#[must_use = "a toxic does nothing before it is added to a proxy"]
pub struct Limit {
    bytes: NonZeroU64,
    /// `None` stalls.
    cut: Option<Cut>,
    ways: Ways,
}

has_ways!(Limit, downstream by default);

impl Limit {
    /// Lets so many bytes pass from the server to the client and then closes the connection.
    ///
    /// # Panics
    /// If it is 0: `Timeout::after(Duration::ZERO)` closes before the first byte.
    #[track_caller]
    pub fn bytes(limit: u64) -> Limit {
        accept("Limit::bytes", Limit::try_bytes(limit))
    }

    pub(super) fn try_bytes(limit: u64) -> Checked<Limit> {
        let bytes = at_least_one(limit, "Timeout::after(Duration::ZERO) closes before the first byte")?;
        Ok(Limit { bytes, cut: Some(Cut::Fin), ways: Ways::One(Direction::Downstream) })
    }

    /// Closes the connection with an end of file (FIN) on both sides. This is the default.
    pub fn fin(mut self) -> Limit {
        self.cut = Some(Cut::Fin);
        self
    }

    /// Resets the connection (RST) on both sides; the same as [`Reset::after_bytes`](crate::proxy::Reset::after_bytes).
    pub fn reset(mut self) -> Limit {
        self.cut = Some(Cut::Rst);
        self
    }

    /// Leaves the connection open and lets nothing more pass in this direction, as a [`Blackhole`]; on removal the rest
    /// arrives.
    ///
    /// [`Blackhole`]: crate::proxy::Blackhole
    pub fn stall(mut self) -> Limit {
        self.cut = None;
        self
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = match self.cut {
            Some(Cut::Rst) => "reset",
            Some(_) => "close",
            None => "stall",
        };
        write!(f, "{end} after {} bytes {}", self.bytes, self.ways)
    }
}

impl Spec for Limit {
    fn misses(&self) -> &'static str {
        "no connection reached its limit"
    }

    fn effect(&self, link: &LinkId) -> Option<Box<dyn Effect>> {
        self.ways.include(link.direction).then(|| {
            let left = self.bytes.get();
            match self.cut {
                Some(how) => Box::new(Fuse { left, how, toxic: link.toxic }) as Box<dyn Effect>,
                None => Box::new(Stopper { left, stopped: false }),
            }
        })
    }
}

/// Counts down the bytes of one link; at 0 it has cut, and swallows the rest.
pub(super) struct Fuse {
    pub(super) left: u64,
    pub(super) how: Cut,
    pub(super) toxic: u64,
}

impl Effect for Fuse {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        if self.left == 0 {
            if let Item::Bytes(bytes) = item {
                out.dropped(bytes.len());
            }
            return;
        }
        let Item::Bytes(mut bytes) = item else { return out.release(item, at) };
        let came = bytes.len();
        bytes.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= bytes.len() as u64;
        out.dropped(came - bytes.len());
        out.release(Item::Bytes(bytes), at);
        if self.left == 0 {
            // The connection counts the meeting when it carries this out.
            out.release(Item::Cut { toxic: self.toxic, how: self.how }, at);
        }
    }
}

/// Counts down the bytes of one link; at 0 it keeps the rest.
struct Stopper {
    left: u64,
    stopped: bool,
}

impl Effect for Stopper {
    fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
        let rest = match item {
            Item::Bytes(mut bytes) => {
                let rest = bytes.split_off(bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX)));
                self.left -= bytes.len() as u64;
                if !bytes.is_empty() {
                    out.release(Item::Bytes(bytes), at);
                }
                if rest.is_empty() {
                    return;
                }
                Item::Bytes(rest)
            }
            other if self.left > 0 => return out.release(other, at),
            other => other,
        };
        if !self.stopped {
            self.stopped = true;
            out.met();
        }
        out.release(rest, later(at, Duration::MAX));
    }

    fn reads(&self) -> bool {
        !self.stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::toxic::probe::{LINK, NEVER, Probe, chunk};

    #[test]
    fn exactly_so_many_bytes_pass_and_the_end_comes_with_the_last() {
        for (limit, how) in [(Limit::bytes(5), Cut::Fin), (Limit::bytes(5).reset(), Cut::Rst)] {
            let cut = || (2, Item::Cut { toxic: LINK.toxic, how });
            let mut probe = Probe::of(&limit);
            assert_eq!(probe.bytes(b"abc", 1), [chunk(1, b"abc")]);
            assert_eq!(probe.bytes(b"de", 2), [chunk(2, b"de"), cut()]);
            assert_eq!(probe.bytes(b"f", 3), []);
            assert_eq!(probe.pass(Item::Eof, 3), []);
            assert_eq!(probe.tally.dropped, 1);
            let mut probe = Probe::of(&limit);
            assert_eq!(probe.bytes(b"abcdefgh", 2), [chunk(2, b"abcde"), cut()]);
            assert_eq!(probe.tally.dropped, 3);
            let mut probe = Probe::of(&limit);
            assert_eq!(probe.pass(Item::Eof, 1), [(1, Item::Eof)]);
        }
    }

    #[test]
    fn a_stall_keeps_what_is_behind_its_limit() {
        let mut probe = Probe::of(&Limit::bytes(5).stall());
        assert_eq!(probe.bytes(b"abcde", 1), [chunk(1, b"abcde")]);
        assert!(probe.effect.reads());
        assert_eq!(probe.tally.met, 0);
        assert_eq!(probe.bytes(b"f", 2), [chunk(NEVER + 2, b"f")]);
        assert_eq!(probe.pass(Item::Eof, 3), [(NEVER + 3, Item::Eof)]);
        assert!(!probe.effect.reads());
        assert_eq!(probe.tally.met, 1);
        let mut probe = Probe::of(&Limit::bytes(5).stall());
        assert_eq!(probe.bytes(b"abcdefgh", 1), [chunk(1, b"abcde"), chunk(NEVER + 1, b"fgh")]);
    }
}

//! One direction of a stream: where it stands, and what happens to its bytes.

use super::{
    Name,
    call::{Call, Waiting},
};
use crate::fault::{Damage, Place};
use std::{
    io::{self, IoSlice},
    task::{Context, Poll},
};

/// One direction of a stream.
#[derive(Debug)]
pub(super) struct Side {
    /// The point of calls before any byte has passed.
    first: Place,
    /// The point of all others.
    rest: Place,
    /// How many bytes have passed.
    offset: u64,
    call: Call,
    /// What a fault of the call before still does.
    owed: Option<Waiting>,
    /// The bit of the whole direction that is flipped when it passes: the stream may take a part of a write only, and
    /// the damage must not be lost with the rest.
    flip: Option<u64>,
    /// A fault has ended it.
    pub(super) is_over: bool,
}

impl Side {
    pub(super) fn new(first: Place, rest: Place) -> Self {
        Self { first, rest, offset: 0, call: Call::New, owed: None, flip: None, is_over: false }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Does what the call before owes.
    pub(super) fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Waiting::poll_in(&mut self.owed, cx)
    }

    /// Goes on to where the bytes of this call may pass, `length` of them at most.
    pub(super) fn poll_until_passing(
        &mut self,
        cx: &mut Context<'_>,
        name: &Name,
        length: usize,
    ) -> Poll<io::Result<()>> {
        let place = if self.offset == 0 { self.first } else { self.rest };
        let offset = self.offset;
        self.call.poll_until_passing(cx, || name.decide(place, Some(offset), Some(length)))
    }

    /// What happens to the bytes of this call, if anything.
    pub(super) fn damage(&self) -> Option<Damage> {
        self.call.damage()
    }

    /// The bytes that are written in the place of these; `None` if these are.
    pub(super) fn altered(&mut self, bufs: &[IoSlice<'_>]) -> Option<Vec<u8>> {
        let length = bufs.iter().map(|buf| buf.len()).sum();
        let damage = self.call.damage().unwrap_or_default();
        let passing = damage.passing(length);
        let flipped = self.flipped(damage, passing);
        if passing == length && flipped.is_none() {
            return None;
        }
        let mut bytes = Vec::with_capacity(passing);
        for buf in bufs {
            let room = passing - bytes.len();
            bytes.extend_from_slice(&buf[..room.min(buf.len())]);
        }
        if let Some(bit) = flipped {
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        Some(bytes)
    }

    /// Which of the next bits is flipped: one that was to be flipped already, or one that this call flips.
    fn flipped(&mut self, damage: Damage, length: usize) -> Option<usize> {
        let begins = self.offset * 8;
        let within = |bit: u64| usize::try_from(bit - begins).ok().filter(|bit| *bit < length * 8);
        let known = self.flip.and_then(within);
        known.or_else(|| {
            let drawn = damage.flipped_bit(length)?;
            self.flip = Some(begins + drawn as u64);
            Some(drawn)
        })
    }

    /// Ends the call: so many bytes have passed, or it failed.
    pub(super) fn end(&mut self, result: io::Result<usize>) -> io::Result<usize> {
        let owed = self.call.end();
        let passed = result?;
        self.offset += passed as u64;
        self.owed = owed;
        self.flip = self.flip.filter(|bit| *bit >= self.offset * 8);
        Ok(passed)
    }
}

//! Byte streams in which every byte is known by its place, so that a single lost, changed or reordered one is found.

use std::sync::Arc;

/// After so many bytes the pattern repeats. It is prime, so that no buffer size divides it: bytes that moved by the
/// length of some buffers do not look as if they had not.
const PERIOD: usize = 1_048_583;

/// The longest piece of a stream that can be had at once.
pub(crate) const MAX_CHUNK: usize = 128 * 1024;

/// Random bytes that all streams of a run are cut from.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Arc<[u8]>);

impl Pattern {
    pub(crate) fn new(seed: u64) -> Self {
        let mut bytes = vec![0; PERIOD];
        fastrand::Rng::with_seed(seed).fill(&mut bytes);
        // The beginning once more, so that no piece is cut in two by the end.
        bytes.extend_from_within(..MAX_CHUNK);
        Self(bytes.into())
    }

    /// Shows that a check finds what it is for, before it is trusted.
    ///
    /// # Panics
    /// If a changed, a lost or a swapped piece is not found.
    pub(crate) fn assert_that_it_finds_damage(&self) {
        let sent = self.stream(1).next(1_000).to_vec();
        let wrong = |arrived: &[u8]| {
            let mut stream = self.stream(1);
            stream.check(arrived);
            stream.wrong()
        };
        assert_eq!(wrong(&sent), 0, "what arrives as it was sent is right");
        let mut changed = sent.clone();
        changed[500] ^= 1;
        assert_eq!(wrong(&changed), 1, "a changed byte is found");
        assert!(wrong(&[&sent[..500], &sent[501..]].concat()) > 400, "a lost byte is found");
        assert!(wrong(&[&sent[500..], &sent[..500]].concat()) > 900, "swapped pieces are found");
    }

    /// The stream of this number, at its beginning. Streams begin at different places of the pattern, so that the bytes
    /// of one are not taken for those of another.
    pub(crate) fn stream(&self, number: u64) -> Stream {
        let start = number.wrapping_mul(7_919).wrapping_add(1) % PERIOD as u64;
        Stream { pattern: self.clone(), start, done: 0, wrong: 0 }
    }
}

/// One endless stream, and how far its sender or its receiver has come.
#[derive(Debug)]
pub(crate) struct Stream {
    pattern: Pattern,
    start: u64,
    done: u64,
    wrong: u64,
}

impl Stream {
    /// The next bytes.
    ///
    /// # Panics
    /// If `len` is above [`MAX_CHUNK`].
    pub(crate) fn next(&self, len: usize) -> &[u8] {
        assert!(len <= MAX_CHUNK, "a piece has at most {MAX_CHUNK} bytes");
        let at = ((self.start + self.done) % PERIOD as u64) as usize;
        &self.pattern.0[at..at + len]
    }

    /// Goes on after so many bytes that were sent.
    pub(crate) fn advance(&mut self, len: usize) {
        self.done += len as u64;
    }

    /// Compares what has arrived with what should have, and goes on behind it.
    pub(crate) fn check(&mut self, arrived: &[u8]) {
        for piece in arrived.chunks(MAX_CHUNK) {
            let expected = self.next(piece.len());
            // Nearly always equal, which is found much faster than counted.
            let differing = || piece.iter().zip(expected).filter(|(arrived, expected)| arrived != expected).count();
            let wrong = if piece == expected { 0 } else { differing() };
            self.wrong += wrong as u64;
            self.advance(piece.len());
        }
    }

    /// How many bytes were sent or have arrived.
    pub(crate) fn done(&self) -> u64 {
        self.done
    }

    /// How many of those that have arrived stand where others should.
    pub(crate) fn wrong(&self) -> u64 {
        self.wrong
    }
}

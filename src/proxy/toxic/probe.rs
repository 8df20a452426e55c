//! One toxic on one link without sockets and clocks, for the tests of the toxics.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::base::Seed;

use super::{Direction, Effect, Item, LinkId, Outlet, Spec, Tally};

pub(super) const LINK: LinkId =
    LinkId { seed: Seed::new(7), proxy: 1, connection: 2, toxic: 3, direction: Direction::Downstream };

/// What goes in by hand and what would leave, and when.
pub(super) struct Probe {
    pub(super) effect: Box<dyn Effect>,
    pub(super) tally: Tally,
    /// The offset of the next byte.
    pub(super) offset: u64,
    start: Instant,
    held: VecDeque<(Instant, Item)>,
}

impl Probe {
    /// On a link from the server to the client.
    pub(super) fn of(toxic: &impl Spec) -> Probe {
        Probe::on(toxic, LINK)
    }

    pub(super) fn on(toxic: &impl Spec, link: LinkId) -> Probe {
        let effect = toxic.effect(&link).expect("it acts on this direction");
        Probe { effect, tally: Tally::default(), offset: 0, start: Instant::now(), held: VecDeque::new() }
    }

    /// Lets an item arrive so many milliseconds after the start, and returns what leaves in exchange, and after how
    /// many.
    pub(super) fn pass(&mut self, item: Item, at: u64) -> Vec<(u64, Item)> {
        let bytes = item.bytes() as u64;
        let mut weight = 0;
        let mut out = Outlet::new(&mut self.held, &mut weight, &mut self.tally, self.offset);
        self.effect.pass(item, self.start + Duration::from_millis(at), &mut out);
        self.offset += bytes;
        assert_eq!(weight, self.held.iter().map(|(_, item)| item.weight()).sum::<usize>());
        let start = self.start;
        self.held.drain(..).map(|(release, item)| ((release - start).as_millis() as u64, item)).collect()
    }

    /// The same for bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8], at: u64) -> Vec<(u64, Item)> {
        self.pass(Item::Bytes(bytes.to_vec()), at)
    }

    /// The same for bytes of which only their cuts and their times matter.
    pub(super) fn lengths(&mut self, bytes: usize, at: u64) -> Vec<(u64, usize)> {
        self.bytes(&vec![0; bytes], at).iter().map(|(at, item)| (*at, item.bytes())).collect()
    }
}

/// Bytes that leave at this time.
pub(super) fn chunk(at: u64, bytes: &[u8]) -> (u64, Item) {
    (at, Item::Bytes(bytes.to_vec()))
}

/// A hundred years from the start: never, for a test.
pub(super) const NEVER: u64 = 100 * 365 * 86_400 * 1_000;

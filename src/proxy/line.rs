//! What one link holds back: the toxics of one direction in a row, each with its own queue. Knows neither sockets nor
//! clocks.

use std::collections::VecDeque;
use std::time::Instant;

use super::toxic::{Cut, Effect, Item, Outlet, Tally};

/// Items enter at [`push`](Self::push), pass each stage in the order in which the toxics were armed, and leave at
/// [`front`](Self::front).
#[derive(Default)]
pub(super) struct Line {
    stages: Vec<Stage>,
    ready: VecDeque<Item>,
    /// How much of the front chunk has left already.
    done: usize,
    /// The sum of the weights of all that is held or ready.
    weight: usize,
    /// How many bytes have come to its end.
    passed: u64,
    /// What removed toxics did that nobody has asked for.
    left: Vec<(u64, Tally)>,
}

/// What may leave a line.
pub(super) enum Front<'a> {
    /// Bytes for the receiver; how many it took is told to [`Line::consume`].
    Bytes(&'a [u8]),
    /// The end of the stream.
    Eof,
    /// The connection ends here.
    Cut { toxic: u64, how: Cut },
}

/// One toxic on this link.
struct Stage {
    toxic: u64,
    effect: Box<dyn Effect>,
    /// Ordered by release, since [`Outlet`] lets nothing overtake.
    held: VecDeque<(Instant, Item)>,
    /// How many bytes of the direction have come to this stage, or past this place before it was made.
    offset: u64,
    /// What the toxic did since [`Line::take_tallies`] last asked.
    tally: Tally,
}

impl Line {
    /// Puts a toxic behind all that were armed before it.
    pub(super) fn add(&mut self, toxic: u64, effect: Box<dyn Effect>) {
        let index = self.stages.partition_point(|stage| stage.toxic < toxic);
        let offset = self.stages.get(index).map_or(self.passed, |next| next.offset);
        self.stages.insert(index, Stage { toxic, effect, held: VecDeque::new(), offset, tally: Tally::default() });
    }

    /// Takes out every toxic that is not in `armed`; what such a one still holds goes on at once, in order.
    pub(super) fn keep_only(&mut self, armed: &[u64], now: Instant) {
        // From the end: what is further along is older, and meets none that goes as well.
        for index in (0..self.stages.len()).rev() {
            if armed.contains(&self.stages[index].toxic) {
                continue;
            }
            let mut removed = self.stages.remove(index);
            self.left.extend(removed.tally.take().map(|tally| (removed.toxic, tally)));
            // What was behind the removed stage is behind `index` now.
            for (_, item) in removed.held {
                self.weight -= item.weight();
                self.feed(index, item, now);
            }
            if let Some(item) = removed.effect.removed() {
                self.feed(index, item, now);
            }
        }
    }

    /// Whether the toxic of this number is on this line.
    pub(super) fn has(&self, toxic: u64) -> bool {
        self.stages.binary_search_by_key(&toxic, |stage| stage.toxic).is_ok()
    }

    /// Says that so many bytes went on without coming this way.
    pub(super) fn bypassed(&mut self, bytes: usize) {
        self.passed += bytes as u64;
    }

    /// Whether every toxic lets the link read on.
    pub(super) fn reads(&self) -> bool {
        self.stages.iter().all(|stage| stage.effect.reads())
    }

    /// Lets in what arrived at `at`.
    pub(super) fn push(&mut self, item: Item, at: Instant) {
        self.feed(0, item, at);
    }

    /// Moves on all that may leave its stage by `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        for index in 0..self.stages.len() {
            while let Some((release, item)) = self.stages[index].held.pop_front_if(|(release, _)| *release <= now) {
                self.weight -= item.weight();
                // It arrives at the next stage when it was to leave this one: timer errors do not add up.
                self.feed(index + 1, item, release);
            }
        }
    }

    /// When [`advance`](Self::advance) next has something to do.
    pub(super) fn next_release(&self) -> Option<Instant> {
        self.stages.iter().filter_map(|stage| stage.held.front().map(|(release, _)| *release)).min()
    }

    /// What may leave the line now.
    pub(super) fn front(&self) -> Option<Front<'_>> {
        Some(match self.ready.front()? {
            Item::Bytes(chunk) => Front::Bytes(&chunk[self.done..]),
            Item::Eof => Front::Eof,
            Item::Cut { toxic, how } => Front::Cut { toxic: *toxic, how: *how },
        })
    }

    /// Removes so many bytes of the chunk that [`front`](Self::front) showed.
    pub(super) fn consume(&mut self, bytes: usize) {
        let Some(Item::Bytes(chunk)) = self.ready.front() else { return };
        self.done += bytes;
        if self.done == chunk.len() {
            self.done = 0;
            if let Some(item) = self.ready.pop_front() {
                self.weight -= item.weight();
            }
        }
    }

    /// How much memory the held and ready items take, about.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Whether nothing would happen to bytes on this line.
    pub(super) fn is_clear(&self) -> bool {
        self.stages.is_empty() && self.ready.is_empty()
    }

    /// What the toxics did since the last time, by their numbers.
    pub(super) fn take_tallies(&mut self) -> impl Iterator<Item = (u64, Tally)> {
        let staying = self.stages.iter_mut().filter_map(|stage| Some((stage.toxic, stage.tally.take()?)));
        self.left.drain(..).chain(staying)
    }

    fn feed(&mut self, index: usize, item: Item, at: Instant) {
        let bytes = item.bytes() as u64;
        if let Some(stage) = self.stages.get_mut(index) {
            let mut out = Outlet::new(&mut stage.held, &mut self.weight, &mut stage.tally, stage.offset);
            stage.offset += bytes;
            stage.effect.pass(item, at, &mut out);
        } else {
            self.passed += bytes;
            self.weight += item.weight();
            self.ready.push_back(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Holds everything for a fixed time.
    struct Hold(Duration);

    impl Effect for Hold {
        fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
            out.met();
            out.release(item, at + self.0);
        }
    }

    fn drain(line: &mut Line) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some(Front::Bytes(front)) = line.front() {
            bytes.push(front[0]);
            line.consume(1);
        }
        bytes
    }

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn delays_in_a_row_add_up_exactly_even_when_the_timer_is_late() {
        let start = Instant::now();
        let mut line = Line::default();
        line.add(1, Box::new(Hold(ms(10))));
        line.add(2, Box::new(Hold(ms(5))));
        line.push(Item::Bytes(vec![1]), start);
        line.advance(start + ms(12));
        assert_eq!(line.next_release(), Some(start + ms(15)));
        line.advance(start + ms(15));
        assert_eq!(drain(&mut line), [1]);
        assert_eq!(line.weight(), 0);
        let met: Vec<_> = line.take_tallies().map(|(toxic, tally)| (toxic, tally.met)).collect();
        assert_eq!(met, [(1, 1), (2, 1)]);
    }

    #[test]
    fn a_removed_toxic_hands_its_items_to_the_next_one_in_order() {
        let start = Instant::now();
        let mut line = Line::default();
        line.add(1, Box::new(Hold(ms(1_000))));
        line.add(2, Box::new(Hold(ms(5))));
        (0..10).for_each(|byte| line.push(Item::Bytes(vec![byte]), start + ms(u64::from(byte))));
        line.keep_only(&[2], start + ms(20));
        line.push(Item::Bytes(vec![10]), start + ms(20));
        assert_eq!(line.next_release(), Some(start + ms(25)));
        line.advance(start + ms(25));
        assert_eq!(drain(&mut line), (0..=10).collect::<Vec<_>>());
        assert!(!line.is_clear());
        line.keep_only(&[], start + ms(30));
        assert!(line.is_clear());
    }

    #[test]
    fn of_two_toxics_that_are_removed_at_once_neither_acts_and_what_they_did_is_known() {
        struct Flip;
        impl Effect for Flip {
            fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
                let Item::Bytes(bytes) = item else { return out.release(item, at) };
                out.met();
                out.release(Item::Bytes(bytes.iter().map(|byte| !byte).collect()), at);
            }
        }

        let start = Instant::now();
        let mut line = Line::default();
        line.add(1, Box::new(Hold(ms(1_000))));
        line.add(2, Box::new(Flip));
        line.push(Item::Bytes(vec![7]), start);
        line.keep_only(&[], start + ms(1));
        assert_eq!(drain(&mut line), [7]);
        assert!(line.is_clear());
        let met: Vec<_> = line.take_tallies().map(|(toxic, tally)| (toxic, tally.met)).collect();
        assert_eq!(met, [(1, 1)]);
    }

    #[test]
    fn a_shorter_delay_does_not_let_a_chunk_overtake() {
        struct Shrinking(u64);
        impl Effect for Shrinking {
            fn pass(&mut self, item: Item, at: Instant, out: &mut Outlet<'_>) {
                self.0 -= 1;
                out.release(item, at + ms(self.0));
            }
        }
        let start = Instant::now();
        let mut line = Line::default();
        line.add(1, Box::new(Shrinking(10)));
        (0..5).for_each(|byte| line.push(Item::Bytes(vec![byte]), start));
        line.advance(start + ms(8));
        assert!(drain(&mut line).is_empty());
        line.advance(start + ms(9));
        assert_eq!(drain(&mut line), [0, 1, 2, 3, 4]);
    }
    mod exactness {
        use proptest::prelude::*;

        use super::*;
        use crate::base::Seed;
        use crate::proxy::toxic::{
            Bandwidth, Blackhole, Direction, Latency, Limit, LinkId, Noop, Slicer, SlowClose, Stall, Toxic,
        };

        /// What happens to a line.
        #[derive(Clone, Debug)]
        enum Step {
            Push(usize),
            Wait(Duration),
            Arm(Toxic),
            /// Removes one of those in force.
            Remove(usize),
            /// The receiver takes so many bytes.
            Take(usize),
        }

        /// Toxics that change no bytes.
        fn harmless() -> impl Strategy<Value = Toxic> {
            prop_oneof![
                (0_u64..50, 0_u64..50).prop_map(|(a, b)| Latency::of(ms(a.max(b))).jitter(ms(b)).into()),
                (0_u64..50, 1_u64..50).prop_map(|(latency, sigma)| Latency::of(ms(latency)).normal(ms(sigma)).into()),
                (0_u64..50, 0.5_f64..5.0).prop_map(|(latency, shape)| Latency::of(ms(latency)).pareto(shape).into()),
                (1_u64..1_000_000, 0_u64..5_000).prop_map(|(rate, burst)| Bandwidth::of(rate).burst(burst).into()),
                (1_u64..500, 0_u64..10).prop_map(|(size, delay)| Slicer::of(size).delay(ms(delay)).into()),
                (2_u64..500).prop_map(|size| Slicer::of(size).variation(size / 2).into()),
                (1_u64..2_000).prop_map(|every| Stall::of(ms(9)).every(every).into()),
                (0.01_f64..1.0).prop_map(|p| Stall::of(ms(9)).probability(p).into()),
                (0_u64..50).prop_map(|delay| SlowClose::of(ms(delay)).into()),
                (1_u64..3_000).prop_map(|limit| Limit::bytes(limit).stall().into()),
                Just(Blackhole::new().into()),
                Just(Noop::new().into()),
            ]
        }

        fn step() -> impl Strategy<Value = Step> {
            prop_oneof![
                4 => (1_usize..3_000).prop_map(Step::Push),
                2 => (0_u64..30_000).prop_map(|micros| Step::Wait(Duration::from_micros(micros))),
                2 => harmless().prop_map(Step::Arm),
                2 => any::<usize>().prop_map(Step::Remove),
                3 => (1_usize..5_000).prop_map(Step::Take),
            ]
        }

        /// Lets the receiver take at most so many bytes; whether it met the end of the stream.
        fn take(line: &mut Line, most: usize, into: &mut Vec<u8>) -> bool {
            let until = into.len() + most;
            loop {
                let taken = match line.front() {
                    Some(Front::Bytes(bytes)) => {
                        assert!(!bytes.is_empty());
                        let taken = &bytes[..bytes.len().min(until - into.len())];
                        into.extend(taken);
                        taken.len()
                    }
                    Some(Front::Eof) => return true,
                    Some(Front::Cut { .. }) => panic!("no toxic here cuts"),
                    None => return false,
                };
                if taken == 0 {
                    return false;
                }
                line.consume(taken);
            }
        }

        proptest! {
            #[test]
            fn every_byte_arrives_once_and_in_order_whatever_comes_and_goes(
                steps in prop::collection::vec(step(), 1..60),
            ) {
                let (mut line, mut now, mut sent, mut received) = (Line::default(), Instant::now(), 0_usize, vec![]);
                let (mut armed, mut number) = (Vec::new(), 0);
                for step in steps {
                    match step {
                        Step::Push(len) => {
                            let bytes = (sent..sent + len).map(|index| (index / 3) as u8).collect();
                            line.push(Item::Bytes(bytes), now);
                            sent += len;
                        }
                        Step::Wait(time) => now += time,
                        Step::Arm(toxic) => {
                            number += 1;
                            let (seed, direction) = (Seed::new(7), Direction::Downstream);
                            let link = LinkId { seed, proxy: 1, connection: 1, toxic: number, direction };
                            line.add(number, toxic.spec.effect(&link).unwrap());
                            armed.push(number);
                        }
                        Step::Remove(which) if !armed.is_empty() => {
                            armed.remove(which % armed.len());
                            line.keep_only(&armed, now);
                        }
                        Step::Remove(_) => {}
                        Step::Take(most) => {
                            take(&mut line, most, &mut received);
                        }
                    }
                    line.advance(now);
                }
                line.push(Item::Eof, now);
                line.keep_only(&[], now);
                prop_assert!(take(&mut line, usize::MAX / 2, &mut received), "the end comes last");
                prop_assert_eq!(received.len(), sent);
                prop_assert!(received.iter().enumerate().all(|(index, byte)| *byte == (index / 3) as u8));
                prop_assert_eq!(line.weight(), Item::Eof.weight());
                prop_assert_eq!(line.passed, sent as u64);
            }
        }
    }
}

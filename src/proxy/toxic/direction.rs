//! The two ways of a connection, and what tells one from all others.

use std::fmt;

use crate::base::Seed;

/// Both ways of a connection.
pub(in crate::proxy) const BOTH: [Direction; 2] = [Direction::Upstream, Direction::Downstream];

/// One direction of one connection, as one toxic sees it: all that a repeatable draw may depend on.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct LinkId {
    /// The seed of the test.
    pub(in crate::proxy) seed: Seed,
    /// The number of the proxy in the test, from 1.
    pub(in crate::proxy) proxy: u64,
    /// The number of the connection at the proxy, from 1.
    pub(in crate::proxy) connection: u64,
    /// The number of the toxic at the proxy, from 1.
    pub(in crate::proxy) toxic: u64,
    /// Which way the bytes go.
    pub(in crate::proxy) direction: Direction,
}

impl LinkId {
    /// A draw in `0.0..1.0` that depends on nothing but the place and what the toxic adds to it.
    pub(in crate::proxy) fn draw(&self, place: &[u64; 2]) -> f64 {
        let [first, second] = *place;
        self.seed.draw_unit_at(&[self.proxy, self.connection, self.toxic, self.direction as u64, first, second])
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Direction {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Upstream => "upstream",
            Direction::Downstream => "downstream",
        })
    }
}

/// The directions that a toxic acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ways {
    One(Direction),
    Both,
}

impl Ways {
    pub(super) fn include(self, direction: Direction) -> bool {
        self == Ways::Both || self == Ways::One(direction)
    }
}

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ways::One(direction) => direction.fmt(f),
            Ways::Both => f.write_str("both ways"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ_by_place() {
        let link = LinkId { seed: Seed::new(7), proxy: 1, connection: 2, toxic: 3, direction: Direction::Downstream };
        assert_eq!(link.draw(&[5, 0]), link.draw(&[5, 0]));
        let others = [
            LinkId { seed: Seed::new(8), ..link },
            LinkId { proxy: 2, ..link },
            LinkId { connection: 3, ..link },
            LinkId { toxic: 4, ..link },
            LinkId { direction: Direction::Upstream, ..link },
        ];
        assert!(others.iter().all(|other| other.draw(&[5, 0]) != link.draw(&[5, 0])));
        assert!([[6, 0], [5, 1], [0, 5]].iter().all(|place| link.draw(place) != link.draw(&[5, 0])));
    }
}

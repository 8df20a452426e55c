//! Who is in flight, and whether anybody may still get in. Pure: no lock, no clock.

use super::Cause;

/// The state of a service that may be asked to shut down.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Why it is to shut down, once it is.
    cause: Option<Cause>,
    /// How many are in flight now.
    in_flight: usize,
    /// How many were in flight when the shutdown was requested.
    at_request: usize,
}

impl Tally {
    /// One more, unless it is too late.
    pub(super) fn enter(&mut self) -> bool {
        let open = self.cause.is_none();
        self.in_flight += usize::from(open);
        open
    }

    /// One less. Whether it was the last one that a shutdown waits for.
    pub(super) fn leave(&mut self) -> bool {
        self.in_flight -= 1;
        self.is_drained()
    }

    /// From now on nobody gets in. Whether this was the first to ask.
    pub(super) fn request(&mut self, cause: Cause) -> bool {
        if self.cause.is_some() {
            return false;
        }
        self.at_request = self.in_flight;
        self.cause = Some(cause);
        true
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    pub(super) fn is_drained(&self) -> bool {
        self.cause.is_some() && self.in_flight == 0
    }

    /// Of those that were in flight at the request: how many have ended, and how many have not.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.at_request - self.in_flight, self.in_flight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_cause_stands() {
        let mut tally = Tally::default();
        assert!(tally.request(Cause::Asked("deploy".into())));
        assert!(!tally.request(Cause::Finished));
        assert_eq!(tally.cause(), Some(&Cause::Asked("deploy".into())));
    }

    proptest! {
        /// 0 enters, 1 leaves, 2 requests, in any order: nobody gets in after the request, nobody is forgotten.
        #[test]
        fn whoever_got_in_is_counted_and_nobody_gets_in_late(steps in proptest::collection::vec(0_u8..3, 0..60)) {
            let mut tally = Tally::default();
            let (mut inside, mut at_request) = (0_usize, None);
            for step in steps {
                match step {
                    0 => {
                        let entered = tally.enter();
                        prop_assert_eq!(entered, at_request.is_none());
                        inside += usize::from(entered);
                    }
                    1 if inside > 0 => {
                        inside -= 1;
                        prop_assert_eq!(tally.leave(), at_request.is_some() && inside == 0);
                    }
                    2 => {
                        prop_assert_eq!(tally.request(Cause::Finished), at_request.is_none());
                        at_request = at_request.or(Some(inside));
                    }
                    _ => {}
                }
                prop_assert_eq!(tally.is_drained(), at_request.is_some() && inside == 0);
                if let Some(at_request) = at_request {
                    prop_assert_eq!(tally.counts(), (at_request - inside, inside));
                }
            }
        }
    }
}

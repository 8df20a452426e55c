//! Typed slots: what the parts above keep in a scope without the scope knowing them.

use super::{finding::Finding, teardown::Undo};
use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

/// What a part (faults, mocks, proxies) keeps for one test. The scope calls it in this order when the test ends.
pub(crate) trait Part: Any + Send + Sync {
    /// The test is about to be torn down: let go of whatever is held, so that teardowns can join it.
    fn release(&self) {}

    /// The teardowns have run: what is to be said, such as a fault that never fired.
    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }

    /// Stop everything that runs. Must not hang and must not panic.
    fn shut_down(&self) {}

    /// The runtime is gone: the next thing to undo, the latest first. Called until it returns `None`.
    fn pop(&self) -> Option<Undo> {
        None
    }
}

/// How many kinds of parts there can be; each kind is a type of this crate, so the number is known.
const KINDS: usize = 16;

/// One value for each type, created at first use, found without a lock.
#[derive(Default)]
pub(super) struct Parts {
    cells: [OnceLock<Arc<dyn Part>>; KINDS],
}

impl Parts {
    pub(super) fn get<T: Part>(&self) -> Option<&T> {
        self.iter().find_map(|part| (&**part as &dyn Any).downcast_ref())
    }

    pub(super) fn get_or_insert<T: Part>(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let mut make = Some(make);
        for cell in &self.cells {
            // Whoever comes second finds the first one's value and goes on to the next cell if it is another kind.
            let part = cell.get_or_init(|| match make.take() {
                Some(make) => Arc::new(make()),
                None => unreachable!("a part is made at most once: the cell that it was made for ends the loop"),
            });
            if let Ok(found) = (Arc::clone(part) as Arc<dyn Any + Send + Sync>).downcast() {
                return found;
            }
        }
        unreachable!("there are at most {KINDS} kinds of parts")
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Part>> {
        self.cells.iter().map_while(OnceLock::get)
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parts({})", self.iter().count())
    }
}

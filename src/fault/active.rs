//! The handle of a fault in force.

use super::{armed::Armed, table::FaultTable};
use std::sync::Arc;

/// A fault in force. It stays so until it is disarmed or the test ends; dropping the handle does nothing. Clones are
/// the same fault.
#[derive(Clone, Debug)]
pub struct ActiveFault {
    pub(super) armed: Arc<Armed>,
}

impl ActiveFault {
    /// How often code of this test came by the point since the fault was armed.
    pub fn hits(&self) -> u64 {
        self.armed.hits()
    }

    /// How often the fault fired.
    pub fn fired(&self) -> u64 {
        self.armed.fired()
    }

    /// Resolves when the fault has fired at least once: for a hold, when somebody has been held. At once if it has
    /// already. Cancel safe.
    pub async fn wait_reached(&self) {
        self.wait_fired(1).await;
    }

    /// Resolves when the fault has fired at least `count` times. Cancel safe.
    pub async fn wait_fired(&self, count: u64) {
        self.armed.wait_fired(count).await;
    }

    /// Lets everybody go on who is held, and holds nobody any more.
    pub fn release(&self) {
        self.armed.gate.open();
    }

    /// Lets one go on who is held, or the next one who comes.
    pub fn release_one(&self) {
        self.armed.gate.admit_one();
    }

    /// Takes the fault out of force. Who is held goes on; the counts stay.
    pub fn disarm(&self) {
        FaultTable::disarm(&self.armed);
    }
}

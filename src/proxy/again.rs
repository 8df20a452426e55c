//! A toxic that is added and removed again and again, by whoever drives disturbances.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;

use crate::base::{Error, Origin};
use crate::fault::{BoxFuture, Disturbance, begun_twice};
use crate::scope::lock;

use super::handle::{ActiveToxic, FaultProxy};
use super::toxic::Toxic;

/// A toxic of a proxy as a [`Disturbance`]: added when it begins, removed when it ends. Made by [`FaultProxy::toxic`].
///
/// Each beginning arms it anew, so that its counts begin again (`.first(3)` means three connections each time). A test
/// fails if none of the armings ever met anything; one that did is enough.
#[must_use = "a toxic does nothing before it begins"]
pub struct ProxyToxic {
    proxy: FaultProxy,
    toxic: Toxic,
    origin: Origin,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    latest: Option<ActiveToxic>,
    in_force: bool,
    /// Whether any of the armings has met something: then the others need not.
    fired: bool,
}

impl FaultProxy {
    /// The toxic on this proxy as something to begin and to end, for a timeline or a load run. It is not armed yet.
    #[track_caller]
    pub fn toxic(&self, toxic: impl Into<Toxic>) -> ProxyToxic {
        self.toxic_of(toxic.into(), Origin::caller())
    }

    pub(super) fn toxic_of(&self, toxic: Toxic, origin: Origin) -> ProxyToxic {
        ProxyToxic { proxy: self.clone(), toxic, origin, state: Mutex::default() }
    }
}

impl ProxyToxic {
    async fn arm(&self) -> Result<(), Error> {
        {
            let mut state = lock(&self.state);
            if state.in_force {
                return Err(begun_twice(&self.describe()));
            }
            state.in_force = true;
        }
        let armed = self.proxy.add_at(self.toxic.clone(), self.origin).await;
        let mut state = lock(&self.state);
        state.in_force = armed.is_ok();
        let armed = armed?;
        state.fired |= state.latest.as_ref().is_some_and(ActiveToxic::fired);
        // All armings are judged as one, by the first that met something or else by the latest.
        armed.armed.forgiven.store(state.fired, Relaxed);
        if let Some(latest) = state.latest.replace(armed) {
            latest.armed.forgiven.store(true, Relaxed);
        }
        Ok(())
    }

    async fn disarm(&self) -> Result<(), Error> {
        let latest = {
            let mut state = lock(&self.state);
            let in_force = std::mem::take(&mut state.in_force);
            state.latest.clone().filter(|_| in_force)
        };
        match latest {
            // What is gone with its proxy, as at the end of a test, has ended.
            Some(latest) => latest.removed().await.unwrap_or(Ok(())),
            None => Ok(()),
        }
    }
}

impl Disturbance for ProxyToxic {
    fn describe(&self) -> String {
        format!("`{}` on {}", self.toxic, self.proxy.address())
    }

    fn begin(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.arm())
    }

    fn end(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.disarm())
    }

    fn is_optional(&self) -> bool {
        self.toxic.choice.is_optional()
    }
}

impl fmt::Debug for ProxyToxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyToxic({})", self.describe())
    }
}

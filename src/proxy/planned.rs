//! Toxics that a plan has for proxies by their names, before there are any.

use crate::base::{Error, Origin};
use crate::fault::{Due, Plannable, Planned};
use crate::scope::Test;

use super::handle::FaultProxy;
use super::toxic::Toxic;

impl Plannable for Toxic {
    const FOR: &'static str = "proxy";
}

/// What a proxy has to meet because a plan says so.
#[derive(Default)]
pub(super) struct Orders {
    /// Before the first client gets in.
    pub(super) at_once: Vec<(Toxic, Origin)>,
    later: Vec<Due<Toxic>>,
}

impl Orders {
    /// Those for the proxy of this name, which is about to be made.
    pub(super) fn for_name(t: &Test, name: Option<&str>) -> Orders {
        let mut orders = Orders::default();
        for due in name.map(|name| Planned::<Toxic>::of(t).take(name)).unwrap_or_default() {
            if due.window.is_all() {
                due.has_begun();
                orders.at_once.push((due.what, due.origin));
            } else {
                orders.later.push(due);
            }
        }
        orders
    }

    /// Sets the rest going.
    pub(super) fn start(self, t: &Test, proxy: &FaultProxy) -> Result<(), Error> {
        if self.later.is_empty() {
            return Ok(());
        }
        let timeline = self
            .later
            .into_iter()
            .fold(t.timeline(), |timeline, due| due.on(timeline, |toxic, origin| proxy.toxic_of(toxic, origin)));
        timeline.try_start().map(drop)
    }
}

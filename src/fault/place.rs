//! Points that are made while the program runs, each with a name of its family.

use super::{Decision, Point, Site, Value, decide, family};
use crate::scope::lock;
use std::{collections::BTreeMap, sync::Mutex};

/// How many names there may be in a process. Each is kept for good, since anybody may hold its site.
const NAMES: usize = 10_000;

/// A point of something that was wrapped in a test. All with the same name are one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(&'static Site);

struct Known {
    site: &'static Site,
    /// Whether something has this point, or it was only armed.
    is_made: bool,
}

static KNOWN: Mutex<BTreeMap<&'static str, Known>> = Mutex::new(BTreeMap::new());

impl Place {
    /// The point of this name, which is one of a family.
    ///
    /// # Panics
    /// If the process has 10,000 such names.
    #[track_caller]
    pub(crate) fn new(name: &str) -> Self {
        let site = intern(name, true);
        Self(site.unwrap_or_else(|| {
            panic!(
                "there are {NAMES} names of streams, layers and pools already, and `{name}` would be one more: give things \
                 that come and go one name, and tell them apart by the arguments of the hit"
            )
        }))
    }

    /// What is to happen here; `None`, for the price of one relaxed load, if no test has armed the name.
    pub(crate) fn decide(&self, fields: &[(&'static str, Value<'_>)]) -> Option<Decision> {
        self.0.is_armed().then(|| decide(self.0, fields)).filter(|decision| !decision.is_empty())
    }
}

/// The site of a name of a family, made at the first call; `None` if there are too many.
pub(super) fn intern(name: &str, is_made: bool) -> Option<&'static Site> {
    let mut known = lock(&KNOWN);
    if let Some(known) = known.get_mut(name) {
        known.is_made |= is_made;
        return Some(known.site);
    }
    if known.len() >= NAMES {
        return None;
    }
    let point = match family::read(name) {
        family::Named::Point(point) => point,
        _ => Point::Fallible,
    };
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let site: &'static Site = Box::leak(Box::new(Site::new(name, point, "", 0)));
    known.insert(name, Known { site, is_made });
    Some(site)
}

/// The site of a name that something has or somebody has armed.
pub(super) fn named(name: &str) -> Option<&'static Site> {
    lock(&KNOWN).get(name).map(|known| known.site)
}

/// Whether nothing in this process has this point, although it was armed.
pub(super) fn is_missing(name: &str) -> bool {
    lock(&KNOWN).get(name).is_some_and(|known| !known.is_made)
}

/// The names that things have.
pub(super) fn made() -> Vec<&'static str> {
    lock(&KNOWN).iter().filter(|(_, known)| known.is_made).map(|(name, _)| *name).collect()
}

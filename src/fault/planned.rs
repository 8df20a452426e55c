//! What a plan has for things by their names, before there are any: toxics for proxies, outages for servers.

use super::{Disturbance, Timeline};
use crate::{
    base::{Error, Kind, Origin},
    scope::{Finding, Part, Test, lock},
};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How much a test can have planned of one kind, and how many names are kept to tell what there was instead.
const MAX: usize = 1_000;

/// The time in which something is in force, counted from when what it is planned for is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: Duration,
    pub(crate) until: Option<Duration>,
}

impl Window {
    /// Whether it is the whole time of the test.
    pub(crate) fn is_all(self) -> bool {
        self == Window::default()
    }

    /// What is wrong with it.
    pub(crate) fn nonsense(self) -> Option<String> {
        let until = self.until.filter(|until| *until <= self.from)?;
        Some(format!("it ends at {until:?}, which is no later than its begin at {:?}", self.from))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            _ if self.is_all() => Ok(()),
            Some(until) => write!(f, " from {:?} until {until:?}", self.from),
            None => write!(f, " from {:?} on", self.from),
        }
    }
}

/// What can be planned for something that has a name.
pub(crate) trait Plannable: Clone + fmt::Display + Send + Sync + 'static {
    /// What it is planned for: `proxy`.
    const FOR: &'static str;
}

/// All that is planned of one kind, for one test.
pub(crate) struct Planned<T> {
    list: Mutex<List<T>>,
}

struct List<T> {
    entries: Vec<Entry<T>>,
    /// The names of those that there were, planned for or not.
    names: Vec<String>,
}

struct Entry<T> {
    name: String,
    what: T,
    window: Window,
    origin: Origin,
    optional: bool,
    taken: bool,
    begun: Arc<AtomicBool>,
}

/// What has found what it was planned for.
pub(crate) struct Due<T> {
    pub(crate) what: T,
    pub(crate) window: Window,
    pub(crate) origin: Origin,
    begun: Arc<AtomicBool>,
}

impl<T> Due<T> {
    /// It is in force now.
    pub(crate) fn has_begun(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Lets it be in force in its time, as the disturbance that it becomes here.
    pub(crate) fn on<D: Disturbance>(self, timeline: Timeline, become_one: impl FnOnce(T, Origin) -> D) -> Timeline {
        timeline.planned((self.window.from, self.window.until), become_one(self.what, self.origin), self.begun)
    }
}

impl<T: Plannable> Planned<T> {
    pub(crate) fn of(t: &Test) -> Arc<Self> {
        t.slot(|| Self { list: Mutex::new(List { entries: Vec::new(), names: Vec::new() }) })
    }

    /// Plans something for what will have this name. To be asked first whether it [can](Self::check).
    pub(crate) fn add(&self, name: &str, what: T, window: Window, origin: Origin, optional: bool) {
        let name = name.to_owned();
        lock(&self.list).entries.push(Entry {
            name,
            what,
            window,
            origin,
            optional,
            taken: false,
            begun: Arc::default(),
        });
    }

    /// Whether it is not too late for these names, and not too much.
    pub(crate) fn check<'a>(&self, names: impl Iterator<Item = &'a str>) -> Result<(), Error> {
        let list = lock(&self.list);
        let mut count = list.entries.len();
        for name in names {
            if list.names.iter().any(|known| known == name) {
                let text = format!("the plan comes too late: there is a {} `{name}` already; arm it before", T::FOR);
                return Err(Error::invalid(text));
            }
            count += 1;
        }
        if count > MAX {
            let text = format!("a test plans at most {MAX} things for what it calls a {}, not {count}", T::FOR);
            return Err(Error::new(Kind::Limit, text));
        }
        Ok(())
    }

    /// What has this name is here.
    pub(crate) fn take(&self, name: &str) -> Vec<Due<T>> {
        let mut list = lock(&self.list);
        if list.names.len() < MAX && !list.names.iter().any(|known| known == name) {
            list.names.push(name.to_owned());
        }
        let ours = list.entries.iter_mut().filter(|entry| entry.name == name);
        ours.map(|entry| {
            entry.taken = true;
            Due {
                what: entry.what.clone(),
                window: entry.window,
                origin: entry.origin,
                begun: Arc::clone(&entry.begun),
            }
        })
        .collect()
    }
}

impl<T: Plannable> Part for Planned<T> {
    fn findings(&self) -> Vec<Finding> {
        let list = lock(&self.list);
        let missed = list.entries.iter().filter(|entry| !entry.begun.load(Ordering::Relaxed) && !entry.optional);
        missed.map(|entry| Finding::vacuous(entry.finding(&list.names))).collect()
    }
}

impl<T: Plannable> Entry<T> {
    fn finding(&self, names: &[String]) -> String {
        let (kind, name) = (T::FOR, &self.name);
        let why = match names {
            _ if self.taken => "its time never came: the test ended before".to_owned(),
            [] => format!("the test made no {kind} that has a name"),
            names => format!("the test made no {kind} of this name, but `{}`", names.join("`, `")),
        };
        format!(
            "`{}` was planned for the {kind} `{name}`{}, armed {}, and never came about: {why} (what does not happen shows \
             nothing; mark it optional to allow it)",
            self.what, self.window, self.origin
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_must_have_a_length() {
        let window = |from, until| Window { from: Duration::from_secs(from), until: Some(Duration::from_secs(until)) };
        assert!(window(2, 2).nonsense().is_some() && window(2, 3).nonsense().is_none());
        assert!(Window::default().is_all() && !window(0, 1).is_all());
    }
}

//! The armed faults of one test, and what is said about them when it ends.

use super::{Fault, Point, Site, armed::Armed, family, place, site, spec::FaultSpec};
use crate::{
    base::{Error, Kind, Origin, nearest},
    scope::{Finding, Part, Test, Undo, lock},
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, Weak},
};

/// How many faults a test may have in force, how many it may arm one after the other, and how many threads are named
/// that belong to no test.
const FAULTS: usize = 1_000;
const REMEMBERED: usize = 10_000;
const ESCAPES: usize = 20;

/// The armed faults of one test.
#[derive(Default)]
pub(super) struct FaultTable {
    armed: List,
    /// Hits on threads that belong to no test, by point and thread.
    escapes: Mutex<BTreeMap<(&'static str, String), u64>>,
}

/// Faults in the order of their arming. They are only ever added, so that a hit reads them without a lock and without
/// counting owners.
#[derive(Default)]
struct List {
    first: OnceLock<Box<Link>>,
    /// How many there are; held while one is added.
    count: Mutex<usize>,
}

struct Link {
    armed: Arc<Armed>,
    next: OnceLock<Box<Link>>,
}

impl Drop for List {
    fn drop(&mut self) {
        // One after the other: dropping a long chain from its head would overflow the stack.
        let mut next = self.first.take();
        while let Some(mut link) = next {
            next = link.next.take();
        }
    }
}

impl List {
    fn iter(&self) -> impl Iterator<Item = &Arc<Armed>> {
        let links = std::iter::successors(self.first.get(), |link| link.next.get());
        links.map(|link| &link.armed).filter(|armed| !armed.is_forgotten())
    }

    fn push(&self, armed: Arc<Armed>) -> Result<(), Error> {
        let mut count = lock(&self.count);
        if *count >= REMEMBERED || self.iter().filter(|armed| !armed.is_disarmed()).count() >= FAULTS {
            let text = format!("a test has at most {FAULTS} faults in force, and arms {REMEMBERED} in all");
            return Err(Error::new(Kind::Limit, text));
        }
        let mut end = &self.first;
        while let Some(link) = end.get() {
            end = &link.next;
        }
        // Nobody else adds meanwhile, so that the end is still one.
        end.get_or_init(|| Box::new(Link { armed, next: OnceLock::new() }));
        *count += 1;
        Ok(())
    }
}

/// The tables of all tests that have armed anything, for hits on threads that belong to no test.
static TABLES: Mutex<Vec<Weak<FaultTable>>> = Mutex::new(Vec::new());

impl FaultTable {
    /// The table of a test.
    pub(super) fn of(t: &Test) -> Arc<Self> {
        t.scope.part_or_insert(Self::default)
    }

    /// The faults in force that have this name, in the order of their arming.
    pub(super) fn with_name(&self, name: &str) -> impl Iterator<Item = &Arc<Armed>> {
        self.armed.iter().filter(move |armed| armed.spec.point == name)
    }

    /// Puts a fault in force.
    pub(super) fn arm(self: &Arc<Self>, t: &Test, spec: FaultSpec, origin: Origin) -> Result<Arc<Armed>, Error> {
        t.scope.still_open("a fault")?;
        check(&spec)?;
        let armed = Arc::new(Armed::new(spec, origin, t.seed()));
        self.armed.push(Arc::clone(&armed))?;
        enlist(self);
        site::arm(&armed.spec.point);
        t.record("fault", format!("armed {}", armed.describe()));
        Ok(armed)
    }

    /// Takes a fault out of force; nothing if it is already. What it has counted is kept.
    pub(super) fn disarm(armed: &Armed) {
        if armed.disarm() {
            site::disarm(&armed.spec.point);
        }
    }

    /// Takes a fault out of force as if it had never been armed.
    pub(super) fn forget(armed: &Armed) {
        Self::disarm(armed);
        armed.forget();
    }

    fn note_escape(&self, point: &'static str, thread: &str) {
        let mut escapes = lock(&self.escapes);
        let key = (point, thread.to_owned());
        if escapes.len() < ESCAPES || escapes.contains_key(&key) {
            *escapes.entry(key).or_default() += 1;
        }
    }

    /// What is known about hits that belong to no test.
    fn escapes_of(&self, point: &str) -> Option<String> {
        let escapes = lock(&self.escapes);
        let threads: Vec<String> = escapes
            .iter()
            .filter(|((name, _), _)| *name == point)
            .map(|((_, thread), count)| format!("{count} on thread `{thread}`"))
            .collect();
        (!threads.is_empty()).then(|| {
            format!(
                "`{point}` was hit on threads that belong to no test: {}; start them with qtests::thread::spawn, wrap \
                 what they run in qtests::bind, or a future in .in_test()",
                threads.join(", ")
            )
        })
    }

    fn judge(&self, armed: &Armed) -> Option<Finding> {
        if armed.spec.optional || armed.fired() > 0 || armed.can_still_fire_by_accident() {
            return None;
        }
        let why = match (armed.hits(), armed.passed_over()) {
            (0, 0) => "its point was never hit".to_owned(),
            (0, over) => format!("an earlier fault had the last word at all {over} hit(s) of its point"),
            (hits, _) => format!("its point was hit {hits} time(s), but never as its trigger wants"),
        };
        let mut text = format!(
            "{} armed {} never fired: {why} (a fault that does not fire shows nothing; .optional() allows it)",
            armed.describe(),
            armed.origin
        );
        if let Some(missing) = missing(&armed.spec.point) {
            text.push_str(&missing);
        } else if let Some(first) = family::first_of(&armed.spec.point).filter(|_| armed.hits() == 0) {
            text.push_str(&format!("; the first call of each stream comes by `{first}`"));
        }
        if let Some(escapes) = self.escapes_of(&armed.spec.point) {
            text.push('\n');
            text.push_str(&escapes);
        }
        Some(Finding::vacuous(text))
    }
}

impl Part for FaultTable {
    fn release(&self) {
        self.armed.iter().for_each(|armed| armed.let_go());
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.armed.iter().filter_map(|armed| self.judge(armed)).collect();
        let mut told = Vec::new();
        for armed in self.armed.iter().filter(|armed| armed.fired() > 0) {
            if let Some(text) = self.escapes_of(&armed.spec.point).filter(|text| !told.contains(text)) {
                told.push(text.clone());
                findings.push(Finding::note(text));
            }
        }
        findings
    }

    fn shut_down(&self) {
        self.armed.iter().for_each(|armed| Self::disarm(armed));
    }

    fn pop(&self) -> Option<Undo> {
        // Closures of the user may hold the test, which holds this table.
        let holding: Vec<Arc<Armed>> = self.armed.iter().filter(|armed| armed.has_closures()).cloned().collect();
        let drop_them = move || holding.iter().for_each(|armed| armed.drop_closures());
        let any = self.armed.iter().any(|armed| armed.has_closures());
        any.then(|| Undo::now("the drop of what closures of faults hold", drop_them))
    }
}

impl Drop for FaultTable {
    fn drop(&mut self) {
        // After a test that was left behind, its points must be idle again all the same.
        self.shut_down();
    }
}

impl fmt::Debug for FaultTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultTable({} faults)", self.armed.iter().count())
    }
}

/// Code came by an armed point on a thread that belongs to no test: tells the tests that have armed it.
#[cold]
pub(super) fn escaped(site: &Site) {
    let thread = std::thread::current().name().unwrap_or("<unnamed>").to_owned();
    // Collected first: the last owner of a table drops closures of the user, which must not happen under the lock.
    let tables: Vec<Arc<FaultTable>> = lock(&TABLES).iter().filter_map(Weak::upgrade).collect();
    for table in tables {
        if table.armed.iter().any(|armed| armed.spec.point == site.name()) {
            table.note_escape(site.name(), &thread);
        }
    }
}

fn enlist(table: &Arc<FaultTable>) {
    let mut tables = lock(&TABLES);
    tables.retain(|known| known.strong_count() > 0);
    let table = Arc::downgrade(table);
    if !tables.iter().any(|known| known.ptr_eq(&table)) {
        tables.push(table);
    }
}

/// Refuses what cannot be armed, with the cure.
fn check(spec: &FaultSpec) -> Result<(), Error> {
    let name = &spec.point;
    let is_made_later = matches!(family::read(name), family::Named::Point(_));
    if is_made_later && place::intern(name, false).is_none() {
        return Err(Error::new(Kind::Limit, format!("there are too many names to arm `{name}` besides")));
    }
    let sites = site::named(name);
    if sites.is_empty() {
        return Err(unknown(name));
    }
    if let Some(nonsense) = spec.when.iter().find_map(super::Trigger::nonsense) {
        return Err(Error::invalid(format!("the fault at `{name}` makes no sense: {nonsense}")));
    }
    if spec.then.is_empty() {
        let cure = "say what it does with .fail(..), .delay(..), .hang(), .panic(..), .hold() or .call(..)";
        return Err(Error::invalid(format!("the fault at `{name}` does nothing: {cure}")));
    }
    if let Some(site) = sites.iter().find(|site| site.point() == Point::Pause)
        && let Some(fault) = spec.then.iter().find(|fault| !Fault::can_pause(fault))
    {
        let cure = "delay, hold, panic or call there";
        if is_made_later {
            return Err(Error::invalid(format!("nothing can fail at `{name}`, so it cannot {fault}: {cure}")));
        }
        let place = format!("{}:{}", site.file(), site.line());
        let why = "gives back no error (it is a pause_point!, or a method without a `Result` under #[faulty])";
        return Err(Error::invalid(format!("`{name}` at {place} {why}, so it cannot {fault}: {cure}")));
    }
    if sites.iter().any(|site| site.point() != Point::Bytes)
        && let Some(fault) = spec.then.iter().find(|fault| Fault::needs_bytes(fault))
    {
        let cure = "only points of streams and files do, such as `stream.NAME.read` and `files.append`";
        return Err(Error::invalid(format!("no bytes pass at `{name}`, so it cannot {fault}: {cure}")));
    }
    Ok(())
}

/// What is said when nothing in the process has the point of a fault that was armed ahead of it.
fn missing(name: &str) -> Option<String> {
    place::is_missing(name).then(|| {
        let made = place::made();
        let near = nearest(name, made.iter().copied());
        let hint = match (near.as_slice(), made.as_slice()) {
            ([], []) => "nothing that has such points was made".to_owned(),
            ([], made) => format!("there are {}", made[..made.len().min(20)].join(", ")),
            (near, _) => format!("did you mean {}?", near.join(" or ")),
        };
        format!("; nothing in this process is called so: {hint}")
    })
}

fn unknown(name: &str) -> Error {
    if let family::Named::Wrong(form) = family::read(name) {
        return Error::new(Kind::UnknownName, format!("there is no fault point `{name}`: its names read {form}"));
    }
    let near = nearest(name, site::names());
    let hint = if near.is_empty() {
        let all: Vec<&str> = site::names().take(20).collect();
        match all.as_slice() {
            [] => {
                "this binary has no fault point at all (is the code under test linked, with the feature `live`?)".into()
            }
            all => format!("the points of this binary are {}", all.join(", ")),
        }
    } else {
        format!("did you mean {}?", near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "))
    };
    Error::new(Kind::UnknownName, format!("there is no fault point `{name}`: {hint}"))
}

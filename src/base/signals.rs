//! Hears the signals of the process on a thread of its own, so that a runtime that is blocked does not keep anybody
//! from hearing them. There is one thread and one list for the whole process: what a signal does when one of those who
//! heard it is gone depends on whether others still do.

use signal_hook::{
    iterator::{Handle, Signals},
    low_level::emulate_default_handler,
};
use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, mpsc},
    thread,
};

/// How many may hear signals at the same time.
const MOST: usize = 1_000;

/// One who hears signals, until this and its clones are dropped.
#[derive(Clone)]
#[must_use = "nothing is heard once this is dropped"]
pub(crate) struct Hearing {
    _taker: Arc<Taker>,
}

/// Which signals somebody hears, and what is done with each: `true` if it is dealt with.
struct Taker {
    signals: u64,
    take: Box<dyn Fn(i32) -> bool + Send + Sync>,
}

/// All who hear signals. Sets of signals are masks, as the kernel writes them.
struct Registry {
    takers: Vec<Weak<Taker>>,
    /// Where signals are added to those that the thread hears, once there is a thread.
    thread: Option<Handle>,
    /// The signals whose handler we have installed.
    ours: u64,
    /// Those of them that somebody whom we do not know, such as tokio, had a handler for before us.
    shared: u64,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { takers: Vec::new(), thread: None, ours: 0, shared: 0 });

fn registry() -> MutexGuard<'static, Registry> {
    // It is valid at every point where its holder could panic.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `take` with each of these signals that comes, as long as the returned value lives. If everybody who hears a
/// signal returns `false`, or nobody is left who does, the process dies by the signal at once: a handler cannot be
/// taken back, and a signal that nobody hears would be lost. It is left to others if they had a handler for it before
/// us.
///
/// A signal that is ignored already (by `nohup`, say) stays ignored. At most 1,000 at the same time.
pub(crate) fn hear(signals: &[i32], take: impl Fn(i32) -> bool + Send + Sync + 'static) -> io::Result<Hearing> {
    let ignored = mask("SigIgn:");
    let heeded = signals.iter().map(|signal| bit(*signal)).fold(0, |all, signal| all | signal) & !ignored;
    let mut registry = registry();
    registry.takers.retain(|taker| taker.strong_count() > 0);
    if registry.takers.len() >= MOST {
        return Err(io::Error::other(format!("{MOST} others hear signals already: drop those that are not needed")));
    }
    let thread = match &registry.thread {
        Some(thread) => thread.clone(),
        None => registry.thread.insert(listen()?).clone(),
    };
    let taker = Arc::new(Taker { signals: heeded, take: Box::new(take) });
    // On the list before the first signal can come.
    registry.takers.push(Arc::downgrade(&taker));
    let caught = mask("SigCgt:");
    let added = heeded & !registry.ours;
    for signal in signals.iter().copied().filter(|signal| added & bit(*signal) != 0) {
        thread.add_signal(signal)?;
        registry.ours |= bit(signal);
        registry.shared |= caught & bit(signal);
    }
    Ok(Hearing { _taker: taker })
}

/// Starts the thread, which hears nothing yet. It never ends. No handler is installed before there is a thread: signals
/// would be lost.
fn listen() -> io::Result<Handle> {
    let (tell, told) = mpsc::sync_channel(1);
    let listen = move || match Signals::new::<[i32; 0], i32>([]) {
        Ok(mut heard) => {
            let _ = tell.send(Ok(heard.handle()));
            heard.forever().for_each(deliver);
        }
        Err(error) => _ = tell.send(Err(error)),
    };
    thread::Builder::new().name("signals".to_owned()).spawn(listen)?;
    told.recv().unwrap_or_else(|_| Err(io::Error::other("the thread that hears signals has ended")))
}

fn deliver(signal: i32) {
    let registry = registry();
    let theirs = |taker: &Arc<Taker>| taker.signals & bit(signal) != 0;
    let takers: Vec<Arc<Taker>> = registry.takers.iter().filter_map(Weak::upgrade).filter(theirs).collect();
    let is_shared = registry.shared & bit(signal) != 0;
    // Not held while they are called: they may want to hear more.
    drop(registry);
    // All of them are told, whatever the first one says.
    let taken = takers.iter().filter(|taker| (taker.take)(signal)).count() > 0;
    let left_to_others = takers.is_empty() && is_shared;
    if !taken && !left_to_others {
        let _ = emulate_default_handler(signal);
    }
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// A set of signals that the kernel keeps for this process.
fn mask(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix(name));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hearing")
    }
}

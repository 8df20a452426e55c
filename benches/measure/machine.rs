//! How busy the machine is, and with what: a figure that was taken beside a build says little.

use super::cpu::used;
use nix::sys::resource::UsageWho;
use std::{fs, thread, time::Instant};

/// The share of the machine that others may take before a bench says that they did.
const TOLERATED: f64 = 0.1;

/// The load averages of 1, 5 and 15 minutes, which belong beside every figure.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split_whitespace().take(3).collect();
    if averages.is_empty() { "unknown".to_owned() } else { averages.join(" ") }
}

/// What other processes take of the machine, from now on.
#[derive(Debug)]
pub(crate) struct Neighbours {
    began: Instant,
    own: f64,
    machine: Option<Ticks>,
}

/// The processors' time since the machine was started, in ticks.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    busy: u64,
    all: u64,
}

impl Neighbours {
    pub(crate) fn watch() -> Self {
        Self { began: Instant::now(), own: own(), machine: ticks() }
    }

    /// The share of all processors' time that others have had so far; `None` where the system does not tell.
    pub(crate) fn share(&self) -> Option<f64> {
        let (before, after) = (self.machine?, ticks()?);
        let processors = thread::available_parallelism().ok()?.get();
        let busy = after.busy.checked_sub(before.busy)? as f64 / after.all.checked_sub(before.all)?.max(1) as f64;
        let own = (own() - self.own) / (self.began.elapsed().as_secs_f64() * processors as f64);
        Some((busy - own).max(0.0))
    }

    /// One line for a reader of the figures: whether the machine was busy with something else.
    pub(crate) fn told(&self) -> String {
        let load = load_average();
        match self.share() {
            None => format!("(load average afterwards: {load}; what others took is not known here)"),
            Some(share) if share > TOLERATED => format!(
                "BUSY MACHINE: others took {:.0} % of its processors meanwhile (load average {load}); these figures \
                 say little, repeat them when it is idle",
                share * 100.0
            ),
            Some(share) => format!("(others took {:.0} % of the processors; load average {load})", share * 100.0),
        }
    }
}

/// Processor time of this process and of its children that have ended, in seconds.
fn own() -> f64 {
    used(UsageWho::RUSAGE_SELF) + used(UsageWho::RUSAGE_CHILDREN)
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal; the rest is contained in user.
/// Interrupts belong to nobody and count as idle here.
fn ticks() -> Option<Ticks> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let columns: Vec<u64> =
        text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().filter_map(|ticks| ticks.parse().ok()).collect();
    let [user, nice, system, _, _, _, _, steal] = columns.get(..8)?.try_into().ok()?;
    Some(Ticks { busy: user + nice + system + steal, all: columns[..8].iter().sum() })
}

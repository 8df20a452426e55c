//! An objective held against a report: each condition becomes a sentence that says what was found and how sure it is.

use super::{
    LoadReport, Rate, Slo,
    counts::rank,
    figures::{count, duration, percent, three_digits},
    judge::{Finding, Judgement, Tally, judge},
    run::Model,
    slices::{Slice, Slices},
    slo::{Condition, quantile_name},
    student::t_975,
};
use std::{fmt, time::Duration};

/// Later starts than this, at p99, are the host's doing even for generous objectives.
const LATE: Duration = Duration::from_millis(10);
/// ... and so are those above this share of a latency bound.
const LATE_SHARE: u32 = 10;
/// A scenario whose polls take this share of the time of all threads leaves too little for anybody to start on time.
const BUSY: f64 = 0.5;

/// Whether a load run met an objective. Each holds a sentence for every condition, in the order of the objective.
///
/// The three values are those of a statistical test: `Met` and `Violated` are proven with about 95 % confidence,
/// anything that the run leaves open is `Inconclusive`. At the boundary, where the true value equals the bound, each
/// of the two proofs is wrong in at most 5 % of runs (measured for p99 on simulated M/M/1 queues).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a verdict fails nothing by itself; match on it, or use `LoadReport::assert`"]
pub enum Verdict {
    /// All conditions are proven to hold.
    Met(Vec<String>),
    /// At least one condition is proven not to hold.
    Violated(Vec<String>),
    /// Nothing is proven to be violated, but not everything is proven to hold either: the run was too short or too
    /// close to the bound, or the host was too busy to blame the service.
    Inconclusive(Vec<String>),
}

impl Verdict {
    /// Whether all conditions are proven to hold.
    #[must_use]
    pub fn is_met(&self) -> bool {
        matches!(self, Self::Met(_))
    }

    /// Whether a condition is proven not to hold.
    #[must_use]
    pub fn is_violated(&self) -> bool {
        matches!(self, Self::Violated(_))
    }

    /// Whether the run decides nothing.
    #[must_use]
    pub fn is_inconclusive(&self) -> bool {
        matches!(self, Self::Inconclusive(_))
    }

    /// A sentence for each condition, with the figures it was judged by.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        match self {
            Self::Met(reasons) | Self::Violated(reasons) | Self::Inconclusive(reasons) => reasons,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons().join("\n"))
    }
}

/// What one condition came to.
enum Clause {
    Met,
    Violated,
    Open(String),
}

impl Clause {
    fn word(&self) -> String {
        match self {
            Self::Met => "met".to_owned(),
            Self::Violated => "VIOLATED".to_owned(),
            Self::Open(why) => format!("INCONCLUSIVE ({why})"),
        }
    }

    fn of(judgement: &Judgement) -> Self {
        match judgement.finding {
            Finding::Met => Self::Met,
            Finding::Violated => Self::Violated,
            Finding::TooShort => Self::Open(
                "run too short: its slices resemble each other too much to be taken as independent".to_owned(),
            ),
            Finding::Undecided => Self::Open(format!(
                "the interval does not exclude the limit: hold longer, or ask for less; arrivals as bursty as these prove it \
                 from some {} on, if none of them is over",
                count(judgement.arrivals_to_prove)
            )),
        }
    }
}

/// Judges every condition of `slo`.
pub(super) fn check(report: &LoadReport, slo: &Slo) -> Verdict {
    let (mut violated, mut open) = (false, false);
    let judged = slo.conditions().iter().map(|condition| {
        let (clause, figures) = match *condition {
            Condition::Latency { q, bound } => latency(report, q, bound),
            Condition::ErrorRate { max } => error_rate(report, max),
            Condition::Throughput { min } => throughput(report, min),
        };
        violated |= matches!(clause, Clause::Violated);
        open |= matches!(clause, Clause::Open(_));
        format!("{condition} {}: {figures}; {}; {}", clause.word(), arrivals(report), host(report, condition))
    });
    let reasons: Vec<String> = judged.collect();
    match (violated, open) {
        (true, _) => Verdict::Violated(reasons),
        (false, true) => Verdict::Inconclusive(reasons),
        (false, false) => Verdict::Met(reasons),
    }
}

fn latency(report: &LoadReport, q: f64, bound: Duration) -> (Clause, String) {
    let (slices, limit, bound_ns) = (report.slices(), 1.0 - q, bound.as_nanos() as u64);
    let surely = slices.tallies(|s| s.response.above(bound_ns) + s.lost() + s.unfinished.above(bound_ns));
    let judgement = judge(&surely, limit);
    let young: u64 = slices.each().iter().map(|s| s.unfinished.total() - s.unfinished.above(bound_ns)).sum();
    let clause = match Clause::of(&judgement) {
        Clause::Violated => blame(report, bound, || {
            let over = slices.tallies(|s| s.service.above(bound_ns) + s.failed + s.unfinished_service.above(bound_ns));
            judge(&over, limit).finding == Finding::Violated
        }),
        open @ Clause::Open(_) if !met_without_the_young(slices, bound_ns, limit) => open,
        // What was stopped before it reached the bound might have been in time or not: "met" must hold either way.
        other if young > 0 => {
            let perhaps = slices.tallies(|s| s.response.above(bound_ns) + s.lost() + s.unfinished.total());
            match (other, judge(&perhaps, limit).finding) {
                (Clause::Met, Finding::Met) => Clause::Met,
                _ => Clause::Open(format!(
                    "{} stopped before they could reach the bound; give a longer `grace`",
                    count(young)
                )),
            }
        }
        other => other,
    };
    let clause = match clause {
        Clause::Met => stood_still(report, bound_ns, limit).unwrap_or(Clause::Met),
        other => other,
    };
    (clause, format!("{}, {}", share_text(&judgement, "over", limit), quantile_text(slices, q)))
}

/// The users of a closed loop that wait for a service do not call it, so a service that stands still hardly shows among
/// the calls. It shows in the time of the users: what they waited beyond the bound, of all the time that they had.
fn stood_still(report: &LoadReport, bound: u64, limit: f64) -> Option<Clause> {
    let Model::Closed { users, .. } = report.model else { return None };
    let all = report.slices().all();
    let waited = all.response.excess(bound) + all.unfinished.excess(bound);
    let share = waited as f64 / (users as f64 * report.hold().as_nanos() as f64);
    (share > limit).then(|| {
        let share = percent(share);
        Clause::Open(format!("closed loop: its users waited beyond the bound for {share} % of their time; use `rate`"))
    })
}

/// Whether the objective would be met, had the arrivals that were stopped too early to tell never come.
fn met_without_the_young(slices: &Slices, bound: u64, limit: f64) -> bool {
    let tallies = slices.tallies(|s| s.response.above(bound) + s.lost() + s.unfinished.above(bound));
    let young = slices.each().iter().map(|s| s.unfinished.total() - s.unfinished.above(bound));
    let settled: Vec<_> = tallies
        .into_iter()
        .zip(young)
        .map(|(tally, young)| Tally { offered: tally.offered.saturating_sub(young), ..tally })
        .collect();
    judge(&settled, limit).finding == Finding::Met
}

/// Failures come in bursts with slow responses, so the burstiness is taken from the latencies above p90 here too.
fn error_rate(report: &LoadReport, max: f64) -> (Clause, String) {
    let tallies = report.slices().tallies(|s| s.lost() + s.unfinished.total());
    let judgement = judge(&tallies, max);
    let all = report.slices().all();
    let lost = all.lost() + all.unfinished.total();
    // At the two ends there is nothing to estimate: one failure refutes "none", and nothing refutes "all".
    let clause = match () {
        () if all.offered() == 0 => Clause::Open("nothing was offered in the measured time".to_owned()),
        () if max >= 1.0 || (max == 0.0 && lost == 0) => Clause::Met,
        () if max == 0.0 => Clause::Violated,
        () => Clause::of(&judgement),
    };
    let clause = match clause {
        Clause::Violated => blame(report, Duration::ZERO, || {
            let by_service = |s: &Slice| s.failed + s.unfinished_service.total();
            if max == 0.0 {
                by_service(all) > 0
            } else {
                judge(&report.slices().tallies(by_service), max).finding == Finding::Violated
            }
        }),
        other => other,
    };
    (clause, share_text(&judgement, "failed", max))
}

fn throughput(report: &LoadReport, min: Rate) -> (Clause, String) {
    let completed: Vec<f64> = report.slices().each().iter().map(|s| s.completed as f64).collect();
    let (slices, seconds) = (completed.len() as f64, report.hold().as_secs_f64());
    let total: f64 = completed.iter().sum();
    let squares: f64 = completed.iter().map(|c| (c - total / slices).powi(2)).sum();
    let half = t_975(completed.len() - 1) * (slices / (slices - 1.0) * squares).sqrt() / seconds;
    let mean = total / seconds;
    let clause = if mean + half < min.as_per_sec() {
        blame(report, Duration::ZERO, || false)
    } else if mean - half >= min.as_per_sec() {
        Clause::Met
    } else {
        Clause::Open("the interval does not exclude the limit".to_owned())
    };
    let (low, high) = (three_digits((mean - half).max(0.0)), three_digits(mean + half));
    (clause, format!("{}/s succeeded (95 % slice interval {low}-{high}/s)", three_digits(mean)))
}

/// A violation, unless the generator itself was late and the service cannot be shown to be guilty without it.
fn blame(report: &LoadReport, bound: Duration, service_proves: impl FnOnce() -> bool) -> Clause {
    // Who spends the run inside the scenario has nobody else to blame: it blocks its thread, or it is too much for it.
    let own_fault = report.busy_share() >= BUSY;
    if !report.is_virtual() && too_late(report, bound) && !own_fault && !service_proves() {
        let late = duration(report.lateness_quantile(0.99));
        return Clause::Open(format!("host: too busy to start on time, lateness p99 {late}"));
    }
    Clause::Violated
}

fn too_late(report: &LoadReport, bound: Duration) -> bool {
    report.lateness_quantile(0.99) > LATE.max(bound / LATE_SHARE)
}

/// `1.9 % over (95 % slice interval 1.4-2.4 %, limit 1 %)`.
fn share_text(judgement: &Judgement, what: &str, limit: f64) -> String {
    let (low, high) = judgement.interval();
    let gross = if judgement.gross { ", more than five times the limit" } else { "" };
    format!(
        "{} % {what} (95 % slice interval {}-{} %, limit {} %{gross})",
        percent(judgement.share),
        percent(low),
        percent(high),
        percent(limit)
    )
}

/// `p99 = 318 ms [281 ms, 402 ms]`, where failed, shed and unfinished arrivals are slower than all others.
fn quantile_text(slices: &Slices, q: f64) -> String {
    let total = slices.all().offered();
    let value = |q: f64| slices.response_at(rank(q.clamp(0.0, 1.0), total));
    let text =
        |value: Option<u64>| value.map_or_else(|| "no answer".to_owned(), |ns| duration(Duration::from_nanos(ns)));
    let estimate = value(q);
    let over = slices.tallies(|s| estimate.map_or(0, |v| s.response.above(v)) + s.lost() + s.unfinished.total());
    let half = judge(&over, 1.0 - q).half_width;
    format!("{} = {} [{}, {}]", quantile_name(q), text(estimate), text(value(q - half)), text(value(q + half)))
}

/// `9,981/10,000 finished, 12 shed`.
fn arrivals(report: &LoadReport) -> String {
    let mut text = format!("{}/{} finished", count(report.finished()), count(report.offered()));
    for (n, what) in [(report.failed(), "failed"), (report.shed(), "shed"), (report.unfinished(), "unfinished")] {
        if n > 0 {
            text += &format!(", {} {what}", count(n));
        }
    }
    text
}

fn host(report: &LoadReport, condition: &Condition) -> String {
    if report.is_virtual() {
        return "virtual time: says nothing about the host".to_owned();
    }
    if report.is_closed_loop() {
        return "closed loop: starts are never late".to_owned();
    }
    let bound = match condition {
        Condition::Latency { bound, .. } => *bound,
        Condition::ErrorRate { .. } | Condition::Throughput { .. } => Duration::ZERO,
    };
    let busy = report.busy_share();
    if too_late(report, bound) && busy >= BUSY {
        let late = duration(report.lateness_quantile(0.99));
        return format!(
            "the scenario kept its threads busy for {} % of the run (it blocks, or needs more `workers`), which made \
             starts late: p99 {late}",
            percent(busy)
        );
    }
    let health = if too_late(report, bound) { "too busy" } else { "ok" };
    format!("host: start lateness p99 {} ({health})", duration(report.lateness_quantile(0.99)))
}

//! A report for people (`Display`) and for programs (`Serialize`).

use super::{
    LoadReport, TimelinePoint,
    figures::{count, duration, percent, three_digits},
    run::describe,
};
use serde::Serialize;
use std::{fmt, time::Duration};

/// The quantiles that a report shows.
const SHOWN: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)];
/// So many categories of errors are shown; the report itself has more.
const SHOWN_ERRORS: usize = 5;

/// Writes the summary of some ten lines.
pub(super) fn write(report: &LoadReport, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "load run `{}`: {}", report.name(), describe(report.model, &report.window))?;
    writeln!(f, "  {}", arrivals(report))?;
    write!(f, "  {:<9}", "latency")?;
    for (name, _) in SHOWN {
        write!(f, "{name:>10}")?;
    }
    for (row, quantile) in rows(report) {
        write!(f, "\n  {row:<9}")?;
        for (_, q) in SHOWN {
            write!(f, "{:>10}", duration(quantile(q)))?;
        }
    }
    for line in errors(report) {
        write!(f, "\n  {line}")?;
    }
    if report.is_closed_loop() {
        write!(
            f,
            "\n  closed loop: users wait with a slow service, so latencies look better than under independent arrivals"
        )?;
    }
    if report.is_virtual() {
        write!(f, "\n  virtual time: says nothing about the host")?;
    }
    Ok(())
}

/// `offered 2,500 (500/s), finished 2,490 (2,480 ok, 10 failed), 4 shed, 6 unfinished, 0.8 % lost`.
pub(super) fn arrivals(report: &LoadReport) -> String {
    format!(
        "offered {} ({}/s), finished {} ({} ok, {} failed), {} shed, {} unfinished, {} % lost",
        count(report.offered()),
        three_digits(report.rate()),
        count(report.finished()),
        count(report.ok()),
        count(report.failed()),
        count(report.shed()),
        count(report.unfinished()),
        percent(report.error_rate()),
    )
}

/// The most frequent categories of errors, a line for each.
pub(super) fn errors(report: &LoadReport) -> Vec<String> {
    let mut lines: Vec<String> =
        report.errors().take(SHOWN_ERRORS).map(|(category, n)| format!("{} x {category}", count(n))).collect();
    let more = report.errors().count().saturating_sub(SHOWN_ERRORS);
    if more > 0 {
        lines.push(format!("and {more} other kinds of errors"));
    }
    lines
}

type Quantile<'a> = Box<dyn Fn(f64) -> Duration + 'a>;

/// A closed loop has no lateness, so it has no row for it.
fn rows(report: &LoadReport) -> Vec<(&'static str, Quantile<'_>)> {
    let mut rows: Vec<(&str, Quantile<'_>)> =
        vec![("response", Box::new(|q| report.quantile(q))), ("service", Box::new(|q| report.service_quantile(q)))];
    if !report.is_closed_loop() {
        rows.push(("lateness", Box::new(|q| report.lateness_quantile(q))));
    }
    rows
}

/// The report as plain figures. Fields may be added, never renamed.
#[derive(Debug, Serialize)]
pub(super) struct Plain<'a> {
    name: &'a str,
    test: &'a str,
    model: String,
    closed_loop: bool,
    virtual_time: bool,
    warm_up_s: f64,
    hold_s: f64,
    rate_per_s: f64,
    offered: u64,
    finished: u64,
    ok: u64,
    failed: u64,
    shed: u64,
    unfinished: u64,
    response_ms: Row,
    service_ms: Row,
    lateness_ms: Row,
    errors: Vec<PlainError<'a>>,
    timeline: Vec<PlainPoint>,
}

#[derive(Debug, Serialize)]
struct Row {
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct PlainError<'a> {
    category: &'a str,
    count: u64,
}

#[derive(Debug, Serialize)]
struct PlainPoint {
    at_s: f64,
    offered: u64,
    failed: u64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

impl<'a> Plain<'a> {
    pub(super) fn of(report: &'a LoadReport) -> Self {
        Self {
            name: report.name(),
            test: report.test.name(),
            model: describe(report.model, &report.window),
            closed_loop: report.is_closed_loop(),
            virtual_time: report.is_virtual(),
            warm_up_s: report.window.warm_up.as_secs_f64(),
            hold_s: report.window.hold.as_secs_f64(),
            rate_per_s: report.rate(),
            offered: report.offered(),
            finished: report.finished(),
            ok: report.ok(),
            failed: report.failed(),
            shed: report.shed(),
            unfinished: report.unfinished(),
            response_ms: Row::of(|q| report.quantile(q)),
            service_ms: Row::of(|q| report.service_quantile(q)),
            lateness_ms: Row::of(|q| report.lateness_quantile(q)),
            errors: report.errors().map(|(category, count)| PlainError { category, count }).collect(),
            timeline: points(report),
        }
    }
}

impl Row {
    fn of(quantile: impl Fn(f64) -> Duration) -> Self {
        let ms = |q| millis(quantile(q));
        Self { p50: ms(0.5), p90: ms(0.9), p95: ms(0.95), p99: ms(0.99), p999: ms(0.999), max: ms(1.0) }
    }
}

fn points(report: &LoadReport) -> Vec<PlainPoint> {
    let plain = |point: &TimelinePoint| PlainPoint {
        at_s: point.at.as_secs_f64(),
        offered: point.offered,
        failed: point.failed,
        p50_ms: millis(point.p50),
        p99_ms: millis(point.p99),
        max_ms: millis(point.max),
    };
    report.timeline().iter().map(plain).collect()
}

fn millis(d: Duration) -> f64 {
    d.as_secs_f64() * 1e3
}

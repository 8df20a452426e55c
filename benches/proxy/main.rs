//! What the proxy costs and how exact it is, beside proxies made of `tokio::io::copy_bidirectional`.
//!
//! `cargo bench -p qtests-bench --bench proxy` runs all sections, `-- bulk latency` those that are named. All subjects of
//! a section are measured in turn in the same run, and what is compared is compared round by round. The budgets hold for
//! an idle machine with two processors; what others took of it is printed behind the figures.

mod bulk;
mod connections;
mod ends;
mod exact;
mod flow;
mod latency;
#[path = "../measure/mod.rs"]
#[allow(dead_code, unused_imports, reason = "each bench uses its own part of what all share")]
mod measure;
mod peer;
mod round_trips;
mod subject;
mod toggles;
#[path = "../wire/mod.rs"]
#[allow(dead_code, reason = "each bench uses its own part of what all share")]
mod wire;

use measure::{Section, run_sections};
use std::process::ExitCode;

const SECTIONS: &[Section] = &[
    ("bulk", bulk::measure),
    ("round-trips", round_trips::measure),
    ("connections", connections::measure),
    ("latency", latency::measure),
    ("toggles", toggles::measure),
    ("exact", exact::measure),
];

fn main() -> ExitCode {
    if connections::is_child() {
        return ExitCode::SUCCESS;
    }
    run_sections("proxy", SECTIONS)
}

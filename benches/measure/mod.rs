//! What the benches share: interleaved samples, medians with their intervals, tables with the budgets beside the
//! figures, and what is known of the process and of the machine meanwhile.

mod cpu;
mod machine;
mod process;
mod sections;
mod series;
mod table;

pub(crate) use cpu::{Spent, ThreadClock};
pub(crate) use machine::{Neighbours, load_average};
pub(crate) use process::{descriptors, raise_descriptor_limit, resident, threads};
pub(crate) use sections::{Section, run_sections};
pub(crate) use series::{Sample, Series, interleaved};
pub(crate) use table::Table;

//! What the benches share: interleaved samples, medians with their intervals, and tables with the budgets beside the
//! figures.

mod cpu;
mod series;
mod table;

pub(crate) use cpu::{Spent, load_average};
pub(crate) use series::{Series, interleaved};
pub(crate) use table::Table;

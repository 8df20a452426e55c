//! Tables: a line for each figure, with its budget and what became of it.

use super::series::{Series, Summary};
use std::fmt::Write;

/// A table that is printed when it is complete.
#[derive(Debug)]
pub(crate) struct Table {
    text: String,
}

/// What is demanded of a figure.
#[derive(Clone, Copy, Debug)]
enum Budget {
    AtMost(f64),
    AtLeast(f64),
}

/// How wide the first column is.
const WIDTH: usize = 58;

impl Table {
    /// An empty table; `how` says how its figures were measured.
    pub(crate) fn new(title: &str, how: &str) -> Self {
        let mut text = format!("\n## {title}\n{how}\n");
        let columns = format!("{:<WIDTH$} {:>11}  {:<22} {:<10}", "", "median", "95 % interval", "budget");
        let _ = writeln!(text, "{}", columns.trim_end());
        Self { text }
    }

    /// A figure that nothing is demanded of.
    pub(crate) fn row(&mut self, what: &str, unit: &str, series: &Series) {
        self.write(what, unit, series.summary(), None);
    }

    /// A figure that must not exceed its budget.
    pub(crate) fn at_most(&mut self, budget: f64, what: &str, unit: &str, series: &Series) {
        self.write(what, unit, series.summary(), Some(Budget::AtMost(budget)));
    }

    /// A figure that must reach its budget.
    pub(crate) fn at_least(&mut self, budget: f64, what: &str, unit: &str, series: &Series) {
        self.write(what, unit, series.summary(), Some(Budget::AtLeast(budget)));
    }

    fn write(&mut self, what: &str, unit: &str, figure: Summary, budget: Option<Budget>) {
        let interval = format!("{}..{}", short(figure.low), short(figure.high));
        let median = format!("{} {unit}", short(figure.median));
        let (limit, verdict) = match budget {
            Some(Budget::AtMost(most)) => (format!("<= {}", short(most)), verdict(figure, most, unit)),
            Some(Budget::AtLeast(least)) => (format!(">= {}", short(least)), verdict(figure.negated(), -least, unit)),
            None => (String::new(), String::new()),
        };
        let line = format!("{what:<WIDTH$} {median:>11}  {interval:<22} {limit:<10} {verdict}");
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    /// Prints the table.
    pub(crate) fn print(self) {
        print!("{}", self.text);
    }
}

/// Four significant digits are more than any of these figures has.
fn short(figure: f64) -> String {
    let digits = match figure.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    format!("{figure:.digits$}")
}

/// The median decides; whether that is certain depends on the interval. The budget is a maximum; a minimum comes here
/// with its sign changed.
fn verdict(figure: Summary, budget: f64, unit: &str) -> String {
    let doubt = if figure.low <= budget && figure.high > budget { " (the interval allows for both)" } else { "" };
    let excess = figure.median - budget;
    if excess <= 0.0 {
        format!("met{doubt}")
    } else if budget != 0.0 {
        format!("MISSED by {:.0} %{doubt}", excess / budget.abs() * 100.0)
    } else {
        format!("MISSED by {} {unit}{doubt}", short(excess))
    }
}

//! What the code under test records through the facade `metrics`, test by test.
//!
//! ```
//! use qtests::Test;
//!
//! fn place(kind: &'static str, cents: f64) {
//!     metrics::counter!("orders", "kind" => kind).increment(1);
//!     metrics::gauge!("orders.open").increment(1.0);
//!     metrics::histogram!("orders.cents").record(cents);
//! }
//!
//! let t = Test::scoped();
//! place("card", 1_999.0);
//! place("card", 501.0);
//! place("cash", 100.0);
//! t.metrics().counter("orders").label("kind", "card").assert_value(2);
//! t.metrics().counter("orders").assert_value(3);                          // the sum over all label sets
//! assert_eq!(t.metrics().gauge("orders.open").value(), Some(3.0));
//! assert_eq!(t.metrics().histogram("orders.cents").sum(), 2_600.0);
//! assert_eq!(t.metrics().names(), ["orders", "orders.cents", "orders.open"]);
//! ```
//!
//! A record belongs to the test whose thread or task makes it, as faults and mocks do, and never to a neighbour. That
//! holds for handles too that the code keeps in a static and that an earlier test has registered: a handle asks whose
//! it is each time it records. What belongs to no test is dropped.
//!
//! A test holds 10,000 keys (a name with its labels) over all kinds; what comes with another key is dropped, counted,
//! and said in the journal. A histogram keeps its count, sum, least and greatest value, and its last 10,000 values; all
//! histograms of a test keep 1,000,000 values together.
//!
//! # A recorder of your own
//!
//! Ours is installed when the first test of the process starts; `set_global_recorder` gives an error from then on. To
//! have both, install before the first test one that passes everything on to yours and to [`recorder`], such as the
//! `Fanout` of metrics-util. If somebody's recorder is there first and passes nothing on, that is said on the standard
//! error, and [`Test::metrics`](crate::Test::metrics) panics: it never takes records that it cannot see for none. To
//! find out it registers the counter `qtests.probe`, which such a recorder may show.

mod assert;
mod book;
mod histogram;
mod install;
mod query;
mod recorder;

pub use book::METRIC_LIMIT;
pub use install::recorder;
pub use query::{CounterQuery, GaugeQuery, HistogramQuery, Metrics};
pub use recorder::TestRecorder;

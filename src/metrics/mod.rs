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
//! # Answers that would say nothing
//!
//! A counter that was never recorded is 0, and a histogram has no values, so a slip in a name could pass for good news.
//! So each question (`value`, `assert_value`, `sum`, `max` and so on) panics rather than to answer for nothing:
//!
//! - if records were dropped that it may be about, since more than 10,000 keys came;
//! - if the name was recorded as another kind of metric only;
//! - if it was not recorded and one is that comes so near that one of them must be a slip: it differs in one letter of
//!   one word (`order.failed` and `orders.failed`), in case, or in what stands between the words. The same holds for the
//!   name of a label.
//!
//! `assert_never` says that a metric was never recorded whatever else comes near.
//!
//! ```
//! let t = qtests::Test::scoped();
//! metrics::counter!("orders.placed").increment(1);
//! t.metrics().counter("orders.failed").assert_value(0);                   // no slip of `orders.placed`
//! t.metrics().counter("order.placed").assert_never();                     // nor is this, says whoever wrote it
//! ```
//!
//! # A recorder of your own
//!
//! Ours is installed when the first test of the process starts; `set_global_recorder` gives an error from then on. To
//! have both, install before the first test one that passes everything on to yours and to [`recorder`], such as the
//! `Fanout` of metrics-util. If somebody's recorder is there first and passes nothing on, that is said on the standard
//! error, and [`Test::metrics`](crate::Test::metrics) panics: it never takes records that it cannot see for none. To
//! find out it registers the counter `qtests.probe`, which such a recorder may show. A recorder may change names before
//! it passes them on; ask for them as they come.

mod assert;
mod book;
mod doubt;
mod histogram;
mod install;
mod near;
mod query;
mod recorder;

pub use book::METRIC_LIMIT;
pub use install::recorder;
pub use query::{CounterQuery, GaugeQuery, HistogramQuery, Metrics};
pub use recorder::TestRecorder;

//! Fault points in product code, and faults that a test arms for itself alone.
//!
//! ```
//! use qtests::{Test, fault_point};
//! use std::io;
//!
//! fn append(record: &str) -> io::Result<()> {
//!     fault_point!("wal.append", length = record.len())?;
//!     Ok(())                                                    // write the record
//! }
//!
//! let t = Test::scoped();
//! let full = t.fault("wal.append").after(1).first(2).fail(io::ErrorKind::StorageFull).arm();
//! let results: Vec<bool> = (0..4).map(|_| append("x").is_ok()).collect();
//! assert_eq!(results, [true, false, false, true]);
//! assert_eq!((full.hits(), full.fired()), (4, 2));
//! ```
//!
//! - In product code: [`fault_point!`](crate::fault_point) where something can fail,
//!   [`pause_point!`](crate::pause_point) where nothing can, `#[faulty]` for all methods of a trait or for a function.
//! - In a test: [`Test::fault`](crate::Test::fault) says *when* ([`Trigger`]) and *what* ([`Fault`]), `arm` puts it in
//!   force for the threads and tasks of this test only. A [`FaultPlan`](crate::plan::FaultPlan) says the same
//!   as data.
//! - [`FaultStream`] has points in the reads and writes of a stream, without any in product code.
//! - What is not written by you has points where it is put together: services of tower by [`layer`] (feature `tower`),
//!   the managers of pools by [`manager`] (features `bb8` and `deadpool`).
//! - [`points`] lists all points of the binary.
//! - What begins and ends at given times, of whatever kind, stands on a [`Timeline`], see
//!   [`Test::timeline`](crate::Test::timeline); whatever can be begun and ended is a [`Disturbance`].
//!
//! # Around every method of a trait
//!
//! `#[faulty]` (feature `faulty`) writes a decorator beside a trait, whose every call comes by two points: before it,
//! where nothing is done yet, and after it, where the work is done and only its reply is lost. The second is the fault
//! that charges a customer twice.
//!
//! ```
//! use qtests::{FromFault, faulty, prelude::*};
//!
//! #[derive(Debug, PartialEq, FromFault)]
//! enum GatewayError {
//!     #[fault(kind = TimedOut)]
//!     Timeout,
//!     #[fault]
//!     Broken(String),                                           // all other faults, by their text
//! }
//!
//! #[faulty]
//! trait Gateway {
//!     async fn charge(&mut self, #[key] order: u64, cents: u64) -> Result<(), GatewayError>;
//! }
//!
//! #[derive(Default)]
//! struct Bank(u64);
//!
//! impl Gateway for Bank {
//!     async fn charge(&mut self, _order: u64, cents: u64) -> Result<(), GatewayError> {
//!         self.0 += cents;
//!         Ok(())
//!     }
//! }
//!
//! # let t = Test::scoped();
//! # t.block_on(async {
//! let mut gateway = FaultyGateway::new(Bank::default());
//! t.fault("Gateway.charge.after").key("7").first(1).fail(io::ErrorKind::TimedOut).arm();
//! assert_eq!(gateway.charge(7, 1_999).await, Err(GatewayError::Timeout));
//! assert_eq!(gateway.inner().0, 1_999, "the money is taken, whatever the caller was told");
//! # });
//! ```
//!
//! On a function the points are named after its file: `orders.place` and `orders.place.after` for `place` in `orders.rs`.
//!
//! A fault that was armed and never fired fails a test that passed otherwise, since such a test has shown nothing;
//! `.optional()` opts out. Without the feature `live` the points expand to nothing and cost nothing; with it a point
//! that nobody has armed costs one relaxed load.

mod from_fault;
mod value;
pub use from_fault::FromFault;
pub use value::{ToValue, Value};

#[cfg(not(feature = "live"))]
mod inert;
#[cfg(not(feature = "live"))]
pub use inert::Injected;

#[cfg(feature = "live")]
mod active;
#[cfg(feature = "live")]
mod armed;
#[cfg(feature = "live")]
mod builder;
#[cfg(any(feature = "tower", feature = "bb8", feature = "deadpool"))]
mod convert;
#[cfg(feature = "live")]
mod damage;
#[cfg(feature = "live")]
mod disturbance;
#[cfg(feature = "live")]
mod errno;
#[cfg(feature = "live")]
mod family;
#[cfg(feature = "live")]
mod gate;
#[cfg(feature = "live")]
mod hit;
#[cfg(feature = "live")]
mod inject;
#[cfg(feature = "live")]
mod injected;
#[cfg(feature = "live")]
mod kind;
#[cfg(feature = "tower")]
pub mod layer;
#[cfg(feature = "live")]
mod macros;
#[cfg(any(feature = "bb8", feature = "deadpool"))]
pub mod manager;
#[cfg(feature = "live")]
mod numbers;
#[cfg(feature = "live")]
mod place;
#[cfg(feature = "live")]
mod planned;
#[cfg(feature = "live")]
mod running;
#[cfg(feature = "live")]
mod schedule;
#[cfg(feature = "live")]
mod site;
#[cfg(feature = "live")]
mod spec;
#[cfg(feature = "live")]
mod stream;
#[cfg(feature = "live")]
mod table;
#[cfg(feature = "live")]
mod timeline;
#[cfg(feature = "live")]
mod trigger;
#[cfg(feature = "live")]
mod way_out;
#[cfg(feature = "live")]
mod what;

#[cfg(any(feature = "tower", feature = "bb8", feature = "deadpool"))]
pub use self::convert::{ByFrom, ByMap, MakeError};
#[cfg(feature = "live")]
pub use self::{
    active::ActiveFault,
    builder::FaultBuilder,
    disturbance::{BoxFuture, Disturbance},
    hit::Hit,
    inject::{Decision, decide},
    injected::Injected,
    site::{Point, Site, SiteEntry, points},
    spec::FaultSpec,
    stream::FaultStream,
    timeline::{ActiveTimeline, Timeline},
    trigger::{Predicate, Trigger},
    way_out::{WayOut, call_once},
    what::{Callback, Closure, Fault, MakeValue},
};
#[cfg(feature = "live")]
pub(crate) use self::{
    builder::arm_all,
    damage::Damage,
    disturbance::begun_twice,
    place::Place,
    planned::{Due, Plannable, Planned, Window},
};

//! Plans: faults at points, on wires and of servers, as data.
//!
//! A plan is written in code, in a file, or in one line, and names all that it breaks:
//! ```
//! use qtests::{Test, fault_point, plan::FaultPlan};
//! use std::io;
//!
//! fn query() -> io::Result<()> {
//!     fault_point!("plan.query")?;
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), qtests::Error> {
//! let t = Test::scoped();
//! t.arm(&"plan.query#2:timeout".parse::<FaultPlan>()?);
//! assert!(query().is_ok());
//! assert_eq!(query().unwrap_err().kind(), io::ErrorKind::TimedOut);
//! # Ok(())
//! # }
//! ```
//! The same as a file, with more:
//! ```
//! # use qtests::plan::FaultPlan;
//! let plan = FaultPlan::from_json(r#"{
//!     "faults": [
//!         { "point": "db.query", "when": [{ "nth": 2 }], "then": [{ "fail": { "kind": "timed_out" } }] }
//!     ],
//!     "wires": [
//!         { "proxy": "payments", "toxic": { "latency": { "of": "200ms", "jitter": "50ms" } } },
//!         { "proxy": "payments", "toxic": "reset", "from": "1.5s", "until": "2s" }
//!     ],
//!     "servers": [
//!         { "server": "redis", "outage": "pause", "from": "1s", "until": "3s" }
//!     ]
//! }"#)?;
//! assert_eq!(plan.wires[0].proxy, "payments");
//! # Ok::<(), qtests::Error>(())
//! ```
//! With the feature `toml`, [`FaultPlan::from_toml`] reads the same from TOML.
//!
//! # From outside
//! The variable `QTESTS_FAULTS` arms a plan in each `#[qtest]`, and each test of a runner, before its body begins:
//! ```sh
//! QTESTS_FAULTS='db.query#2:timeout,wire.payments@1.5s:reset' cargo test orders::
//! QTESTS_FAULTS=@storm.json cargo test orders::
//! ```
//! After `@` stands a file (`.json`, or `.toml` with the feature); otherwise it is one line, see
//! [`FaultPlan::from_line`]. What never happens fails a test, as with any fault: choose the tests that meet it, or write
//! `?` behind what may stay away, such as a point that not all programs have.
//!
//! # What is named
//! - A *point* is one of [`fault::points`](crate::fault::points), of a stream, a layer or a pool.
//! - A *proxy* is called by [`named`](crate::proxy::ProxyBuilder::named). Toxics without times are in force before it lets
//!   the first client in; those with times begin when it is there, also at 0.
//! - A *server* is called by [`ServerBuilder::named`](crate::server::ServerBuilder::named): `redis` for
//!   [`Test::redis`](crate::Test::redis), `postgres` for an own server of [`Test::postgres`](crate::Test::postgres), and
//!   by its program for others.
//!
//! Proxies and servers are made after the plan is armed; their times count from when they are there, and those of points
//! from the arming.

mod arm;
mod line;
mod outside;
mod point;
mod read;
mod server;
mod wire;

use crate::{fault::FaultSpec, proxy::ToxicSpec};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(crate) use outside::arm_from_outside;

/// Faults as data, for files and for tables of tests; [`Test::arm`](crate::Test::arm) puts them in force. Serialises with
/// serde into whatever format is at hand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultPlan {
    /// What goes wrong at points, in the order of arming.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultSpec>,
    /// What goes wrong at proxies, in the order of arming.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wires: Vec<WireSpec>,
    /// What goes wrong with servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<ServerSpec>,
}

/// One toxic of one proxy, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireSpec {
    /// The name of the proxy.
    pub proxy: String,
    /// What it meets. Its `optional` allows that there is no such proxy, too.
    pub toxic: ToxicSpec,
    /// From which time on, counted from when the proxy is there. Defaults to 0: without `until`, from
    /// before the first client on.
    #[serde(default, with = "crate::base::duration", skip_serializing_if = "Duration::is_zero")]
    pub from: Duration,
    /// Until which time. Defaults to the end of the test.
    #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<Duration>,
}

/// One outage of one server, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSpec {
    /// The name of the server.
    pub server: String,
    /// What happens to it.
    pub outage: OutageSpec,
    /// From which time on, counted from when the server is up. Defaults to 0.
    #[serde(default, with = "crate::base::duration", skip_serializing_if = "Duration::is_zero")]
    pub from: Duration,
    /// Until which time: then it is resumed, or started again. Defaults to the end of the test.
    #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "Option::is_none")]
    pub until: Option<Duration>,
    /// Whether a test may pass although it made no server of this name. Defaults to false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// How a server is out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutageSpec {
    /// It hangs, see [`Server::pause`](crate::server::Server::pause).
    Pause,
    /// It is dead, see [`Server::kill`](crate::server::Server::kill).
    Kill,
}

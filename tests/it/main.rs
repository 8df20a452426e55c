//! The integration tests, one module for each part:
//!
//! - `architecture`: which module may import which, and how long files may be
//! - `disturbance`: what is begun, ended and begun again
//! - `ending`: the end of a test and its order
//! - `environment`: the variables `QTESTS_*`
//! - `failing`: what failing tests print (the tests themselves are in `tests/failing`)
//! - `fault`: when faults fire, what they do, what is refused
//! - `faulty`, `faulty_function`, `faulty_shapes`, `faulty_mocks`: `#[faulty]` on traits, on functions, of all shapes, and
//!   beside other attributes
//! - `files`, `files_trees`, `files_modes`, `files_safety`: file operations, who may read what, and that they leave
//!   nothing half done and nothing outside the root
//! - `files_actions`, `files_faults`, `files_crash`, `files_model`: faults of file operations, and what is left when
//!   the machine dies
//! - `fixture`: what is set up before a test, who shares it, when it is undone
//! - `identity`: which test a thread or task belongs to
//! - `isolation`: tests that run in parallel never see each other
//! - `layer`: faults in tower's middleware
//! - `load`, `load_verdict`: load runs, and what they say about objectives
//! - `logs`: whose lines are whose, and what is asked of them
//! - `manager`: faults in pools, and what real pools make of them
//! - `metrics`: what the code under test records, test by test
//! - `mock`: who sees mocks, how they are taken down and verified
//! - `nextest`: what nextest does with a binary that has a `main` of its own
//! - `process`: child processes that end by themselves, when asked, or when killed
//! - `product`: what a build and a test of a product contain
//! - `proxy`, `proxies`, `toxic`, `choice`, `doors`, `effects`, `effects_whole` (with `wire`): the fault proxy, how it
//!   is asked for, what it does to connections and bytes, to which of them, and who gets in
//! - `first_example`, `readme`: what the README shows is what happens
//! - `runner`: a test binary with a `main` of its own
//! - `server`: servers that get ready, hang, die and come back on their port
//! - `shutdown`, `shutdown_conformance`: graceful shutdown, and whether services do it
//! - `signals`: SIGINT, SIGTERM, `process::exit` and SIGKILL
//! - `stream`, `stream_contract`: wrapped streams, what faults do to them, and that they are streams all the same
//! - `plan`: plans in one line and in files, and from outside
//! - `timeline`: what begins and ends when
//! - `trial`: how often, where and beside whom a test runs
//! - `traced`: `#[traced_test]` beside `#[qtest]` and on it
#![cfg(feature = "live")]

mod architecture;
mod choice;
mod disturbance;
mod doors;
mod effects;
mod effects_whole;
mod ending;
mod environment;
mod failing;
mod fault;
#[cfg(feature = "macros")]
mod faulty;
#[cfg(feature = "macros")]
mod faulty_function;
#[cfg(feature = "macros")]
mod faulty_mocks;
#[cfg(feature = "macros")]
mod faulty_shapes;
#[cfg(all(feature = "files", feature = "macros"))]
mod files;
#[cfg(all(feature = "files", feature = "macros"))]
mod files_actions;
#[cfg(all(feature = "files", feature = "macros"))]
mod files_crash;
#[cfg(all(feature = "files", feature = "macros"))]
mod files_faults;
#[cfg(all(feature = "files", feature = "macros"))]
mod files_model;
#[cfg(all(feature = "files", feature = "macros"))]
mod files_modes;
#[cfg(all(feature = "files", feature = "macros"))]
mod files_safety;
#[cfg(all(feature = "files", feature = "macros"))]
mod files_trees;
mod first_example;
mod fixture;
mod identity;
mod isolation;
#[cfg(all(feature = "tower", feature = "macros"))]
mod layer;
mod load;
mod load_verdict;
#[cfg(feature = "tracing")]
mod logs;
#[cfg(all(feature = "bb8", feature = "deadpool", feature = "macros"))]
mod manager;
#[cfg(feature = "metrics")]
mod metrics;
mod mock;
#[cfg(feature = "runner")]
mod nextest;
mod plan;
mod process;
mod product;
mod proxies;
mod proxy;
mod readme;
#[cfg(feature = "runner")]
mod runner;
mod server;
#[cfg(feature = "shutdown")]
mod shutdown;
#[cfg(feature = "shutdown")]
mod shutdown_conformance;
mod signals;
mod stream;
mod stream_contract;
mod support;
mod timeline;
mod toxic;
#[cfg(all(feature = "tracing-test", feature = "macros"))]
mod traced;
mod trial;
mod wire;

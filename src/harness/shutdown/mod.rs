//! Does a service shut down without losing anything? Any service that is a program and listens on TCP can be asked.
//!
//! ```no_run
//! use qtests::harness::shutdown::{Answer, ShutdownSubject};
//! use std::{net::SocketAddr, process::Command};
//! # async fn get(address: SocketAddr, path: &str) -> std::io::Result<String> { Ok(format!("{address}{path}")) }
//!
//! struct Shop;
//!
//! impl ShutdownSubject for Shop {
//!     fn command(&self) -> Command {
//!         let mut command = Command::new(std::env::var("CARGO_BIN_EXE_shop").expect("cargo builds it"));
//!         command.args(["--port", "0"]); // it prints the address that it listens on
//!         command
//!     }
//!
//!     async fn request(&self, address: SocketAddr) -> Answer {
//!         // A request that takes 300 ms or more.
//!         let page = get(address, "/report").await?;
//!         if page.ends_with("</html>") { Ok(()) } else { Err("the page is cut off".into()) }
//!     }
//! }
//!
//! qtests::shutdown_conformance!(shop_shuts_down, Shop); // a test for each property
//! # fn main() {}
//! ```
//!
//! | property | how it is seen |
//! |---|---|
//! | every accepted request is answered | 8 requests are accepted, then SIGTERM comes; each must be answered |
//! | no request is accepted once it drains | a new one each 10 ms is refused (connection refused, 503, left in the queue) while the 8 are still under way, and none is answered that is sent after the first refusal, tried at a slower pace until it exits |
//! | it exits within its limit | [`ShutdownSubject::limit`], from the signal |
//! | it exits with its declared status | [`ShutdownSubject::exit_code`] |
//! | its port is free and its children are gone | nobody listens with its sockets, nobody of its process group lives |
//! | a request that never ends does not keep it | [`ShutdownSubject::endless`]; without one not applicable |
//! | a second signal ends it at once | a second SIGTERM while it drains: within 250 ms it dies by the signal or exits, with requests unanswered |
//!
//! [`check_shutdown`] gives all verdicts as one table; [`shutdown_conformance!`](crate::shutdown_conformance) makes a
//! test of each.
//!
//! # No guesses about time
//! That the requests are *accepted* before the signal is sent is seen in `/proc/net/tcp`, where a connection that waits
//! in the accept queue belongs to no file, and what the service has not read yet is counted. What could not be shown,
//! as the requests were too short or this host too busy, is tried three times and then said to be
//! [inconclusive](super::Verdict::Inconclusive). What was seen broken in one round stays broken.
//!
//! # A service that logs
//! The address is read from the standard output. Where it goes to the standard error, let a shell join the two:
//! `sh -c 'exec shop 2>&1'`.
//!
//! # Limits
//! Linux only, and the service must be in the network namespace of the test. Each request must have a connection of its
//! own, so HTTP/2 clients must not share one, and must be sent at once when it is connected, see
//! [`ShutdownSubject::request`] about TLS and clients on threads. A service that decides whether it takes a request
//! only some time after it has read it may refuse one that counts as accepted here. Children that leave the process
//! group of the service are found only if they hold its port.
//!
//! # Map of the code
//! `subject` is what a service tells, `property` what is asked. `service` is the child process, `output` what it
//! prints, `sockets` what the kernel says about its connections, `round` brings requests in flight, `drain` watches
//! what follows the signal, `judge` (pure) concludes, `conformance` runs the rounds.

mod conformance;
mod drain;
mod judge;
mod output;
mod property;
mod round;
mod second;
mod service;
mod sockets;
mod subject;

pub use conformance::{ShutdownConformance, check_shutdown, check_shutdown_property};
pub use property::ShutdownProperty;
pub use subject::{Answer, EndlessRequest, ShutdownSubject};

/// Makes a module with a `#[qtest]` for each property of a graceful shutdown. Needs the feature `macros`.
///
/// `shutdown_conformance!(name, subject)`: `subject` is an expression for a
/// [`ShutdownSubject`](crate::harness::shutdown::ShutdownSubject), evaluated in each test. A property that is broken
/// fails its test with what happened, why it matters and what to do.
///
/// `shutdown_conformance!(name, subject, timeout = "10m")` sets the time limit of each test, as `#[qtest]` takes it.
/// Defaults to 180 s. A test tries up to three rounds; each is the start of the service, up to 10 s until the requests
/// are accepted, and its [`limit`](crate::harness::shutdown::ShutdownSubject::limit) at the longest. So the default is
/// enough for a limit of 40 s and a start of 5 s; give more for a service that is allowed more.
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! shutdown_conformance {
    ($name:ident, $subject:expr $(,)?) => {
        $crate::shutdown_conformance! { $name, $subject, timeout = "180s" }
    };
    ($name:ident, $subject:expr, timeout = $timeout:tt $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the subject may need nothing from outside")]
            use super::*;

            $crate::__shutdown_properties! { ($subject) $timeout
                every_accepted_request_is_answered = AcceptedIsAnswered,
                no_request_is_accepted_once_it_drains = StopsAccepting,
                it_exits_within_its_limit = ExitsInTime,
                it_exits_with_its_declared_status = ExitsWithItsCode,
                its_port_is_free_and_its_children_are_gone = LeavesNothing,
                a_request_that_never_ends_does_not_keep_it = EndsDespiteEndless,
                a_second_signal_ends_it_at_once = SecondSignalKills,
            }
        }
    };
}

/// A test for each property.
#[cfg(feature = "macros")]
#[doc(hidden)]
#[macro_export]
macro_rules! __shutdown_properties {
    ($subject:tt $timeout:tt $($test:ident = $property:ident,)*) => {
        $(
            #[$crate::qtest(crate = $crate, timeout = $timeout)]
            async fn $test(t: $crate::Test) -> ::core::result::Result<(), $crate::Error> {
                use $crate::harness::shutdown::{ShutdownProperty, check_shutdown_property};
                let property = ShutdownProperty::$property;
                property.assert(&t, &check_shutdown_property(&t, $subject, property).await?);
                ::core::result::Result::Ok(())
            }
        )*
    };
}

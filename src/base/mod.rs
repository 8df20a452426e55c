//! The ground floor: what every part needs and nothing of ours is below it. Private; its public items appear at the
//! crate root.

#[cfg(feature = "live")]
mod bounded;
#[cfg(feature = "live")]
pub(crate) mod duration;
#[cfg(feature = "live")]
mod env;
mod error;
#[cfg(feature = "live")]
mod event;
#[cfg(feature = "live")]
mod names;
#[cfg(feature = "live")]
mod seed;
#[cfg(any(feature = "live", feature = "shutdown"))]
pub(crate) mod signals;
#[cfg(any(feature = "live", feature = "shutdown"))]
pub(crate) mod sync;

pub use error::Error;
#[cfg(any(feature = "live", feature = "shutdown"))]
pub(crate) use error::Kind;
#[cfg(feature = "live")]
pub(crate) use {
    bounded::Ring,
    env::{SeedWish, environment, strict},
    event::Line,
    names::nearest,
};
#[cfg(feature = "live")]
pub use {
    event::{Event, EventSink},
    seed::Seed,
};

//! The ground floor: what every part needs and nothing of ours is below it. Private; its public items appear at the
//! crate root.

#[cfg(feature = "live")]
mod bounded;
#[cfg(feature = "live")]
mod count;
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
#[cfg(feature = "live")]
pub(crate) mod sync;

pub use error::Error;
#[cfg(feature = "live")]
pub(crate) use error::Kind;
#[cfg(feature = "live")]
pub(crate) use {
    bounded::Ring,
    count::count,
    env::{SeedWish, environment, strict},
    event::Line,
    names::nearest,
};
#[cfg(feature = "live")]
pub use {
    event::{Event, EventSink},
    seed::Seed,
};

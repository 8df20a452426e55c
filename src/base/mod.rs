//! The ground floor: what every part needs and nothing of ours is below it. Private; its public items appear at the
//! crate root.

#[cfg(feature = "live")]
mod bounded;
#[cfg(feature = "live")]
mod count;
pub(crate) mod duration;
#[cfg(feature = "live")]
mod env;
#[cfg(any(feature = "live", feature = "shutdown"))]
mod error;
#[cfg(feature = "live")]
mod event;
#[cfg(feature = "live")]
mod names;
#[cfg(feature = "live")]
mod origin;
#[cfg(feature = "live")]
mod seed;
mod setting;
#[cfg(any(feature = "live", feature = "shutdown"))]
pub(crate) mod signals;
#[cfg(any(feature = "live", feature = "shutdown"))]
pub(crate) mod sync;
#[cfg(feature = "live")]
mod tags;

#[cfg(any(feature = "live", feature = "shutdown"))]
pub use error::Error;
#[cfg(any(feature = "live", feature = "shutdown"))]
pub(crate) use error::Kind;
pub use setting::{Row, Setting, SettingError, SettingValue, table};
#[cfg(feature = "live")]
pub(crate) use {
    bounded::Ring,
    count::count,
    env::{FAULTS, ISOLATED, Isolated, SeedWish, TimeLimit, environment},
    event::Line,
    names::nearest,
    origin::Origin,
    tags::TagFilter,
};
#[cfg(feature = "live")]
pub use {
    env::STRICT,
    event::{Event, EventSink},
    seed::Seed,
};

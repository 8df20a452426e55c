//! The ground floor: what every part needs and nothing of ours is below it. Private; its public items appear at the
//! crate root.

mod bounded;
pub(crate) mod duration;
mod env;
mod error;
mod event;
mod names;
mod seed;
pub(crate) mod sync;

pub(crate) use bounded::Ring;
pub(crate) use env::{SeedWish, environment, strict};
pub use error::Error;
pub(crate) use error::Kind;
pub(crate) use event::Line;
pub use event::{Event, EventSink};
pub(crate) use names::nearest;
pub use seed::Seed;

//! Plans from text, and back.

use super::{FaultPlan, line, point, server, wire};
use crate::base::Error;
use std::str::FromStr;

impl FaultPlan {
    /// Reads a plan from JSON.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if the text is no plan; it names the place and what was expected there.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| Error::invalid(format!("the fault plan does not parse: {error}")))
    }

    /// Writes the plan as JSON.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if it holds closures, which cannot be written.
    pub fn to_json(&self) -> Result<String, Error> {
        serde_json::to_string_pretty(self)
            .map_err(|error| Error::invalid(format!("the fault plan cannot be written: {error}")))
    }

    /// Reads a plan from TOML.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::invalid(format!("the fault plan does not parse: {error}")))
    }

    /// Writes the plan as TOML.
    ///
    /// # Errors
    /// As [`to_json`](Self::to_json).
    #[cfg(feature = "toml")]
    pub fn to_toml(&self) -> Result<String, Error> {
        toml::to_string_pretty(self)
            .map_err(|error| Error::invalid(format!("the fault plan cannot be written: {error}")))
    }

    /// Reads a plan from one line: `place:what`, several with commas between. This is [`FromStr`], too.
    ///
    /// | place | breaks |
    /// |---|---|
    /// | `db.query` | the point of this name |
    /// | `wire.payments` | the proxy `payments` |
    /// | `server.redis` | the server `redis` |
    ///
    /// | behind the place | says |
    /// |---|---|
    /// | `#2`, `#2..4`, `#3..`, `#..3` | at these hits; on a wire, these connections, of which there must be a last one |
    /// | `%10` | with a probability of 10 % for each hit or connection |
    /// | `@1.5s`, `@1s..2s`, `@..2s` | from this time on, or until that one |
    /// | `?` at the very end | it may stay away |
    ///
    /// What happens, several with `+` between:
    /// - at a point `timeout`, `reset`, `refused`, `aborted`, `eof`, `full`, `denied`, `error`, any kind of error
    ///   (`fail=not_found`), a system's error (`EIO`), `delay=200ms`, `hang`, `panic=text`, `short=3`, `corrupt`;
    /// - on a wire any [toxic](crate::proxy::ToxicKind), with its main setting behind `=`: `latency=200ms`,
    ///   `bandwidth=1024`, `reset=1s`, `limit=100`, `down`; beside it `upstream`, `downstream` or `both`;
    /// - with a server `pause` or `kill`.
    ///
    /// Conditions hold in this order, however they are written: time, hits, probability. Names and texts that hold a sign
    /// of this form (`, : # @ % + = ?`), and points whose names begin with `wire.` or `server.`, need a file.
    ///
    /// # Errors
    /// [`is_invalid`](Error::is_invalid) if the line is no plan; it quotes the part that is not understood.
    pub fn from_line(text: &str) -> Result<Self, Error> {
        let mut plan = FaultPlan::default();
        for item in line::read(text).map_err(Error::invalid)? {
            let added = if let Some(name) = item.place.strip_prefix("wire.") {
                wire::toxics(&item, name).map(|wires| plan.wires.extend(wires))
            } else if let Some(name) = item.place.strip_prefix("server.") {
                server::outages(&item, name).map(|servers| plan.servers.extend(servers))
            } else {
                point::fault(&item).map(|fault| plan.faults.push(fault))
            };
            added.map_err(|why| Error::invalid(format!("`{}`: {why}", item.text)))?;
        }
        Ok(plan)
    }
}

/// [`FaultPlan::from_line`].
impl FromStr for FaultPlan {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        FaultPlan::from_line(text)
    }
}

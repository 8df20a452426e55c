//! Toxics as data.

use std::fmt;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A toxic as data, for files and for tables of tests. Serialises with serde into whatever format is at hand.
///
/// The settings are called as the methods that make the toxic, durations are written as `"200ms"`, and what is left out
/// has its default. A toxic that needs no settings may be written as its name alone.
/// ```
/// use qtests::proxy::{Toxic, ToxicSpec};
///
/// let specs: Vec<ToxicSpec> = serde_json::from_str(r#"[
///     { "latency": { "of": "200ms", "jitter": "50ms", "direction": "both" } },
///     { "bandwidth": { "bytes_per_second": 1024000 } },
///     { "reset": { "after_bytes": 1024 } },
///     "down"
/// ]"#)?;
/// let toxics: Vec<Toxic> = specs.into_iter().map(Toxic::try_from).collect::<Result<_, _>>()?;
/// assert_eq!(format!("{:?}", toxics[0]), "Toxic(latency 200ms +- 50ms both ways)");
///
/// let wrong: ToxicSpec = serde_json::from_str(r#"{ "latency": { "of": "200ms", "jitter": "1s" } }"#)?;
/// let error = Toxic::try_from(wrong).unwrap_err();
/// assert_eq!(error.to_string(), "`latency.jitter` must not be above the latency (200ms), but is 1s");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, remote = "Self")]
#[non_exhaustive]
#[expect(missing_docs, reason = "the settings are those of the toxics, which document them")]
pub enum ToxicSpec {
    /// [`Bandwidth`](crate::proxy::Bandwidth).
    Bandwidth {
        bytes_per_second: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        burst: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Blackhole`](crate::proxy::Blackhole).
    Blackhole {
        #[serde(default, skip_serializing_if = "is_default")]
        draining: bool,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Corrupt`](crate::proxy::Corrupt); exactly one of `bits`, `byte_at` and `every`.
    Corrupt {
        #[serde(default, skip_serializing_if = "is_default")]
        bits: Option<f64>,
        #[serde(default, skip_serializing_if = "is_default")]
        byte_at: Option<u64>,
        #[serde(default, skip_serializing_if = "is_default")]
        every: Option<u64>,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Down`](crate::proxy::Down).
    Down {
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Latency`](crate::proxy::Latency); at most one of `jitter`, `normal` and `pareto`.
    Latency {
        #[serde(with = "crate::base::duration")]
        of: Duration,
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        jitter: Option<Duration>,
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        normal: Option<Duration>,
        #[serde(default, skip_serializing_if = "is_default")]
        pareto: Option<f64>,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Limit`](crate::proxy::Limit).
    Limit {
        bytes: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        end: EndSpec,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Noop`](crate::proxy::Noop).
    Noop {
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Reset`](crate::proxy::Reset); at most one of `after` and `after_bytes`, and a direction with `after_bytes`
    /// only.
    Reset {
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        after: Option<Duration>,
        #[serde(default, skip_serializing_if = "is_default")]
        after_bytes: Option<u64>,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Slicer`](crate::proxy::Slicer).
    Slicer {
        of: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        variation: u64,
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        delay: Option<Duration>,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`SlowClose`](crate::proxy::SlowClose).
    SlowClose {
        #[serde(with = "crate::base::duration")]
        of: Duration,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Stall`](crate::proxy::Stall); `of` defaults to that of [`Stall::rto`](crate::proxy::Stall::rto), and at most
    /// one of `every` and `probability`.
    Stall {
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        of: Option<Duration>,
        #[serde(default, skip_serializing_if = "is_default")]
        every: Option<u64>,
        #[serde(default, skip_serializing_if = "is_default")]
        probability: Option<f64>,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Timeout`](crate::proxy::Timeout); never closes without `after`.
    Timeout {
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        after: Option<Duration>,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Truncate`](crate::proxy::Truncate).
    Truncate {
        to: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
}

/// Which way the bytes go that a toxic acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectionSpec {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
    /// Both ways.
    Both,
}

/// How a [`Limit`](crate::proxy::Limit) ends a connection. Defaults to `fin`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndSpec {
    /// With an end of file.
    #[default]
    Fin,
    /// With a reset.
    Reset,
    /// Not at all: nothing more arrives.
    Stall,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Both forms are read: `"down"` and `{ "down": {} }`.
impl<'de> Deserialize<'de> for ToxicSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ToxicSpec, D::Error> {
        struct Form;

        impl<'de> de::Visitor<'de> for Form {
            type Value = ToxicSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a toxic, or a map from its name to its settings")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<ToxicSpec, E> {
                ToxicSpec::deserialize(serde_json::json!({ name: {} })).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ToxicSpec, A::Error> {
                ToxicSpec::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl Serialize for ToxicSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ToxicSpec::serialize(self, serializer)
    }
}

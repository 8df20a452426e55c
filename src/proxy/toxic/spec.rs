//! Toxics as data.

use std::fmt;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::base::Error;

use super::range::{Checked, at_most_one};
use super::{
    Bandwidth, Blackhole, Corrupt, Down, Latency, Limit, Noop, Reset, Slicer, SlowClose, Stall, Timeout, Toxic,
    Truncate,
};

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
    /// [`Bandwidth`].
    Bandwidth {
        bytes_per_second: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        burst: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Blackhole`].
    Blackhole {
        #[serde(default, skip_serializing_if = "is_default")]
        draining: bool,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Corrupt`]; exactly one of `bits`, `byte_at` and `every`.
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
    /// [`Down`].
    Down {
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Latency`]; at most one of `jitter`, `normal` and `pareto`.
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
    /// [`Limit`].
    Limit {
        bytes: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        end: EndSpec,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Noop`].
    Noop {
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Reset`]; at most one of `after` and `after_bytes`, and a direction with `after_bytes` only.
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
    /// [`Slicer`].
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
    /// [`SlowClose`].
    SlowClose {
        #[serde(with = "crate::base::duration")]
        of: Duration,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Stall`]; `of` defaults to that of [`Stall::rto`], and at most one of `every` and `probability`.
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
    /// [`Timeout`]; never closes without `after`.
    Timeout {
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        after: Option<Duration>,
        #[serde(default, skip_serializing_if = "is_default")]
        direction: Option<DirectionSpec>,
        #[serde(default, skip_serializing_if = "is_default")]
        optional: bool,
    },
    /// [`Truncate`].
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

/// How a [`Limit`] ends a connection. Defaults to `fin`.
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

/// # Errors
/// [`is_invalid`](Error::is_invalid) if a setting is out of range or excludes another; the text names it.
impl TryFrom<ToxicSpec> for Toxic {
    type Error = Error;

    fn try_from(spec: ToxicSpec) -> Result<Toxic, Error> {
        spec.build().map_err(Error::invalid)
    }
}

/// The toxic with what all of them have, which is no trait of theirs.
macro_rules! placed {
    ($toxic:expr, $direction:expr, $optional:expr) => {{
        let toxic = match $direction {
            None => $toxic,
            Some(DirectionSpec::Upstream) => $toxic.upstream(),
            Some(DirectionSpec::Downstream) => $toxic.downstream(),
            Some(DirectionSpec::Both) => $toxic.both(),
        };
        Ok(if $optional { toxic.optional() } else { toxic }.into())
    }};
}

impl ToxicSpec {
    fn build(self) -> Checked<Toxic> {
        match self {
            ToxicSpec::Bandwidth { bytes_per_second, burst, direction, optional } => {
                let toxic = named("bandwidth.bytes_per_second", Bandwidth::try_of(bytes_per_second))?;
                placed!(toxic.burst(burst), direction, optional)
            }
            ToxicSpec::Blackhole { draining, direction, optional } => {
                let toxic = if draining { Blackhole::new().draining() } else { Blackhole::new() };
                placed!(toxic, direction, optional)
            }
            ToxicSpec::Corrupt { bits, byte_at, every, direction, optional } => {
                placed!(corrupt(bits, byte_at, every)?, direction, optional)
            }
            ToxicSpec::Down { optional } => Ok(if optional { Down::new().optional() } else { Down::new() }.into()),
            ToxicSpec::Latency { of, jitter, normal, pareto, direction, optional } => {
                placed!(latency(of, jitter, normal, pareto)?, direction, optional)
            }
            ToxicSpec::Limit { bytes, end, direction, optional } => {
                let toxic = named("limit.bytes", Limit::try_bytes(bytes))?;
                let toxic = match end {
                    EndSpec::Fin => toxic.fin(),
                    EndSpec::Reset => toxic.reset(),
                    EndSpec::Stall => toxic.stall(),
                };
                placed!(toxic, direction, optional)
            }
            ToxicSpec::Noop { direction, optional } => placed!(Noop::new(), direction, optional),
            ToxicSpec::Reset { after, after_bytes, direction, optional } => {
                reset(after, after_bytes, direction, optional)
            }
            ToxicSpec::Slicer { of, variation, delay, direction, optional } => {
                let toxic =
                    named("slicer.variation", named("slicer.of", Slicer::try_of(of))?.try_variation(variation))?;
                placed!(toxic.delay(delay.unwrap_or_default()), direction, optional)
            }
            ToxicSpec::SlowClose { of, direction, optional } => placed!(SlowClose::of(of), direction, optional),
            ToxicSpec::Stall { of, every, probability, direction, optional } => {
                placed!(stall(of, every, probability)?, direction, optional)
            }
            ToxicSpec::Timeout { after, direction, optional } => {
                placed!(after.map_or_else(Timeout::never, Timeout::after), direction, optional)
            }
            ToxicSpec::Truncate { to, direction, optional } => placed!(Truncate::to(to), direction, optional),
        }
    }
}

fn named<T>(setting: &str, checked: Checked<T>) -> Checked<T> {
    checked.map_err(|why| format!("`{setting}` {why}"))
}

fn corrupt(bits: Option<f64>, byte_at: Option<u64>, every: Option<u64>) -> Checked<Corrupt> {
    at_most_one(&[
        ("corrupt.bits", bits.is_some()),
        ("corrupt.byte_at", byte_at.is_some()),
        ("corrupt.every", every.is_some()),
    ])?;
    match (bits, byte_at, every) {
        (Some(rate), ..) => named("corrupt.bits", Corrupt::try_bits(rate)),
        (_, Some(offset), _) => Ok(Corrupt::byte_at(offset)),
        (.., Some(n)) => named("corrupt.every", Corrupt::try_every(n)),
        _ => Err("`corrupt` needs one of `bits`, `byte_at` and `every`".to_owned()),
    }
}

fn latency(of: Duration, jitter: Option<Duration>, normal: Option<Duration>, pareto: Option<f64>) -> Checked<Latency> {
    at_most_one(&[
        ("latency.jitter", jitter.is_some()),
        ("latency.normal", normal.is_some()),
        ("latency.pareto", pareto.is_some()),
    ])?;
    let toxic = Latency::of(of);
    match (jitter, normal, pareto) {
        (Some(jitter), ..) => named("latency.jitter", toxic.try_jitter(jitter)),
        (_, Some(sigma), _) => Ok(toxic.normal(sigma)),
        (.., Some(shape)) => named("latency.pareto", toxic.try_pareto(shape)),
        _ => Ok(toxic),
    }
}

fn reset(
    after: Option<Duration>,
    after_bytes: Option<u64>,
    direction: Option<DirectionSpec>,
    optional: bool,
) -> Checked<Toxic> {
    at_most_one(&[("reset.after", after.is_some()), ("reset.after_bytes", after_bytes.is_some())])?;
    if let Some(bytes) = after_bytes {
        return placed!(named("reset.after_bytes", Reset::try_after_bytes(bytes))?, direction, optional);
    }
    if direction.is_some() {
        return Err(
            "`reset.direction` is for `reset.after_bytes` only: a reset in time cuts both directions".to_owned()
        );
    }
    let toxic = Reset::after(after.unwrap_or_default());
    Ok(if optional { toxic.optional() } else { toxic }.into())
}

fn stall(of: Option<Duration>, every: Option<u64>, probability: Option<f64>) -> Checked<Stall> {
    at_most_one(&[("stall.every", every.is_some()), ("stall.probability", probability.is_some())])?;
    let toxic = of.map_or_else(Stall::rto, Stall::of);
    match (every, probability) {
        (Some(bytes), _) => named("stall.every", toxic.try_every(bytes)),
        (_, Some(p)) => named("stall.probability", toxic.try_probability(p)),
        _ => Ok(toxic),
    }
}

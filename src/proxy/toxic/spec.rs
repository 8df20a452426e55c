//! Toxics as data.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::{Map, Value};

/// A toxic as data, for files and for tables of tests. Serialises with serde into formats that describe themselves, such as
/// JSON, TOML and YAML.
///
/// It is written as its name with its settings, which are called as the methods that make the toxic; durations are
/// written as `"200ms"`, and what is left out has its default. A toxic that needs no settings may be written as its name
/// alone.
/// ```
/// use qtests::proxy::{Toxic, ToxicSpec};
///
/// let specs: Vec<ToxicSpec> = serde_json::from_str(r#"[
///     { "latency": { "of": "200ms", "jitter": "50ms", "direction": "both" } },
///     { "bandwidth": { "bytes_per_second": 1024000 } },
///     { "reset": { "after_bytes": 1024, "first": 3 } },
///     { "close": { "matching": "GET /pay", "optional": true } },
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, remote = "Self")]
#[non_exhaustive]
pub struct ToxicSpec {
    /// Which toxic, with the settings that it alone has.
    #[serde(skip)]
    pub kind: ToxicKind,
    /// Which way the bytes go that it acts on, for toxics that act on bytes. Defaults to theirs.
    #[serde(skip_serializing_if = "is_default")]
    pub direction: Option<DirectionSpec>,
    /// [`Toxic::first`](crate::proxy::Toxic::first).
    #[serde(skip_serializing_if = "is_default")]
    pub first: Option<u64>,
    /// [`Toxic::connection`](crate::proxy::Toxic::connection), each of these.
    #[serde(skip_serializing_if = "is_default")]
    pub connections: Vec<u64>,
    /// [`Toxic::toxicity`](crate::proxy::Toxic::toxicity).
    #[serde(skip_serializing_if = "is_default")]
    pub toxicity: Option<f64>,
    /// Only connections whose client begins with this text; see [`Toxic::matching`](crate::proxy::Toxic::matching).
    #[serde(skip_serializing_if = "is_default")]
    pub matching: Option<String>,
    /// [`Toxic::optional`](crate::proxy::Toxic::optional). Defaults to false.
    #[serde(skip_serializing_if = "is_default")]
    pub optional: bool,
}

/// What all toxics have; the other settings are those of a kind.
const OF_ALL: [&str; 6] = ["direction", "first", "connections", "toxicity", "matching", "optional"];

/// Which toxic a [`ToxicSpec`] is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the settings are those of the toxics, which document them")]
pub enum ToxicKind {
    /// [`AcceptDelay`](crate::proxy::AcceptDelay).
    AcceptDelay {
        #[serde(with = "crate::base::duration")]
        of: Duration,
    },
    /// [`Bandwidth`](crate::proxy::Bandwidth).
    Bandwidth {
        bytes_per_second: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        burst: u64,
    },
    /// [`Blackhole`](crate::proxy::Blackhole).
    Blackhole {
        #[serde(default, skip_serializing_if = "is_default")]
        draining: bool,
    },
    /// [`Close`](crate::proxy::Close); at once without `after`.
    Close {
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        after: Option<Duration>,
    },
    /// [`Corrupt`](crate::proxy::Corrupt); exactly one of `bits`, `byte_at` and `every`.
    Corrupt {
        #[serde(default, skip_serializing_if = "is_default")]
        bits: Option<f64>,
        #[serde(default, skip_serializing_if = "is_default")]
        byte_at: Option<u64>,
        #[serde(default, skip_serializing_if = "is_default")]
        every: Option<u64>,
    },
    /// [`Down`](crate::proxy::Down).
    Down {
        #[serde(default, skip_serializing_if = "is_default")]
        living: LivingSpec,
    },
    /// [`HalfOpen`](crate::proxy::HalfOpen); at once without `after`.
    HalfOpen {
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        after: Option<Duration>,
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
    },
    /// [`Limit`](crate::proxy::Limit).
    Limit {
        bytes: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        end: EndSpec,
    },
    /// [`NoConnect`](crate::proxy::NoConnect).
    NoConnect {},
    /// [`Noop`](crate::proxy::Noop).
    Noop {},
    /// [`Partition`](crate::proxy::Partition).
    Partition {},
    /// [`Refuse`](crate::proxy::Refuse).
    Refuse {},
    /// [`Reset`](crate::proxy::Reset); at most one of `after` and `after_bytes`, and a direction with `after_bytes`
    /// only.
    Reset {
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        after: Option<Duration>,
        #[serde(default, skip_serializing_if = "is_default")]
        after_bytes: Option<u64>,
    },
    /// [`Slicer`](crate::proxy::Slicer).
    Slicer {
        of: u64,
        #[serde(default, skip_serializing_if = "is_default")]
        variation: u64,
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        delay: Option<Duration>,
    },
    /// [`SlowClose`](crate::proxy::SlowClose).
    SlowClose {
        #[serde(with = "crate::base::duration")]
        of: Duration,
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
    },
    /// [`Timeout`](crate::proxy::Timeout); never closes without `after`.
    Timeout {
        #[serde(default, with = "crate::base::duration::option", skip_serializing_if = "is_default")]
        after: Option<Duration>,
    },
    /// [`Truncate`](crate::proxy::Truncate).
    Truncate { to: u64 },
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

/// What a [`Down`](crate::proxy::Down) does to the connections that are live. Defaults to `close`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LivingSpec {
    /// Ends them with an end of file.
    #[default]
    Close,
    /// Ends them with a reset.
    Reset,
    /// Leaves them open, and lets nothing pass.
    Freeze,
}

/// A [`Noop`](crate::proxy::Noop).
impl Default for ToxicKind {
    fn default() -> ToxicKind {
        ToxicKind::Noop {}
    }
}

/// For every connection, in the toxic's own direction.
impl From<ToxicKind> for ToxicSpec {
    fn from(kind: ToxicKind) -> ToxicSpec {
        ToxicSpec { kind, ..ToxicSpec::default() }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Both forms are read: `"down"` and `{ "down": {} }`.
impl<'de> Deserialize<'de> for ToxicSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ToxicSpec, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> de::Visitor<'de> for Form {
    type Value = ToxicSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a toxic, or a map from its name to its settings")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ToxicSpec, E> {
        joined(name.to_owned(), Map::new()).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<ToxicSpec, A::Error> {
        let Some((name, settings)) = map.next_entry::<String, Map<String, Value>>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        if let Some(second) = map.next_key::<String>()? {
            return Err(de::Error::custom(format!(
                "`{name}` and `{second}` are two toxics: give each a map of its own"
            )));
        }
        joined(name, settings).map_err(de::Error::custom)
    }
}

/// Reads the settings of the kind and those of all toxics, which stand in one map, each by itself.
fn joined(name: String, mut settings: Map<String, Value>) -> Result<ToxicSpec, String> {
    let told = |error: serde_json::Error| format!("`{name}`: {error}");
    let of_all: Map<_, _> = OF_ALL.iter().filter_map(|name| settings.remove_entry(*name)).collect();
    let kind = ToxicKind::deserialize(Value::Object(Map::from_iter([(name.clone(), Value::Object(settings))])));
    Ok(ToxicSpec { kind: kind.map_err(told)?, ..ToxicSpec::deserialize(Value::Object(of_all)).map_err(told)? })
}

/// The short form where it says all.
impl Serialize for ToxicSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object = |value| if let Value::Object(map) = value { map } else { Map::new() };
        let kind = serde_json::to_value(&self.kind).map_err(ser::Error::custom)?;
        let of_all = ToxicSpec::serialize(self, serde_json::value::Serializer).map_err(ser::Error::custom)?;
        let (name, settings) = object(kind).into_iter().next().unwrap_or_default();
        let mut settings = object(settings);
        settings.extend(object(of_all));
        if settings.is_empty() { serializer.serialize_str(&name) } else { serializer.collect_map([(name, settings)]) }
    }
}

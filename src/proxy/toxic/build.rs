//! From data to toxics.

use std::time::Duration;

use crate::base::Error;

use super::choice::MAX_NUMBERS;
use super::range::{Checked, at_least_one, at_most_one};
use super::{
    AcceptDelay, Bandwidth, Blackhole, Close, Corrupt, DirectionSpec, Down, EndSpec, HalfOpen, Latency, Limit,
    LivingSpec, NoConnect, Noop, Partition, Refuse, Reset, Slicer, SlowClose, Stall, Timeout, Toxic, ToxicKind,
    ToxicSpec, Truncate,
};

/// # Errors
/// [`is_invalid`](Error::is_invalid) if a setting is out of range or excludes another; the text names it.
impl TryFrom<ToxicSpec> for Toxic {
    type Error = Error;

    fn try_from(spec: ToxicSpec) -> Result<Toxic, Error> {
        spec.build().map_err(Error::invalid)
    }
}

/// The toxic in its direction: that all of these have one is no trait of theirs.
macro_rules! placed {
    ($toxic:expr, $direction:expr) => {
        match $direction {
            None => $toxic,
            Some(DirectionSpec::Upstream) => $toxic.upstream(),
            Some(DirectionSpec::Downstream) => $toxic.downstream(),
            Some(DirectionSpec::Both) => $toxic.both(),
        }
        .into()
    };
}

impl ToxicSpec {
    fn build(self) -> Checked<Toxic> {
        let mut toxic = self.kind.build(self.direction)?;
        if let Some(n) = self.first {
            toxic = toxic.first(named("first", at_least_one(n, "leave it out to meet every connection"))?.get());
        }
        if self.connections.len() > MAX_NUMBERS {
            return Err(format!("`connections` must name {MAX_NUMBERS} at most, but names {}", self.connections.len()));
        }
        for number in self.connections {
            toxic = toxic.connection(named("connections", at_least_one(number, "they count from 1"))?.get());
        }
        if let Some(p) = self.toxicity {
            if !(0.0..=1.0).contains(&p) {
                return Err(format!("`toxicity` must be from 0.0 to 1.0, but is {p}"));
            }
            toxic = toxic.toxicity(p);
        }
        if let Some(begin) = self.matching {
            toxic = toxic.matching(move |first| first.starts_with(begin.as_bytes()));
        }
        toxic.nonsense().map_or(Ok(()), Err)?;
        Ok(if self.optional { toxic.optional() } else { toxic })
    }
}

impl ToxicKind {
    fn build(self, direction: Option<DirectionSpec>) -> Checked<Toxic> {
        Ok(match self {
            ToxicKind::Bandwidth { bytes_per_second, burst } => {
                let toxic = named("bandwidth.bytes_per_second", Bandwidth::try_of(bytes_per_second))?;
                placed!(toxic.burst(burst), direction)
            }
            ToxicKind::Blackhole { draining } => {
                let toxic = if draining { Blackhole::new().draining() } else { Blackhole::new() };
                placed!(toxic, direction)
            }
            ToxicKind::Corrupt { bits, byte_at, every } => placed!(corrupt(bits, byte_at, every)?, direction),
            ToxicKind::Latency { of, jitter, normal, pareto } => {
                placed!(latency(of, jitter, normal, pareto)?, direction)
            }
            ToxicKind::Limit { bytes, end } => placed!(limit(bytes, end)?, direction),
            ToxicKind::Noop {} => placed!(Noop::new(), direction),
            ToxicKind::Partition {} => placed!(Partition::new(), direction),
            ToxicKind::Reset { after, after_bytes: Some(bytes) } => {
                at_most_one(&[("reset.after", after.is_some()), ("reset.after_bytes", true)])?;
                placed!(named("reset.after_bytes", Reset::try_after_bytes(bytes))?, direction)
            }
            ToxicKind::Slicer { of, variation, delay } => {
                let toxic = named("slicer.of", Slicer::try_of(of))?;
                let toxic = named("slicer.variation", toxic.try_variation(variation))?;
                placed!(toxic.delay(delay.unwrap_or_default()), direction)
            }
            ToxicKind::SlowClose { of } => placed!(SlowClose::of(of), direction),
            ToxicKind::Stall { of, every, probability } => placed!(stall(of, every, probability)?, direction),
            ToxicKind::Timeout { after } => placed!(after.map_or_else(Timeout::never, Timeout::after), direction),
            ToxicKind::Truncate { to } => placed!(Truncate::to(to), direction),
            whole => whole.build_whole(direction)?,
        })
    }

    /// Those that act on whole connections, and so have no direction.
    fn build_whole(self, direction: Option<DirectionSpec>) -> Checked<Toxic> {
        let toxic = match self {
            ToxicKind::AcceptDelay { of } => AcceptDelay::of(of).into(),
            ToxicKind::Close { after } => Close::after(after.unwrap_or_default()).into(),
            ToxicKind::Down { living } => match living {
                LivingSpec::Close => Down::new().into(),
                LivingSpec::Reset => Down::new().reset().into(),
                LivingSpec::Freeze => Down::new().freeze().into(),
            },
            ToxicKind::HalfOpen { after } => HalfOpen::after(after.unwrap_or_default()).into(),
            ToxicKind::NoConnect {} => NoConnect::new().into(),
            ToxicKind::Refuse {} => Refuse::new().into(),
            ToxicKind::Reset { after, .. } => Reset::after(after.unwrap_or_default()).into(),
            other => return Err(format!("{other:?} is not known here")),
        };
        match direction {
            None => Ok(toxic),
            Some(_) => Err(format!("`direction` is for toxics that act on bytes; `{toxic}` always acts both ways")),
        }
    }
}

fn named<T>(setting: &str, checked: Checked<T>) -> Checked<T> {
    checked.map_err(|why| format!("`{setting}` {why}"))
}

fn limit(bytes: u64, end: EndSpec) -> Checked<Limit> {
    let toxic = named("limit.bytes", Limit::try_bytes(bytes))?;
    Ok(match end {
        EndSpec::Fin => toxic.fin(),
        EndSpec::Reset => toxic.reset(),
        EndSpec::Stall => toxic.stall(),
    })
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

fn stall(of: Option<Duration>, every: Option<u64>, probability: Option<f64>) -> Checked<Stall> {
    at_most_one(&[("stall.every", every.is_some()), ("stall.probability", probability.is_some())])?;
    let toxic = of.map_or_else(Stall::rto, Stall::of);
    match (every, probability) {
        (Some(bytes), _) => named("stall.every", toxic.try_every(bytes)),
        (_, Some(p)) => named("stall.probability", toxic.try_probability(p)),
        _ => Ok(toxic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(json: &str) -> Result<String, String> {
        let spec: ToxicSpec = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let again: ToxicSpec = serde_json::from_str(&serde_json::to_string(&spec).unwrap()).unwrap();
        assert_eq!(again, spec, "what is written is read back");
        let toxic = Toxic::try_from(spec).map_err(|error| {
            assert!(error.is_invalid());
            error.to_string()
        })?;
        let optional = if toxic.choice.is_optional() { " optional" } else { "" };
        Ok(format!("{toxic}{optional}"))
    }

    #[test]
    fn every_toxic_is_made_from_data() {
        let table = [
            (
                r#"{"bandwidth": {"bytes_per_second": 1024000, "burst": 5}}"#,
                "bandwidth 1024000 bytes/s burst 5 downstream",
            ),
            (r#""blackhole""#, "blackhole both ways"),
            (r#"{"blackhole": {"draining": true, "direction": "upstream"}}"#, "blackhole draining upstream"),
            (r#"{"corrupt": {"bits": 0.001}}"#, "corrupt bits 0.001 downstream"),
            (r#"{"corrupt": {"byte_at": 0}}"#, "corrupt byte at 0 downstream"),
            (r#"{"corrupt": {"every": 100, "direction": "both"}}"#, "corrupt every 100 bytes both ways"),
            (r#"{"accept_delay": {"of": "1s"}}"#, "accept delay 1s"),
            (r#""close""#, "close now"),
            (r#"{"close": {"after": "1s", "toxicity": 0.5}}"#, "close after 1s, toxicity 0.5"),
            (r#""down""#, "down"),
            (r#"{"down": {"living": "reset"}}"#, "down with resets"),
            (r#"{"down": {"living": "freeze", "optional": true}}"#, "down and frozen optional"),
            (r#"{"half_open": {"after": "2s"}}"#, "half open after 2s"),
            (r#""no_connect""#, "no connect"),
            (r#"{"partition": {"direction": "upstream"}}"#, "partition upstream"),
            (r#""refuse""#, "refuse"),
            (
                r#"{"latency": {"of": "200ms", "jitter": "50ms", "direction": "both"}}"#,
                "latency 200ms +- 50ms both ways",
            ),
            (r#"{"latency": {"of": "1s", "normal": "0.1s"}}"#, "latency 1s normal 100ms downstream"),
            (
                r#"{"latency": {"of": "1s", "pareto": 3.0, "optional": true}}"#,
                "latency 1s pareto 3 downstream optional",
            ),
            (r#"{"limit": {"bytes": 7}}"#, "close after 7 bytes downstream"),
            (r#"{"limit": {"bytes": 7, "end": "reset"}}"#, "reset after 7 bytes downstream"),
            (r#"{"limit": {"bytes": 7, "end": "stall"}}"#, "stall after 7 bytes downstream"),
            (r#""noop""#, "noop downstream"),
            (
                r#"{"noop": {"connections": [1, 3], "matching": "GET", "first": 1}}"#,
                "noop downstream, connection 1 and 3, matching, first 1",
            ),
            (r#""reset""#, "reset now"),
            (r#"{"reset": {"after": "3s"}}"#, "reset after 3s"),
            (r#"{"reset": {"after_bytes": 1024, "direction": "upstream"}}"#, "reset after 1024 bytes upstream"),
            (
                r#"{"slicer": {"of": 100, "variation": 50, "delay": "10us"}}"#,
                "slicer 100 +- 50 bytes delay 10\u{b5}s downstream",
            ),
            (r#"{"slow_close": {"of": "2s"}}"#, "slow close 2s downstream"),
            (r#""stall""#, "stall 200ms once downstream"),
            (r#"{"stall": {"of": "1s", "every": 1000}}"#, "stall 1s every 1000 bytes downstream"),
            (r#"{"stall": {"probability": 0.01}}"#, "stall 200ms probability 0.01 downstream"),
            (r#""timeout""#, "timeout never downstream"),
            (r#"{"timeout": {"after": "500ms", "direction": "both"}}"#, "timeout after 500ms both ways"),
            (r#"{"truncate": {"to": 10}}"#, "truncate to 10 bytes downstream"),
        ];
        for (json, expected) in table {
            assert_eq!(built(json).as_deref(), Ok(expected), "{json}");
        }
    }

    #[test]
    fn nonsense_is_refused_by_the_name_of_the_setting() {
        let table = [
            (r#"{"bandwidth": {"bytes_per_second": 0}}"#, "`bandwidth.bytes_per_second` must be above 0, but is 0;"),
            (r#"{"corrupt": {"bits": 1.5}}"#, "`corrupt.bits` must be above 0.0 and at most 1.0, but is 1.5"),
            (r#"{"corrupt": {"every": 0}}"#, "`corrupt.every` must be above 0"),
            (r#""corrupt""#, "`corrupt` needs one of"),
            (r#"{"corrupt": {"bits": 0.1, "every": 2}}"#, "`corrupt.bits` and `corrupt.every` exclude each other"),
            (r#"{"latency": {"of": "1ms", "jitter": "2ms"}}"#, "`latency.jitter` must not be above the latency (1ms)"),
            (r#"{"latency": {"of": "1ms", "pareto": -1}}"#, "`latency.pareto` must be above 0.0 and finite, but is -1"),
            (
                r#"{"latency": {"of": "1ms", "normal": "1ms", "pareto": 1}}"#,
                "`latency.normal` and `latency.pareto` exc",
            ),
            (r#""latency""#, "missing field `of`"),
            (r#"{"latency": {"of": "1 day"}}"#, "\"1 day\" is not a duration"),
            (r#"{"latency": {"of": "1ms", "jiter": "1ms"}}"#, "unknown field `jiter`"),
            (r#"{"limit": {"bytes": 0}}"#, "`limit.bytes` must be above 0"),
            (r#"{"reset": {"after": "1s", "after_bytes": 1}}"#, "`reset.after` and `reset.after_bytes` exclude"),
            (r#"{"reset": {"direction": "both"}}"#, "`direction` is for toxics that act on bytes; `reset now` always"),
            (r#"{"down": {"first": 1}}"#, "cannot choose connections"),
            (r#"{"noop": {"first": 0}}"#, "`first` must be above 0"),
            (r#"{"noop": {"connections": [0]}}"#, "`connections` must be above 0, but is 0; they count from 1"),
            (r#"{"noop": {"toxicity": 2}}"#, "`toxicity` must be from 0.0 to 1.0, but is 2"),
            (r#"{"noop": {}, "down": {}}"#, "`noop` and `down` are two toxics"),
            ("{}", "expected the name of a toxic"),
            (r#"{"reset": {"after_bytes": 0}}"#, "`reset.after_bytes` must be above 0"),
            (r#"{"slicer": {"of": 0}}"#, "`slicer.of` must be above 0"),
            (r#"{"slicer": {"of": 5, "variation": 5}}"#, "`slicer.variation` must be below the average (5), but is 5"),
            (r#"{"stall": {"every": 0}}"#, "`stall.every` must be above 0"),
            (r#"{"stall": {"probability": 0}}"#, "`stall.probability` must be above 0.0"),
            (r#""dwon""#, "unknown variant `dwon`"),
            (r#"{"noop": {"direction": "sideways"}}"#, "unknown variant `sideways`"),
            ("7", "expected the name of a toxic, or a map"),
        ];
        for (json, expected) in table {
            let error = built(json).unwrap_err();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}

//! Durations as people write them: `"200ms"`, `"1.5s"`.

#[cfg(feature = "live")]
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use std::time::Duration;

/// For `#[serde(with = "..")]`.
#[cfg(feature = "live")]
pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // `Debug` of a duration is exact and is what `parse` reads: "200ms", "1.5s", "3µs".
    serializer.serialize_str(&format!("{duration:?}"))
}

/// For `#[serde(with = "..")]`.
#[cfg(feature = "live")]
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// For `#[serde(default, with = "..")]` of a duration that may be absent.
#[cfg(feature = "live")]
pub(crate) mod option {
    use serde::{Deserializer, Serializer};
    use std::time::Duration;

    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => super::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}

/// Reads a number with a unit.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    const FORM: &str = "write a number with a unit, such as \"200ms\", \"1.5s\" or \"2m\"";
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let seconds = match unit.trim() {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return Err(format!("{text:?} is not a duration: {FORM}")),
    };
    let number: f64 = number.parse().map_err(|_| format!("{text:?} is not a duration: {FORM}"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| format!("{text:?} is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        assert_eq!(parse("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(parse(" 1.5s"), Ok(Duration::from_millis(1_500)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        for nonsense in ["", "200", "ms", "2 days", "-1s", "1e3s", "99999999999999999999h"] {
            assert!(parse(nonsense).is_err(), "{nonsense:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(millis in 0_u64..10_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&format!("{duration:?}")), Ok(duration));
        }
    }
}

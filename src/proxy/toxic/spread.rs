//! How delays are spread around a latency. Knows neither chunks nor time.

use std::f64::consts::TAU;
use std::fmt;
use std::time::Duration;

use super::range::Checked;

/// A distribution of delays.
#[derive(Clone, Copy, Debug)]
pub(super) enum Spread {
    /// Always the latency.
    None,
    /// All delays within so much of the latency are equally likely.
    Even(Duration),
    /// A normal distribution around the latency with this standard deviation; what would be below 0 is 0.
    Normal(Duration),
    /// A Pareto distribution with this shape, whose least value is the latency.
    Pareto(f64),
}

impl Spread {
    pub(super) fn even(latency: Duration, jitter: Duration) -> Checked<Spread> {
        if jitter > latency {
            return Err(format!("must not be above the latency ({latency:?}), but is {jitter:?}"));
        }
        Ok(if jitter.is_zero() { Spread::None } else { Spread::Even(jitter) })
    }

    pub(super) fn pareto(shape: f64) -> Checked<Spread> {
        if shape > 0.0 && shape.is_finite() {
            Ok(Spread::Pareto(shape))
        } else {
            Err(format!("must be above 0.0 and finite, but is {shape}"))
        }
    }

    /// The delay that two draws in `0.0..1.0` stand for.
    pub(super) fn delay(self, latency: Duration, draw: impl Fn(u64) -> f64) -> Duration {
        match self {
            Spread::None => latency,
            // In two halves, since twice the jitter need not be a duration.
            Spread::Even(jitter) => {
                let half = jitter.mul_f64(draw(0));
                (latency - jitter).saturating_add(half).saturating_add(half)
            }
            Spread::Normal(sigma) => {
                // Box and Muller (1958), "A note on the generation of random normal deviates"; 1 - u is never 0.
                let radius = (-2.0 * (1.0 - draw(0)).ln()).sqrt();
                seconds(latency.as_secs_f64() + sigma.as_secs_f64() * radius * (TAU * draw(1)).cos())
            }
            // The inverse of the distribution function 1 - (latency / x)^shape.
            Spread::Pareto(shape) => seconds(latency.as_secs_f64() / (1.0 - draw(0)).powf(shape.recip())),
        }
    }
}

/// As much of it as a duration can be.
fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value.max(0.0)).unwrap_or(Duration::MAX)
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spread::None => Ok(()),
            Spread::Even(jitter) => write!(f, " +- {jitter:?}"),
            Spread::Normal(sigma) => write!(f, " normal {sigma:?}"),
            Spread::Pareto(shape) => write!(f, " pareto {shape}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Seed;

    const LATENCY: Duration = Duration::from_millis(200);
    const JITTER: Duration = Duration::from_millis(50);

    fn delays(spread: Spread) -> Vec<Duration> {
        (0..20_000).map(|chunk| spread.delay(LATENCY, |which| Seed::new(7).draw_unit_at(&[chunk, which]))).collect()
    }

    fn share(delays: &[Duration], holds: impl Fn(f64) -> bool) -> f64 {
        delays.iter().filter(|delay| holds(delay.as_secs_f64() * 1e3)).count() as f64 / delays.len() as f64
    }

    #[test]
    fn the_even_spread_stays_within_the_jitter() {
        let delays = delays(Spread::Even(JITTER));
        assert!(delays.iter().all(|delay| (LATENCY - JITTER..=LATENCY + JITTER).contains(delay)));
        for quarter in 0..4 {
            let from = 150.0 + 25.0 * f64::from(quarter);
            let share = share(&delays, |ms| (from..from + 25.0).contains(&ms));
            assert!((0.235..0.265).contains(&share), "quarter {quarter} holds {share}");
        }
        assert_eq!(Spread::Even(LATENCY).delay(LATENCY, |_| 0.0), Duration::ZERO);
        assert_eq!(Spread::Even(Duration::MAX).delay(Duration::MAX, |_| 0.999), Duration::MAX);
        assert_eq!(Spread::None.delay(LATENCY, |_| 0.999), LATENCY);
    }

    #[test]
    fn the_normal_spread_has_its_mean_its_deviation_and_its_tails() {
        let delays = delays(Spread::Normal(JITTER));
        let mean = delays.iter().map(Duration::as_secs_f64).sum::<f64>() / 20.0;
        // The standard error of the mean is 50 ms / sqrt(20,000), 0.35 ms.
        assert!((mean - 200.0).abs() < 1.5, "mean {mean} ms");
        // The quantiles of the standard normal distribution.
        for (sigmas, expected) in [(-2.0, 0.02275), (-1.0, 0.15866), (0.0, 0.5), (1.0, 0.84134), (2.0, 0.97725)] {
            let share = share(&delays, |ms| ms < 200.0 + 50.0 * sigmas);
            assert!((share - expected).abs() < 0.015, "{share} below {sigmas} sigma");
        }
        let wide = Spread::Normal(LATENCY * 10);
        assert!((0..100).any(|n| wide.delay(LATENCY, |which| Seed::new(n).draw_unit_at(&[which])).is_zero()));
    }

    #[test]
    fn the_pareto_spread_has_its_least_value_and_its_tail() {
        let delays = delays(Spread::Pareto(3.0));
        assert!(delays.iter().all(|delay| *delay >= LATENCY));
        for factor in [1.1_f64, 1.5, 2.0, 4.0] {
            let share = share(&delays, |ms| ms > 200.0 * factor);
            let expected = factor.powf(-3.0);
            assert!((share - expected).abs() < 0.015, "{share} above {factor} times, not {expected}");
        }
        // A tail beyond all durations.
        assert_eq!(Spread::Pareto(0.001).delay(LATENCY, |_| 0.999), Duration::MAX);
    }
}

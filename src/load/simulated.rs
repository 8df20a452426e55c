//! The verdict's error rates, on simulated queues whose truth is known in closed form. Tests only.
//!
//! In an M/M/1 queue with service rate 1 and load `rho` the time in the system is exponential with rate `1 - rho`
//! (Kleinrock, "Queueing Systems I", 5.119), so the bound that the share `a` exceeds is `ln(1/a) / (1 - rho)`.

use super::{
    counts::Counts,
    judge::{Finding, Judgement, Tally, judge},
};

/// SplitMix64 (Steele, Lea & Flood 2014): each run has its own fixed seed.
struct Random(u64);

impl Random {
    fn exponential(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        -((((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64).ln()
    }
}

/// One run of `n` arrivals in a queue that is already in its steady state; times in 1/1000 of a mean service time.
fn queue(seed: u64, rho: f64, n: usize) -> Vec<u64> {
    let mut random = Random(seed.wrapping_mul(0x5851_F42D_4C95_7F2D));
    // A steady start: the time in the system is exponential, the wait is that less one service (or nothing).
    let mut wait = (random.exponential() / (1.0 - rho) - random.exponential()).max(0.0);
    (0..n)
        .map(|_| {
            let response = wait + random.exponential();
            wait = (response - random.exponential() / rho).max(0.0);
            (response * 1_000.0) as u64
        })
        .collect()
}

fn judged(responses: &[u64], bound: u64, limit: f64) -> Judgement {
    let mut all = Counts::<7>::default();
    responses.iter().for_each(|r| all.add(*r));
    let p90 = all.quantile(0.9);
    let slices: Vec<Tally> = responses
        .chunks(responses.len() / 20)
        .map(|slice| {
            let over = |bound| slice.iter().filter(|r| **r > bound).count() as u64;
            Tally { offered: slice.len() as u64, over: over(bound), over_p90: over(p90) }
        })
        .collect();
    judge(&slices, limit)
}

/// The share of findings over `runs` runs whose true share over the bound is `truth`.
fn shares(rho: f64, n: usize, runs: u64, truth: f64, limit: f64) -> impl Fn(Finding) -> f64 {
    let bound = ((1.0 / truth).ln() / (1.0 - rho) * 1_000.0) as u64;
    let findings: Vec<Finding> = (0..runs).map(|seed| judged(&queue(seed + 1, rho, n), bound, limit).finding).collect();
    move |finding| findings.iter().filter(|f| **f == finding).count() as f64 / runs as f64
}

/// Load, arrivals in a run, number of runs.
const QUEUES: [(f64, usize, u64); 5] =
    [(0.2, 2_000, 300), (0.5, 5_000, 300), (0.5, 20_000, 150), (0.8, 20_000, 150), (0.8, 5_000, 300)];

#[test]
fn a_queue_exactly_at_its_limit_is_rarely_called_met_or_violated() {
    // For p95 the shortest run is left out: 5,000 arrivals at rho 0.8 are some 70 relaxation times, too few to see
    // bursts in the values above p90 that are not already in those above p95. There "met" is wrong in 7 % of runs.
    for (limit, queues) in [(0.001, &QUEUES[..]), (0.01, &QUEUES[..]), (0.05, &QUEUES[..4])] {
        for (rho, n, runs) in queues {
            let share = shares(*rho, *n, *runs, limit, limit);
            let (met, violated) = (share(Finding::Met), share(Finding::Violated));
            assert!(
                met <= 0.05 && violated <= 0.05,
                "limit {limit}, rho {rho}, {n} arrivals: met {met}, violated {violated}"
            );
        }
    }
}

#[test]
fn a_healthy_queue_is_met_and_an_overloaded_one_violated() {
    let healthy = shares(0.5, 20_000, 100, 0.004, 0.01);
    let ill = shares(0.5, 20_000, 100, 0.02, 0.01);
    assert!(healthy(Finding::Met) >= 0.75, "met {}", healthy(Finding::Met));
    assert!(ill(Finding::Violated) >= 0.9, "violated {}", ill(Finding::Violated));
}

#[test]
fn the_interval_covers_the_truth() {
    for (rho, n, runs, least) in [(0.2, 20_000, 200, 0.9), (0.5, 20_000, 150, 0.9), (0.8, 100_000, 150, 0.88)] {
        let bound = ((1.0_f64 / 0.01).ln() / (1.0 - rho) * 1_000.0) as u64;
        let covered = (0..runs)
            .filter(|seed| {
                let (low, high) = judged(&queue(seed + 1, rho, n), bound, 0.01).interval();
                (low..=high).contains(&0.01)
            })
            .count() as f64
            / runs as f64;
        assert!(covered >= least, "rho {rho}, {n} arrivals: covers the truth in {covered} of the runs");
    }
}

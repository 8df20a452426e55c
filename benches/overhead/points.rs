//! A fault point in every state, beside one of `fail`.

use super::{
    measure::{Series, Table, interleaved},
    neighbour::beside,
};
use fail::fail_point;
use qtests::{Test, fault_point};
use std::{hint::black_box, io, time::Instant};

/// How often each state is measured.
const ROUNDS: usize = 41;

/// A sample is the median of so many batches.
const BATCHES: usize = 9;

/// The calls of a batch, and of one in which a fault fires, which takes longer.
const CALLS: u64 = 20_000;
const CALLS_FIRING: u64 = 2_000;

/// Names that are armed where others are meant.
const OTHERS: [&str; 8] = ["other.0", "other.1", "other.2", "other.3", "other.4", "other.5", "other.6", "other.7"];

fn empty(number: u64) -> u64 {
    number.wrapping_mul(3)
}

fn ours(number: u64) -> u64 {
    if fault_point!("point").is_err() {
        return 0;
    }
    number.wrapping_mul(3)
}

fn theirs(number: u64) -> u64 {
    fail_point!("point", |_| 0);
    number.wrapping_mul(3)
}

/// Registers the other names; never called where time is taken.
fn others() -> Result<(), qtests::Injected> {
    fault_point!("other.0")?;
    fault_point!("other.1")?;
    fault_point!("other.2")?;
    fault_point!("other.3")?;
    fault_point!("other.4")?;
    fault_point!("other.5")?;
    fault_point!("other.6")?;
    fault_point!("other.7")
}

/// Nanoseconds for each call.
pub(crate) fn time(calls: u64, subject: fn(u64) -> u64) -> f64 {
    // Nobody can see through the pointer, so that each subject is really called.
    let subject = black_box(subject);
    let mut batches = [(); BATCHES].map(|()| {
        let began = Instant::now();
        for number in 0..calls {
            black_box(subject(black_box(number)));
        }
        began.elapsed().as_nanos() as f64 / calls as f64
    });
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

fn arm_never(t: &Test, name: &str) {
    t.fault(name).after(u64::MAX).fail(io::ErrorKind::Other).optional().arm();
}

fn arm_others(t: &Test) {
    OTHERS.iter().for_each(|name| arm_never(t, name));
}

fn ours_idle() -> f64 {
    time(CALLS, ours)
}

fn ours_idle_in_a_test() -> f64 {
    let _t = Test::scoped();
    time(CALLS, ours)
}

fn ours_others_armed() -> f64 {
    let t = Test::scoped();
    arm_others(&t);
    beside(arm_others, || time(CALLS, ours))
}

fn ours_armed_by_a_neighbour() -> f64 {
    let _t = Test::scoped();
    beside(|t| arm_never(t, "point"), || time(CALLS, ours))
}

fn ours_armed() -> f64 {
    let t = Test::scoped();
    arm_never(&t, "point");
    time(CALLS, ours)
}

fn ours_firing() -> f64 {
    let t = Test::scoped();
    t.fault("point").fail(io::ErrorKind::Other).arm();
    time(CALLS_FIRING, ours)
}

fn theirs_with(name: &str, action: &str, calls: u64) -> f64 {
    let _scenario = fail::FailScenario::setup();
    if !name.is_empty() {
        fail::cfg(name, action).expect("the action is one that `fail` knows");
    }
    time(calls, theirs)
}

/// A state: its name, the budget over an empty call, and how a sample is taken.
type State = (&'static str, Option<f64>, fn() -> f64);

const STATES: &[State] = &[
    ("an empty call", None, || time(CALLS, empty)),
    ("qtests: idle, outside a test", Some(1.0), ours_idle),
    ("qtests: idle, in a test", Some(1.0), ours_idle_in_a_test),
    ("qtests: idle, others armed by this test and a neighbour", Some(1.0), ours_others_armed),
    ("qtests: armed by a neighbour only", None, ours_armed_by_a_neighbour),
    ("qtests: armed, not firing", Some(45.0), ours_armed),
    ("qtests: armed and firing", None, ours_firing),
    ("fail: idle", None, || theirs_with("", "", CALLS)),
    ("fail: another armed", None, || theirs_with("other", "off", CALLS)),
    ("fail: armed, `off`", None, || theirs_with("point", "off", CALLS)),
    ("fail: armed, firing `return`", None, || theirs_with("point", "return", CALLS_FIRING)),
];

/// Measures every state in turn and prints the costs over an empty call.
pub(crate) fn measure() {
    black_box(others as fn() -> _);
    let mut subjects: Vec<Box<dyn FnMut() -> f64>> = Vec::new();
    for (_, _, sample) in STATES {
        subjects.push(Box::new(sample));
    }
    let samples = interleaved(ROUNDS, &mut subjects);
    let series: Vec<Series> = samples.iter().map(|samples| Series::of(samples, |nanos| *nanos)).collect();

    let how = format!("release profile, one thread, ns over an empty call, {ROUNDS} rounds of {BATCHES} batches");
    let mut table = Table::new("A call of a fault point", &how);
    table.row(STATES[0].0, "ns", &series[0]);
    for ((what, budget, _), series_of_state) in STATES.iter().zip(&series).skip(1) {
        let net = series_of_state.over(&series[0]);
        match budget {
            Some(budget) => table.at_most(*budget, what, "ns", &net),
            None => table.row(what, "ns", &net),
        }
    }
    table.print();
}

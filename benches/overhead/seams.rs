//! The lookup behind a seam, beside a direct call of the trait object.

use super::{
    measure::{Series, Table, interleaved},
    neighbour::beside,
    points::time,
};
use qtests::{Test, seam};
use std::{hint::black_box, sync::Arc};

/// How often each state is measured.
const ROUNDS: usize = 41;

const CALLS: u64 = 20_000;

trait Triple: Send + Sync {
    fn triple(&self, number: u64) -> u64;
}

/// The factor is a field, so that the call cannot be guessed.
struct By(u64);

impl Triple for By {
    fn triple(&self, number: u64) -> u64 {
        number.wrapping_mul(self.0)
    }
}

seam! {
    TRIPLE: dyn Triple = By(3);
}

static DIRECT: By = By(3);

fn direct(number: u64) -> u64 {
    let triple: &dyn Triple = black_box(&DIRECT);
    triple.triple(number)
}

fn through_the_seam(number: u64) -> u64 {
    TRIPLE.get().triple(number)
}

fn mock(t: &Test) {
    t.mock(&TRIPLE, Arc::new(By(5)));
}

fn not_mocked() -> f64 {
    let _t = Test::scoped();
    time(CALLS, through_the_seam)
}

fn mocked_by_a_neighbour() -> f64 {
    let _t = Test::scoped();
    beside(mock, || time(CALLS, through_the_seam))
}

fn mocked() -> f64 {
    let t = Test::scoped();
    mock(&t);
    time(CALLS, through_the_seam)
}

/// Measures every state in turn and prints the costs over a direct call.
pub(crate) fn measure() {
    let mut subjects: Vec<Box<dyn FnMut() -> f64>> =
        vec![Box::new(|| time(CALLS, direct)), Box::new(not_mocked), Box::new(mocked_by_a_neighbour), Box::new(mocked)];
    let samples = interleaved(ROUNDS, &mut subjects);
    let [direct, free, neighbour, own] = [0, 1, 2, 3].map(|state| Series::of(&samples[state], |nanos| *nanos));

    let how = format!("release profile, one thread, ns over a direct call of a trait object, {ROUNDS} rounds");
    let mut table = Table::new("A call through a seam", &how);
    table.row("a direct call", "ns", &direct);
    table.row("no mock in the process", "ns", &free.over(&direct));
    table.row("mocked by a neighbour only", "ns", &neighbour.over(&direct));
    table.row("mocked by this test", "ns", &own.over(&direct));
    table.print();
}

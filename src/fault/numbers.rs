//! Which of several things with one name something is, so that a fault can be meant for one of them.

use crate::scope::{Part, current, lock};
use std::{collections::BTreeMap, sync::Mutex};

/// How many things of each name a test has made. Its names are no more than there may be places.
#[derive(Default)]
struct Numbers(Mutex<BTreeMap<String, u64>>);

impl Part for Numbers {}

/// The number of the next thing of this name in the running test, from 1; 0 if no test runs here.
pub(crate) fn next_number(name: &str) -> u64 {
    let Some(scope) = current() else { return 0 };
    let numbers = scope.part_or_insert(Numbers::default);
    let mut numbers = lock(&numbers.0);
    let number = numbers.entry(name.to_owned()).or_default();
    *number += 1;
    *number
}

//! What one test says about settings, instead of the environment.

use super::{Setting, SettingValue};
use crate::scope::{Part, Test, current, lock};
use std::{collections::BTreeMap, sync::Mutex};

/// The settings of one test, by name. There are at most as many as the program has statics of that type.
#[derive(Debug, Default)]
struct Overrides(Mutex<BTreeMap<&'static str, String>>);

impl Part for Overrides {}

/// What the current test says about a setting.
pub(super) fn of_current_test(name: &str) -> Option<String> {
    lock(&current()?.part::<Overrides>()?.0).get(name).cloned()
}

impl Test {
    /// Says what a setting is, as if the environment said so, for the threads and tasks of this test only. The latest
    /// wins; an empty text stands for the default. What the setting does not take is kept too, so that a test can see
    /// what the code does with it.
    ///
    /// The process is not touched: no variable is set, other tests see nothing.
    pub fn configure<T: SettingValue>(&self, setting: &'static Setting<T>, value: impl Into<String>) {
        let value = value.into();
        self.record("config", format!("{}={value:?}", setting.name()));
        lock(&self.slot(Overrides::default).0).insert(setting.name(), value);
    }
}

//! Settings from the environment: typed, with a default, a range and a meaning; for one test they can be said otherwise
//! without touching the process.
//!
//! ```
//! use qtests::{Test, config::Setting};
//! use std::time::Duration;
//!
//! static PATIENCE: Setting<Duration> =
//!     Setting::new("SHOP_PATIENCE", "2s").range("10ms", "1m").meaning("how long a customer waits for payment");
//!
//! assert_eq!(PATIENCE.get(), Ok(Duration::from_secs(2)));            // nobody has said anything: the default
//!
//! let t = Test::scoped();
//! t.configure(&PATIENCE, "50ms");                                    // as if SHOP_PATIENCE=50ms, for this test alone
//! assert_eq!(PATIENCE.get(), Ok(Duration::from_millis(50)));
//!
//! t.configure(&PATIENCE, "soon");
//! assert_eq!(
//!     PATIENCE.get().unwrap_err().to_string(),
//!     "SHOP_PATIENCE=\"soon\" is not understood: it takes a duration such as `200ms`, `1.5s` or `2m`, from 10ms to \
//!      1m (default 2s)"
//! );
//! ```
//!
//! A service reads its settings once, when it starts, and stops with the error if there is one. Without the feature
//! `live` a setting reads the environment and nothing else; the module has no dependency either way.
//!
//! [`table`] prints a list of settings for a README. The variables that qtests itself reads are kept in the same form;
//! the table in the documentation of the crate is printed from it.

#[cfg(feature = "live")]
mod overrides;

pub use crate::base::{Row, Setting, SettingError, SettingValue, table};

impl<T: SettingValue> Setting<T> {
    /// The value: what the current test says, else what the environment says, else the default.
    ///
    /// # Errors
    /// If what is said cannot be understood or is out of range; the text names the variable and what it takes.
    ///
    /// # Panics
    /// If the default or the range of the setting itself cannot be read: that is a mistake in the program.
    pub fn get(&self) -> Result<T, SettingError> {
        #[cfg(feature = "live")]
        if let Some(text) = overrides::of_current_test(self.name()) {
            return self.read(Some(&text));
        }
        let said = std::env::var_os(self.name());
        self.read(said.as_deref().map(|text| text.to_string_lossy()).as_deref())
    }
}

/// Whether an inconclusive verdict is a failure: `QTESTS_STRICT`, as it was when the process started, or as the current
/// test says while it runs.
///
/// # Panics
/// If the current test says what makes no sense.
#[cfg(feature = "live")]
pub(crate) fn strict() -> bool {
    match overrides::of_current_test(STRICT.name()).map(|text| STRICT.read(Some(&text))) {
        None => crate::base::environment().strict,
        Some(Ok(own)) => own,
        Some(Err(refused)) => panic!("{refused}"),
    }
}

#[cfg(feature = "live")]
pub use crate::base::STRICT;

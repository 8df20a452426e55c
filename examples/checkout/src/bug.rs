//! Protections that can be taken away, to see a test notice.

use std::{env, fmt, str::FromStr};

/// One protection taken away.
///
/// A real service has nothing of the kind. It is here so that you can see each test fail for the
/// reason it was written for: `QTESTS_DEMO_BUG=new-key-per-retry cargo test -p checkout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A call to the payment service may take for ever.
    NoPaymentTimeout,
    /// Each repeat of a charge looks like a new charge.
    NewKeyPerRetry,
    /// No order without the inventory service.
    NoInventoryFallback,
    /// The order and its mail are written one after the other.
    NoTransaction,
    /// An order that fails after the charge keeps the money.
    NoCompensation,
    /// Everybody is let in.
    NoLoadShedding,
    /// A look into the cache may take for ever.
    NoCacheTimeout,
}

impl Bug {
    /// All of them, in the order of the table in the crate's docs.
    pub const ALL: [Self; 7] = [
        Self::NoPaymentTimeout,
        Self::NewKeyPerRetry,
        Self::NoInventoryFallback,
        Self::NoTransaction,
        Self::NoCompensation,
        Self::NoLoadShedding,
        Self::NoCacheTimeout,
    ];

    /// The environment variable that names the bug.
    pub const VARIABLE: &str = "QTESTS_DEMO_BUG";

    /// The name by which the variable asks for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoPaymentTimeout => "no-payment-timeout",
            Self::NewKeyPerRetry => "new-key-per-retry",
            Self::NoInventoryFallback => "no-inventory-fallback",
            Self::NoTransaction => "no-transaction",
            Self::NoCompensation => "no-compensation",
            Self::NoLoadShedding => "no-load-shedding",
            Self::NoCacheTimeout => "no-cache-timeout",
        }
    }

    /// Reads [`Bug::VARIABLE`]; unset or empty means no bug.
    ///
    /// # Errors
    /// If the variable holds a name that is not in [`Bug::ALL`]: a misspelt bug must not pass for a
    /// service without one.
    pub fn from_env() -> Result<Option<Self>, UnknownBug> {
        match env::var_os(Self::VARIABLE) {
            Some(name) if !name.is_empty() => name.to_string_lossy().parse().map(Some),
            _ => Ok(None),
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        let known = Self::ALL.into_iter().find(|bug| bug.name() == name);
        known.ok_or_else(|| UnknownBug(name.to_owned()))
    }
}

/// A name that is no [`Bug`]; its text lists those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBug(String);

impl fmt::Display for UnknownBug {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Bug::ALL.map(Bug::name).join(", ");
        write!(out, "{}={} is not known; the names are: {names}", Bug::VARIABLE, self.0)
    }
}

impl std::error::Error for UnknownBug {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_bug() {
        for bug in Bug::ALL {
            assert_eq!(bug.name().parse(), Ok(bug));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let text = "no-paymnet-timeout".parse::<Bug>().map_err(|error| error.to_string());
        let text = text.expect_err("that name is misspelt");
        for bug in Bug::ALL {
            assert!(text.contains(bug.name()), "{text}");
        }
    }
}

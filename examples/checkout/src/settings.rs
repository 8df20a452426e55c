//! Everything that can be set.

use crate::{bug::Bug, error::StartError, retry::Backoff};
use std::{env, net::SocketAddr, num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

/// Everything that can be set. Nothing else is read from outside, so many services can run in one
/// process.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen. Defaults to a free port on loopback;
    /// [`Running::addr`](crate::Running::addr) says which.
    pub listen: SocketAddr,
    /// Where the payment service is.
    pub payments: SocketAddr,
    /// Where the inventory service is.
    pub inventory: SocketAddr,
    /// The file of the database; made if it is missing.
    pub database: PathBuf,
    /// The redis that answers look-ups, as `redis://host:port`. Defaults to none.
    pub cache: Option<String>,
    /// How long a look into the cache may take: it is there to be quicker than the database.
    /// Defaults to 50 ms.
    pub cache_timeout: Duration,
    /// The price of a piece in cents: this shop sells everything at one price. Defaults to 1,000.
    pub price: u64,
    /// How long one call to the payment service may take. Defaults to 500 ms.
    pub payment_timeout: Duration,
    /// How long one call to the inventory service may take. Shorter than for payments, as we can
    /// do without it. Defaults to 200 ms.
    pub inventory_timeout: Duration,
    /// How often to call again, and after which pause; the same for both services. Defaults to
    /// [`Backoff::default`].
    pub backoff: Backoff,
    /// How many orders may be in work at once; the next one is sent away. Defaults to 64.
    pub max_in_flight: NonZeroUsize,
    /// How long to wait before trying again to take back or to complete what could not be.
    /// Defaults to 30 s.
    pub recovery_interval: Duration,
    /// How long [`shutdown`](crate::Running::shutdown) waits for the orders in work. Defaults to 5
    /// s.
    pub shutdown_grace: Duration,
    /// The protection that is missing. Defaults to none, also if the environment names one: only
    /// [`Settings::from_env`] reads that.
    pub bug: Option<Bug>,
}

impl Settings {
    /// Settings with the defaults given at each field.
    #[must_use]
    pub fn new(payments: SocketAddr, inventory: SocketAddr, database: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            payments,
            inventory,
            database: database.into(),
            cache: None,
            cache_timeout: Duration::from_millis(50),
            price: 1_000,
            payment_timeout: Duration::from_millis(500),
            inventory_timeout: Duration::from_millis(200),
            backoff: Backoff::default(),
            max_in_flight: NonZeroUsize::MIN.saturating_add(63),
            recovery_interval: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(5),
            bug: None,
        }
    }

    /// Settings from the environment: `CHECKOUT_PAYMENTS`, `CHECKOUT_INVENTORY` and
    /// `CHECKOUT_DATABASE` must be set, `CHECKOUT_LISTEN`, `CHECKOUT_CACHE`,
    /// `CHECKOUT_MAX_IN_FLIGHT` and [`Bug::VARIABLE`] may be.
    ///
    /// # Errors
    /// If a variable is missing or makes no sense; the error names it.
    pub fn from_env() -> Result<Self, StartError> {
        let mut settings = Self::new(
            required("CHECKOUT_PAYMENTS")?,
            required("CHECKOUT_INVENTORY")?,
            required::<PathBuf>("CHECKOUT_DATABASE")?,
        );
        if let Some(listen) = optional("CHECKOUT_LISTEN")? {
            settings.listen = listen;
        }
        if let Some(most) = optional("CHECKOUT_MAX_IN_FLIGHT")? {
            settings.max_in_flight = most;
        }
        settings.cache = optional("CHECKOUT_CACHE")?;
        settings.bug = Bug::from_env()?;
        Ok(settings)
    }

    /// The longest that others can keep a customer waiting: every call runs into its time limit, is
    /// repeated as often as allowed, and what was begun is taken back with one more call to
    /// each service. The time of our own work comes on top.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        let calls = self.backoff.attempts.get() + 1;
        (self.payment_timeout + self.inventory_timeout) * calls + self.backoff.longest_pauses() * 2
    }
}

fn required<T: FromStr>(variable: &'static str) -> Result<T, StartError> {
    optional(variable)?.ok_or(StartError::Missing(variable))
}

fn optional<T: FromStr>(variable: &'static str) -> Result<Option<T>, StartError> {
    let Some(text) = env::var_os(variable) else {
        return Ok(None);
    };
    let value = text.to_str().and_then(|text| text.parse().ok());
    value.map(Some).ok_or(StartError::Nonsense(variable))
}

//! What the command line asks for.

use std::{env, fmt, time::Duration};

/// How long, and with which seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) minutes: f64,
    pub(crate) seed: u64,
}

impl Settings {
    /// Reads the arguments of the process.
    pub(crate) fn read() -> Result<Self, String> {
        let mut settings = Self { minutes: 1.0, seed: fastrand::u64(..1_000_000) };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // cargo passes it, and it says nothing new.
                "--bench" => {}
                "--minutes" => settings.minutes = number(&argument, arguments.next())?,
                "--seed" => settings.seed = number(&argument, arguments.next())?,
                other => return Err(format!("`{other}` is not known; there are --minutes and --seed")),
            }
        }
        if settings.minutes > 0.0 && settings.minutes <= 10_000.0 {
            Ok(settings)
        } else {
            Err(format!("--minutes must be above 0 and at most 10000, but is {}", settings.minutes))
        }
    }

    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }
}

fn number<T: std::str::FromStr>(name: &str, value: Option<String>) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("{name} needs a number behind it"))?;
    value.parse().map_err(|_| format!("{name} needs a number, but got `{value}`"))
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--minutes {} --seed {}", self.minutes, self.seed)
    }
}

//! What happens when code comes by an armed point.

use super::{
    Damage, Fault, Hit, Injected, Site, Value,
    armed::Armed,
    table::{FaultTable, escaped},
};
use crate::scope::{InjectedPanic, current, has_identity};
use std::{fmt, io, panic::panic_any, sync::Arc, thread};

/// What an armed point is to do: nothing, or the actions of the faults that fire.
#[doc(hidden)]
#[must_use = "a decision does nothing until it is run"]
pub struct Decision {
    point: &'static str,
    /// The first that fires, and those after it if it does not end the point.
    firing: Vec<Firing>,
}

type Firing = (Arc<Armed>, Fault);

/// For the macros: finds out what is to happen. Runs predicates and callbacks of the test.
#[doc(hidden)]
#[cold]
pub fn decide(site: &'static Site, fields: &[(&'static str, Value<'_>)]) -> Decision {
    let mut decision = Decision { point: site.name(), firing: Vec::new() };
    let Some(scope) = current() else {
        // A thread whose test is over is no riddle.
        if !has_identity() {
            escaped(site);
        }
        return decision;
    };
    let Some(table) = scope.part::<FaultTable>() else { return decision };
    let hit = Hit { point: site.name(), fields, number: 0 };
    let mut ended = false;
    for armed in table.with_name(site.name()) {
        if ended {
            armed.pass_over();
            continue;
        }
        let Some(number) = armed.offer(&hit) else { continue };
        scope.record("fault", format!("fired {}", armed.describe()));
        for fault in &armed.spec.then {
            match fault {
                Fault::Call(callback) => {
                    if let Some(call) = callback.get() {
                        call(&Hit { number, ..hit });
                    }
                }
                fault => decision.firing.push((Arc::clone(armed), fault.clone())),
            }
            ended |= fault.ends_the_point();
        }
    }
    decision
}

impl Fault {
    /// Whether the point does not go on after this.
    fn ends_the_point(&self) -> bool {
        matches!(self, Self::Fail { .. } | Self::FailOs(_) | Self::Value(_) | Self::Hang | Self::Panic(_))
    }

    /// The error of a point that fails.
    fn error(&self, point: &'static str) -> Result<(), Injected> {
        match self {
            Self::Fail { kind, message } => Err(Injected::new(point, *kind, message.clone())),
            Self::Value(make) => make.get().map_or(Ok(()), |make| Err(Injected::with_value(point, make()))),
            Self::FailOs(code) => Err(Injected::of_system(point, *code)),
            Self::Panic(text) => panic_any(InjectedPanic(format!("{text} (injected at `{point}`)"))),
            Self::Delay(_) | Self::Hang | Self::Hold | Self::Call(_) | Self::Short(_) | Self::Corrupt => Ok(()),
        }
    }
}

impl Decision {
    /// For the macros: awaits where there is something to wait for.
    ///
    /// # Errors
    /// What the test injects.
    ///
    /// # Panics
    /// If the test injects a panic.
    pub async fn run(self) -> Result<(), Injected> {
        for (armed, fault) in &self.firing {
            match fault {
                Fault::Delay(duration) => tokio::time::sleep(*duration).await,
                Fault::Hang => {
                    armed.end.wait().await;
                    return Err(self.hang_ended());
                }
                Fault::Hold => armed.gate.wait().await,
                fault => fault.error(self.point)?,
            }
        }
        Ok(())
    }

    /// For the macros: blocks the thread where there is something to wait for.
    ///
    /// # Errors
    /// What the test injects.
    ///
    /// # Panics
    /// If the test injects a panic.
    pub fn run_blocking(self) -> Result<(), Injected> {
        for (armed, fault) in &self.firing {
            match fault {
                Fault::Delay(duration) => thread::sleep(*duration),
                Fault::Hang => {
                    armed.end.wait_blocking();
                    return Err(self.hang_ended());
                }
                Fault::Hold => armed.gate.wait_blocking(),
                fault => fault.error(self.point)?,
            }
        }
        Ok(())
    }
}

/// For points where bytes pass.
impl Decision {
    /// What is to happen before the bytes pass, to them, and after them.
    pub(crate) fn around_bytes(self) -> (Decision, Damage, Decision) {
        let (point, mut firing) = (self.point, self.firing);
        let before = firing.iter().position(|(_, fault)| fault.needs_bytes()).unwrap_or(firing.len());
        let mut after = firing.split_off(before);
        let mut damage = Damage::default();
        after.retain(|(armed, fault)| {
            match fault {
                Fault::Short(limit) => damage.shorten(*limit),
                Fault::Corrupt => damage.flip_at(armed.draw()),
                _ => return true,
            }
            false
        });
        (Decision { point, firing }, damage, Decision { point, firing: after })
    }

    /// Whether nothing is to happen.
    pub(crate) fn is_empty(&self) -> bool {
        self.firing.is_empty()
    }
}

impl Decision {
    /// What is left of a hang when the test ends or the fault is disarmed.
    fn hang_ended(&self) -> Injected {
        Injected::new(self.point, io::ErrorKind::Interrupted, Some("the hang ended with its test".to_owned()))
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decision({}, {} actions)", self.point, self.firing.len())
    }
}

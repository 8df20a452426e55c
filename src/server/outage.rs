//! A process or a server that is out of order for a while: on a timeline, or by whoever drives disturbances.

use super::{Process, Server};
use crate::{
    base::Error,
    fault::{BoxFuture, Disturbance, Plannable, Planned, begun_twice},
    scope::{Test, lock},
};
use std::{fmt, sync::Mutex};

/// A process or a server that hangs, or is dead, for a while: a [`Disturbance`]. Made by [`Server::pausing`],
/// [`Server::killing`], [`Process::pausing`] and [`Process::killing`].
///
/// Whether anybody noticed is for the test to assert: nobody tells of a process who missed it.
/// ```no_run
/// # use qtests::{Error, Test};
/// # use std::time::Duration;
/// # async fn example(t: Test) -> Result<(), Error> {
/// let ms = Duration::from_millis;
/// let redis = t.redis().durable().await?;
/// let storm = t
///     .timeline()
///     .between(ms(100), ms(300), redis.pausing())
///     .between(ms(500), ms(700), redis.killing())
///     .start();
/// // .. use it all the while ..
/// storm.finished().await;
/// # Ok(())
/// # }
/// ```
#[must_use = "an outage does nothing before it begins"]
pub struct Outage {
    target: Target,
    how: How,
    in_force: Mutex<bool>,
    optional: bool,
}

enum Target {
    Process(Process),
    Server(Server),
}

/// What is wrong with a process while it is out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Paused,
    Killed,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            How::Paused => "hangs",
            How::Killed => "is dead",
        })
    }
}

impl Plannable for How {
    const FOR: &'static str = "server";
}

/// Sets going what a plan has for the server of this name, which has just come up.
pub(super) fn begin_planned(t: &Test, server: &Server) -> Result<(), Error> {
    let planned = Planned::<How>::of(t).take(&server.name);
    if planned.is_empty() {
        return Ok(());
    }
    let timeline = planned.into_iter().fold(t.timeline(), |timeline, due| {
        due.on(timeline, |how, _| Outage::new(Target::Server(server.clone()), how))
    });
    timeline.try_start().map(drop)
}

impl Process {
    /// The process stopped where it stands, for a while: begun, it is [paused](Process::pause), and ended, it is
    /// [resumed](Process::resume).
    pub fn pausing(&self) -> Outage {
        Outage::new(Target::Process(self.clone()), How::Paused)
    }

    /// The process dead for a while: begun, it is [killed](Process::kill), and ended, it is
    /// [started again](Process::restart).
    pub fn killing(&self) -> Outage {
        Outage::new(Target::Process(self.clone()), How::Killed)
    }
}

impl Server {
    /// The server hung for a while: begun, it is [paused](Server::pause), and ended, it is [resumed](Server::resume).
    pub fn pausing(&self) -> Outage {
        Outage::new(Target::Server(self.clone()), How::Paused)
    }

    /// The server dead for a while: begun, it is [killed](Server::kill), and ended, it is [started again](Server::restart)
    /// and ready.
    pub fn killing(&self) -> Outage {
        Outage::new(Target::Server(self.clone()), How::Killed)
    }
}

impl Outage {
    fn new(target: Target, how: How) -> Outage {
        Outage { target, how, in_force: Mutex::new(false), optional: false }
    }

    /// Lets a test pass although its timeline never came to this.
    pub fn optional(mut self) -> Outage {
        self.optional = true;
        self
    }

    fn process(&self) -> &Process {
        match &self.target {
            Target::Process(process) => process,
            Target::Server(server) => server.process(),
        }
    }

    fn strike(&self) -> Result<(), Error> {
        let mut in_force = lock(&self.in_force);
        if *in_force {
            return Err(begun_twice(&self.describe()));
        }
        let struck = match self.how {
            How::Paused => self.process().pause(),
            How::Killed => self.process().kill().map(drop),
        };
        *in_force = struck.is_ok();
        self.unless_ending(struck)
    }

    async fn repair(&self) -> Result<(), Error> {
        if !std::mem::take(&mut *lock(&self.in_force)) {
            return Ok(());
        }
        let repaired = match (self.how, &self.target) {
            (How::Paused, _) => self.process().resume(),
            // It would be started to be killed at once.
            (How::Killed, _) if self.process().is_ending() => Ok(()),
            (How::Killed, Target::Process(process)) => process.restart(),
            (How::Killed, Target::Server(server)) => server.restart().await,
        };
        self.unless_ending(repaired)
    }

    /// A test that is ending kills its processes whatever somebody does with them.
    fn unless_ending(&self, result: Result<(), Error>) -> Result<(), Error> {
        result.or_else(|error| if self.process().is_ending() { Ok(()) } else { Err(error) })
    }
}

impl Disturbance for Outage {
    fn describe(&self) -> String {
        match &self.target {
            Target::Process(process) => format!("the process `{}` {}", process.program(), self.how),
            Target::Server(server) => format!("the server `{}` {}", server.name, self.how),
        }
    }

    /// Blocks the thread until the process stands still or is gone, which is a moment.
    fn begin(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { self.strike() })
    }

    fn end(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.repair())
    }

    fn is_optional(&self) -> bool {
        self.optional
    }
}

impl fmt::Debug for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outage({})", self.describe())
    }
}

//! A timer that is right to a tenth of a millisecond: tokio's own ticks in whole milliseconds and fires about one late.

use std::io;
use std::time::Instant;

#[cfg(target_os = "linux")]
pub(super) use linux::Timer;
#[cfg(not(target_os = "linux"))]
pub(super) use portable::Timer;

/// Waits until `due`, for ever if there is none. The timer is made at the first wait and reused from then on.
///
/// Cancel safe: waiting again goes on with the same deadline.
pub(super) async fn wait(timer: &mut Option<Timer>, due: Option<Instant>) -> io::Result<()> {
    let Some(due) = due else { return std::future::pending().await };
    if due <= Instant::now() {
        return Ok(());
    }
    if timer.is_none() {
        *timer = Some(Timer::new()?);
    }
    match timer {
        Some(timer) => timer.until(due).await,
        None => Ok(()),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    /// How late a wake-up from a timerfd usually is on an idle machine; a busy one differs, so each timer learns its
    /// own.
    const USUAL_LATENESS: Duration = Duration::from_micros(50);

    /// The most that a timer is set early, which is also the most that it spins.
    const MAX_LEAD: Duration = Duration::from_micros(100);

    /// A timerfd with an absolute deadline.
    pub(in crate::proxy) struct Timer {
        fd: AsyncFd<OwnedFd>,
        /// What the descriptor is set to now.
        armed: Option<Instant>,
        /// How much earlier than asked for it is set: its mean lateness so far.
        lead: Duration,
    }

    impl Timer {
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for the sake of types that do not own their descriptor; an OwnedFd does"
        )]
        pub(super) fn new() -> io::Result<Timer> {
            let fd = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            Ok(Timer { fd: AsyncFd::with_interest(fd, Interest::READABLE)?, armed: None, lead: USUAL_LATENESS })
        }

        pub(super) async fn until(&mut self, due: Instant) -> io::Result<()> {
            let early = due - self.lead;
            if self.armed.is_some() || Instant::now() < early {
                self.sleep(early).await?;
            }
            // What is left is less than the lead. The other tasks go on meanwhile.
            while Instant::now() < due {
                tokio::task::yield_now().await;
            }
            Ok(())
        }

        async fn sleep(&mut self, until: Instant) -> io::Result<()> {
            if self.armed != Some(until) {
                self.set(until)?;
            }
            loop {
                let mut ready = self.fd.readable().await?;
                if let Ok(expired) = ready.try_io(|fd| Ok(rustix::io::read(fd, &mut [0_u8; 8])?)) {
                    expired?;
                    self.armed = None;
                    self.lead = (self.lead * 7 + until.elapsed().min(MAX_LEAD)) / 8;
                    return Ok(());
                }
            }
        }

        fn set(&mut self, until: Instant) -> io::Result<()> {
            // An Instant does not tell its clock reading, so both clocks are read at the same moment. 0 would switch
            // the timer off.
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_nanos(1));
            let deadline = clock_gettime(ClockId::Monotonic) + Timespec::try_from(left).map_err(io::Error::other)?;
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: deadline };
            timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &once)?;
            self.armed = Some(until);
            Ok(())
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::io;
    use std::time::Instant;

    /// Tokio's timer: right to about a millisecond.
    pub(in crate::proxy) struct Timer;

    impl Timer {
        pub(super) fn new() -> io::Result<Timer> {
            Ok(Timer)
        }

        pub(super) async fn until(&mut self, due: Instant) -> io::Result<()> {
            tokio::time::sleep_until(due.into()).await;
            Ok(())
        }
    }
}

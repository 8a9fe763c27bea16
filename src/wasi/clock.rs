//! Clocks: the trait that an embedder implements, the host's clocks, and virtual ones for deterministic runs.

use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::error::Result;
use crate::types::{ClockId, Timestamp};
use std::time::{Duration, Instant, SystemTime};

/// The clocks that are provided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Time since 1970.
    Realtime,
    /// Time since an arbitrary start, never set back.
    Monotonic,
}

impl TryFrom<ClockId> for Clock {
    type Error = ();

    /// CPU-time clocks are not provided: they would tell the guest what else the host does.
    fn try_from(id: ClockId) -> Result<Self, ()> {
        match id {
            ClockId::Realtime => Ok(Clock::Realtime),
            ClockId::Monotonic => Ok(Clock::Monotonic),
            ClockId::ProcessCputime | ClockId::ThreadCputime => Err(()),
        }
    }
}

/// Where the guest's time comes from.
pub trait Clocks: Send {
    /// Smallest step of a clock.
    fn resolution(&self, clock: Clock) -> Duration;

    /// Time of a clock.
    fn now(&mut self, clock: Clock) -> Duration;

    /// Moves time on by `duration` at once, if this time is not the host's; otherwise the caller sleeps.
    fn skip(&mut self, duration: Duration) -> bool {
        let _ = duration;
        false
    }
}

/// The host's clocks.
#[derive(Clone, Debug)]
pub struct SystemClocks {
    start: Instant,
}

impl SystemClocks {
    /// Clocks whose monotonic time starts now.
    pub fn new() -> Self {
        SystemClocks { start: Instant::now() }
    }
}

impl Default for SystemClocks {
    fn default() -> Self {
        Self::new()
    }
}

impl Clocks for SystemClocks {
    fn resolution(&self, clock: Clock) -> Duration {
        let resolution = rustix::time::clock_getres(match clock {
            Clock::Realtime => rustix::time::ClockId::Realtime,
            Clock::Monotonic => rustix::time::ClockId::Monotonic,
        });
        Duration::try_from(resolution).unwrap_or(Duration::from_nanos(1))
    }

    fn now(&mut self, clock: Clock) -> Duration {
        match clock {
            Clock::Realtime => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            Clock::Monotonic => self.start.elapsed(),
        }
    }
}

/// Clocks that move only when they are asked and when the guest sleeps, so that every run sees the same times.
#[derive(Clone, Debug)]
pub struct VirtualClocks {
    epoch: Duration,
    elapsed: Duration,
    step: Duration,
}

impl VirtualClocks {
    /// Clocks that start at `epoch` (since 1970) and move on by `step` with each look at them.
    pub fn new(epoch: Duration, step: Duration) -> Self {
        VirtualClocks { epoch, elapsed: Duration::ZERO, step }
    }
}

impl Default for VirtualClocks {
    /// The first second of the year 2000, and a microsecond per look.
    fn default() -> Self {
        VirtualClocks::new(Duration::from_secs(946_684_800), Duration::from_micros(1))
    }
}

impl Clocks for VirtualClocks {
    fn resolution(&self, _: Clock) -> Duration {
        self.step
    }

    fn now(&mut self, clock: Clock) -> Duration {
        let now = self.elapsed;
        self.skip(self.step);
        match clock {
            Clock::Realtime => self.epoch.saturating_add(now),
            Clock::Monotonic => now,
        }
    }

    fn skip(&mut self, duration: Duration) -> bool {
        self.elapsed = self.elapsed.saturating_add(duration);
        true
    }
}

fn timestamp(time: Duration) -> Result<Timestamp, Errno> {
    u64::try_from(time.as_nanos()).map_err(|_| Errno::Overflow)
}

impl WasiCtx {
    /// Resolution of a clock.
    pub fn clock_res_get(&mut self, id: ClockId) -> Result<Timestamp> {
        let clock = Clock::try_from(id).map_err(|()| Errno::Badf)?;
        Ok(timestamp(self.clocks.resolution(clock))?)
    }

    /// Time of a clock. The precision is a wish that every clock here meets.
    pub fn clock_time_get(&mut self, id: ClockId, _precision: Timestamp) -> Result<Timestamp> {
        let clock = Clock::try_from(id).map_err(|()| Errno::Badf)?;
        Ok(timestamp(self.clocks.now(clock))?)
    }
}

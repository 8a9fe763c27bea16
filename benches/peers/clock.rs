//! What something cost: elapsed time, and processor time of the whole process, which other load on the machine disturbs less.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Elapsed time.
    pub wall: f64,
    /// Processor time of all threads.
    pub cpu: f64,
}

impl Cost {
    /// Calls a function and measures it.
    pub fn of<T>(call: impl FnOnce() -> T) -> (T, Cost) {
        let (wall, cpu) = (Instant::now(), processor_time());
        let result = call();
        (result, Cost { cpu: processor_time() - cpu, wall: wall.elapsed().as_secs_f64() })
    }

    /// One of the two.
    pub fn by(self, clock: Clock) -> f64 {
        match clock {
            Clock::Wall => self.wall,
            Clock::Cpu => self.cpu,
        }
    }
}

impl std::ops::Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost { wall: self.wall + other.wall, cpu: self.cpu + other.cpu }
    }
}

/// Which of the two times tables show and ratios compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// Elapsed time.
    Wall,
    /// Processor time of the process.
    Cpu,
}

fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

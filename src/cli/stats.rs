//! What a run cost, for `--stats`.
//!
//! Translation has a time of its own only where it is a step of its own: in the lazy modes it happens during execution and
//! is part of that time.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::args::StatsFormat;

/// Times in seconds, sizes in bytes.
#[derive(Debug, Default, Serialize)]
pub struct Stats {
    /// Reading the files, text to binary included.
    pub load: f64,
    /// Validating the module.
    pub validate: f64,
    /// Translating it, if that is done before execution.
    pub translate: Option<f64>,
    /// From instantiation to the end.
    pub execute: f64,
    /// Most memory that the process had.
    pub peak_memory: Option<u64>,
    /// The module's size.
    pub wasm_bytes: usize,
    /// Its functions, imports included.
    pub functions: u32,
    /// What is left of the fuel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel_left: Option<u64>,
}

impl Stats {
    /// Prints to stderr. Nobody is left to tell if that fails.
    pub fn print(&mut self, format: StatsFormat) {
        use std::io::Write;
        self.peak_memory = peak_memory();
        let text = match format {
            StatsFormat::Json => serde_json::to_string(self).unwrap_or_default() + "\n",
            StatsFormat::Text => self.text(),
        };
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn text(&self) -> String {
        let seconds = |seconds: f64| format!("{:?}", Duration::from_secs_f64(seconds));
        let bytes = |bytes: Option<u64>| bytes.map_or("unknown".to_owned(), |bytes| format!("{bytes} bytes"));
        let mut lines = vec![
            ("load", seconds(self.load)),
            ("validate", seconds(self.validate)),
            ("translate", self.translate.map_or("during execution".to_owned(), seconds)),
            ("execute", seconds(self.execute)),
            ("peak memory", bytes(self.peak_memory)),
            ("module", format!("{} bytes, {} functions", self.wasm_bytes, self.functions)),
        ];
        lines.extend(self.fuel_left.map(|fuel| ("fuel left", fuel.to_string())));
        lines.iter().map(|(name, value)| format!("{name:<12} {value}\n")).collect()
    }
}

/// Runs `work` and adds its time to `total`.
pub fn timed<T>(total: &mut f64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *total += start.elapsed().as_secs_f64();
    result
}

/// The process's greatest resident size, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_is_plausible() {
        if cfg!(target_os = "linux") {
            let peak = peak_memory().expect("Linux tells");
            assert!((1 << 20..1 << 40).contains(&peak), "{peak}");
        }
    }

    #[test]
    fn json_has_every_number() {
        let stats = Stats { validate: 0.5, ..Stats::default() };
        let json: serde_json::Value = serde_json::to_value(&stats).expect("plain data");
        assert_eq!(json["validate"], 0.5);
        assert!(json["translate"].is_null());
        assert!(json.get("fuel_left").is_none());
    }
}

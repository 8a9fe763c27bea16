//! What a run cost, for `--stats`.
//!
//! Translation, which happens while a module loads or at a function's first call, is taken out of the step that it happened in. It
//! includes the validation that is the same pass. With parallel translation it is the sum over all threads.
//!
//! So is compilation, where the tier compiles while a module loads. What a policy asks for may happen on other threads, so it is taken
//! out of nothing.

use std::time::{Duration, Instant};

use serde::Serialize;
use terrace::Module;

use crate::args::StatsFormat;

/// Times in seconds, sizes in bytes.
#[derive(Debug, Default, Serialize)]
pub struct Stats {
    /// Reading the files, text to binary included.
    pub load: f64,
    /// Parsing and validating the modules, as far as that is not part of translation.
    pub validate: f64,
    /// Translating functions.
    pub translate: f64,
    /// Compiling functions to machine code.
    pub compile: f64,
    /// From instantiation to the end.
    pub execute: f64,
    /// Most memory that the process had.
    pub peak_memory: Option<u64>,
    /// The module's size.
    pub wasm_bytes: usize,
    /// Its functions, imports included.
    pub functions: u32,
    /// Functions translated, of all modules.
    pub translated_functions: u64,
    /// Bytes of their bodies.
    pub translated_bytes: u64,
    /// Bytes of their bytecode.
    pub code_bytes: u64,
    /// Functions compiled, of all modules, each as often as it was.
    pub compiled_functions: u64,
    /// Bytes of their machine code, constants included.
    pub machine_code_bytes: u64,
    /// Bytes of memory that it takes.
    pub machine_code_memory: u64,
    /// What is left of the fuel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel_left: Option<u64>,
}

impl Stats {
    /// Counts what was compiled. `at_load` says that it all happened while modules were loaded, a step that `validate` has the time of.
    pub fn count_compilation(&mut self, modules: &[&Module], at_load: bool) {
        let before = self.compile;
        (self.compile, self.compiled_functions, self.machine_code_bytes, self.machine_code_memory) = (0.0, 0, 0, 0);
        for module in modules {
            let stats = module.compile_stats();
            self.compile += stats.time.as_secs_f64();
            self.compiled_functions += stats.functions;
            self.machine_code_bytes += stats.code_bytes;
            self.machine_code_memory += stats.memory_bytes;
        }
        if at_load {
            self.validate = (self.validate - (self.compile - before)).max(0.0);
        }
    }

    /// Counts what was translated since the last time, which was part of the step that `step` names.
    pub fn count_translation(&mut self, modules: &[&Module], step: impl Fn(&mut Stats) -> &mut f64) {
        let before = self.translate;
        (self.translate, self.translated_functions, self.translated_bytes, self.code_bytes) = (0.0, 0, 0, 0);
        for module in modules {
            let stats = module.translation_stats();
            self.translate += stats.time.as_secs_f64();
            self.translated_functions += stats.functions;
            self.translated_bytes += stats.wasm_bytes;
            self.code_bytes += stats.code_bytes;
        }
        let translate = self.translate - before;
        let step = step(self);
        *step = (*step - translate).max(0.0);
    }

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
            ("translate", seconds(self.translate)),
            ("compile", seconds(self.compile)),
            ("execute", seconds(self.execute)),
            ("peak memory", bytes(self.peak_memory)),
            ("module", format!("{} bytes, {} functions", self.wasm_bytes, self.functions)),
        ];
        let Stats { translated_functions, translated_bytes, code_bytes, .. } = self;
        let translated = format!("{translated_functions} functions, {translated_bytes} bytes to {code_bytes}");
        lines.push(("translated", translated));
        let Stats { compiled_functions, machine_code_bytes, machine_code_memory, .. } = self;
        let compiled = format!("{compiled_functions} functions to {machine_code_bytes} bytes in {machine_code_memory}");
        lines.push(("compiled", compiled));
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
        assert_eq!((&json["translated_functions"], &json["compiled_functions"]), (&0.into(), &0.into()));
        assert!(json.get("fuel_left").is_none());
    }
}

//! Machine code as other programs see it: profilers read files, debuggers read memory.
//!
//! Each type here is a [`CodeListener`](terrace_core::tier::listener::CodeListener) that an engine is given. None of them changes what
//! code is made or how it runs.

mod elf;
mod gdb;
#[cfg(target_os = "linux")]
mod jitdump;
#[cfg(target_os = "linux")]
mod perf_map;

pub use gdb::Gdb;
#[cfg(target_os = "linux")]
pub use jitdump::Jitdump;
#[cfg(target_os = "linux")]
pub use perf_map::PerfMap;

#[cfg(test)]
fn code<'a>(function: &'a str, code: &'a [u8]) -> terrace_core::tier::listener::InstalledCode<'a> {
    terrace_core::tier::listener::InstalledCode { module: Some("m"), function: Some(function), index: 0, code }
}

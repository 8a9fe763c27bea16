//! Code with its bytes, for `perf inject --jit`: samples keep their meaning when code is gone, and `perf annotate` shows instructions.
//!
//! perf finds the file because the process maps it, executable, at its beginning. Its samples must carry the clock that records do:
//! `perf record -k mono`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use object::elf::{EM_AARCH64, EM_X86_64};
use rustix::mm::{MapFlags, ProtFlags, mmap};
use rustix::time::{ClockId, clock_gettime};
use terrace_core::tier::listener::{CodeListener, InstalledCode};

/// `JiTD`, by which readers know the byte order.
const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const HEADER_BYTES: u32 = 40;
/// Kind of a record that tells of a function.
const CODE_LOAD: u32 = 0;
/// What such a record takes without name and code.
const LOAD_BYTES: usize = 56;

/// Writes `jit-PID.dump`.
#[derive(Debug)]
pub struct Jitdump(Mutex<State>);

#[derive(Debug)]
struct State {
    file: File,
    /// How many functions there are in it.
    functions: u64,
}

impl Jitdump {
    /// Begins the file of this process, in a directory.
    ///
    /// # Errors
    ///
    /// It cannot be made or mapped.
    pub fn create(directory: &Path) -> io::Result<Jitdump> {
        let path = directory.join(Jitdump::name());
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        file.write_all(&header())?;
        let (protection, flags) = (ProtFlags::READ | ProtFlags::EXEC, MapFlags::PRIVATE);
        // SAFETY: a new mapping, which nobody ever reads or takes away: that it is made is what perf records.
        unsafe { mmap(ptr::null_mut(), rustix::param::page_size(), protection, flags, &file, 0)? };
        Ok(Jitdump(Mutex::new(State { file, functions: 0 })))
    }

    /// The file's name, by which perf knows what it is.
    pub fn name() -> PathBuf {
        format!("jit-{}.dump", std::process::id()).into()
    }
}

/// The system's clock, in nanoseconds.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

fn header() -> Vec<u8> {
    let machine = if cfg!(target_arch = "aarch64") { EM_AARCH64 } else { EM_X86_64 };
    let mut bytes = Vec::with_capacity(HEADER_BYTES as usize);
    for word in [MAGIC, VERSION, HEADER_BYTES, machine.into(), 0, std::process::id()] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.extend([now(), 0].map(u64::to_ne_bytes).concat());
    bytes
}

/// Appends the record of a function, which is the `number`th.
fn load(bytes: &mut Vec<u8>, function: &InstalledCode<'_>, number: u64) {
    let name = function.to_string();
    let (address, len) = (function.code.as_ptr().addr() as u64, function.code.len());
    let total = LOAD_BYTES + name.len() + 1 + len;
    let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
    bytes.extend(CODE_LOAD.to_ne_bytes());
    bytes.extend((total as u32).to_ne_bytes());
    bytes.extend(now().to_ne_bytes());
    bytes.extend(std::process::id().to_ne_bytes());
    bytes.extend(thread.to_ne_bytes());
    bytes.extend([address, address, len as u64, number].map(u64::to_ne_bytes).concat());
    bytes.extend(name.as_bytes());
    bytes.push(0);
    bytes.extend(function.code);
}

impl CodeListener for Jitdump {
    fn installed(&self, functions: &[InstalledCode<'_>]) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::new();
        for function in functions {
            load(&mut bytes, function, state.functions);
            state.functions += 1;
        }
        if let Err(error) = state.file.write_all(&bytes) {
            tracing::warn!(%error, "the dump of code is incomplete");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code;

    #[test]
    fn records_follow_the_header() {
        let directory = tempfile::tempdir().expect("a directory");
        let bytes = [0xc3, 0x90, 0xc3];
        let dump = Jitdump::create(directory.path()).expect("a file");
        dump.installed(&[code("f", &bytes[..1]), code("g", &bytes[1..])]);
        let file = std::fs::read(directory.path().join(Jitdump::name())).expect("the file");
        let u32_at = |at: usize| u32::from_ne_bytes(file[at..at + 4].try_into().expect("four bytes"));
        let u64_at = |at: usize| u64::from_ne_bytes(file[at..at + 8].try_into().expect("eight bytes"));
        assert_eq!((u32_at(0), u32_at(8), u32_at(20)), (MAGIC, 40, std::process::id()));
        let mut at = 40;
        for (number, (name, code)) in
            [("wasm[m]::f\0", &bytes[..1]), ("wasm[m]::g\0", &bytes[1..])].into_iter().enumerate()
        {
            let start = code.as_ptr().addr() as u64;
            assert_eq!((u32_at(at), u64_at(at + 24), u64_at(at + 32)), (CODE_LOAD, start, start));
            assert_eq!((u64_at(at + 40), u64_at(at + 48)), (code.len() as u64, number as u64));
            let (text, rest) = file[at + 56..].split_at(name.len());
            assert_eq!((text, &rest[..code.len()]), (name.as_bytes(), code));
            assert!(u64_at(at + 8) >= u64_at(24), "time goes on");
            at += u32_at(at + 4) as usize;
        }
        assert_eq!(at, file.len());
    }
}

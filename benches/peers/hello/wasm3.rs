//! Runs a WASI program that does nothing but print, with wasm3: the smallest process that can.
//!
//!     terrace-bench-wasm3 FILE

use std::io::Write as _;

use anyhow::{Context as _, Result};
use wasm3x::{Caller, Engine, Linker, Module, Store};

/// WASI's number for a pointer out of bounds.
const FAULT: i32 = 21;
/// WASI's number for an unknown descriptor.
const BADF: i32 = 8;
/// WASI's number for a failure to write.
const IO: i32 = 29;

fn main() -> Result<()> {
    let file = std::env::args_os().nth(1).context("no file is named")?;
    let engine = Engine::default();
    let module = Module::new(&engine, std::fs::read(file)?)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "fd_write",
        |mut caller: Caller<'_, ()>, fd: i32, iovs: i32, count: i32, written: i32| {
            fd_write(&mut caller, fd, iovs as u32, count as u32, written as u32).err().unwrap_or(0)
        },
    )?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    instance.get_typed_func::<(), ()>(&store, "_start")?.call(&mut store, ())?;
    Ok(())
}

fn fd_write(caller: &mut Caller<'_, ()>, fd: i32, iovs: u32, count: u32, written: u32) -> Result<(), i32> {
    if fd != 1 {
        return Err(BADF);
    }
    let memory = caller.get_memory().ok_or(FAULT)?;
    let mut total = 0;
    for index in 0..count {
        let mut words = [0; 8];
        let at = iovs as usize + index as usize * words.len();
        memory.read(&*caller, at, &mut words).map_err(|_| FAULT)?;
        let word = |half: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| words[4 * half + byte])) as usize;
        let (start, len) = (word(0), word(1));
        if len > memory.data_size(&*caller) {
            return Err(FAULT);
        }
        let mut bytes = vec![0; len];
        memory.read(&*caller, start, &mut bytes).map_err(|_| FAULT)?;
        std::io::stdout().write_all(&bytes).map_err(|_| IO)?;
        total += len as u32;
    }
    memory.write(&mut *caller, written as usize, &total.to_le_bytes()).map_err(|_| FAULT)
}

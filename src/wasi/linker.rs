//! Preview 1 in a [`Linker`]: every row of [`FUNCTIONS`] as a function of the host.
//!
//! A guest passes pointers into the memory that it exports as `memory`. A memory of one thread is borrowed for the call; a
//! shared one is accessed piece by piece, as other threads write to it meanwhile.

use terrace::{Caller, Error, Extern, FuncType, Linker, SharedMemory, Trap as WasmTrap, Val};

use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::error::Trap;
use crate::functions::{FUNCTIONS, Function, MODULE, ValType};
use crate::memory::{GuestMemory, MemoryFault};

/// The guest called `proc_exit` with this status: no failure, but the end of its run. Found by
/// [`terrace::Error::downcast_ref`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exited with status {0}")]
pub struct Exit(pub i32);

/// Defines every function of preview 1 in `linker`, over the context that `get` finds in the store's data.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    get: impl Fn(&mut T) -> &mut WasiCtx + Copy + Send + Sync + 'static,
) -> Result<(), Error> {
    for function in FUNCTIONS {
        let ty = FuncType::new(types(function.params), types(function.results));
        linker.func_new(MODULE, function.name, ty, move |caller, params, results| {
            let errno = call(function, caller, get, params)?;
            if let Some(result) = results.first_mut() {
                *result = Val::I32(errno as i32);
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn types(types: &[ValType]) -> impl Iterator<Item = terrace::ValType> {
    types.iter().map(|ty| match ty {
        ValType::I32 => terrace::ValType::I32,
        ValType::I64 => terrace::ValType::I64,
    })
}

fn call<T: 'static>(
    function: &Function,
    mut caller: Caller<'_, T>,
    get: impl Fn(&mut T) -> &mut WasiCtx,
    params: &[Val],
) -> Result<Errno, Error> {
    let bits = |param: &Val| match *param {
        Val::I64(value) => value as u64,
        Val::I32(value) => u64::from(value as u32),
        _ => 0,
    };
    let args: Vec<u64> = params.iter().map(bits).collect();
    let result = match caller.get_export("memory") {
        Some(Extern::Memory(memory)) => {
            let (mut bytes, data) = memory.data_and_store_mut(&mut caller)?;
            function.call(get(data), &mut bytes, &args)
        }
        Some(Extern::SharedMemory(memory)) => function.call(get(caller.data_mut()), &mut Shared(memory), &args),
        // Some functions need none; the others find nothing to point into.
        _ => match function.call(get(caller.data_mut()), &mut [].as_mut_slice(), &args) {
            Err(Trap::Memory(_)) => return Err(Error::msg("the module exports no memory with the name `memory`")),
            result => result,
        },
    };
    result.map_err(|trap| match trap {
        Trap::Exit(status) => Error::host(Exit(status)),
        Trap::Interrupted => WasmTrap::Interrupt.into(),
        trap @ Trap::Memory(_) => Error::host(trap),
    })
}

/// A memory that other threads may change at any time.
struct Shared(SharedMemory);

impl GuestMemory for Shared {
    fn size(&self) -> u64 {
        self.0.data_size() as u64
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<(), MemoryFault> {
        let fault = MemoryFault::OutOfBounds { offset, len: buffer.len() as u64 };
        let start = usize::try_from(offset).map_err(|_| fault)?;
        self.0.read(start, buffer).map_err(|_| fault)
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), MemoryFault> {
        let fault = MemoryFault::OutOfBounds { offset, len: bytes.len() as u64 };
        let start = usize::try_from(offset).map_err(|_| fault)?;
        self.0.write(start, bytes).map_err(|_| fault)
    }
}

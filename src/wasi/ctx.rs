//! The context of one guest, and the functions on descriptors and the process as such.

use crate::builder::WasiCtxBuilder;
use crate::clock::Clocks;
use crate::errno::Errno;
use crate::error::{Result, Trap};
use crate::memory::GuestMemory;
use crate::random::Random;
use crate::table::Table;
use crate::types::{Fd, Fdstat, Filestat, Rights};
use crate::wait::{InterruptionCheck, Waiter};

/// Everything that a guest can reach through preview 1. Each function of preview 1 is a method.
pub struct WasiCtx {
    pub(crate) args: Vec<Vec<u8>>,
    /// `KEY=VALUE` each.
    pub(crate) environ: Vec<Vec<u8>>,
    pub(crate) table: Table,
    pub(crate) clocks: Box<dyn Clocks>,
    pub(crate) random: Box<dyn Random>,
    pub(crate) waiter: Waiter,
}

impl std::fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WasiCtx").finish_non_exhaustive()
    }
}

/// Number of strings and their size, each with a terminator.
fn sizes(strings: &[Vec<u8>]) -> Result<(u32, u32)> {
    let size: usize = strings.iter().map(|string| string.len() + 1).sum();
    let fit = |size| u32::try_from(size).map_err(|_| Errno::Overflow);
    Ok((fit(strings.len())?, fit(size)?))
}

/// Writes each string with a terminator to `buffer`, and its address to `pointers`.
fn put_strings(memory: &mut dyn GuestMemory, strings: &[Vec<u8>], pointers: u32, buffer: u32) -> Result<()> {
    let (count, size) = sizes(strings)?;
    memory.check(pointers, u64::from(count) * 4, 4)?;
    memory.check(buffer, u64::from(size), 1)?;
    let (mut pointer, mut at) = (u64::from(pointers), u64::from(buffer));
    for string in strings {
        memory.write(pointer, &(at as u32).to_le_bytes())?;
        memory.write(at, string)?;
        memory.write(at + string.len() as u64, &[0])?;
        pointer += 4;
        at += string.len() as u64 + 1;
    }
    Ok(())
}

impl WasiCtx {
    /// A context that permits nothing until it is told to.
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }

    /// Installs or removes the check that ends waiting calls.
    pub fn set_interruption_check(&mut self, check: Option<InterruptionCheck>) {
        self.waiter.check = check;
    }

    /// Writes the command-line arguments.
    pub fn args_get(&mut self, memory: &mut dyn GuestMemory, pointers: u32, buffer: u32) -> Result<()> {
        put_strings(memory, &self.args, pointers, buffer)
    }

    /// Number of command-line arguments, and the size of the buffer for them.
    pub fn args_sizes_get(&mut self) -> Result<(u32, u32)> {
        sizes(&self.args)
    }

    /// Writes the environment variables.
    pub fn environ_get(&mut self, memory: &mut dyn GuestMemory, pointers: u32, buffer: u32) -> Result<()> {
        put_strings(memory, &self.environ, pointers, buffer)
    }

    /// Number of environment variables, and the size of the buffer for them.
    pub fn environ_sizes_get(&mut self) -> Result<(u32, u32)> {
        sizes(&self.environ)
    }

    /// Closes a descriptor.
    pub fn fd_close(&mut self, fd: Fd) -> Result<()> {
        self.table.remove(fd)?;
        Ok(())
    }

    /// Attributes of a descriptor.
    pub fn fd_fdstat_get(&mut self, fd: Fd) -> Result<Fdstat> {
        Ok(self.table.get(fd)?.fdstat()?)
    }

    /// Gives up the rights that are not named. Rights cannot be added.
    pub fn fd_fdstat_set_rights(&mut self, fd: Fd, base: Rights, inheriting: Rights) -> Result<()> {
        Ok(self.table.get_mut(fd)?.set_rights(base, inheriting)?)
    }

    /// Attributes of an open file.
    pub fn fd_filestat_get(&mut self, fd: Fd) -> Result<Filestat> {
        self.table.with(fd, Rights::FD_FILESTAT_GET)?.filestat()
    }

    /// Moves a descriptor to the number of another, which is closed.
    pub fn fd_renumber(&mut self, from: Fd, to: Fd) -> Result<()> {
        Ok(self.table.renumber(from, to)?)
    }

    /// Ends the guest.
    pub fn proc_exit(&mut self, status: u32) -> Result<()> {
        Err(Trap::Exit(status as i32).into())
    }

    /// Signals are not supported.
    pub fn proc_raise(&mut self, _signal: u32) -> Result<()> {
        Err(Errno::Notsup.into())
    }

    /// Lets others run.
    pub fn sched_yield(&mut self) -> Result<()> {
        self.waiter.check()?;
        std::thread::yield_now();
        Ok(())
    }
}

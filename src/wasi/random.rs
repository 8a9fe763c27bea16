//! Random bytes: the trait that an embedder implements, the host's source, and a seeded one for deterministic runs.

use crate::buffers::{Buffer, scatter};
use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::error::Result;
use crate::memory::GuestMemory;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::io;

/// Where the guest's random bytes come from.
pub trait Random: Send {
    /// Fills `buffer`.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()>;
}

/// The host's source, fit for secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(io::Error::from)
    }
}

/// The same bytes for the same seed; not fit for secrets.
#[derive(Clone, Debug)]
pub struct SeededRandom(ChaCha12Rng);

impl SeededRandom {
    /// The source of `seed`.
    pub fn new(seed: u64) -> Self {
        SeededRandom(ChaCha12Rng::seed_from_u64(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.0.fill_bytes(buffer);
        Ok(())
    }
}

impl WasiCtx {
    /// Fills a buffer of the guest with random bytes.
    pub fn random_get(&mut self, memory: &mut dyn GuestMemory, ptr: u32, len: u32) -> Result<()> {
        memory.check(ptr, u64::from(len), 1)?;
        let random = &mut self.random;
        let filled = scatter(memory, &[Buffer { ptr, len }], &self.waiter, |bytes| {
            random.fill(bytes)?;
            Ok(bytes.len())
        })?;
        // A guest must never take bytes for random that are not.
        if filled < len { Err(Errno::Io.into()) } else { Ok(()) }
    }
}

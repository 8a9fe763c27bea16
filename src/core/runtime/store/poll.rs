//! What bounds execution in time: fuel, epochs, interruption.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use terrace_abi::TrapKind;
use terrace_abi::vm::Status;

use super::super::TierDown;
use super::super::trap::HostError;
use super::Store;

/// Called when the epoch deadline has passed: returns in how many epochs the next one is, or why to stop.
pub type EpochCallback = Box<dyn FnMut(&mut Store) -> Result<u64, HostError> + Send>;

/// The engine does not measure fuel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fuel is not configured in this engine")]
pub struct FuelError;

/// Stops a store's execution from any thread.
#[derive(Clone, Debug)]
pub struct InterruptHandle(Arc<AtomicU64>);

impl InterruptHandle {
    /// Makes the store's execution trap at its next poll, and so for every later execution until [`InterruptHandle::clear`].
    /// May be called from a signal handler.
    pub fn interrupt(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    /// Lets the store run again.
    pub fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Whether the store is asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

impl Store {
    /// Sets how much fuel is left.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), FuelError> {
        if !self.engine.config().fuel {
            return Err(FuelError);
        }
        self.record().fuel.store(i64::try_from(fuel).unwrap_or(i64::MAX), Ordering::Relaxed);
        Ok(())
    }

    /// How much fuel is left.
    pub fn fuel(&self) -> Result<u64, FuelError> {
        match self.engine.config().fuel {
            true => Ok(u64::try_from(self.record().fuel.load(Ordering::Relaxed)).unwrap_or(0)),
            false => Err(FuelError),
        }
    }

    /// Consumes fuel, or traps and consumes none.
    #[inline]
    pub fn spend(&mut self, amount: u64) -> Result<(), TrapKind> {
        let fuel = &self.record().fuel;
        let left = fuel.load(Ordering::Relaxed);
        if (left as u64) < amount || left < 0 {
            return Err(TrapKind::OutOfFuel);
        }
        fuel.store(left - amount.cast_signed(), Ordering::Relaxed);
        Ok(())
    }

    /// Sets the deadline so many epochs from now.
    pub fn set_epoch_deadline(&mut self, delta: u64) {
        let now = self.engine.epoch().load(Ordering::Relaxed);
        self.record().epoch_deadline.store(now.saturating_add(delta), Ordering::Relaxed);
    }

    /// Sets what happens at the deadline: `None` traps.
    pub fn set_epoch_callback(&mut self, callback: Option<EpochCallback>) {
        self.epoch_callback = callback;
    }

    /// A handle that stops execution in this store.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(Arc::clone(&self.interrupt))
    }

    /// Says that nothing is known of machine code but what the frames of its activations return to: what was taken out since may be freed.
    #[inline]
    pub fn safepoint(&mut self) {
        self.activity.safepoint(|returns| self.stack.code_returns(returns));
    }

    /// Asks whether execution may go on. It is a [safepoint](Store::safepoint).
    pub fn poll(&mut self) -> Result<(), Status> {
        self.safepoint();
        if self.interrupt.load(Ordering::Relaxed) != 0 {
            return Err(self.raise(TrapKind::Interrupt));
        }
        let deadline = self.record().epoch_deadline.load(Ordering::Relaxed);
        if self.engine.epoch().load(Ordering::Relaxed) < deadline {
            return Ok(());
        }
        let Some(mut callback) = self.epoch_callback.take() else {
            return Err(self.raise(TrapKind::Interrupt));
        };
        let verdict = self.guard(|store| callback(store));
        self.epoch_callback.get_or_insert(callback);
        match verdict? {
            Ok(delta) => {
                self.set_epoch_deadline(delta);
                Ok(())
            }
            Err(error) => Err(self.raise_error(error)),
        }
    }

    /// Whether an activation of compiled code, which is at a poll, goes on in the interpreter.
    pub fn leaves_compiled(&mut self) -> bool {
        match self.engine.config().tier_down {
            TierDown::Never => false,
            TierDown::Every(polls) => {
                self.compiled_polls = (self.compiled_polls + 1) % u64::from(polls.get());
                self.compiled_polls == 0
            }
            TierDown::After(polls) => {
                let leaves = self.compiled_polls >= polls;
                self.compiled_polls = self.compiled_polls.saturating_add(1);
                leaves
            }
        }
    }
}

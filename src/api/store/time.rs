//! What happens at an epoch deadline.

use terrace_core::runtime::{EpochCallback, HostError};

use super::StoreContextMut;
use crate::func::scoped;
use crate::{Result, Trap};

/// Whether execution goes on at its epoch deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdateDeadline {
    /// It goes on, and the next deadline is so many epochs from now.
    Continue(u64),
    /// It traps with [`Trap::Interrupt`].
    Interrupt,
}

impl UpdateDeadline {
    /// The runtime's callback that asks `callback`. It is for a store with data of type `T`.
    pub(crate) fn callback<T: 'static>(
        mut callback: impl FnMut(StoreContextMut<'_, T>) -> Result<UpdateDeadline> + Send + 'static,
    ) -> EpochCallback {
        Box::new(move |store| {
            scoped(store, |store| match callback(StoreContextMut::new(store)) {
                Ok(UpdateDeadline::Continue(epochs)) => Ok(epochs),
                Ok(UpdateDeadline::Interrupt) => Err(HostError::Trap(Trap::Interrupt)),
                Err(error) => Err(error.into_host_error(store)),
            })
        })
    }
}

//! What can be done with a store, however it is reached.

/// The methods that [`Store`](super::Store), [`StoreContextMut`](super::StoreContextMut) and [`Caller`](crate::Caller) have
/// in common.
macro_rules! store_methods {
    () => {
        /// The embedder's data.
        pub fn data(&self) -> &T {
            $crate::AsContext::as_context(self).data()
        }

        /// The embedder's data.
        pub fn data_mut(&mut self) -> &mut T {
            &mut $crate::AsContextMut::as_context_mut(self).inner_mut().value
        }

        /// The engine.
        pub fn engine(&self) -> &$crate::Engine {
            $crate::AsContext::as_context(self).engine()
        }

        /// How much fuel is left.
        ///
        /// # Errors
        ///
        /// The engine does not [measure fuel](crate::Config::consume_fuel).
        pub fn get_fuel(&self) -> $crate::Result<u64> {
            Ok($crate::AsContext::as_context(self).core.fuel()?)
        }

        /// Sets how much fuel is left. A store begins with none.
        ///
        /// # Errors
        ///
        /// The engine does not [measure fuel](crate::Config::consume_fuel).
        pub fn set_fuel(&mut self, fuel: u64) -> $crate::Result<()> {
            Ok($crate::AsContextMut::as_context_mut(self).core.set_fuel(fuel)?)
        }

        /// Sets the deadline so many epochs from now. A store begins with none.
        pub fn set_epoch_deadline(&mut self, epochs: u64) {
            $crate::AsContextMut::as_context_mut(self).core.set_epoch_deadline(epochs);
        }

        /// Makes execution trap at the deadline, as it does at first.
        pub fn epoch_deadline_trap(&mut self) {
            $crate::AsContextMut::as_context_mut(self).core.set_epoch_callback(None);
        }

        /// Calls `callback` at the deadline to say whether execution goes on.
        pub fn epoch_deadline_callback(
            &mut self,
            callback: impl FnMut($crate::StoreContextMut<'_, T>) -> $crate::Result<$crate::UpdateDeadline> + Send + 'static,
        ) {
            let callback = $crate::UpdateDeadline::callback(callback);
            $crate::AsContextMut::as_context_mut(self).core.set_epoch_callback(Some(callback));
        }

        /// A handle that stops execution in this store from any thread, where the engine is set up for
        /// [interruption](crate::Config::epoch_interruption).
        pub fn interrupt_handle(&self) -> $crate::InterruptHandle {
            $crate::AsContext::as_context(self).core.interrupt_handle()
        }

        /// Asks whether execution may go on, as wasm does in loops. Host functions that take long should.
        ///
        /// # Errors
        ///
        /// Execution is to stop: the epoch deadline has passed, or an interrupt handle asks for it. A host function returns
        /// the error as it is.
        pub fn check_interrupt(&mut self) -> $crate::Result<()> {
            let store = $crate::AsContextMut::as_context_mut(self).into_core();
            store.poll().map_err(|_| $crate::Error::from_stop(store.take_stop(), store))
        }

        /// Frees the references that nothing refers to.
        pub fn gc(&mut self) {
            $crate::AsContextMut::as_context_mut(self).core.collect();
        }

        /// Throws an exception: a host function returns the result, and wasm that called it may catch the exception.
        pub fn throw<R>(&mut self, exception: $crate::Rooted<$crate::ExnRef>) -> $crate::Result<R> {
            let owned = exception.to_owned_rooted(self)?;
            Err($crate::ThrownException::from(owned).into())
        }

        /// The wasm frames that led to the host function that runs.
        pub fn backtrace(&self) -> $crate::WasmBacktrace {
            $crate::AsContext::as_context(self).core.backtrace()
        }
    };
}

pub(crate) use store_methods;

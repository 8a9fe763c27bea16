//! Scopes of rooted references.

use terrace_core::runtime::heap;

use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut};

/// A scope of [`Rooted`](crate::Rooted) references: those made in it end with it.
///
/// Scopes nest. Code that makes references in a loop, outside of any host function, opens one for each round so that they can
/// be collected.
///
/// ```
/// use terrace::{Engine, Error, ExternRef, RootScope, Store};
///
/// let mut store = Store::new(&Engine::default(), ());
/// let outer = ExternRef::new(&mut store, 1)?;
/// let inner = {
///     let mut scope = RootScope::new(&mut store);
///     ExternRef::new(&mut scope, 2)?
/// };
/// assert!(outer.data(&store)?.is_some());
/// assert!(matches!(inner.data(&store), Err(Error::Unrooted)));
/// # Ok::<(), Error>(())
/// ```
pub struct RootScope<C: AsContextMut> {
    store: C,
    scope: Option<heap::RootScope>,
}

impl<C: AsContextMut> RootScope<C> {
    /// Begins a scope, which ends when it is dropped.
    pub fn new(store: C) -> RootScope<C> {
        let scope = store.as_context().core.heap().roots().enter_scope();
        RootScope { store, scope: Some(scope) }
    }
}

impl<C: AsContextMut> Drop for RootScope<C> {
    fn drop(&mut self) {
        if let Some(scope) = self.scope.take() {
            self.store.as_context_mut().core.heap_mut().roots_mut().exit_scope(scope);
        }
    }
}

impl<C: AsContextMut> AsContext for RootScope<C> {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        self.store.as_context()
    }
}

impl<C: AsContextMut> AsContextMut for RootScope<C> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        self.store.as_context_mut()
    }
}

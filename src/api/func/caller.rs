//! What a host function sees of the store that it is called in.

use terrace_core::runtime::{self, InstanceRef};

use crate::externs::Extern;
use crate::instance::Instance;
use crate::store::{AsContext, AsContextMut, StoreContext, StoreContextMut, store_methods};

/// The store in which a host function is called, and who calls.
///
/// ```
/// use terrace::{Caller, Engine, Error, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module
///         (import "host" "print" (func $print (param i32 i32)))
///         (memory (export "memory") 1)
///         (data (i32.const 8) "Hello")
///         (func (export "run") (call $print (i32.const 8) (i32.const 5))))
/// "#)?;
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("host", "print", |mut caller: Caller<'_, String>, ptr: u32, len: u32| -> Result<(), Error> {
///     let memory = caller.get_export("memory").and_then(|item| item.into_memory()).ok_or(Error::msg("no memory"))?;
///     let (bytes, output) = memory.data_and_store_mut(&mut caller)?;
///     let bytes = bytes.get(ptr as usize..).and_then(|bytes| bytes.get(..len as usize)).ok_or(Error::MemoryAccess)?;
///     output.push_str(&String::from_utf8_lossy(bytes));
///     Ok(())
/// })?;
/// let mut store = Store::new(&engine, String::new());
/// let instance = linker.instantiate(&mut store, &module)?;
/// instance.get_typed_func::<(), ()>(&mut store, "run")?.call(&mut store, ())?;
/// assert_eq!(store.data(), "Hello");
/// # Ok::<(), Error>(())
/// ```
pub struct Caller<'a, T: 'static> {
    store: StoreContextMut<'a, T>,
    instance: Option<InstanceRef>,
}

impl<'a, T> Caller<'a, T> {
    /// `store` is the inside of a `Store<T>`, and `instance` one of its instances.
    pub(crate) fn new(store: &'a mut runtime::Store, instance: Option<InstanceRef>) -> Caller<'a, T> {
        Caller { store: StoreContextMut::new(store), instance }
    }

    /// The instance that calls; `None` if the host does.
    pub fn instance(&self) -> Option<Instance> {
        self.instance.map(|instance| Instance::new_handle(self.store.core, instance))
    }

    /// The export with this name of the instance that calls.
    pub fn get_export(&mut self, name: &str) -> Option<Extern> {
        self.instance()?.get_export(&mut *self, name)
    }

    store_methods!();
}

impl<T> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.as_context_mut()
    }
}

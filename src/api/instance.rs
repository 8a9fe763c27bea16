//! Instances.

use terrace_core::runtime::{self, InstanceRef};

use crate::error::{Error, Result};
use crate::externs::Extern;
use crate::func::{Func, TypedFunc, WasmParams, WasmResults};
use crate::global::Global;
use crate::memory::Memory;
use crate::module::Module;
use crate::shared::SharedMemory;
use crate::store::{AsContext, AsContextMut, Bound};
use crate::table::Table;
use crate::tag::Tag;

/// A module in a store, with its functions and objects.
///
/// ```
/// use terrace::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module
///         (memory (export "memory") 1)
///         (func (export "answer") (result i32) (i32.const 42)))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// let answer = instance.get_typed_func::<(), i32>(&mut store, "answer")?;
/// assert_eq!(answer.call(&mut store, ())?, 42);
/// assert_eq!(instance.get_memory(&mut store, "memory").unwrap().size(&store)?, 1);
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instance(Bound<InstanceRef>);

impl Instance {
    /// Instantiates a module with one object for each of its imports, in order, and runs its start function.
    ///
    /// [`Linker::instantiate`](crate::Linker::instantiate) finds imports by name.
    ///
    /// # Errors
    ///
    /// Imports are too few, too many or of other types, the module or an import is of another store or engine, the store's
    /// limiter forbids an object, or a segment or the start function does not complete.
    pub fn new(mut store: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Instance> {
        let store = store.as_context_mut().into_core();
        let expected = module.core.imports().len();
        if imports.len() != expected {
            return Err(Error::Count { what: "imports", expected, actual: imports.len() });
        }
        module.engine().check(store.engine())?;
        let imports = imports.iter().map(|item| item.to_core(store)).collect::<Result<Vec<_>>>()?;
        Instance::from_core(store, module, &imports)
    }

    /// Instantiates a module with these imports.
    pub(crate) fn from_core(
        store: &mut runtime::Store,
        module: &Module,
        imports: &[runtime::Extern],
    ) -> Result<Instance> {
        match store.instantiate(&module.core, imports) {
            Ok(instance) => Ok(Instance::new_handle(store, instance)),
            Err(error) => Err(Error::from_instantiate(error, store)),
        }
    }

    /// The handle on an instance of `store`.
    pub(crate) fn new_handle(store: &runtime::Store, instance: InstanceRef) -> Instance {
        Instance(Bound::new(store, instance))
    }

    /// The module.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn module(&self, store: impl AsContext) -> Result<Module> {
        let store = store.as_context();
        let instance = self.0.of(store.core)?;
        Ok(Module::from_core(store.engine(), instance.module().clone()))
    }

    /// The export with this name. `None` if there is none, or the store is another one.
    pub fn get_export(&self, mut store: impl AsContextMut, name: &str) -> Option<Extern> {
        let store = store.as_context_mut().into_core();
        let item = self.0.of(store).ok()?.export(name)?;
        Some(Extern::from_core(store, item))
    }

    /// The exports, in order.
    ///
    /// # Errors
    ///
    /// The store is another one.
    pub fn exports(&self, mut store: impl AsContextMut) -> Result<impl ExactSizeIterator<Item = Export>> {
        let store = store.as_context_mut().into_core();
        let instance = self.0.of(store)?;
        let exports = instance.exports().map(|(name, item)| {
            let item = Extern::from_core(store, item);
            Export { name: name.to_owned(), item }
        });
        Ok(exports.collect::<Vec<_>>().into_iter())
    }

    /// The exported function with this name and these types.
    ///
    /// # Errors
    ///
    /// There is none, it has other types, or the store is another one.
    pub fn get_typed_func<Params: WasmParams, Results: WasmResults>(
        &self,
        mut store: impl AsContextMut,
        name: &str,
    ) -> Result<TypedFunc<Params, Results>> {
        self.0.of(store.as_context().core)?;
        let func = self.get_func(&mut store, name);
        func.ok_or_else(|| Error::NoExport { name: name.to_owned(), kind: "function" })?.typed(&store)
    }

    /// The exported function with this name. `None` if there is none, or the store is another one.
    pub fn get_func(&self, store: impl AsContextMut, name: &str) -> Option<Func> {
        self.get_export(store, name)?.into_func()
    }

    /// The exported memory with this name. `None` if there is none, it is shared, or the store is another one.
    pub fn get_memory(&self, store: impl AsContextMut, name: &str) -> Option<Memory> {
        self.get_export(store, name)?.into_memory()
    }

    /// The exported shared memory with this name. `None` if there is none, or the store is another one.
    pub fn get_shared_memory(&self, store: impl AsContextMut, name: &str) -> Option<SharedMemory> {
        self.get_export(store, name)?.into_shared_memory()
    }

    /// The exported table with this name. `None` if there is none, or the store is another one.
    pub fn get_table(&self, store: impl AsContextMut, name: &str) -> Option<Table> {
        self.get_export(store, name)?.into_table()
    }

    /// The exported global with this name. `None` if there is none, or the store is another one.
    pub fn get_global(&self, store: impl AsContextMut, name: &str) -> Option<Global> {
        self.get_export(store, name)?.into_global()
    }

    /// The exported tag with this name. `None` if there is none, or the store is another one.
    pub fn get_tag(&self, store: impl AsContextMut, name: &str) -> Option<Tag> {
        self.get_export(store, name)?.into_tag()
    }
}

/// What an instance exports.
#[derive(Clone, Debug)]
pub struct Export {
    name: String,
    item: Extern,
}

impl Export {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The object.
    pub fn into_extern(self) -> Extern {
        self.item
    }
}

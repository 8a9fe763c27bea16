//! Names for objects, from which modules' imports are satisfied.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use terrace_core::runtime::types::FuncType;
use terrace_core::runtime::{self, HostError, HostFunc, LinkError};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::externs::Extern;
use crate::func::{self, Caller, Func, IntoFunc};
use crate::instance::Instance;
use crate::module::Module;
use crate::store::{AsContext, AsContextMut};
use crate::types::ExternType;
use crate::val::Val;

/// Definitions by name, for stores with data of type `T`.
///
/// Host functions that are defined here belong to no store, so that one linker serves many; objects of a store can be
/// defined too, and are of use in that store only.
///
/// ```
/// use terrace::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// linker.func_wrap("env", "double", |x: i32| 2 * x)?;
///
/// let module = Module::new(&engine, r#"
///     (module
///         (import "env" "double" (func $double (param i32) (result i32)))
///         (func (export "quadruple") (param i32) (result i32) (call $double (call $double (local.get 0)))))
/// "#)?;
/// let mut store = Store::new(&engine, ());
/// let instance = linker.instantiate(&mut store, &module)?;
/// let quadruple = instance.get_typed_func::<i32, i32>(&mut store, "quadruple")?;
/// assert_eq!(quadruple.call(&mut store, 10)?, 40);
/// # Ok::<(), terrace::Error>(())
/// ```
pub struct Linker<T: 'static> {
    engine: Engine,
    /// By both halves of the name.
    definitions: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Definition>>,
    allow_shadowing: bool,
    data: PhantomData<fn() -> T>,
}

/// What a name stands for. Host functions are for stores with the linker's type of data.
#[derive(Clone, Debug)]
enum Definition {
    Item(Extern),
    Host(Arc<HostFunc>),
}

impl Definition {
    fn to_extern(&self, store: &mut runtime::Store) -> Result<Extern> {
        match self {
            Definition::Item(item) => Ok(item.clone()),
            Definition::Host(func) => Ok(Func::from_host(store, Arc::clone(func))?.into()),
        }
    }

    fn to_core(&self, store: &mut runtime::Store) -> Result<runtime::Extern> {
        match self {
            Definition::Item(item) => item.to_core(store),
            Definition::Host(func) => Ok(runtime::Extern::Func(store.add_host_func(Arc::clone(func))?)),
        }
    }
}

impl<T> Linker<T> {
    /// A linker without definitions.
    pub fn new(engine: &Engine) -> Linker<T> {
        Linker { engine: engine.clone(), definitions: BTreeMap::new(), allow_shadowing: false, data: PhantomData }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether a name may be defined again. It may not by default.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Linker<T> {
        self.allow_shadowing = allow;
        self
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition) -> Result<&mut Linker<T>> {
        let names = match self.definitions.get_mut(module) {
            Some(names) => names,
            None => self.definitions.entry(module.into()).or_default(),
        };
        match names.entry(name.into()) {
            Entry::Occupied(_) if !self.allow_shadowing => {
                return Err(Error::DefinedTwice { module: module.to_owned(), name: name.to_owned() });
            }
            Entry::Occupied(mut entry) => drop(entry.insert(definition)),
            Entry::Vacant(entry) => drop(entry.insert(definition)),
        }
        Ok(self)
    }

    /// Defines a name as an object of a store, or a shared memory.
    ///
    /// # Errors
    ///
    /// The name is defined, or the object is of another store or engine.
    pub fn define(
        &mut self,
        store: impl AsContext<Data = T>,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Linker<T>> {
        let (store, item) = (store.as_context().core, item.into());
        self.engine.check(store.engine())?;
        item.check(store)?;
        self.insert(module, name, Definition::Item(item))
    }

    /// Defines a name as a function that runs a closure: see [`Func::wrap`].
    ///
    /// # Errors
    ///
    /// The name is defined.
    pub fn func_wrap<Params, Results>(
        &mut self,
        module: &str,
        name: &str,
        func: impl IntoFunc<T, Params, Results>,
    ) -> Result<&mut Linker<T>> {
        let func = func.into_host_func(&self.engine.core)?;
        self.insert(module, name, Definition::Host(func))
    }

    /// Defines a name as a function of type `ty` that runs a closure: see [`Func::new`].
    ///
    /// # Errors
    ///
    /// The name is defined, or the type mentions types that nobody holds.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<()> + Send + Sync + 'static,
    ) -> Result<&mut Linker<T>> {
        let func = func::dynamic(&self.engine, ty, call)?;
        self.insert(module, name, Definition::Host(func))
    }

    /// Defines the exports of an instance by their names, in `module`.
    ///
    /// # Errors
    ///
    /// A name is defined, or the instance is of another store.
    pub fn instance(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Linker<T>> {
        self.engine.check(store.as_context().core.engine())?;
        for export in instance.exports(&mut store)? {
            let name = export.name().to_owned();
            self.insert(module, &name, Definition::Item(export.into_extern()))?;
        }
        Ok(self)
    }

    /// Instantiates a module, calls its export `_initialize` if there is one, and defines its exports by their names, in
    /// `name`.
    ///
    /// # Errors
    ///
    /// As for [`Linker::instantiate`] and [`Linker::instance`], and if `_initialize` does not complete.
    pub fn module(
        &mut self,
        mut store: impl AsContextMut<Data = T>,
        name: &str,
        module: &Module,
    ) -> Result<&mut Linker<T>> {
        let instance = self.instantiate(&mut store, module)?;
        if instance.get_func(&mut store, "_initialize").is_some() {
            instance.get_typed_func::<(), ()>(&mut store, "_initialize")?.call(&mut store, ())?;
        }
        self.instance(store, name, instance)
    }

    /// Defines everything that is defined in `module` in `as_module` too.
    ///
    /// # Errors
    ///
    /// Nothing is defined in `module`, or a name is defined in `as_module`.
    pub fn alias_module(&mut self, module: &str, as_module: &str) -> Result<&mut Linker<T>> {
        let definitions = self.definitions.get(module).cloned();
        let unknown = || LinkError::UnknownImport { module: module.to_owned(), name: "*".to_owned() };
        for (name, definition) in definitions.ok_or_else(unknown)? {
            self.insert(as_module, &name, definition)?;
        }
        Ok(self)
    }

    /// Defines each function that `module` imports and that is not defined as one that fails with a [`LinkError`].
    ///
    /// # Errors
    ///
    /// The module is of another engine.
    pub fn define_unknown_imports_as_traps(&mut self, module: &Module) -> Result<&mut Linker<T>> {
        self.engine.check(module.core.engine())?;
        for import in module.imports() {
            let ExternType::Func(ty) = import.ty() else { continue };
            if self.find(import.module(), import.name()).is_some() {
                continue;
            }
            let error = LinkError::UnknownImport { module: import.module().to_owned(), name: import.name().to_owned() };
            let fail = move |_: &mut runtime::Store, _, _: &mut [u64]| Err(HostError::Error(Box::new(error.clone())));
            let func = HostFunc::new(&self.engine.core, ty.clone(), fail)?;
            self.insert(import.module(), import.name(), Definition::Host(func))?;
        }
        Ok(self)
    }

    fn find(&self, module: &str, name: &str) -> Option<&Definition> {
        self.definitions.get(module)?.get(name)
    }

    /// The definition of a name, in a store. `None` if there is none.
    ///
    /// # Errors
    ///
    /// The definition is of another store or engine.
    pub fn get(&self, mut store: impl AsContextMut<Data = T>, module: &str, name: &str) -> Result<Option<Extern>> {
        let store = store.as_context_mut().into_core();
        let Some(definition) = self.find(module, name) else { return Ok(None) };
        let item = definition.to_extern(store)?;
        item.check(store)?;
        Ok(Some(item))
    }

    /// The names that are defined, in order.
    pub fn names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.definitions.iter().flat_map(|(module, names)| names.keys().map(|name| (&**module, &**name)))
    }

    /// Instantiates a module with the definitions of its imports' names, and runs its start function.
    ///
    /// # Errors
    ///
    /// An import is not defined or of another type, something is of another store or engine, the store's limiter forbids an
    /// object, or a segment or the start function does not complete.
    pub fn instantiate(&self, store: impl AsContextMut<Data = T>, module: &Module) -> Result<Instance> {
        self.instantiate_pre(module)?.instantiate(store)
    }

    /// Looks up a module's imports once, for many instantiations.
    ///
    /// # Errors
    ///
    /// An import is not defined, or the module is of another engine.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<T>> {
        self.engine.check(module.core.engine())?;
        let imports = module.core.imports().map(|import| match self.find(import.module, import.name) {
            Some(definition) => Ok(definition.clone()),
            None => Err(LinkError::unknown(&import).into()),
        });
        Ok(InstancePre { module: module.clone(), imports: imports.collect::<Result<_>>()?, data: PhantomData })
    }
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Linker<T> {
        Linker {
            engine: self.engine.clone(),
            definitions: self.definitions.clone(),
            allow_shadowing: self.allow_shadowing,
            data: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// A module with definitions for its imports, ready to be instantiated any number of times in stores with data of type `T`.
///
/// ```
/// use terrace::{Engine, Linker, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (func (export "f")))"#)?;
/// let ready = Linker::new(&engine).instantiate_pre(&module)?;
/// for _ in 0..10 {
///     let mut store = Store::new(&engine, ());
///     ready.instantiate(&mut store)?;
/// }
/// # Ok::<(), terrace::Error>(())
/// ```
pub struct InstancePre<T: 'static> {
    module: Module,
    imports: Arc<[Definition]>,
    data: PhantomData<fn() -> T>,
}

impl<T> InstancePre<T> {
    /// Instantiates the module and runs its start function.
    ///
    /// # Errors
    ///
    /// A definition is of another type, store or engine, the store's limiter forbids an object, or a segment or the start
    /// function does not complete.
    pub fn instantiate(&self, mut store: impl AsContextMut<Data = T>) -> Result<Instance> {
        let store = store.as_context_mut().into_core();
        self.module.engine().check(store.engine())?;
        let imports = self.imports.iter().map(|definition| definition.to_core(store)).collect::<Result<Vec<_>>>()?;
        Instance::from_core(store, &self.module, &imports)
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }
}

impl<T> Clone for InstancePre<T> {
    fn clone(&self) -> InstancePre<T> {
        InstancePre { module: self.module.clone(), imports: Arc::clone(&self.imports), data: PhantomData }
    }
}

impl<T> fmt::Debug for InstancePre<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstancePre").field("module", &self.module).finish_non_exhaustive()
    }
}

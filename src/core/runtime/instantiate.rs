//! Instantiation, in the order of the spec.
//!
//! Imports are checked before anything is made. An instance whose segments or start function trap stays in its store,
//! because other instances may already refer to it.

use std::ptr;
use std::sync::atomic::Ordering;

use super::const_expr;
use super::extern_::Extern;
use super::instance::{InstanceRef, Parts};
use super::module::{Import, Module, SegmentMode, TableInit};
use super::store::{ObjectError, Store};
use super::trap::Stop;

/// Why a module's imports cannot be satisfied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Nobody provides an import.
    #[error("unknown import: `{module}::{name}` has not been defined")]
    UnknownImport {
        /// The first half of the name.
        module: String,
        /// The second half of the name.
        name: String,
    },
    /// What is provided has another type.
    #[error("incompatible import type for `{module}::{name}`: expected {expected}, found {actual}")]
    Incompatible {
        /// The first half of the name.
        module: String,
        /// The second half of the name.
        name: String,
        /// The type that the module asks for.
        expected: String,
        /// The type of what it is given.
        actual: String,
    },
}

impl LinkError {
    /// Nobody provides `import`.
    pub fn unknown(import: &Import<'_>) -> LinkError {
        LinkError::UnknownImport { module: import.module.to_owned(), name: import.name.to_owned() }
    }
}

/// Why a module cannot be instantiated.
#[derive(Debug, thiserror::Error)]
pub enum InstantiateError {
    /// Its imports do not fit.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// One of its objects cannot be made.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A segment or the start function did not complete.
    #[error(transparent)]
    Stop(#[from] Stop),
    /// It belongs to another engine.
    #[error("a module is instantiated in a store of another engine")]
    OtherEngine,
}

impl Store {
    /// Checks that objects of this store fit a module's imports, one by one in order.
    pub fn check_imports(&self, module: &Module, imports: &[Extern]) -> Result<(), LinkError> {
        let types = self.engine().types();
        let mut given = imports.iter();
        for import in module.imports() {
            let item = *given.next().ok_or_else(|| LinkError::unknown(&import))?;
            let actual = self.extern_type(item);
            if !actual.matches(&import.ty, types) {
                return Err(LinkError::Incompatible {
                    module: import.module.to_owned(),
                    name: import.name.to_owned(),
                    expected: import.ty.display(types).to_string(),
                    actual: actual.display(types).to_string(),
                });
            }
        }
        Ok(())
    }

    /// Finds what `resolve` knows for each of a module's imports.
    pub fn resolve_imports(
        &mut self,
        module: &Module,
        mut resolve: impl FnMut(&mut Store, &Import<'_>) -> Option<Extern>,
    ) -> Result<Vec<Extern>, LinkError> {
        module.imports().map(|import| resolve(self, &import).ok_or_else(|| LinkError::unknown(&import))).collect()
    }

    /// Instantiates a module with objects of this store, one for each import in order.
    pub fn instantiate(&mut self, module: &Module, imports: &[Extern]) -> Result<InstanceRef, InstantiateError> {
        if !module.engine().is_same(self.engine()) {
            return Err(InstantiateError::OtherEngine);
        }
        self.check_imports(module, imports)?;
        self.check_instance_limit()?;
        let parts = self.allocate(module, imports)?;
        let instance = self.push_instance(parts);
        self.initialize(instance);
        if self.run_segments(instance).is_err() {
            return Err(self.take_stop().into());
        }
        if let Some(start) = module.start() {
            self.call(instance.func_ref(start), &mut [])?;
        }
        Ok(instance)
    }

    /// Makes the objects that the module defines, beside those that it imports, but for globals, whose types are held. They hold
    /// zeros and nulls.
    fn allocate(&mut self, module: &Module, imports: &[Extern]) -> Result<Parts, ObjectError> {
        let mut parts = Parts {
            store: ptr::from_ref(self.record()),
            module: module.clone(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            imports: Vec::new(),
        };
        let mut memories = Vec::new();
        let mut tables = Vec::new();
        let mut globals = Vec::new();
        let mut tags = Vec::new();
        for &import in imports.iter().take(module.imports().len()) {
            match import {
                Extern::Func(func) => parts.imports.push(func),
                Extern::Memory(memory) => memories.push(memory),
                Extern::Table(table) => tables.push(table),
                Extern::Global(global) => globals.push(global),
                Extern::Tag(tag) => tags.push(tag),
            }
        }
        let imported = module.imported();
        for &ty in &module.tables()[imported.tables as usize..] {
            tables.push(self.create_table(ty, 0)?);
        }
        for &ty in &module.memories()[imported.memories as usize..] {
            memories.push(self.create_memory(ty)?);
        }
        for &ty in &module.globals()[imported.globals as usize..] {
            self.hold(ty.content)?;
        }
        for &ty in &module.tags()[imported.tags as usize..] {
            let ty = self.engine().types().hold(module.tag_type(ty))?;
            tags.push(self.create_tag(ty)?);
        }
        parts.memories =
            memories.into_iter().map(|memory| (memory, ptr::from_ref(self.memory(memory).record()))).collect();
        parts.tables = tables.into_iter().map(|table| (table, ptr::from_ref(self.table(table).record()))).collect();
        parts.globals = globals.into_iter().map(|global| (global, ptr::from_ref(self.global(global)))).collect();
        parts.tags = tags.into_iter().map(|tag| (tag, ptr::from_ref(self.tag(tag)))).collect();
        Ok(parts)
    }

    /// Gives globals and tables their first values. Nothing here runs code or allocates references.
    fn initialize(&mut self, instance: InstanceRef) {
        let module = instance.module();
        let imported = module.imported();
        for (global, &init) in (imported.globals..).zip(module.global_inits()) {
            let value = const_expr::evaluate(&instance, init);
            for (half, value) in instance.global(global).value.iter().zip(value) {
                half.store(value, Ordering::Relaxed);
            }
        }
        for (table, init) in (imported.tables..).zip(module.table_inits()) {
            if let TableInit::Expr(init) = *init {
                let value = const_expr::evaluate(&instance, init)[0];
                self.table_mut(instance.table(table)).elements_mut().fill(value);
            }
        }
    }

    /// Copies active segments, element segments first. The error is recorded in the store.
    fn run_segments(&mut self, instance: InstanceRef) -> Result<(), terrace_abi::vm::Status> {
        let module = instance.module();
        // An offset is an i32 or i64, zero-extended.
        for (segment, element) in (0..).zip(module.element_segments()) {
            match element.mode {
                SegmentMode::Active { index, offset } => {
                    let dst = const_expr::evaluate(&instance, offset)[0];
                    self.table_init(instance, index, segment, dst, 0, element.elements.len() as u32)?;
                    instance.elem_drop(segment);
                }
                SegmentMode::Declared => instance.elem_drop(segment),
                SegmentMode::Passive => {}
            }
        }
        for (segment, data) in (0..).zip(module.data_segments()) {
            if let SegmentMode::Active { index, offset } = data.mode {
                let dst = const_expr::evaluate(&instance, offset)[0];
                if let Err(kind) = self.memory_mut(instance.memory(index)).write(dst, data.bytes(module)) {
                    return Err(self.raise(kind));
                }
                instance.data_drop(segment);
            }
        }
        Ok(())
    }
}

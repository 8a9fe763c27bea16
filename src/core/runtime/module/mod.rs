//! Modules: validated binaries as compact tables over their bytes.
//!
//! A module is immutable and shared by instances and threads. A function costs its body's place and a cell for its code,
//! which is made at most once, errors included; nothing that only tools and traps ask for is parsed before they do.

mod load;
mod names;
mod operators;
mod resources;
mod tables;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use terrace_abi::Word;
use wasmparser::{BinaryReader, FuncToValidate, FunctionBody, ValidatorResources};

pub use load::ModuleError;
pub use tables::ExprRange;
pub(super) use tables::TableInit;
pub use tables::{DataSegment, ElementSegment, Elements, Export, ExternIndex, Import, SegmentMode};

use super::engine::Engine;
use super::extern_::ExternType;
use super::func::SlotEntry;
use super::memory::{BoundsMode, MemoryType};
use super::types::{FuncType, GlobalType, ModuleTypes, TableType, TypeId};
use crate::bytecode::verify::WasmTypes;
use crate::bytecode::{Function, ImportCounts, verify};
use crate::tier::code::{CompileStats, ModuleCode};
use crate::tier::manager::Tiering;
use crate::translate::{TranslateError, translate};
use names::Names;
use tables::{ImportEntry, Imported, Span};

/// A module. Clones are the same module.
#[derive(Clone)]
pub struct Module(Arc<Inner>);

type CodeCell = OnceLock<Box<Result<Function, TranslateError>>>;

struct Inner {
    engine: Engine,
    bytes: Arc<[u8]>,
    types: ModuleTypes,
    /// Canonical ids by type index, as code reads them.
    type_ids: Box<[u32]>,
    imports: Box<[ImportEntry]>,
    imported: Imported,
    /// Type indices of all functions.
    func_types: Box<[u32]>,
    tables: Box<[TableType]>,
    memories: Box<[MemoryType]>,
    globals: Box<[GlobalType]>,
    /// Type indices of all tags.
    tags: Box<[u32]>,
    table_inits: Box<[TableInit]>,
    global_inits: Box<[ExprRange]>,
    exports: Box<[(Span, ExternIndex)]>,
    /// The exports in order of their names.
    exports_by_name: Box<[u32]>,
    start: Option<u32>,
    elements: Box<[ElementSegment]>,
    data: Box<[DataSegment]>,
    customs: Box<[(Span, Span)]>,
    names: OnceLock<Names>,
    bodies: Box<[Span]>,
    /// What validation knows of the module; `None` if it defines no function.
    resources: Option<ValidatorResources>,
    code: Box<[CodeCell]>,
    /// What the tier runs of each defined function; null until it has run.
    entries: Box<[AtomicPtr<Word>]>,
    translation: TranslationCounters,
    /// Set by a tier that compiles, while it loads the module.
    compiled: OnceLock<ModuleCode>,
    /// What decides about the module's functions; set while it is loaded, if anything is compiled.
    tiering: OnceLock<Tiering>,
    /// Set by the tier as the last step of loading.
    entry: OnceLock<SlotEntry>,
}

/// What translation has done for a module so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TranslationStats {
    /// Functions translated.
    pub functions: u64,
    /// Bytes of their bodies.
    pub wasm_bytes: u64,
    /// Bytes of their bytecode.
    pub code_bytes: u64,
    /// Time spent, over all threads: on validation as well, which is the same pass.
    pub time: Duration,
}

/// [`TranslationStats`] that threads add to.
#[derive(Default)]
struct TranslationCounters {
    functions: AtomicU64,
    wasm_bytes: AtomicU64,
    code_words: AtomicU64,
    nanoseconds: AtomicU64,
}

impl TranslationCounters {
    fn add(&self, wasm_bytes: usize, code_words: usize, time: Duration) {
        let add = |counter: &AtomicU64, amount: u64| counter.fetch_add(amount, Ordering::Relaxed);
        add(&self.functions, 1);
        add(&self.wasm_bytes, wasm_bytes as u64);
        add(&self.code_words, code_words as u64);
        add(&self.nanoseconds, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl Module {
    /// Loads a binary module: validates it, and translates as the engine is configured to.
    pub fn new(engine: &Engine, bytes: impl Into<Arc<[u8]>>) -> Result<Module, ModuleError> {
        load::load(engine, bytes.into())
    }

    /// Validates a binary module, functions included, without keeping anything.
    pub fn validate(engine: &Engine, bytes: &[u8]) -> Result<(), ModuleError> {
        load::validate(engine.config().features, bytes)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The binary.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0.bytes
    }

    /// Whether both are the same module.
    pub fn is_same(&self, other: &Module) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The slot entry of the records of the module's functions.
    pub fn entry(&self) -> SlotEntry {
        match self.0.entry.get() {
            Some(&entry) => entry,
            None => unreachable!("a module is handed out only after its tier has seen it"),
        }
    }

    /// The entry table: for each defined function a cell for what the tier runs of it, null at first. Records of the
    /// functions hold the cells' addresses, which are good as long as the module.
    pub fn entries(&self) -> &[AtomicPtr<Word>] {
        &self.0.entries
    }

    /// Where compiled code calls each defined function, in order; empty if the module's tier compiles nothing. Instances
    /// and records of the functions hold the cells' addresses, which are good as long as the module.
    pub fn code_entries(&self) -> &[AtomicPtr<u8>] {
        self.0.compiled.get().map_or(&[], ModuleCode::entries)
    }

    /// The machine code of the module's functions.
    pub(crate) fn compiled(&self) -> &OnceLock<ModuleCode> {
        &self.0.compiled
    }

    /// What compilation has done so far.
    pub fn compile_stats(&self) -> CompileStats {
        self.0.compiled.get().map_or_else(CompileStats::default, ModuleCode::stats)
    }

    /// What decides which functions are compiled; `None` if none ever are.
    pub fn tiering(&self) -> Option<&Tiering> {
        self.0.tiering.get()
    }

    /// A handle that does not keep the module alive.
    pub(crate) fn downgrade(&self) -> WeakModule {
        WeakModule(Arc::downgrade(&self.0))
    }

    /// How accesses to memory 0 of every instance are kept inside; `None` without memories.
    pub fn memory0_bounds(&self) -> Option<BoundsMode> {
        self.memories().first().map(|ty| BoundsMode::of(ty, &self.0.engine.config().memory))
    }

    /// The types.
    pub fn types(&self) -> &ModuleTypes {
        &self.0.types
    }

    /// The canonical id of each type index, as records hold them.
    pub fn type_ids(&self) -> &[u32] {
        &self.0.type_ids
    }

    /// The number of functions, imports included.
    pub fn funcs(&self) -> u32 {
        self.0.func_types.len() as u32
    }

    /// The number of imported functions.
    pub fn imported_funcs(&self) -> u32 {
        self.0.imported.funcs
    }

    /// The number of functions that the module defines.
    pub fn defined_funcs(&self) -> u32 {
        self.0.bodies.len() as u32
    }

    /// The type index of a function.
    pub fn func_type_index(&self, func: u32) -> u32 {
        self.0.func_types[func as usize]
    }

    /// The type of a function.
    pub fn func_type(&self, func: u32) -> Option<&FuncType> {
        self.0.types.func_type(*self.0.func_types.get(func as usize)?)
    }

    /// The tables' types, imports first.
    pub fn tables(&self) -> &[TableType] {
        &self.0.tables
    }

    /// The memories' types, imports first.
    pub fn memories(&self) -> &[MemoryType] {
        &self.0.memories
    }

    /// The globals' types, imports first.
    pub fn globals(&self) -> &[GlobalType] {
        &self.0.globals
    }

    /// The type indices of the tags, imports first.
    pub fn tags(&self) -> &[u32] {
        &self.0.tags
    }

    /// The start function.
    pub fn start(&self) -> Option<u32> {
        self.0.start
    }

    /// The data segments.
    pub fn data_segments(&self) -> &[DataSegment] {
        &self.0.data
    }

    /// The element segments.
    pub fn element_segments(&self) -> &[ElementSegment] {
        &self.0.elements
    }

    /// How many of each index space are imports.
    pub(super) fn imported(&self) -> Imported {
        self.0.imported
    }

    fn import_counts(&self) -> ImportCounts {
        ImportCounts { functions: self.0.imported.funcs, globals: self.0.imported.globals }
    }

    pub(super) fn table_inits(&self) -> &[TableInit] {
        &self.0.table_inits
    }

    pub(super) fn global_inits(&self) -> &[ExprRange] {
        &self.0.global_inits
    }

    /// The canonical type of a type index that the module mentions.
    fn id(&self, index: u32) -> TypeId {
        match self.0.types.id(index) {
            Some(id) => id,
            None => unreachable!("validated type index"),
        }
    }

    /// The type of a tag with this type index.
    pub(super) fn tag_type(&self, index: u32) -> TypeId {
        self.id(index)
    }

    /// The type of the object at an index.
    pub fn extern_type(&self, index: ExternIndex) -> ExternType {
        let inner = &self.0;
        match index {
            ExternIndex::Func(index) => ExternType::Func(self.id(inner.func_types[index as usize])),
            ExternIndex::Table(index) => ExternType::Table(inner.tables[index as usize]),
            ExternIndex::Memory(index) => ExternType::Memory(inner.memories[index as usize]),
            ExternIndex::Global(index) => ExternType::Global(inner.globals[index as usize]),
            ExternIndex::Tag(index) => ExternType::Tag(self.id(inner.tags[index as usize])),
        }
    }

    /// The imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = Import<'_>> {
        self.0.imports.iter().map(|import| Import {
            module: import.module.text(&self.0.bytes),
            name: import.name.text(&self.0.bytes),
            index: import.index,
            ty: self.extern_type(import.index),
        })
    }

    /// The exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = Export<'_>> {
        self.0.exports.iter().map(|&(name, index)| Export {
            name: name.text(&self.0.bytes),
            index,
            ty: self.extern_type(index),
        })
    }

    /// What is exported by this name.
    pub fn export(&self, name: &str) -> Option<ExternIndex> {
        let inner = &*self.0;
        let name_at = |&export: &u32| inner.exports[export as usize].0.bytes(&inner.bytes);
        let found = inner.exports_by_name.binary_search_by_key(&name.as_bytes(), name_at).ok()?;
        Some(inner.exports[inner.exports_by_name[found] as usize].1)
    }

    /// The custom sections, in order: names and contents.
    pub fn custom_sections(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let bytes = &self.0.bytes;
        self.0.customs.iter().map(|(name, data)| (name.text(bytes), data.bytes(bytes)))
    }

    fn names(&self) -> &Names {
        self.0.names.get_or_init(|| {
            let bytes = &self.0.bytes;
            let section = self.0.customs.iter().find(|(name, _)| name.bytes(bytes) == b"name");
            section.map_or_else(Names::default, |&(_, data)| Names::parse(data, bytes))
        })
    }

    /// The module's name, from the name section.
    pub fn name(&self) -> Option<&str> {
        self.names().module.map(|name| name.text(&self.0.bytes))
    }

    /// A function's name, from the name section.
    pub fn function_name(&self, func: u32) -> Option<&str> {
        self.names().function(func).map(|name| name.text(&self.0.bytes))
    }

    /// The bytes of a defined function's body, as a range of the module's.
    pub fn body_range(&self, defined: u32) -> Range<usize> {
        self.0.bodies[defined as usize].range()
    }

    /// What the validator needs for a defined function, with its body.
    fn body(&self, defined: u32) -> (FuncToValidate<ValidatorResources>, FunctionBody<'_>) {
        let Some(resources) = self.0.resources.clone() else { unreachable!("a module with functions has resources") };
        let index = self.imported_funcs() + defined;
        let features = self.0.engine.config().features;
        let body = FunctionBody::new(self.0.bodies[defined as usize].reader_with(&self.0.bytes, features));
        (FuncToValidate { resources, index, ty: self.func_type_index(index), features }, body)
    }

    /// The bytecode of a defined function. The first call makes it.
    ///
    /// # Panics
    ///
    /// If the module defines no such function.
    #[inline]
    pub fn code(&self, defined: u32) -> Result<&Function, &TranslateError> {
        let cell = &self.0.code[defined as usize];
        match cell.get() {
            Some(code) => code.as_ref().as_ref(),
            None => self.make_code(cell, defined),
        }
    }

    #[cold]
    fn make_code<'a>(&'a self, cell: &'a CodeCell, defined: u32) -> Result<&'a Function, &'a TranslateError> {
        let code = cell.get_or_init(|| {
            let (func, body) = self.body(defined);
            let config = self.0.engine.config();
            let start = Instant::now();
            let index = func.index;
            let mut code = translate(func, &body, self.import_counts(), config.code());
            if let Ok(function) = &mut code {
                function.index = index;
                self.0.translation.add(self.body_range(defined).len(), function.code.len(), start.elapsed());
            }
            if let (true, Ok(function)) = (config.verify_bytecode, &code) {
                self.verify_code(defined, function);
            }
            Box::new(code)
        });
        code.as_ref().as_ref()
    }

    fn verify_code(&self, defined: u32, function: &Function) {
        let (func, body) = self.body(defined);
        let locals = body.get_locals_reader().into_iter().flatten().map_while(Result::ok);
        let types = WasmTypes::new(&func.resources, self.import_counts(), func.index, locals);
        if let Err(error) = verify(function, &types) {
            panic!("internal error: bytecode of function {}: {error}", func.index);
        }
    }

    /// The bytecode of a defined function, if it has been made.
    pub fn translated(&self, defined: u32) -> Option<Result<&Function, &TranslateError>> {
        Some(self.0.code.get(defined as usize)?.get()?.as_ref().as_ref())
    }

    /// What translation has done so far.
    pub fn translation_stats(&self) -> TranslationStats {
        let counters = &self.0.translation;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TranslationStats {
            functions: get(&counters.functions),
            wasm_bytes: get(&counters.wasm_bytes),
            code_bytes: get(&counters.code_words) * size_of::<Word>() as u64,
            time: Duration::from_nanos(get(&counters.nanoseconds)),
        }
    }

    /// The value of an expression, if it is a single `i32.const`.
    pub(super) fn i32_const(&self, expr: ExprRange) -> Option<i32> {
        expr.i32_const(&self.0.bytes)
    }

    /// A reader of the module's bytes in `range`.
    pub(super) fn reader(&self, range: ExprRange) -> BinaryReader<'_> {
        range.0.reader_with(&self.0.bytes, self.0.engine.config().features)
    }
}

/// A module that may be gone.
pub(crate) struct WeakModule(Weak<Inner>);

impl WeakModule {
    /// The module, if it is still there.
    pub(crate) fn upgrade(&self) -> Option<Module> {
        self.0.upgrade().map(Module)
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("name", &self.name()).field("functions", &self.funcs()).finish_non_exhaustive()
    }
}

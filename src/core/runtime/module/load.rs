//! Loading: one pass over the binary that validates it section by section and fills the module's tables.

use std::cell::OnceCell;
use std::sync::{Arc, OnceLock};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use wasmparser::{
    BinaryReaderError, ConstExpr, DataKind, ElementItems, ElementKind, Encoding, ExternalKind, FuncToValidate,
    FuncValidatorAllocations, FunctionBody, Parser, Payload, RecGroup, TypeRef, ValidPayload, Validator,
    ValidatorResources, WasmFeatures,
};

use super::super::config::Translation;
use super::super::const_expr;
use super::super::engine::Engine;
use super::super::memory::MemoryType;
use super::super::types::{GlobalType, HeapType, ModuleTypes, RefType, TableType, TypeError};
use super::operators::Operators;
use super::resources::Resources;
use super::tables::{
    DataSegment, ElementSegment, Elements, ExprRange, ExternIndex, ImportEntry, Imported, SegmentMode, Span, TableInit,
};
use super::{Inner, Module, TranslationCounters};
use crate::tier::{CompileRequest, Unsupported};
use crate::translate::TranslateError;

/// Why a module cannot be loaded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ModuleError {
    /// It is not a valid module.
    #[error("{message} (at offset 0x{offset:x})")]
    Invalid {
        /// What is wrong.
        message: String,
        /// The offset in the binary.
        offset: usize,
    },
    /// It is a component.
    #[error("this binary is a WebAssembly component, and only core modules can be run")]
    Component,
    /// It is too large to be addressed.
    #[error("a module of {0} bytes is too large")]
    TooLarge(usize),
    /// It has a type that the engine does not support.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// A constant expression has an operator that the engine does not support.
    #[error("unsupported operator {operator} in a constant expression (at offset 0x{offset:x})")]
    UnsupportedConst {
        /// The operator's name in the text format.
        operator: &'static str,
        /// The offset in the binary.
        offset: usize,
    },
    /// The tier cannot run it.
    #[error(transparent)]
    Tier(#[from] Unsupported),
}

impl From<BinaryReaderError> for ModuleError {
    fn from(error: BinaryReaderError) -> ModuleError {
        ModuleError::Invalid { message: error.message().to_owned(), offset: error.offset() as usize }
    }
}

impl ModuleError {
    fn from_translate(error: &TranslateError) -> Option<ModuleError> {
        match error {
            TranslateError::Invalid { message, offset } => {
                Some(ModuleError::Invalid { message: message.clone(), offset: *offset })
            }
            _ => None,
        }
    }
}

/// Validates `bytes` and nothing more.
pub(super) fn validate(features: WasmFeatures, bytes: &[u8]) -> Result<(), ModuleError> {
    let known = OnceCell::new();
    let mut functions = Functions::new(&known);
    let mut validator = Validator::new_with_features(features);
    for payload in parser(features).parse_all(bytes) {
        let payload = payload?;
        refuse_component(&payload)?;
        if let ValidPayload::Func(func, body) = validator.payload(&payload)? {
            functions.validate(func, &body)?;
        }
    }
    Ok(())
}

/// Validates a module's functions one after the other.
struct Functions<'a> {
    /// What the validator knew at the first function, which is what it knows at all of them.
    known: &'a OnceCell<ValidatorResources>,
    resources: Option<Resources<'a>>,
    allocations: FuncValidatorAllocations,
}

impl<'a> Functions<'a> {
    fn new(known: &'a OnceCell<ValidatorResources>) -> Functions<'a> {
        Functions { known, resources: None, allocations: FuncValidatorAllocations::default() }
    }

    fn validate(
        &mut self,
        func: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
    ) -> Result<(), BinaryReaderError> {
        let FuncToValidate { resources, index, ty, features } = func;
        let known = self.known;
        let resources = &*self.resources.get_or_insert_with(|| Resources::new(known.get_or_init(|| resources)));
        let func = FuncToValidate { resources, index, ty, features };
        let mut func = func.into_validator(std::mem::take(&mut self.allocations));
        let mut reader = body.get_binary_reader();
        func.read_locals(&mut reader)?;
        let mut operators = Operators::new(reader)?;
        while !operators.eof() {
            operators.visit(&mut func.visitor(operators.offset()))??;
        }
        operators.reader().finish_expression(&func.visitor(operators.offset()))?;
        self.allocations = func.into_allocations();
        Ok(())
    }
}

fn parser(features: WasmFeatures) -> Parser {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    parser
}

fn refuse_component(payload: &Payload<'_>) -> Result<(), ModuleError> {
    match payload {
        Payload::Version { encoding: Encoding::Component, .. } => Err(ModuleError::Component),
        _ => Ok(()),
    }
}

pub(super) fn load(engine: &Engine, bytes: Arc<[u8]>) -> Result<Module, ModuleError> {
    // Offsets and counts of bytes fit in 32 bits from here on.
    if u32::try_from(bytes.len()).is_err() {
        return Err(ModuleError::TooLarge(bytes.len()));
    }
    let (features, translation) = (engine.config().features, engine.config().translation);
    let mut loader = Loader::new(engine, &bytes)?;
    let mut validator = Validator::new_with_features(features);
    let known = OnceCell::new();
    let mut functions = Functions::new(&known);
    for payload in parser(features).parse_all(&bytes) {
        let payload = payload?;
        refuse_component(&payload)?;
        if let ValidPayload::Func(func, body) = validator.payload(&payload)? {
            loader.bodies.push(Span::new(body.range()));
            known.get_or_init(|| func.resources.clone());
            if translation == Translation::Lazy {
                functions.validate(func, &body)?;
            }
        }
        loader.section(payload)?;
    }
    let module = loader.finish(Arc::clone(&bytes), known.into_inner());
    let check = |defined: u32| match module.code(defined) {
        Err(error) => ModuleError::from_translate(error).map_or(Ok(()), Err),
        Ok(_) => Ok(()),
    };
    match translation {
        Translation::Eager => (0..module.defined_funcs()).try_for_each(check)?,
        Translation::Parallel => {
            // The errors are looked at behind this, so that the first one in order of functions is reported in every mode.
            (0..module.defined_funcs()).into_par_iter().for_each(|defined| {
                let _ = module.code(defined);
            });
            (0..module.defined_funcs()).try_for_each(check)?;
        }
        Translation::Lazy | Translation::LazyValidation => {}
    }
    let code = engine.tier().compile(&CompileRequest { module: &module })?;
    module.0.entry.get_or_init(|| code.entry);
    if let Some(manager) = engine.manager() {
        module.0.tiering.get_or_init(|| manager.module(&module)).start(&module);
    }
    Ok(module)
}

/// The module's tables while they are filled.
struct Loader<'a> {
    engine: &'a Engine,
    bytes: &'a [u8],
    types: ModuleTypes,
    imports: Vec<ImportEntry>,
    funcs: Vec<u32>,
    tables: Vec<TableType>,
    table_inits: Vec<TableInit>,
    memories: Vec<MemoryType>,
    globals: Vec<GlobalType>,
    global_inits: Vec<ExprRange>,
    tags: Vec<u32>,
    exports: Vec<(Span, ExternIndex)>,
    start: Option<u32>,
    elements: Vec<ElementSegment>,
    data: Vec<DataSegment>,
    customs: Vec<(Span, Span)>,
    bodies: Vec<Span>,
    imported: Imported,
}

impl<'a> Loader<'a> {
    fn new(engine: &'a Engine, bytes: &'a [u8]) -> Result<Loader<'a>, ModuleError> {
        Ok(Loader {
            engine,
            bytes,
            types: engine.types().register(&[])?,
            imports: Vec::new(),
            funcs: Vec::new(),
            tables: Vec::new(),
            table_inits: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            global_inits: Vec::new(),
            tags: Vec::new(),
            exports: Vec::new(),
            start: None,
            elements: Vec::new(),
            data: Vec::new(),
            customs: Vec::new(),
            bodies: Vec::new(),
            imported: Imported::default(),
        })
    }

    /// Takes a section that has been validated.
    fn section(&mut self, payload: Payload<'a>) -> Result<(), ModuleError> {
        match payload {
            Payload::TypeSection(section) => {
                let groups = section.into_iter().collect::<Result<Vec<RecGroup>, _>>()?;
                self.types = self.engine.types().register(&groups)?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    self.import(import?)?;
                }
                self.imported = Imported {
                    funcs: self.funcs.len() as u32,
                    tables: self.tables.len() as u32,
                    memories: self.memories.len() as u32,
                    globals: self.globals.len() as u32,
                    tags: self.tags.len() as u32,
                };
            }
            Payload::FunctionSection(section) => {
                self.funcs.reserve(section.count() as usize);
                for ty in section {
                    self.funcs.push(ty?);
                }
                let defined = self.funcs.len() - self.imported.funcs as usize;
                self.bodies.reserve(defined);
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    self.tables.push(self.types.table_type(table.ty)?);
                    self.table_inits.push(match table.init {
                        wasmparser::TableInit::RefNull => TableInit::Null,
                        wasmparser::TableInit::Expr(expr) => TableInit::Expr(self.expr(&expr)?),
                    });
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memories.push(memory?.try_into()?);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    self.tags.push(tag?.func_type_idx);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.globals.push(self.types.global_type(global.ty)?);
                    self.global_inits.push(self.expr(&global.init_expr)?);
                }
            }
            Payload::ExportSection(section) => {
                self.exports.reserve(section.count() as usize);
                for export in section {
                    let export = export?;
                    let index = match export.kind {
                        ExternalKind::Func | ExternalKind::FuncExact => ExternIndex::Func(export.index),
                        ExternalKind::Table => ExternIndex::Table(export.index),
                        ExternalKind::Memory => ExternIndex::Memory(export.index),
                        ExternalKind::Global => ExternIndex::Global(export.index),
                        ExternalKind::Tag => ExternIndex::Tag(export.index),
                    };
                    self.exports.push((self.text(export.name), index));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(section) => {
                for element in section {
                    let element = self.element(element?)?;
                    self.elements.push(element);
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    let data = data?;
                    let mode = match data.kind {
                        DataKind::Passive => SegmentMode::Passive,
                        DataKind::Active { memory_index, offset_expr } => {
                            SegmentMode::Active { index: memory_index, offset: self.expr(&offset_expr)? }
                        }
                    };
                    self.data.push(DataSegment { mode, data: Span::of(data.data, self.bytes) });
                }
            }
            Payload::CustomSection(section) => {
                self.customs.push((self.text(section.name()), Span::new(section.data_range())));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&self, text: &str) -> Span {
        Span::of(text.as_bytes(), self.bytes)
    }

    fn import(&mut self, import: wasmparser::Import<'a>) -> Result<(), ModuleError> {
        let index = match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => ExternIndex::Func(push(&mut self.funcs, ty)),
            TypeRef::Table(ty) => ExternIndex::Table(push(&mut self.tables, self.types.table_type(ty)?)),
            TypeRef::Memory(ty) => ExternIndex::Memory(push(&mut self.memories, ty.try_into()?)),
            TypeRef::Global(ty) => ExternIndex::Global(push(&mut self.globals, self.types.global_type(ty)?)),
            TypeRef::Tag(ty) => ExternIndex::Tag(push(&mut self.tags, ty.func_type_idx)),
        };
        let (module, name) = (self.text(import.module), self.text(import.name));
        self.imports.push(ImportEntry { module, name, index });
        Ok(())
    }

    fn element(&self, element: wasmparser::Element<'a>) -> Result<ElementSegment, ModuleError> {
        let mode = match element.kind {
            ElementKind::Passive => SegmentMode::Passive,
            ElementKind::Declared => SegmentMode::Declared,
            ElementKind::Active { table_index, offset_expr } => {
                SegmentMode::Active { index: table_index.unwrap_or(0), offset: self.expr(&offset_expr)? }
            }
        };
        let (ty, elements) = match element.items {
            ElementItems::Functions(funcs) => {
                let funcs = funcs.into_iter().collect::<Result<Vec<_>, _>>()?;
                (RefType::new(false, HeapType::Func), Elements::Funcs(funcs.into()))
            }
            ElementItems::Expressions(ty, exprs) => {
                let exprs = exprs.into_iter().map(|expr| self.expr(&expr?)).collect::<Result<Vec<_>, _>>()?;
                (self.types.ref_type(ty)?, Elements::Exprs(exprs.into()))
            }
        };
        Ok(ElementSegment { mode, ty, elements })
    }

    /// Notes where a constant expression is, if the engine can evaluate it.
    fn expr(&self, expr: &ConstExpr<'a>) -> Result<ExprRange, ModuleError> {
        let place = ExprRange(Span::new(expr.get_binary_reader().range()));
        if place.i32_const(self.bytes).is_some() {
            return Ok(place);
        }
        let mut operators = expr.get_operators_reader();
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            if let Some(operator) = const_expr::unsupported(&operator) {
                return Err(ModuleError::UnsupportedConst { operator, offset: offset as usize });
            }
        }
        Ok(place)
    }

    fn finish(self, bytes: Arc<[u8]>, resources: Option<ValidatorResources>) -> Module {
        let mut by_name: Box<[u32]> = (0..self.exports.len() as u32).collect();
        by_name.sort_unstable_by_key(|&export| self.exports[export as usize].0.bytes(&bytes));
        Module(Arc::new(Inner {
            engine: self.engine.clone(),
            type_ids: self.types.types().iter().map(|ty| ty.id().bits()).collect(),
            types: self.types,
            imports: self.imports.into(),
            imported: self.imported,
            func_types: self.funcs.into(),
            tables: self.tables.into(),
            memories: self.memories.into(),
            globals: self.globals.into(),
            tags: self.tags.into(),
            table_inits: self.table_inits.into(),
            global_inits: self.global_inits.into(),
            exports: self.exports.into(),
            exports_by_name: by_name,
            start: self.start,
            elements: self.elements.into(),
            data: self.data.into(),
            customs: self.customs.into(),
            names: OnceLock::new(),
            code: self.bodies.iter().map(|_| OnceLock::new()).collect(),
            // SAFETY: null pointers, which the cells hold at first, are zero bits.
            entries: unsafe { Box::new_zeroed_slice(self.bodies.len()).assume_init() },
            bodies: self.bodies.into(),
            resources,
            translation: TranslationCounters::default(),
            compiled: OnceLock::new(),
            tiering: OnceLock::new(),
            entry: OnceLock::new(),
            bytes,
        }))
    }
}

/// Adds to an index space; returns the index.
fn push<T>(space: &mut Vec<T>, item: T) -> u32 {
    space.push(item);
    space.len() as u32 - 1
}

//! Modules.

use std::fmt;
use std::path::Path;

use terrace_core::runtime::{self, TranslationStats};
use terrace_core::tier::code::CompileStats;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::types::ExternType;

/// Validated code, which can be instantiated in any store of its engine. Clones are the same module.
///
/// ```
/// use terrace::{Engine, Module};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"
///     (module $adder
///         (import "env" "log" (func (param i32)))
///         (func (export "add") (param i32 i32) (result i32)
///             (i32.add (local.get 0) (local.get 1))))
/// "#)?;
/// assert_eq!(module.name(), Some("adder"));
/// assert_eq!(module.imports().next().unwrap().name(), "log");
/// assert_eq!(module.get_export("add").unwrap().func().unwrap().params().len(), 2);
///
/// let error = Module::new(&engine, "(module (func (result i32)))").unwrap_err();
/// assert!(error.to_string().contains("type mismatch"));
/// # Ok::<(), terrace::Error>(())
/// ```
#[derive(Clone)]
pub struct Module {
    pub(crate) core: runtime::Module,
    engine: Engine,
}

impl Module {
    /// Loads a module from a binary or, with the feature `wat`, from text.
    ///
    /// # Errors
    ///
    /// It is not valid, or uses what the engine does not support.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        let bytes = bytes.as_ref();
        #[cfg(feature = "wat")]
        if !is_binary(bytes) {
            let binary = wat::parse_bytes(bytes).map_err(|error| Error::Text(error.to_string()))?;
            return Module::from_binary(engine, &binary);
        }
        Module::from_binary(engine, bytes)
    }

    /// Loads a module from a binary.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn from_binary(engine: &Engine, bytes: &[u8]) -> Result<Module> {
        Ok(Module::from_core(engine, runtime::Module::new(&engine.core, bytes)?))
    }

    pub(crate) fn from_core(engine: &Engine, core: runtime::Module) -> Module {
        Module { core, engine: engine.clone() }
    }

    /// Loads a module from a file, which is a binary or, with the feature `wat`, text.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or as for [`Module::new`].
    pub fn from_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| Error::Io { path: path.to_owned(), error })?;
        Module::new(engine, bytes)
    }

    /// Validates a binary, functions included, and keeps nothing.
    ///
    /// # Errors
    ///
    /// It is not valid.
    pub fn validate(engine: &Engine, bytes: &[u8]) -> Result<()> {
        Ok(runtime::Module::validate(&engine.core, bytes)?)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether both are the same module.
    pub fn same(&self, other: &Module) -> bool {
        self.core.is_same(&other.core)
    }

    /// The name, if the module has one.
    pub fn name(&self) -> Option<&str> {
        self.core.name()
    }

    /// The name of the function at `index`, imports included, if it has one.
    pub fn function_name(&self, index: u32) -> Option<&str> {
        self.core.function_name(index)
    }

    /// The number of functions, imports included.
    pub fn function_count(&self) -> u32 {
        self.core.funcs()
    }

    /// The binary.
    pub fn bytes(&self) -> &[u8] {
        self.core.bytes()
    }

    /// The contents of the custom sections with this name.
    pub fn custom_sections<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.core.custom_sections().filter(move |section| section.0 == name).map(|section| section.1)
    }

    /// The imports, in order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        self.core.imports().map(|import| ImportType {
            module: import.module,
            name: import.name,
            ty: self.public(import.ty),
        })
    }

    /// The exports, in order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        self.core.exports().map(|export| ExportType { name: export.name, ty: self.public(export.ty) })
    }

    /// The type of the export with this name.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        Some(self.public(self.core.extern_type(self.core.export(name)?)))
    }

    fn public(&self, ty: runtime::ExternType) -> ExternType {
        ExternType::from_core(ty, self.engine.core.types())
    }

    /// What translation has done for this module so far.
    pub fn translation_stats(&self) -> TranslationStats {
        self.core.translation_stats()
    }

    /// What compilation has done for this module so far.
    pub fn compile_stats(&self) -> CompileStats {
        self.core.compile_stats()
    }

    /// Translates every function now instead of at its first call.
    ///
    /// # Errors
    ///
    /// A function is not valid, which shows here if the engine validates lazily, or uses an unsupported operator.
    pub fn translate(&self) -> Result<()> {
        for defined in 0..self.core.defined_funcs() {
            self.core.code(defined).map_err(|error| Error::Translate(error.clone()))?;
        }
        Ok(())
    }
}

/// Whether the bytes look like a binary module; what is neither that nor text is for the binary reader to refuse.
#[cfg(feature = "wat")]
fn is_binary(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes.starts_with(b"\0") || std::str::from_utf8(bytes).is_err()
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

/// What a module imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportType<'a> {
    module: &'a str,
    name: &'a str,
    ty: ExternType,
}

impl<'a> ImportType<'a> {
    /// The first half of the name.
    pub fn module(&self) -> &'a str {
        self.module
    }

    /// The second half of the name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The type that is asked for.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

/// What a module exports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportType<'a> {
    name: &'a str,
    ty: ExternType,
}

impl<'a> ExportType<'a> {
    /// The name.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The type.
    pub fn ty(&self) -> &ExternType {
        &self.ty
    }
}

//! How far imports go in a module's index spaces.

use wasmparser::{BinaryReaderError, ImportSectionReader, TypeRef};

/// How many functions and globals a module imports: the first ones of their index spaces. Code is other code for those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Functions.
    pub functions: u32,
    /// Globals.
    pub globals: u32,
}

impl ImportCounts {
    /// Counts what an import section names.
    ///
    /// # Errors
    ///
    /// The section is malformed.
    pub fn of_section(section: &ImportSectionReader<'_>) -> Result<ImportCounts, BinaryReaderError> {
        let mut counts = ImportCounts::default();
        for import in section.clone().into_imports() {
            match import?.ty {
                TypeRef::Func(_) | TypeRef::FuncExact(_) => counts.functions += 1,
                TypeRef::Global(_) => counts.globals += 1,
                TypeRef::Table(_) | TypeRef::Memory(_) | TypeRef::Tag(_) => {}
            }
        }
        Ok(counts)
    }
}

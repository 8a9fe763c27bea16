//! The name section, which is a convenience: what cannot be read is left out.

use std::sync::Arc;

use wasmparser::{BinaryReader, Name, NameSectionReader};

/// Names of a module and its functions.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) module: Option<Arc<str>>,
    /// In order of index.
    functions: Box<[(u32, Arc<str>)]>,
}

impl Names {
    pub(super) fn parse(reader: BinaryReader<'_>) -> Names {
        let mut names = Names::default();
        for subsection in NameSectionReader::new(reader) {
            match subsection {
                Ok(Name::Module { name, .. }) => names.module = Some(name.into()),
                Ok(Name::Function(map)) => {
                    let read = map.into_iter().map_while(Result::ok);
                    let mut functions: Vec<_> = read.map(|naming| (naming.index, Arc::from(naming.name))).collect();
                    functions.sort_by_key(|&(index, _)| index);
                    functions.dedup_by_key(|&mut (index, _)| index);
                    names.functions = functions.into();
                }
                Ok(_) => {}
                Err(_) => break,
            }
        }
        names
    }

    pub(super) fn function(&self, index: u32) -> Option<&Arc<str>> {
        let found = self.functions.binary_search_by_key(&index, |&(index, _)| index).ok()?;
        Some(&self.functions[found].1)
    }
}

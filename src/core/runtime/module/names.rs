//! The name section, which is a convenience: what cannot be read is left out.

use wasmparser::{Name, NameSectionReader};

use super::tables::Span;

/// Where the names of a module and its functions are.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) module: Option<Span>,
    /// In order of index.
    functions: Box<[(u32, Span)]>,
}

impl Names {
    pub(super) fn parse(section: Span, bytes: &[u8]) -> Names {
        let mut names = Names::default();
        let place = |name: &str| Span::of(name.as_bytes(), bytes);
        for subsection in NameSectionReader::new(section.reader(bytes)) {
            match subsection {
                Ok(Name::Module { name, .. }) => names.module = Some(place(name)),
                Ok(Name::Function(map)) => {
                    let read = map.into_iter().map_while(Result::ok);
                    let mut functions: Vec<_> = read.map(|naming| (naming.index, place(naming.name))).collect();
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

    pub(super) fn function(&self, index: u32) -> Option<Span> {
        let found = self.functions.binary_search_by_key(&index, |&(index, _)| index).ok()?;
        Some(self.functions[found].1)
    }
}

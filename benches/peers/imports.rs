//! What modules import and how much code they have, for engines that do not say.

use anyhow::{Result, bail};
use wasmparser::{CompositeInnerType, FuncType, Parser, Payload, SubType, TypeRef};

/// An imported function, which a stub stands in for.
pub struct Stub {
    /// The first half of the name.
    pub module: String,
    /// The second half of the name.
    pub name: String,
    /// Its type.
    pub ty: FuncType,
}

/// The imported functions. An import of anything else is an error, as no stub can stand in for it.
pub fn stubs(wasm: &[u8]) -> Result<Vec<Stub>> {
    let (mut types, mut stubs) = (Vec::<SubType>::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::TypeSection(section) => {
                for group in section {
                    types.extend(group?.into_types());
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let ty = match import.ty {
                        TypeRef::Func(index) => types.get(index as usize).map(|ty| &ty.composite_type.inner),
                        _ => None,
                    };
                    let Some(CompositeInnerType::Func(ty)) = ty else {
                        bail!("no stub for the import {}.{}", import.module, import.name);
                    };
                    let ty = ty.clone();
                    stubs.push(Stub { module: import.module.to_owned(), name: import.name.to_owned(), ty });
                }
            }
            Payload::FunctionSection(_) | Payload::CodeSectionStart { .. } => break,
            _ => {}
        }
    }
    Ok(stubs)
}

/// Bytes of the code section's contents.
pub fn code_size(wasm: &[u8]) -> u32 {
    let payloads = Parser::new(0).parse_all(wasm).filter_map(Result::ok);
    let mut sizes = payloads.filter_map(|payload| match payload {
        Payload::CodeSectionStart { size, .. } => Some(size),
        _ => None,
    });
    sizes.next().unwrap_or(0)
}

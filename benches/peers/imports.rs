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

/// Bytes of all functions' bodies in the code section.
pub fn code_size(wasm: &[u8]) -> u32 {
    let payloads = Parser::new(0).parse_all(wasm).filter_map(Result::ok);
    let mut sizes = payloads.filter_map(|payload| match payload {
        Payload::CodeSectionStart { size, .. } => Some(size),
        _ => None,
    });
    sizes.next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_stubs_and_memories_have_none() -> Result<()> {
        let wasm = wat::parse_str(r#"(module (type (func)) (import "a" "b" (func (param i32) (result i64))) (func))"#)?;
        let [stub] = &stubs(&wasm)?[..] else { bail!("not one stub") };
        assert_eq!((&*stub.module, &*stub.name), ("a", "b"));
        assert_eq!((stub.ty.params().len(), stub.ty.results()), (1, &[wasmparser::ValType::I64][..]));
        assert!(stubs(&wat::parse_str(r#"(module (import "a" "b" (memory 1)))"#)?).is_err());
        Ok(())
    }

    #[test]
    fn code_is_measured_without_the_section_header_and_count() -> Result<()> {
        assert_eq!(code_size(&wat::parse_str("(module)")?), 0);
        // A body's size, no locals, and an end.
        assert_eq!(code_size(&wat::parse_str("(module (func))")?), 3);
        Ok(())
    }
}

//! wasm function bodies to register bytecode, in the pass that validates them.
//!
//! One forward pass, in lockstep with the validator: an operator is validated, then translated. The operand stack is symbolic
//! (`stack`), so that `local.get` and constants cost nothing, and the latest instructions may still absorb what follows
//! (`emit`). Everything is linear in the size of the body: an operand is brought home at most once, a label is patched once
//! per branch, and values of a branch that are many move together.

mod branch;
mod control;
mod emit;
mod operators;
mod stack;
mod translator;
mod visit;

use std::cell::RefCell;

use wasmparser::{FuncToValidate, FuncValidatorAllocations, FunctionBody, ValidatorResources, WasmModuleResources};

use self::translator::{Buffers, Translator};
use crate::bytecode::{CodeConfig, Function, ImportCounts};

/// Why a function could not be translated.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TranslateError {
    /// The function is not valid.
    #[error("{message} (at offset 0x{offset:x})")]
    Invalid {
        /// What the validator says.
        message: String,
        /// Byte offset in the module.
        offset: usize,
    },
    /// The function uses an operator that this engine does not translate.
    #[error("unsupported operator {operator} (at offset 0x{offset:x})")]
    Unsupported {
        /// Name in wasm text.
        operator: &'static str,
        /// Byte offset in the module.
        offset: usize,
    },
    /// The function's operand stack is beyond what this engine can hold.
    #[error("function too large: its operand stack exceeds {limit} slots (at offset 0x{offset:x})")]
    TooLarge {
        /// The most slots of a frame.
        limit: u32,
        /// Byte offset in the module.
        offset: usize,
    },
}

impl From<wasmparser::BinaryReaderError> for TranslateError {
    fn from(error: wasmparser::BinaryReaderError) -> TranslateError {
        TranslateError::Invalid { message: error.message().to_owned(), offset: error.offset() as usize }
    }
}

thread_local! {
    static BUFFERS: RefCell<(Buffers, FuncValidatorAllocations)> = RefCell::default();
}

/// Validates and translates one function body.
///
/// `imports` says what the module imports.
///
/// # Errors
///
/// The body is invalid, or uses an operator that is not translated.
pub fn translate(
    func: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    imports: ImportCounts,
    config: CodeConfig,
) -> Result<Function, TranslateError> {
    BUFFERS.with_borrow_mut(|(buffers, allocations)| {
        let FuncToValidate { resources, index, ty, features } = func;
        let mut attempt = |far| {
            let func = FuncToValidate { resources: resources.clone(), index, ty, features };
            translate_once(func, body, imports, config, far, buffers, allocations)
        };
        match attempt(false)? {
            Some(function) => Ok(function),
            None => attempt(true)?.ok_or_else(|| unreachable!("far slots are allowed for")),
        }
    })
}

/// One attempt; `None` if slots beyond 16 bits turned up without being allowed for.
fn translate_once(
    func: FuncToValidate<ValidatorResources>,
    body: &FunctionBody<'_>,
    imports: ImportCounts,
    config: CodeConfig,
    far: bool,
    buffers: &mut Buffers,
    allocations: &mut FuncValidatorAllocations,
) -> Result<Option<Function>, TranslateError> {
    let ty = func.ty;
    let mut validator = func.into_validator(std::mem::take(allocations));
    let mut reader = body.get_binary_reader();
    validator.read_locals(&mut reader)?;
    let resources = validator.resources().clone();
    let Some(sub_type) = resources.sub_type_at(ty) else { unreachable!("the validator has checked the type index") };
    let signature = sub_type.unwrap_func();

    let mut translator = Translator::new(validator, config, buffers, imports, far);
    translator.offset = reader.original_position();
    let locals = body.get_locals_reader()?.into_iter().map_while(Result::ok);
    translator.start(signature.params(), signature.results().iter().copied(), locals);
    while !reader.eof() {
        translator.offset = reader.original_position();
        reader.visit_operator(&mut translator)??;
    }
    reader.finish_expression(&translator.validator.visitor(reader.original_position()))?;
    let result = match translator.error.take() {
        Some(error) => Err(error),
        None if translator.needs_far => Ok(None),
        None => Ok(Some(translator.finish())),
    };
    *allocations = translator.validator.into_allocations();
    result
}

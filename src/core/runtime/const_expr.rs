//! Constant expressions.
//!
//! They are validated when their module is loaded, and refused there by [`unsupported`]; evaluation is a small stack machine
//! over the operators that are left.

use std::sync::atomic::Ordering;

use wasmparser::{Operator, OperatorsReader};

use super::instance::Instance;
use super::module::ExprRange;

/// The name of an operator that cannot be evaluated.
pub(super) fn unsupported(operator: &Operator<'_>) -> Option<&'static str> {
    Some(match operator {
        Operator::StructNew { .. } => "struct.new",
        Operator::StructNewDefault { .. } => "struct.new_default",
        Operator::ArrayNew { .. } => "array.new",
        Operator::ArrayNewDefault { .. } => "array.new_default",
        Operator::ArrayNewFixed { .. } => "array.new_fixed",
        Operator::RefI31 => "ref.i31",
        operator if is_supported(operator) => return None,
        _ => "(unknown)",
    })
}

fn is_supported(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::I32Const { .. }
            | Operator::I64Const { .. }
            | Operator::F32Const { .. }
            | Operator::F64Const { .. }
            | Operator::V128Const { .. }
            | Operator::RefNull { .. }
            | Operator::RefFunc { .. }
            | Operator::GlobalGet { .. }
            | Operator::I32Add
            | Operator::I32Sub
            | Operator::I32Mul
            | Operator::I64Add
            | Operator::I64Sub
            | Operator::I64Mul
            | Operator::AnyConvertExtern
            | Operator::ExternConvertAny
            | Operator::End
    )
}

/// The value of an expression of the instance's module, as value slots hold it.
pub(super) fn evaluate(instance: &Instance, expr: ExprRange) -> [u64; 2] {
    if let Some(value) = instance.module().i32_const(expr) {
        return [value as u32 as u64, 0];
    }
    let mut stack: Vec<[u64; 2]> = Vec::new();
    let mut operators = OperatorsReader::new(instance.module().reader(expr));
    while let Ok(operator) = operators.read() {
        let value = match operator {
            Operator::I32Const { value } => [value as u32 as u64, 0],
            Operator::I64Const { value } => [value as u64, 0],
            Operator::F32Const { value } => [value.bits() as u64, 0],
            Operator::F64Const { value } => [value.bits(), 0],
            Operator::V128Const { value } => {
                let bits = u128::from_le_bytes(*value.bytes());
                [bits as u64, (bits >> 64) as u64]
            }
            Operator::RefNull { .. } => [0, 0],
            Operator::RefFunc { function_index } => [instance.func_ref(function_index).to_slot(), 0],
            Operator::GlobalGet { global_index } => {
                instance.global(global_index).value.each_ref().map(|half| half.load(Ordering::Relaxed))
            }
            Operator::AnyConvertExtern | Operator::ExternConvertAny => continue,
            Operator::I32Add
            | Operator::I32Sub
            | Operator::I32Mul
            | Operator::I64Add
            | Operator::I64Sub
            | Operator::I64Mul => {
                let (Some([b, _]), Some([a, _])) = (stack.pop(), stack.pop()) else { break };
                let result = match operator {
                    Operator::I32Add => (a as u32).wrapping_add(b as u32).into(),
                    Operator::I32Sub => (a as u32).wrapping_sub(b as u32).into(),
                    Operator::I32Mul => (a as u32).wrapping_mul(b as u32).into(),
                    Operator::I64Add => a.wrapping_add(b),
                    Operator::I64Sub => a.wrapping_sub(b),
                    _ => a.wrapping_mul(b),
                };
                [result, 0]
            }
            // The end; nothing else is left after `unsupported`.
            _ => break,
        };
        stack.push(value);
    }
    match stack.pop() {
        Some(value) => value,
        None => unreachable!("a validated constant expression has a value"),
    }
}

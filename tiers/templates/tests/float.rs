//! Scalar floats: templates against their meanings, and what the assembler offers beside them.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use common::*;
use terrace_abi::{Op, Shape, Ty, meaning};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_masm::{Float, FloatWidth, Fpr, RhsF, Rounding};
use terrace_templates::{Reg, Right, binary, compare, unary};

/// Whether a row has scalar floats only.
fn all_floats(op: Op) -> bool {
    takes_floats(op) && op.info().result.is_some_and(is_float)
}

/// Whether a row's right side may be in memory.
fn takes_memory(op: Op) -> bool {
    [".add", ".sub", ".mul", ".div"].iter().any(|name| op.text().ends_with(name))
}

#[test]
fn unary_rows() {
    for op in rows(Shape::unary, all_floats) {
        check_unary(op);
    }
}

#[test]
fn binary_rows() {
    for op in rows(Shape::binary, all_floats) {
        let others: &[Place] = if takes_memory(op) { &[Place::Memory(1)] } else { &[] };
        check_binary(op, others);
    }
}

#[test]
fn operands_in_memory() {
    type Emit = fn(&mut Native, Fpr, RhsF);
    let methods: [(Op, Emit); 12] = [
        (Op::F32Sqrt, |m, d, a| m.sqrt_float(FloatWidth::F32, d, a)),
        (Op::F64Sqrt, |m, d, a| m.sqrt_float(FloatWidth::F64, d, a)),
        (Op::F32Nearest, |m, d, a| m.round_float(FloatWidth::F32, Rounding::Nearest, d, a)),
        (Op::F64Nearest, |m, d, a| m.round_float(FloatWidth::F64, Rounding::Nearest, d, a)),
        (Op::F32Floor, |m, d, a| m.round_float(FloatWidth::F32, Rounding::Floor, d, a)),
        (Op::F64Floor, |m, d, a| m.round_float(FloatWidth::F64, Rounding::Floor, d, a)),
        (Op::F32Ceil, |m, d, a| m.round_float(FloatWidth::F32, Rounding::Ceil, d, a)),
        (Op::F64Ceil, |m, d, a| m.round_float(FloatWidth::F64, Rounding::Ceil, d, a)),
        (Op::F32Trunc, |m, d, a| m.round_float(FloatWidth::F32, Rounding::Trunc, d, a)),
        (Op::F64Trunc, |m, d, a| m.round_float(FloatWidth::F64, Rounding::Trunc, d, a)),
        (Op::F32DemoteF64, |m, d, a| m.demote(d, a)),
        (Op::F64PromoteF32, |m, d, a| m.promote(d, a)),
    ];
    for (op, emit) in methods {
        let inputs = tuples(op.info().params);
        for d in [FPRS[0], FPRS[1]] {
            check(op, d.into(), &[Place::Memory(1)], |m| emit(m, d, RhsF::Mem(memory(1))), &inputs);
        }
    }
}

#[test]
fn canonical_nans() {
    for (width, ty) in [(FloatWidth::F32, Ty::F32), (FloatWidth::F64, Ty::F64)] {
        for (d, a) in [(FPRS[0], FPRS[1]), (FPRS[1], FPRS[0]), (FPRS[0], FPRS[0])] {
            let function = Function::new(|m| m.canonicalize_float(width, d, a));
            for bits in values(ty) {
                let mut state = State::garbage();
                state.set(a.into(), bits);
                function.call(&mut state);
                let expected = match ty {
                    Ty::F32 => meaning::canonicalize_f32(f32::from_bits(bits as u32)).to_bits().into(),
                    _ => meaning::canonicalize_f64(f64::from_bits(bits as u64)).to_bits().into(),
                };
                assert_eq!(state.get(d.into()) & mask(ty), expected, "{ty:?} {bits:#x}");
            }
        }
    }
}

#[test]
fn moves() {
    let (d, a) = (FPRS[0], FPRS[1]);
    let before = State::garbage();
    let mut after = before.clone();
    Function::new(|m| m.mov_float(d, a)).call(&mut after);
    assert_eq!(after.get(d.into()), before.get(a.into()));
}

#[test]
fn golden_x64() {
    golden::<X64>();
}

#[test]
fn golden_a64() {
    golden::<A64>();
}

fn golden<M: Listed>() {
    let mut golden = Golden::<M>::new("float");
    let [d, a, b] = [fprs::<M>()[0], fprs::<M>()[1], fprs::<M>()[2]];
    for op in rows(Shape::unary, all_floats) {
        golden.add(op.text(), |m| unary(m, op, d.into(), a.into()));
    }
    for op in rows(Shape::binary, all_floats) {
        golden.add(op.text(), |m| binary(m, op, d.into(), a.into(), Reg::from(b).into()));
        if takes_memory(op) {
            golden.add(&format!("{} memory", op.text()), |m| {
                binary(m, op, d.into(), a.into(), Right::float(memory_of::<M>(1)));
            });
        }
    }
    for op in rows(Shape::compare, takes_floats) {
        golden.add(op.text(), |m| {
            let cond = compare(m, op, a.into(), Reg::from(b).into());
            m.set(cond, M::ACC);
        });
    }
    golden.compare();
}

//! Conversions between integers and floats against their meanings.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use common::*;
use terrace_abi::{Op, Shape};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_templates::{Reg, unary};

/// Whether a row's scalar operand and result are of different files.
fn converts(op: Op) -> bool {
    !is_vector(op) && is_float(types(op)[0]) != is_float(types(op)[1])
}

#[test]
fn unary_rows() {
    for op in rows(Shape::unary, converts) {
        check_unary(op);
    }
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
    let mut golden = Golden::<M>::new("convert");
    for op in rows(Shape::unary, converts) {
        let reg = |ty| if is_float(ty) { Reg::Fpr(fprs::<M>()[1]) } else { Reg::Gpr(gprs::<M>()[1]) };
        let [a, d] = [0, 1].map(|i| reg(types(op)[i]));
        golden.add(op.text(), |m| unary(m, op, d, a));
    }
    golden.compare();
}

//! Conversions between integers and floats against their meanings.
#![cfg(target_arch = "x86_64")]

mod common;

use common::*;
use terrace_abi::{Op, Shape};
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
fn golden() {
    let mut golden = Golden::new("convert");
    for op in rows(Shape::unary, converts) {
        let reg = |ty| if is_float(ty) { Reg::Fpr(FPRS[1]) } else { Reg::Gpr(GPRS[1]) };
        let [a, d] = [0, 1].map(|i| reg(types(op)[i]));
        golden.add(op.text(), |m| unary(m, op, d, a));
    }
    golden.compare();
}

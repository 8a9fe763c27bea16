//! Atomic accesses: what they compute on one thread, and that they are whole between two.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};

use common::*;
use terrace_abi::{Op, Shape, Ty};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_masm::{Atomic, Gpr, Mem};
use terrace_templates::{atomic_cmpxchg, atomic_load, atomic_rmw, atomic_store};

/// The bits that a row accesses.
fn width_mask(op: Op) -> u64 {
    u64::MAX >> (64 - 8 * u32::from(op.info().width))
}

/// The operation in a row's name.
fn apply(op: Op, old: u64, operand: u64) -> u64 {
    match op.text().rsplit('.').next().unwrap().trim_end_matches("_u") {
        "add" => old.wrapping_add(operand),
        "sub" => old.wrapping_sub(operand),
        "and" => old & operand,
        "or" => old | operand,
        "xor" => old ^ operand,
        "xchg" => operand,
        other => unreachable!("{other}"),
    }
}

/// Sets the bits that a row accesses.
fn replace(memory: &mut u128, mask: u64, value: u64) {
    *memory = *memory & !u128::from(mask) | u128::from(value & mask);
}

const MEMORY: Mem = memory(1);

/// Operands of a row: garbage above 32 bits where it takes an `i32`.
fn operands(op: Op) -> Vec<u64> {
    let garbage = if op.info().params.first() == Some(&Ty::I32) { 0x1234_5678 << 32 } else { 0 };
    values(*op.info().params.first().unwrap_or(&Ty::I64)).into_iter().map(|value| value as u64 | garbage).collect()
}

#[test]
fn load_rows() {
    for op in rows(Shape::atomic_load, |_| true) {
        for d in GPRS {
            let function = Function::new(|m| atomic_load(m, op, d, MEMORY));
            for value in operands(op) {
                let mut expected = State::garbage();
                expected.memory[1] = value.into();
                let mut state = expected.clone();
                function.call(&mut state);
                expected.set(d.into(), (value & width_mask(op)).into());
                assert_eq!(state, expected, "{}", op.text());
            }
        }
    }
}

#[test]
fn store_rows() {
    for op in rows(Shape::atomic_store, |_| true) {
        for a in GPRS {
            let function = Function::new(|m| atomic_store(m, op, MEMORY, a));
            for value in operands(op) {
                let mut expected = State::garbage();
                expected.set(a.into(), value.into());
                let mut state = expected.clone();
                function.call(&mut state);
                replace(&mut expected.memory[1], width_mask(op), value);
                assert_eq!(state, expected, "{}", op.text());
            }
        }
    }
}

#[test]
fn rmw_rows() {
    for op in rows(Shape::atomic_rmw, |_| true) {
        for [d, a] in [[0, 1], [1, 0], [2, 3], [4, 4], [1, 1]].map(|registers| registers.map(|i: usize| GPRS[i])) {
            let function = Function::new(|m| atomic_rmw(m, op, d, MEMORY, a));
            for old in operands(op) {
                for operand in operands(op) {
                    let mut expected = State::garbage();
                    expected.memory[1] = old.into();
                    expected.set(a.into(), operand.into());
                    let mut state = expected.clone();
                    function.call(&mut state);
                    expected.set(d.into(), (old & width_mask(op)).into());
                    replace(&mut expected.memory[1], width_mask(op), apply(op, old, operand));
                    assert_eq!(state, expected, "{} {old:#x} {operand:#x}", op.text());
                }
            }
        }
    }
}

#[test]
fn cmpxchg_rows() {
    for op in rows(Shape::atomic_cmpxchg, |_| true) {
        let mask = width_mask(op);
        for partition in partitions(3) {
            let [d, expected_reg, a] = [0, 1, 2].map(|i| GPRS[partition[i]]);
            let function = Function::new(|m| atomic_cmpxchg(m, op, d, MEMORY, expected_reg, a));
            for old in operands(op) {
                // Only the width's bits are compared.
                for expected in [old, old ^ 1, old ^ 1 << 7, !old, old ^ (mask << 1) ^ mask, old & mask] {
                    let replacement = if expected_reg == a { expected } else { !old.rotate_left(3) };
                    let mut after = State::garbage();
                    after.memory[1] = old.into();
                    after.set(a.into(), replacement.into());
                    after.set(expected_reg.into(), expected.into());
                    let mut state = after.clone();
                    function.call(&mut state);
                    after.set(d.into(), (old & mask).into());
                    if (old ^ expected) & mask == 0 {
                        replace(&mut after.memory[1], mask, replacement);
                    }
                    assert_eq!(state, after, "{} {old:#x} {expected:#x}", op.text());
                }
            }
        }
    }
}

#[test]
fn destination_in_the_address() {
    let (base, a): (Gpr, Gpr) = (GPRS[0], GPRS[1]);
    for op in rows(Shape::atomic_rmw, |_| true) {
        let function = Function::new(|m| atomic_rmw(m, op, base, Mem::at(base, 0), a));
        let word = AtomicU64::new(0x1122_3344_5566_7788);
        let mut state = State::garbage();
        let operand = state.get(a.into()) as u64;
        state.set(base.into(), word.as_ptr().expose_provenance() as u128);
        function.call(&mut state);
        let mut expected = 0x1122_3344_5566_7788;
        assert_eq!(state.get(base.into()), expected & u128::from(width_mask(op)), "{}", op.text());
        let value = apply(op, expected as u64, operand);
        replace(&mut expected, width_mask(op), value);
        assert_eq!(u128::from(word.into_inner()), expected, "{}", op.text());
    }
}

#[test]
fn two_threads_lose_no_update() {
    const ROUNDS: u64 = 20_000;
    let (base, d, a): (Gpr, Gpr, Gpr) = (GPRS[0], GPRS[1], GPRS[2]);
    // Each thread changes its own bit of the same unit; the sums and flips of both remain.
    for op in rows(Shape::atomic_rmw, |op| !op.text().contains("xchg")) {
        let function = Function::new(|m| {
            atomic_rmw(m, op, d, Mem::at(base, 0), a);
            m.fence();
        });
        let word = AtomicU64::new(if op.text().contains(".and") { u64::MAX } else { 0 });
        let run = |bit: u64| {
            let mut expected_bit = word.load(Ordering::SeqCst) & bit;
            for round in 0..ROUNDS {
                let operand = match () {
                    () if op.text().contains(".and") => !(bit * (round % 2)),
                    () if op.text().contains(".or") => bit * (round % 2),
                    () => bit,
                };
                let mut state = State::garbage();
                state.set(base.into(), word.as_ptr().expose_provenance() as u128);
                state.set(a.into(), operand.into());
                function.call(&mut state);
                let old = state.get(d.into()) as u64;
                if !op.text().contains(".add") && !op.text().contains(".sub") {
                    assert_eq!(old & bit, expected_bit, "{}", op.text());
                    expected_bit = apply(op, old, operand) & bit;
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| run(1));
            run(2);
        });
        let start = AtomicU64::new(0);
        let total = (0..ROUNDS).fold(start.into_inner(), |sum, _| apply(op, apply(op, sum, 1), 2));
        if op.text().contains(".add") || op.text().contains(".sub") {
            assert_eq!(word.load(Ordering::SeqCst) & width_mask(op), total & width_mask(op), "{}", op.text());
        }
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
    let mut golden = Golden::<M>::new("atomic");
    let place = Mem::indexed(gprs::<M>()[10], gprs::<M>()[1], 0, 0x20);
    let [d, a, b] = [gprs::<M>()[0], gprs::<M>()[2], gprs::<M>()[3]];
    for op in rows(Shape::atomic_load, |_| true) {
        golden.add(op.text(), |m| atomic_load(m, op, d, place));
    }
    for op in rows(Shape::atomic_store, |_| true) {
        golden.add(op.text(), |m| atomic_store(m, op, place, a));
    }
    for op in rows(Shape::atomic_rmw, |_| true) {
        golden.add(op.text(), |m| atomic_rmw(m, op, d, place, a));
    }
    for op in rows(Shape::atomic_cmpxchg, |_| true) {
        golden.add(op.text(), |m| atomic_cmpxchg(m, op, d, place, a, b));
    }
    golden.compare();
}

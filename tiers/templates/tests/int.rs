//! Integers: templates against their meanings, and what the assembler offers beside them.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use common::*;
use terrace_abi::{Op, Shape, Ty, meaning};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_masm::{Cond, Float, FloatCond, FloatWidth, Gpr, Masm, Mem, Rhs, Roles, Width};
use terrace_templates::{Reg, Right, binary, compare, unary, wide};

const IMMEDIATES: [i32; 20] =
    [0, 1, -1, 2, 3, 7, 31, 32, 33, 63, 64, 65, 127, 128, -128, -129, 255, 0x1234_5678, i32::MIN, i32::MAX];

/// Operands on the left, each with the immediate on the right.
fn with_immediate(ty: Ty, immediate: i32) -> Vec<Vec<u128>> {
    values(ty).into_iter().map(|a| vec![a, i64::from(immediate) as u128 & mask(ty)]).collect()
}

#[test]
fn unary_rows() {
    for op in rows(Shape::unary, is_integer) {
        check_unary(op);
    }
}

#[test]
fn binary_rows() {
    for op in rows(Shape::binary, is_integer) {
        check_binary(op, &[Place::Memory(1)]);
    }
}

#[test]
fn binary_rows_with_immediates() {
    for op in rows(Shape::binary, is_integer) {
        for immediate in IMMEDIATES {
            let inputs = with_immediate(op.info().params[0], immediate);
            for [d, a] in [[GPRS[0], GPRS[1]], [GPRS[3], GPRS[2]], [GPRS[0], GPRS[0]], [GPRS[1], GPRS[1]]] {
                let places = [Place::Reg(a.into()), Place::Imm(immediate)];
                check(op, d.into(), &places, |m| binary(m, op, d.into(), a.into(), immediate.into()), &inputs);
            }
        }
    }
}

#[test]
fn destination_in_the_address_of_the_right_side() {
    for op in rows(Shape::binary, is_integer) {
        let inputs = tuples(op.info().params);
        for (d, a) in [(GPRS[0], GPRS[1]), (GPRS[1], GPRS[0])] {
            let emit = |m: &mut Native| {
                m.mov_imm(Width::W64, d, 4);
                let place = Mem::indexed(Native::SLOTS, d, 3, memory(0).disp);
                binary(m, op, d.into(), a.into(), Right::int(place));
            };
            check(op, d.into(), &[Place::Reg(a.into()), Place::Memory(2)], emit, &inputs);
            let emit = |m: &mut Native| {
                m.lea(Width::W64, d, memory(1));
                binary(m, op, d.into(), a.into(), Right::int(Mem::at(d, 16)));
            };
            check(op, d.into(), &[Place::Reg(a.into()), Place::Memory(2)], emit, &inputs);
        }
    }
}

#[test]
fn compare_rows() {
    for op in rows(Shape::compare, is_integer) {
        let ty = op.info().params[0];
        let inputs = tuples(op.info().params);
        for registers in registers(op) {
            let [d, a, b] = registers[..] else { unreachable!() };
            for right in [Place::Reg(b), Place::Memory(1)] {
                check_condition(op, d, a, right, &inputs);
            }
        }
        for immediate in IMMEDIATES {
            let a = Reg::from(GPRS[1]);
            for d in [GPRS[0], GPRS[1]] {
                check_condition(op, d.into(), a, Place::Imm(immediate), &with_immediate(ty, immediate));
            }
        }
    }
}

/// The condition that a compare returns: set, and branched on in every way.
fn check_condition(op: Op, d: Reg, a: Reg, right: Place, inputs: &[Vec<u128>]) {
    let places = [Place::Reg(a), right];
    let right = right.right(op.info().params[1]);
    let d_reg = Gpr::from(d);
    let set = |m: &mut Native| {
        let cond = compare(m, op, a, right);
        m.set(cond, d_reg);
    };
    check(op, d, &places, set, inputs);
    let branch = |near: bool, negated: bool| {
        move |m: &mut Native| {
            let cond = compare(m, op, a, right);
            let (cond, taken) = if negated { (cond.negated(), 0) } else { (cond, 1) };
            let end = m.label();
            m.mov_imm(Width::W32, d_reg, taken);
            if near {
                m.jump_if_near(cond, end);
            } else {
                m.jump_if(cond, end);
            }
            m.mov_imm(Width::W32, d_reg, 1 - taken);
            m.bind(end);
        }
    };
    for (near, negated) in [(false, false), (true, false), (false, true), (true, true)] {
        check(op, d, &places, branch(near, negated), inputs);
    }
}

#[test]
fn float_conditions() {
    for op in rows(Shape::compare, takes_floats) {
        let inputs = tuples(op.info().params);
        for registers in registers(op) {
            let [d, a, b] = registers[..] else { unreachable!() };
            check_condition(op, d, a, Place::Reg(b), &inputs);
        }
    }
}

#[test]
fn left_side_in_memory() {
    for op in rows(Shape::compare, is_integer) {
        let width = if op.info().params[0] == Ty::I32 { Width::W32 } else { Width::W64 };
        let (d, b) = (GPRS[0], GPRS[1]);
        // The template's condition, asked of the other way to compare.
        let cond = compare(&mut Native::new(), op, d.into(), Right::int(memory(1)));
        let emit = |right: Rhs| {
            move |m: &mut Native| {
                m.compare_mem(width, memory(0), right);
                m.set(cond, d);
            }
        };
        let inputs = tuples(op.info().params);
        for (right, rhs) in [(Place::Reg(b.into()), Rhs::Reg(b)), (Place::Memory(1), Rhs::Mem(memory(1)))] {
            check(op, d.into(), &[Place::Memory(0), right], emit(rhs), &inputs);
        }
        for immediate in IMMEDIATES {
            let inputs = with_immediate(op.info().params[0], immediate);
            check(op, d.into(), &[Place::Memory(0), Place::Imm(immediate)], emit(immediate.into()), &inputs);
        }
    }
}

#[test]
fn selects() {
    type Holds = fn(i64, i64) -> bool;
    let conds: [(Cond, Holds); 10] = [
        (Cond::Eq, |x, y| x == y),
        (Cond::Ne, |x, y| x != y),
        (Cond::LtS, |x, y| x < y),
        (Cond::LtU, |x, y| x.cast_unsigned() < y.cast_unsigned()),
        (Cond::GtS, |x, y| x > y),
        (Cond::GtU, |x, y| x.cast_unsigned() > y.cast_unsigned()),
        (Cond::LeS, |x, y| x <= y),
        (Cond::LeU, |x, y| x.cast_unsigned() <= y.cast_unsigned()),
        (Cond::GeS, |x, y| x >= y),
        (Cond::GeU, |x, y| x.cast_unsigned() >= y.cast_unsigned()),
    ];
    for (cond, holds) in conds {
        for x in [-1, 0, 1, 3] {
            check_select(cond, holds(x, 1), |m| {
                m.mov_imm(Width::W64, Native::PC, x);
                m.compare(Width::W64, Native::PC, Rhs::Imm(1));
            });
        }
    }
    for (value, negative) in [(0, true), (1, false), (2, false)] {
        let compute = |m: &mut Native| {
            m.mov_imm(Width::W32, Native::PC, value);
            m.sub(Width::W32, Native::PC, Native::PC, Rhs::Imm(1));
        };
        check_select(Cond::Negative, negative, compute);
        check_select(Cond::NotNegative, !negative, compute);
        check_select(Cond::LtU, negative, compute);
    }
}

#[test]
fn selects_by_floats() {
    let floats = [1.0, 2.0, f64::NAN];
    let conds = [FloatCond::Eq, FloatCond::Ne, FloatCond::Lt, FloatCond::Gt, FloatCond::Le, FloatCond::Ge];
    for (x, y, float_cond) in floats.iter().flat_map(|&x| floats.iter().flat_map(move |&y| conds.map(|c| (x, y, c)))) {
        let holds = match float_cond {
            FloatCond::Eq => x == y,
            FloatCond::Ne => x != y,
            FloatCond::Lt => x < y,
            FloatCond::Gt => x > y,
            FloatCond::Le => x <= y,
            FloatCond::Ge => x >= y,
        };
        let (a, b) = (FPRS[0], FPRS[1]);
        let compute = |m: &mut Native| {
            for (reg, value) in [(a, x), (b, y)] {
                m.mov_imm(Width::W64, Native::PC, value.to_bits().cast_signed());
                m.float_from_bits(Width::W64, reg, Native::PC);
            }
            m.compare_float(FloatWidth::F64, float_cond, a, b);
        };
        let cond = Native::new().compare_float(FloatWidth::F64, float_cond, a, b);
        check_select(cond, holds, compute);
        check_select(cond.negated(), !holds, compute);
    }
}

/// Selects behind a comparison, in all registers: which may use [`Roles::PC`] and the float registers.
fn check_select(cond: Cond, outcome: bool, compute: impl Fn(&mut Native)) {
    for partition in partitions(3) {
        let [d, a, b] = [0, 1, 2].map(|i| GPRS[partition[i]]);
        for width in [Width::W32, Width::W64] {
            let function = Function::new(|m| {
                compute(m);
                m.select(width, cond, d, a, b);
            });
            let before = State::garbage();
            let mut after = before.clone();
            assert_eq!(function.call(&mut after), None);
            let mask = if width == Width::W32 { u32::MAX.into() } else { u128::MAX };
            let chosen = before.get(if outcome { a } else { b }.into()) & mask;
            assert_eq!(after.get(d.into()), chosen, "{cond:?} {outcome} {partition:?}");
            for reg in GPRS.into_iter().filter(|&reg| reg != d && reg != Native::PC) {
                assert_eq!(before.get(reg.into()), after.get(reg.into()), "{cond:?} {partition:?}");
            }
        }
    }
}

#[test]
fn wide_rows() {
    for op in rows(Shape::wide, |_| true) {
        let four = op.info().params.len() == 4;
        let words = [0, 1, 2, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, u64::MAX, 0x0123_4567_89ab_cdef];
        for partition in partitions(6).into_iter().filter(|partition| partition[1] == 1) {
            let [low, high, a0, a1, b0, b1] = [0, 1, 2, 3, 4, 5].map(|i| GPRS[partition[i]]);
            let function = Function::new(|m| wide(m, op, low, high, [a0, a1], [b0, b1]));
            for i in 0..words.len().pow(if four { 3 } else { 2 }) {
                let word = |n: usize| words[(i / words.len().pow(n as u32)) % words.len()];
                let mut before = State::garbage();
                for (reg, bits) in [(a0, word(0)), (b0, word(1)), (a1, word(2)), (b1, word(1) ^ word(2))] {
                    before.set(reg.into(), bits.into());
                }
                let [x0, x1, y0, y1] = [a0, a1, b0, b1].map(|reg| before.get(reg.into()) as u64);
                let expected = match op {
                    Op::I64Add128 => meaning::i64_add128(x0, x1, y0, y1),
                    Op::I64Sub128 => meaning::i64_sub128(x0, x1, y0, y1),
                    Op::I64MulWideS => meaning::i64_mul_wide_s(x0, y0),
                    Op::I64MulWideU => meaning::i64_mul_wide_u(x0, y0),
                    _ => unreachable!("{op:?}"),
                };
                let mut after = before.clone();
                assert_eq!(function.call(&mut after), None);
                before.set(low.into(), expected.0.into());
                before.set(high.into(), expected.1.into());
                assert_eq!(after, before, "{} {partition:?}", op.text());
            }
        }
    }
}

#[test]
fn moves() {
    for value in values(Ty::I64) {
        let value = value as u64;
        for d in [GPRS[0], GPRS[1]] {
            for width in [Width::W32, Width::W64] {
                let mut state = State::garbage();
                Function::new(|m| m.mov_imm(width, d, value.cast_signed())).call(&mut state);
                let expected = if width == Width::W32 { value & u64::from(u32::MAX) } else { value };
                assert_eq!(state.get(d.into()), expected.into(), "{width:?} {value:#x}");
            }
        }
    }
    // `lea` of 32 bits wraps.
    let (d, base, index) = (GPRS[0], GPRS[1], GPRS[4]);
    for shift in 0..4 {
        let place = Mem::indexed(base, index, shift, -5);
        let mut state = State::garbage();
        let sum =
            (state.get(base.into()) as u64).wrapping_add((state.get(index.into()) as u64) << shift).wrapping_sub(5);
        Function::new(|m| m.lea(Width::W64, d, place)).call(&mut state);
        assert_eq!(state.get(d.into()), sum.into());
        Function::new(|m| m.lea(Width::W32, d, place)).call(&mut state);
        assert_eq!(state.get(d.into()), (sum as u32).into());
    }
}

#[test]
fn tests_of_bits() {
    let [d, a, b] = [GPRS[0], GPRS[1], GPRS[2]];
    for input in tuples(&[Ty::I64, Ty::I64]) {
        let mut state = State::garbage();
        state.set(a.into(), input[0]);
        state.set(b.into(), input[1]);
        state.memory[0] = input[1];
        for (width, bits) in [(Width::W32, u32::MAX.into()), (Width::W64, u128::MAX)] {
            for right in [Rhs::Reg(b), Rhs::Mem(memory(0))] {
                let mut state = state.clone();
                Function::new(|m| {
                    m.test(width, a, right);
                    m.set(Cond::Eq, d);
                })
                .call(&mut state);
                assert_eq!(state.get(d.into()) == 1, input[0] & input[1] & bits == 0, "{width:?} {input:x?}");
            }
        }
    }
}

#[test]
fn jumps() {
    let d = GPRS[0];
    let mut state = State::garbage();
    Function::new(|m| {
        let (by_address, end, skipped) = (m.label(), m.label(), m.label());
        m.address_of(d, by_address);
        m.jump_to(d);
        m.bind(skipped);
        m.undefined();
        m.align(64);
        m.bind(by_address);
        m.mov_imm(Width::W64, d, 7);
        m.jump(end);
        m.undefined();
        m.bind(end);
        m.align(1);
    })
    .call(&mut state);
    assert_eq!(state.get(d.into()), 7);
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
    let mut golden = Golden::<M>::new("int");
    let [d, a, b] = [gprs::<M>()[0], gprs::<M>()[1], gprs::<M>()[2]];
    for op in rows(Shape::unary, is_integer) {
        golden.add(op.text(), |m| unary(m, op, d.into(), a.into()));
    }
    for op in rows(Shape::binary, is_integer) {
        golden.add(op.text(), |m| binary(m, op, d.into(), a.into(), Reg::from(b).into()));
        golden.add(&format!("{} memory", op.text()), |m| {
            binary(m, op, d.into(), a.into(), Right::int(memory_of::<M>(1)));
        });
        golden.add(&format!("{} 10", op.text()), |m| binary(m, op, d.into(), a.into(), 10.into()));
    }
    for op in rows(Shape::compare, is_integer) {
        golden.add(op.text(), |m| {
            let cond = compare(m, op, a.into(), Reg::from(b).into());
            m.set(cond, d);
        });
    }
    for op in rows(Shape::wide, |_| true) {
        golden.add(op.text(), |m| wide(m, op, d, a, [b, gprs::<M>()[3]], [gprs::<M>()[4], gprs::<M>()[5]]));
    }
    golden.compare();
}

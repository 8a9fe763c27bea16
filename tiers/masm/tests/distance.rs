//! Labels, constants and addresses that are far away: megabytes of code between a branch and where it goes.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use Width::{W32, W64};
use common::{Executable, assemble};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_masm::{Cond, Lanes, Masm, Rhs, Simd, Width};

/// As many instructions as are farther than a conditional branch of any machine reaches.
const MANY: u64 = 300_000;

fn count_up<M: Masm>(m: &mut M) {
    for _ in 0..MANY {
        m.add(W64, M::ACC, M::ACC, Rhs::Imm(1));
    }
}

/// Branches over `MANY` instructions and back, and constants on the way.
fn far<M: Simd>(m: &mut M) {
    let [counter, t] = M::TEMPS;
    let (back, skipped, also_skipped, by_address, end) = (m.label(), m.label(), m.label(), m.label(), m.label());
    m.prologue(0);
    m.mov_imm(W64, M::ACC, 0);
    m.mov_imm(W32, counter, 3);
    m.bind(back);
    m.vector_const(M::FLOAT_ACC, 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f00 << 3);
    m.compare(W32, counter, Rhs::Imm(2));
    m.jump_if(Cond::Eq, skipped);
    m.jump_if(Cond::LtU, also_skipped);
    count_up(m);
    m.extract_lane(Lanes::I64x2, false, t, M::FLOAT_ACC, 0);
    m.add(W64, M::ACC, M::ACC, t.into());
    m.bind(skipped);
    m.vector_const(M::FLOAT_ACC, 7 << 64 | 5);
    count_up(m);
    m.bind(also_skipped);
    m.add(W64, M::ACC, M::ACC, Rhs::Imm(1));
    m.sub(W32, counter, counter, Rhs::Imm(1));
    m.test(W32, counter, counter.into());
    m.jump_if(Cond::Ne, back);
    m.address_of(t, by_address);
    m.jump_to(t);
    count_up(m);
    m.bind(by_address);
    m.address_of(t, end);
    m.jump_to(t);
    m.bind(end);
    m.extract_lane(Lanes::I64x2, false, t, M::FLOAT_ACC, 1);
    m.add(W64, M::RESULT, M::ACC, t.into());
    m.epilogue(0);
}

fn run(code: &Executable) -> u64 {
    // SAFETY: the code is a function of this signature, which accesses nothing but the stack.
    unsafe { std::mem::transmute::<*const u8, extern "C" fn() -> u64>(code.entry())() }
}

#[test]
fn far_away() {
    // All of it once; with the first count skipped; with both skipped. The constant of the last round is the first one.
    let constant = 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f00u128 << 3;
    let expected = (3 * MANY + 3).wrapping_add(constant as u64).wrapping_add((constant >> 64) as u64);
    assert_eq!(run(&assemble(far)), expected);
}

/// More branches than an island could serve if it came as late as for one.
fn dense<M: Masm>(m: &mut M) {
    let ends: Vec<_> = (0..200).map(|_| m.label()).collect();
    m.prologue(0);
    m.mov_imm(W64, M::ACC, 0);
    for i in 0..MANY as usize {
        m.add(W64, M::ACC, M::ACC, Rhs::Imm(1));
        m.compare(W64, M::ACC, Rhs::Imm(0));
        m.jump_if(Cond::Eq, ends[i % ends.len()]);
    }
    m.mov(W64, M::RESULT, M::ACC);
    m.epilogue(0);
    for end in ends {
        m.bind(end);
        m.undefined();
    }
}

#[test]
fn many_branches() {
    assert_eq!(run(&assemble(dense)), MANY);
}

/// Both machines' code is assembled wherever the tests run: what does not reach is found by assertions.
#[test]
fn assembled_for_every_machine() {
    fn each<M: Simd>() {
        for emit in [far::<M>, dense::<M>] {
            let mut m = M::new();
            emit(&mut m);
            m.finish();
            assert!((1 << 20..M::MAX_CODE).contains(&m.buffer().len()));
        }
    }
    each::<X64>();
    each::<A64>();
}

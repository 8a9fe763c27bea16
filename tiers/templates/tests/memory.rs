//! Loads and stores of integers and scalar floats: what moves, and every way to name a place.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use common::*;
use terrace_abi::{Op, Shape, Ty};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_masm::{Gpr, Masm, Mem, Store};
use terrace_templates::{Reg, load, store};

fn is_scalar(op: Op) -> bool {
    !is_vector(op)
}

/// The value of a load of these bytes.
fn loaded(op: Op, bytes: u128) -> u128 {
    let info = op.info();
    let unused = 128 - 8 * u32::from(info.width);
    let bits = bytes << unused;
    let value = if info.text.ends_with("_s") { (bits.cast_signed() >> unused).cast_unsigned() } else { bits >> unused };
    value & mask(info.result.unwrap())
}

/// Every kind of place, over these registers; `bytes` is the offset of what it names from what `base` holds, given that the index
/// is 3.
fn places(base: Gpr, index: Gpr) -> Vec<(Mem, usize)> {
    let mut places = vec![(Mem::at(base, 0), 0), (Mem::at(base, 9), 9), (Mem::at(base, 0x1000), 0x1000)];
    if index != base {
        for shift in 0..4 {
            places.push((Mem::indexed(base, index, shift, 0), 3 << shift));
            places.push((Mem::indexed(base, index, shift, 5), (3 << shift) + 5));
            places.push((Mem::indexed(base, index, shift, -0x200), (3usize << shift).wrapping_sub(0x200)));
        }
    }
    places
}

/// Runs code that names a place, over 8 bytes of memory, with the place's registers set.
fn at_place(place: Mem, offset: usize, state: &mut State, memory: &mut [u8; 16], function: &Function) {
    if let Some((index, _)) = place.index {
        state.set(index.into(), 3);
    }
    let base = memory.as_mut_ptr().expose_provenance().wrapping_sub(offset);
    state.set(place.base.into(), base as u128);
    assert_eq!(function.call(state), None);
}

const BYTES: [u8; 16] = [0x91, 0xa2, 0x33, 0xc4, 0x55, 0xe6, 0x77, 0x88, 0x19, 0, 0, 0, 0, 0, 0, 0xff];

#[test]
fn load_rows_at_every_place() {
    for op in rows(Shape::load, is_scalar) {
        for &base in &GPRS {
            let index = GPRS[(GPRS.iter().position(|&reg| reg == base).unwrap() + 1) % GPRS.len()];
            for (place, offset) in places(base, index) {
                let to: &[Reg] = match op.info().result.unwrap() {
                    Ty::F32 | Ty::F64 => &[Reg::Fpr(FPRS[0]), Reg::Fpr(FPRS[1])],
                    _ => &[Reg::Gpr(GPRS[8]), Reg::Gpr(base), Reg::Gpr(index)],
                };
                for &d in to {
                    let function = Function::new(|m| load(m, op, d, place));
                    let (mut state, mut memory) = (State::garbage(), BYTES);
                    at_place(place, offset, &mut state, &mut memory, &function);
                    let context = format!("{} {place:?} to {d:?}", op.text());
                    assert_eq!(memory, BYTES, "{context}");
                    // Upper bits are zero in both files.
                    assert_eq!(state.get(d), loaded(op, u128::from_le_bytes(BYTES)), "{context}");
                }
            }
        }
    }
}

#[test]
fn load_rows_extend() {
    let (d, base) = (GPRS[0], GPRS[1]);
    for op in rows(Shape::load, is_integer) {
        let function = Function::new(|m| load(m, op, d.into(), Mem::at(base, 0)));
        for bits in values(Ty::I64) {
            let (mut state, mut memory) = (State::garbage(), bits.to_le_bytes());
            at_place(Mem::at(base, 0), 0, &mut state, &mut memory, &function);
            assert_eq!(state.get(d.into()), loaded(op, bits), "{} {bits:#x}", op.text());
        }
    }
}

#[test]
fn store_rows_at_every_place() {
    for op in rows(Shape::store, is_scalar) {
        let width = usize::from(op.info().width);
        for &base in &GPRS {
            let index = GPRS[(GPRS.iter().position(|&reg| reg == base).unwrap() + 1) % GPRS.len()];
            for (place, offset) in places(base, index) {
                let from: Vec<Reg> = match op.info().params[0] {
                    Ty::F32 | Ty::F64 => FPRS.map(Reg::Fpr).to_vec(),
                    _ => GPRS.map(Reg::Gpr).to_vec(),
                };
                for a in from {
                    let function = Function::new(|m| store(m, op, place, a));
                    let (mut state, mut memory) = (State::garbage(), BYTES);
                    at_place(place, offset, &mut state, &mut memory, &function);
                    let mut expected = BYTES;
                    expected[..width].copy_from_slice(&state.get(a).to_le_bytes()[..width]);
                    assert_eq!(memory, expected, "{} {place:?} from {a:?}", op.text());
                }
            }
        }
    }
}

#[test]
fn stores_change_no_register() {
    for op in rows(Shape::store, is_scalar) {
        let a = if is_float(op.info().params[0]) { Reg::Fpr(FPRS[1]) } else { Reg::Gpr(GPRS[1]) };
        let function = Function::new(|m| store(m, op, memory(1), a));
        let mut expected = State::garbage();
        let mut state = expected.clone();
        function.call(&mut state);
        let width = usize::from(op.info().width);
        let mut bytes = expected.memory[1].to_le_bytes();
        bytes[..width].copy_from_slice(&expected.get(a).to_le_bytes()[..width]);
        expected.memory[1] = u128::from_le_bytes(bytes);
        assert_eq!(state, expected, "{}", op.text());
    }
}

#[test]
fn stores_of_immediates() {
    let widths = [(Store::W8, 1), (Store::W16, 2), (Store::W32, 4), (Store::W64, 8)];
    for (width, bytes) in widths {
        for value in [0, 1, -1, 0x7f, -0x80] {
            for (place, offset) in places(GPRS[4], GPRS[0]) {
                let function = Function::new(|m| m.store_imm(width, place, value));
                let (mut state, mut memory) = (State::garbage(), BYTES);
                at_place(place, offset, &mut state, &mut memory, &function);
                let mut expected = BYTES;
                expected[..bytes].copy_from_slice(&i64::from(value).to_le_bytes()[..bytes]);
                assert_eq!(memory, expected, "{width:?} {place:?}");
            }
        }
    }
    let mut state = State::garbage();
    Function::new(|m| m.store_imm(Store::W64, memory(0), i32::MIN)).call(&mut state);
    assert_eq!(state.memory[0] as u64, i64::from(i32::MIN).cast_unsigned());
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
    let mut golden = Golden::<M>::new("memory");
    let place = Mem::indexed(gprs::<M>()[10], gprs::<M>()[1], 0, 0x20);
    let reg = |ty| if is_float(ty) { Reg::Fpr(fprs::<M>()[0]) } else { Reg::Gpr(gprs::<M>()[0]) };
    for op in rows(Shape::load, is_scalar) {
        golden.add(op.text(), |m| load(m, op, reg(op.info().result.unwrap()), place));
    }
    for op in rows(Shape::store, is_scalar) {
        golden.add(op.text(), |m| store(m, op, place, reg(op.info().params[0])));
    }
    golden.compare();
}

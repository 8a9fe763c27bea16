//! What it costs to emit an instruction, in nanoseconds: a mix as compiled code has it, on each machine's assembler.
//!
//! Each figure is the best of several rounds. A call that emits two instructions counts as two.

use std::hint::black_box;
use std::time::Instant;

use Width::{W32, W64};
use iced_x86::{Decoder, DecoderOptions};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_masm::{Cond, FloatWidth, Lanes, Load, Mem, Rhs, Simd, Store, Width};

const ROUNDS: usize = 30;
const REPETITIONS: usize = 2_000;

/// Moves, memory and arithmetic of integers, with a loop.
fn integers<M: Simd>(m: &mut M) {
    let [a, b] = M::TEMPS;
    let (start, end) = (m.label(), m.label());
    m.load(Load::W64, a, Mem::at(M::SLOTS, 16));
    m.load(Load::U32, b, Mem::indexed(M::MEMORY, a, 0, 64));
    m.bind(start);
    m.add(W32, b, b, Rhs::Imm(12));
    m.mul(W32, a, a, b.into());
    m.and(W32, a, a, Rhs::Imm(0xff));
    m.shl(W64, b, a, Rhs::Imm(3));
    m.xor(W64, M::ACC, M::ACC, b.into());
    m.compare(W32, a, Rhs::Imm(100));
    m.jump_if(Cond::GeU, end);
    m.sub(W64, M::ACC, M::ACC, a.into());
    m.jump(start);
    m.bind(end);
    m.mov_imm(W64, a, 0x1234_5678);
    m.store(Store::W32, Mem::at(M::SLOTS, 24), b);
    m.store(Store::W64, Mem::indexed(M::MEMORY, b, 3, 8), M::ACC);
}

/// Scalar floats and vectors.
fn floats<M: Simd>(m: &mut M) {
    let [a, b, c, d] = M::FLOAT_TEMPS;
    m.load_float(FloatWidth::F64, a, Mem::at(M::SLOTS, 32));
    m.add_float(FloatWidth::F64, b, a, a.into());
    m.mul_float(FloatWidth::F64, c, b, a.into());
    m.sqrt_float(FloatWidth::F32, d, c.into());
    m.add_lanes(Lanes::I32x4, a, b, c);
    m.vector_xor(b, a, d);
    m.mul_floats(FloatWidth::F32, c, a, b);
    m.narrow(Lanes::I16x8, true, d, a, b);
    m.store_float(FloatWidth::F64, Mem::at(M::SLOTS, 40), c);
}

/// Measures an assembler; `count` is how many instructions a code has.
fn measure<M: Simd>(machine: &str, name: &str, emit: fn(&mut M), count: impl Fn(&[u8]) -> usize) {
    let mut sample = M::new();
    emit(&mut sample);
    let len = sample.offset();
    sample.finish();
    let instructions = REPETITIONS * count(&sample.buffer().bytes()[..len]);
    let round = || {
        let start = Instant::now();
        let mut m = M::new();
        for _ in 0..REPETITIONS {
            emit(black_box(&mut m));
        }
        m.finish();
        black_box(m.buffer().bytes());
        start.elapsed().as_secs_f64() * 1e9
    };
    let best = (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min);
    println!("{machine} {name:10} {:6.2} ns per instruction", best / instructions as f64);
}

fn main() {
    let x64 = |code: &[u8]| Decoder::new(64, code, DecoderOptions::NONE).iter().count();
    let a64 = |code: &[u8]| code.len() / 4;
    measure::<X64>("x64", "integers", integers, x64);
    measure::<X64>("x64", "floats", floats, x64);
    measure::<A64>("a64", "integers", integers, a64);
    measure::<A64>("a64", "floats", floats, a64);
}

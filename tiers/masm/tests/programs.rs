//! Whole functions, written once for every machine and run on this one: recursion, SHA-256 and a loop over vectors.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use Width::{W32, W64};
use common::{Executable, assemble};
use terrace_masm::{Cond, Fpr, Gpr, LaneCond, Lanes, Load, LoadVector, Masm, Mem, Rhs, Simd, Store, Width};

/// A right-hand side with this value: an immediate if the machine has it, else in `t`.
fn number<M: Masm>(m: &mut M, width: Width, t: Gpr, value: i32) -> Rhs {
    if M::is_immediate(width, value.into(), false) {
        return Rhs::Imm(value);
    }
    m.mov_imm(width, t, value.into());
    t.into()
}

/// `fib(n, &address of fib)`
fn fib<M: Masm>(m: &mut M) {
    const RESULT_OF_FIRST: i32 = 8;
    m.prologue(16);
    m.mov(W64, M::ACC, M::ARGS[0]);
    m.mov(W64, M::STORE, M::ARGS[1]);
    let small = m.label();
    let two = number(m, W64, M::TEMPS[0], 2);
    m.compare(W64, M::ACC, two);
    m.jump_if(Cond::LtU, small);
    for before in [1, 2] {
        let before = number(m, W64, M::ARGS[0], before);
        m.sub(W64, M::ARGS[0], M::ACC, before);
        m.mov(W64, M::ARGS[1], M::STORE);
        m.call_mem(Mem::at(M::STORE, 0));
        if before == Rhs::Imm(1) {
            m.store(Store::W64, Mem::at(M::STACK, RESULT_OF_FIRST), M::RESULT);
        }
    }
    m.load(Load::W64, M::TEMPS[0], Mem::at(M::STACK, RESULT_OF_FIRST));
    m.add(W64, M::RESULT, M::RESULT, M::TEMPS[0].into());
    m.epilogue(16);
    m.bind(small);
    m.mov(W64, M::RESULT, M::ACC);
    m.epilogue(16);
}

#[test]
fn recursion() {
    let code = assemble(fib);
    let entry = code.entry();
    // SAFETY: the code is a function of this signature, and the cell outlives the call.
    let fib = |n| unsafe { std::mem::transmute::<*const u8, extern "C" fn(u64, &*const u8) -> u64>(entry)(n, &entry) };
    let mut expected = [0, 1];
    for n in 0..23 {
        assert_eq!(fib(n), expected[0], "{n}");
        expected = [expected[1], expected[0] + expected[1]];
    }
}

/// `sum(n, &mut [u128; 64])`: 1 to n, by recursion in frames that lie in the array.
fn sum<M: Masm>(m: &mut M) {
    const FRAME: i32 = 32;
    let (left, total, native, top) = (M::ACC, M::STORE, M::INSTANCE, M::MEMORY);
    let (recurse, end) = (m.label(), m.label());
    m.prologue(0);
    m.mov(W64, left, M::ARGS[0]);
    m.lea(W64, top, Mem::at(M::ARGS[1], 1024));
    m.mov_imm(W64, total, 0);
    m.get_stack(native);
    m.set_stack(top);
    m.call(recurse);
    // Where the stack is now counts too.
    m.get_stack(M::SLOTS);
    m.sub(W64, M::SLOTS, M::SLOTS, top.into());
    m.set_stack(native);
    m.add(W64, M::RESULT, total, M::SLOTS.into());
    m.epilogue(0);
    m.bind(recurse);
    m.push_frame(FRAME);
    m.store(Store::W64, Mem::at(M::STACK, 8), left);
    m.test(W64, left, left.into());
    m.jump_if(Cond::Eq, end);
    m.sub(W64, left, left, Rhs::Imm(1));
    m.call(recurse);
    m.load(Load::W64, left, Mem::at(M::STACK, 8));
    m.add(W64, total, total, left.into());
    m.bind(end);
    m.pop_frame(FRAME);
}

#[test]
fn frames_on_another_stack() {
    let code = assemble(sum);
    let mut stack = [0u128; 64];
    // SAFETY: the code is a function of this signature, and the array has room for its frames.
    let sum = unsafe { std::mem::transmute::<*const u8, extern "C" fn(u64, &mut [u128; 64]) -> u64>(code.entry()) };
    for n in [0, 1, 7, 30] {
        assert_eq!(sum(n, &mut stack), n * (n + 1) / 2);
    }
}

/// The first 32 bits of the fractional parts of a root of the first primes, in exact integer arithmetic.
fn fractions(count: usize, degree: u32) -> Vec<u32> {
    let primes = (2u128..).filter(|n| (2..*n).all(|d| n % d != 0)).take(count);
    // The root of p, times 2^32: the greatest r with r^degree <= p << (32 * degree).
    let root = |p: u128| {
        (0..36).rev().fold(0u128, |r, bit| {
            let next = r | 1 << bit;
            if next.pow(degree) <= p << (32 * degree) { next } else { r }
        })
    };
    primes.map(|p| root(p) as u32).collect()
}

/// `compress(&mut [u32; 8], blocks, count of blocks)`
fn compress<M: Masm>(m: &mut M) {
    const STATE: i32 = 256;
    const COUNT: i32 = 264;
    const SPACE: i32 = 272;
    let [t0, t1] = M::TEMPS;
    let [blocks, t2] = M::LOCALS;
    let mut v = [M::PC, M::SLOTS, M::FRAME, M::STORE, M::INSTANCE, M::MEMORY, M::HANDLERS, M::ACC];
    let k = fractions(64, 3);
    let word = |i: usize| Mem::at(M::STACK, 4 * i as i32);
    m.prologue(SPACE);
    m.store(Store::W64, Mem::at(M::STACK, STATE), M::ARGS[0]);
    m.mov(W64, blocks, M::ARGS[1]);
    m.store(Store::W64, Mem::at(M::STACK, COUNT), M::ARGS[2]);
    m.load(Load::W64, t0, Mem::at(M::STACK, STATE));
    for (i, &reg) in v.iter().enumerate() {
        m.load(Load::U32, reg, Mem::at(t0, 4 * i as i32));
    }
    let next_block = m.label();
    m.bind(next_block);
    for i in 0..16 {
        // Big-endian words.
        m.load(Load::U8, t0, Mem::at(blocks, 4 * i as i32));
        for byte in 1..4 {
            m.shl(W32, t0, t0, Rhs::Imm(8));
            m.load(Load::U8, t1, Mem::at(blocks, 4 * i as i32 + byte));
            m.or(W32, t0, t0, t1.into());
        }
        m.store(Store::W32, word(i), t0);
    }
    // t0 = a rotated by each of three counts, of which the last one may be a shift; through t1
    let sigma = |m: &mut M, a: Gpr, counts: [i32; 3], shift: bool| {
        m.rotr(W32, t0, a, Rhs::Imm(counts[0]));
        m.rotr(W32, t1, a, Rhs::Imm(counts[1]));
        m.xor(W32, t0, t0, t1.into());
        match shift {
            true => m.shr_u(W32, t1, a, Rhs::Imm(counts[2])),
            false => m.rotr(W32, t1, a, Rhs::Imm(counts[2])),
        }
        m.xor(W32, t0, t0, t1.into());
    };
    let add_word = |m: &mut M, i: usize| {
        if M::MEMORY_OPERANDS {
            m.add(W32, t0, t0, word(i).into());
        } else {
            m.load(Load::U32, t1, word(i));
            m.add(W32, t0, t0, t1.into());
        }
    };
    for i in 0..64 {
        if i >= 16 {
            m.load(Load::U32, t2, word((i - 15) % 16));
            sigma(m, t2, [7, 18, 3], true);
            add_word(m, i % 16);
            add_word(m, (i - 7) % 16);
            m.store(Store::W32, word(i % 16), t0);
            m.load(Load::U32, t2, word((i - 2) % 16));
            sigma(m, t2, [17, 19, 10], true);
            add_word(m, i % 16);
            m.store(Store::W32, word(i % 16), t0);
        }
        let [a, b, c, d, e, f, g, h] = v;
        // h += sigma1(e) + ch(e, f, g) + k + w
        sigma(m, e, [6, 11, 25], false);
        m.add(W32, h, h, t0.into());
        m.xor(W32, t0, f, g.into());
        m.and(W32, t0, t0, e.into());
        m.xor(W32, t0, t0, g.into());
        add_word(m, i % 16);
        m.add(W32, h, h, t0.into());
        let k = number(m, W32, t1, k[i].cast_signed());
        m.add(W32, h, h, k);
        m.add(W32, d, d, h.into());
        // h += sigma0(a) + maj(a, b, c)
        sigma(m, a, [2, 13, 22], false);
        m.add(W32, h, h, t0.into());
        m.or(W32, t0, a, b.into());
        m.and(W32, t0, t0, c.into());
        m.and(W32, t1, a, b.into());
        m.or(W32, t0, t0, t1.into());
        m.add(W32, h, h, t0.into());
        v.rotate_right(1);
    }
    m.load(Load::W64, t2, Mem::at(M::STACK, STATE));
    for (i, &reg) in v.iter().enumerate() {
        m.load(Load::U32, t1, Mem::at(t2, 4 * i as i32));
        m.add(W32, reg, reg, t1.into());
        m.store(Store::W32, Mem::at(t2, 4 * i as i32), reg);
    }
    m.lea(W64, blocks, Mem::at(blocks, 64));
    m.load(Load::W64, t0, Mem::at(M::STACK, COUNT));
    m.sub(W64, t0, t0, Rhs::Imm(1));
    m.store(Store::W64, Mem::at(M::STACK, COUNT), t0);
    m.test(W64, t0, t0.into());
    m.jump_if(Cond::Ne, next_block);
    m.epilogue(SPACE);
}

/// The padded message.
fn padded(message: &[u8]) -> Vec<u8> {
    let mut blocks = message.to_vec();
    blocks.push(0x80);
    blocks.resize((blocks.len() + 8).next_multiple_of(64) - 8, 0);
    blocks.extend((8 * message.len() as u64).to_be_bytes());
    blocks
}

fn sha256(code: &Executable, message: &[u8]) -> String {
    let mut state: [u32; 8] = fractions(8, 2).try_into().unwrap();
    let blocks = padded(message);
    // SAFETY: the code is a function of this signature; it reads the blocks, and writes the state.
    unsafe {
        let compress: extern "C" fn(&mut [u32; 8], *const u8, usize) = std::mem::transmute(code.entry());
        compress(&mut state, blocks.as_ptr(), blocks.len() / 64);
    }
    state.iter().map(|word| format!("{word:08x}")).collect()
}

/// The same in Rust.
fn sha256_in_rust(message: &[u8]) -> String {
    let k = fractions(64, 3);
    let mut state: [u32; 8] = fractions(8, 2).try_into().unwrap();
    for block in padded(message).chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        for i in 16..64 {
            let (x, y) = (w[i - 15], w[i - 2]);
            let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
            let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10;
            w.push([w[i - 16], s0, w[i - 7], s1].into_iter().fold(0, u32::wrapping_add));
        }
        let mut v = state;
        for i in 0..64 {
            let [a, b, c, d, e, f, g, h] = v;
            let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let t1 = [h, s1, e & f ^ !e & g, k[i], w[i]].into_iter().fold(0, u32::wrapping_add);
            let t2 = s0.wrapping_add(a & b ^ a & c ^ b & c);
            v = [t1.wrapping_add(t2), a, b, c, d.wrapping_add(t1), e, f, g];
        }
        state = std::array::from_fn(|i| state[i].wrapping_add(v[i]));
    }
    state.iter().map(|word| format!("{word:08x}")).collect()
}

#[test]
fn digests() {
    let code = assemble(compress);
    assert_eq!(sha256(&code, b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha256(&code, b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for len in [1, 55, 56, 63, 64, 65, 1000] {
        let message: Vec<u8> = (0..len).map(|i| (i * 7 + i / 13) as u8).collect();
        assert_eq!(sha256(&code, &message), sha256_in_rust(&message), "{len}");
    }
}

/// `vectors(x, y, count of vectors, out) -> sum`: of 16-bit integers the dot product, and of bytes, in `out`, their average where
/// that of `x` is the greater one, else the complement of the saturated difference.
fn vectors<M: Simd>(m: &mut M) {
    let [x, y] = M::TEMPS;
    let (count, offset, out) = (M::ACC, M::PC, M::STORE);
    let [a, b, c, d]: [Fpr; 4] = M::FLOAT_TEMPS;
    let sum = M::FLOAT_ACC;
    m.prologue(0);
    // Arguments may be temporaries: out of the way first.
    m.mov(W64, count, M::ARGS[2]);
    m.mov(W64, out, M::ARGS[3]);
    m.mov(W64, M::INSTANCE, M::ARGS[0]);
    m.mov(W64, M::MEMORY, M::ARGS[1]);
    m.mov(W64, x, M::INSTANCE);
    m.mov(W64, y, M::MEMORY);
    m.vector_const(sum, 0);
    m.mov_imm(W64, offset, 0);
    let (next, end) = (m.label(), m.label());
    m.bind(next);
    m.compare(W64, offset, count.into());
    m.jump_if(Cond::GeU, end);
    m.lea(W64, x, Mem::at(M::INSTANCE, 0));
    m.shl(W64, M::LOCALS[0], offset, Rhs::Imm(4));
    m.load_vector(LoadVector::Whole, a, Mem::indexed(x, M::LOCALS[0], 0, 0));
    m.load_vector(LoadVector::Whole, b, Mem::indexed(y, M::LOCALS[0], 0, 0));
    m.dot(c, a, b);
    m.add_lanes(Lanes::I32x4, sum, sum, c);
    m.avgr(Lanes::I8x16, c, a, b);
    m.compare_lanes(Lanes::I8x16, LaneCond::Gt, false, d, a, b);
    m.sub_sat(Lanes::I8x16, false, a, b, a);
    m.vector_not(a, a);
    m.bitselect(a, c, a, d);
    m.store_vector(Mem::indexed(out, M::LOCALS[0], 0, 0), a);
    m.add(W64, offset, offset, Rhs::Imm(1));
    m.jump(next);
    m.bind(end);
    // The upper half over the lower one, then the odd lane over the even one.
    for lanes in [0x0706_0504_0302_0100_0f0e_0d0c_0b0a_0908, 0x0b0a_0908_0f0e_0d0c_0302_0100_0706_0504] {
        m.shuffle_const(a, sum, sum, lanes);
        m.add_lanes(Lanes::I32x4, sum, sum, a);
    }
    m.extract_lane(Lanes::I32x4, false, M::RESULT, sum, 0);
    m.epilogue(0);
}

#[test]
fn vector_loop() {
    let code = assemble(vectors);
    for count in [0, 1, 2, 37] {
        let bytes = |factor: usize| -> Vec<u8> { (0..16 * count).map(|i| (i * factor + i / 5) as u8).collect() };
        let (x, y) = (bytes(31), bytes(47));
        let mut out = vec![0u8; 16 * count];
        // SAFETY: the code is a function of this signature; it reads `x` and `y`, and writes `out`.
        let sum = unsafe {
            let vectors: extern "C" fn(*const u8, *const u8, usize, *mut u8) -> u32 = std::mem::transmute(code.entry());
            vectors(x.as_ptr(), y.as_ptr(), count, out.as_mut_ptr())
        };
        let words = |bytes: &[u8]| -> Vec<i32> {
            bytes.chunks(2).map(|pair| i16::from_le_bytes(pair.try_into().unwrap()).into()).collect()
        };
        let expected = words(&x).iter().zip(words(&y)).fold(0i32, |sum, (x, y)| sum.wrapping_add(x * y));
        assert_eq!(sum, expected.cast_unsigned());
        let blend = |(&x, &y): (&u8, &u8)| if x > y { x.midpoint(y) + (x ^ y) % 2 } else { !y.saturating_sub(x) };
        let expected: Vec<u8> = x.iter().zip(&y).map(blend).collect();
        assert_eq!(out, expected);
    }
}

//! Vector rows against their meanings: all pairs of edge values of the lanes that a row names, and all sharings of registers.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

mod common;

use common::{
    FPRS, Function, GPRS, Golden, Listed, Native, Place, Random, State, check, fprs, gprs, integers, is_vector,
    meaning_of, memory, memory_of, registers, rows, values,
};
use terrace_abi::{Op, Shape, Ty, meaning};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_masm::{Fpr, Mem, Simd};
use terrace_templates as templates;
use terrace_templates::{Reg, lane, simd_float};

/// How many inputs are tried where registers are shared.
const SOME: usize = 400;

/// The bits and values of the lanes that a row's name mentions.
fn lanes(op: Op) -> Vec<(u32, Vec<u128>)> {
    let text = op.text();
    let known = [
        ("8x16", 8, if op.info().params.len() > 2 { integers(8) } else { (0..256).collect() }),
        ("16x8", 16, integers(16)),
        ("32x4", 32, integers(32)),
        ("64x2", 64, integers(64)),
        ("v128", 64, integers(64)),
        ("f32x4", 32, values(Ty::F32)),
        ("f64x2", 64, values(Ty::F64)),
    ];
    known.into_iter().filter(|(name, ..)| text.contains(name)).map(|(_, bits, values)| (bits, values)).collect()
}

/// Tuples of vectors from tuples of lanes.
fn pack(bits: u32, arity: usize, tuples: impl Iterator<Item = Vec<u128>>) -> Vec<Vec<u128>> {
    let tuples: Vec<_> = tuples.collect();
    let count = (128 / bits) as usize;
    let vector = |chunk: &[Vec<u128>], operand: usize| {
        (0..count).fold(0, |vector, i| vector | chunk[i % chunk.len()][operand] << (i as u32 * bits))
    };
    tuples.chunks(count).map(|chunk| (0..arity).map(|operand| vector(chunk, operand)).collect()).collect()
}

/// Inputs of a row whose operands are vectors.
fn inputs(op: Op) -> Vec<Vec<u128>> {
    let arity = op.info().params.len();
    let mut random = Random::new(7);
    let mut inputs: Vec<Vec<u128>> = (0..SOME).map(|_| (0..arity).map(|_| random.next_u128()).collect()).collect();
    for (bits, values) in lanes(op) {
        let pairs = || values.iter().flat_map(|&x| values.iter().map(move |&y| [x, y]));
        match arity {
            1 => inputs.extend(pack(bits, 1, pairs().flatten().map(|x| vec![x]))),
            2 => {
                inputs.extend(pack(bits, 2, pairs().map(Vec::from)));
                // Every lane alike, for sums of products.
                let edges = integers(bits);
                let pairs = edges.iter().flat_map(|&x| edges.iter().map(move |&y| vec![x, y]));
                inputs.extend(pairs.flat_map(|pair| pack(bits, 2, [pair].into_iter())));
            }
            _ => {
                let mut any = || values[random.next() as usize % values.len()];
                let triples: Vec<_> = (0..40 * SOME).map(|_| vec![any(), any(), any()]).collect();
                inputs.extend(pack(bits, 3, triples.into_iter()));
            }
        }
    }
    inputs
}

/// Some inputs, changed so that operands in the same register are the same.
fn unified(inputs: &[Vec<u128>], places: &[Place]) -> Vec<Vec<u128>> {
    let step = inputs.len() / SOME + 1;
    let unify = |input: &Vec<u128>| {
        let first = |i: usize| (0..places.len()).find(|&j| places[j] == places[i]).unwrap();
        (0..input.len()).map(|i| if i < places.len() { input[first(i)] } else { input[i] }).collect()
    };
    inputs.iter().step_by(step).map(unify).collect()
}

/// Checks a row with every sharing of registers: with no sharing on all inputs, else on some.
fn check_all(op: Op, inputs: &[Vec<u128>], emit: impl Fn(&mut Native, Reg, &[Reg])) {
    for regs in registers(op) {
        let (d, operands) = (regs[0], &regs[1..]);
        let places: Vec<Place> = operands.iter().map(|&reg| Place::Reg(reg)).collect();
        let shared = (1..regs.len()).any(|i| regs[..i].contains(&regs[i]));
        let emit = |m: &mut Native| emit(m, d, operands);
        // A register holds one value: of two operands of different types, only one.
        let ty = |i: usize| op.info().params[i];
        if (0..places.len()).any(|i| (0..i).any(|j| places[i] == places[j] && ty(i) != ty(j))) {
            continue;
        }
        match shared || d != Reg::Fpr(FPRS[0]) {
            false => check(op, d, &places, emit, inputs),
            true => check(op, d, &places, emit, &unified(inputs, &places)),
        }
    }
}

fn is_shift(op: Op) -> bool {
    op.info().params == [Ty::V128, Ty::I32]
}

#[test]
fn unary_rows() {
    for op in rows(Shape::unary, is_vector) {
        let inputs = match op.info().params {
            [Ty::V128] => inputs(op),
            [scalar] => values(*scalar).into_iter().map(|value| vec![value]).collect(),
            params => panic!("{params:?}"),
        };
        check_all(op, &inputs, |m, d, operands| templates::unary(m, op, d, operands[0]));
    }
}

#[test]
fn binary_rows() {
    for op in rows(Shape::binary, |op| is_vector(op) && !is_shift(op)) {
        check_all(op, &inputs(op), |m, d, operands| templates::binary(m, op, d, operands[0], operands[1].into()));
    }
}

#[test]
fn ternary_rows() {
    for op in rows(Shape::ternary, is_vector) {
        check_all(op, &inputs(op), |m, d, operands| {
            templates::ternary(m, op, d.into(), operands[0].into(), operands[1].into(), operands[2].into());
        });
    }
}

#[test]
fn shifts() {
    let counts: Vec<i32> = (0..=66).chain([127, 128, 255, 256, 65536, i32::MAX, i32::MIN, -1, -8]).collect();
    for op in rows(Shape::binary, is_shift) {
        let vectors: Vec<u128> = inputs(op).into_iter().step_by(37).take(SOME).map(|input| input[0]).collect();
        let with =
            |count: i32| vectors.iter().map(move |&vector| vec![vector, count as u32 as u128]).collect::<Vec<_>>();
        let all: Vec<_> = counts.iter().flat_map(|&count| with(count)).collect();
        check_all(op, &all, |m, d, operands| templates::binary(m, op, d, operands[0], operands[1].into()));
        for (d, a) in [(FPRS[0], FPRS[1]), (FPRS[1], FPRS[1])] {
            let places = |count| [Place::Reg(a.into()), count];
            let emit =
                |count: Place| move |m: &mut Native| templates::binary(m, op, d.into(), a.into(), count.right(Ty::I32));
            check(op, d.into(), &places(Place::Memory(1)), emit(Place::Memory(1)), &all);
            for &count in &counts {
                let place = Place::Imm(count);
                check(op, d.into(), &places(place), emit(place), &with(count));
            }
        }
    }
}

fn lane_count(op: Op) -> u8 {
    op.text().split_once('x').unwrap().1.split_once('.').unwrap().0.parse().unwrap()
}

#[test]
fn extracted_and_replaced_lanes() {
    let mut random = Random::new(8);
    let mut vectors: Vec<u128> = values(Ty::V128);
    vectors.extend((0..SOME).map(|_| random.next_u128()));
    for op in rows(Shape::extract_lane, is_vector) {
        for lane in 0..lane_count(op) {
            let inputs: Vec<_> = vectors.iter().map(|&vector| vec![vector, lane.into()]).collect();
            check_all(op, &inputs, |m, d, operands| templates::extract_lane(m, op, d, operands[0].into(), lane));
        }
    }
    for op in rows(Shape::replace_lane, is_vector) {
        let scalars = values(op.info().params[1]);
        for lane in 0..lane_count(op) {
            let pairs = vectors.iter().zip(scalars.iter().cycle());
            let inputs: Vec<_> = pairs.map(|(&vector, &scalar)| vec![vector, scalar, lane.into()]).collect();
            check_all(op, &inputs, |m, d, operands| {
                templates::replace_lane(m, op, d.into(), operands[0].into(), operands[1], lane);
            });
        }
    }
}

/// The lanes of shuffles: each pattern that has an instruction of its own, its mirror, its neighbours, and random ones.
fn shuffles() -> Vec<[u8; 16]> {
    let mut random = Random::new(9);
    let mut shuffles: Vec<[u8; 16]> = (0..17).map(|first| std::array::from_fn(|i| first + i as u8)).collect();
    // By lanes of each width: broadcasts, interleavings, choices and permutations.
    for width in [1, 2, 4, 8] {
        let count = 16 / width;
        let mut push = |lane: &dyn Fn(usize) -> usize| {
            shuffles.push(std::array::from_fn(|i| (lane(i / width) * width + i % width) as u8));
        };
        for first in 0..2 * count {
            push(&|_| first);
        }
        push(&|i| i / 2 + i % 2 * count);
        push(&|i| count / 2 + i / 2 + i % 2 * count);
        push(&|i| 2 * i);
        push(&|i| 2 * i + 1);
        push(&|i| count - 1 - i);
        for _ in 0..20 {
            let bits = random.next() as usize;
            push(&|i| i + (bits >> i & 1) * count);
            push(&|i| (bits >> (4 * i)) % (2 * count));
            push(&|i| (bits >> (4 * i)) % count + if i < count / 2 { 0 } else { count });
        }
    }
    shuffles.extend((0..50).map(|_| std::array::from_fn(|_| random.next() as u8 % 32)));
    let mirrored: Vec<_> = shuffles.iter().map(|lanes| lanes.map(|lane| lane ^ 16)).collect();
    shuffles.extend(mirrored);
    shuffles
}

/// Runs what is emitted on registers of these contents; the destination's.
fn run(emit: impl FnOnce(&mut Native), d: Fpr, contents: &[(Fpr, u128)]) -> u128 {
    let mut state = State::garbage();
    for &(reg, bits) in contents {
        state.set(reg.into(), bits);
    }
    let mut after = state.clone();
    assert_eq!(Function::new(emit).call(&mut after), None);
    let result = after.get(d.into());
    after.set(d.into(), state.get(d.into()));
    assert_eq!(after, state, "something else changed");
    result
}

#[test]
fn shuffled_lanes() {
    let mut random = Random::new(10);
    for shuffle in shuffles() {
        let bits = u128::from_le_bytes(shuffle);
        for regs in registers(Op::I8x16Shuffle) {
            let [d, a, b]: [Fpr; 3] = std::array::from_fn(|i| regs[i].into());
            let x = random.next_u128();
            let y = if a == b { x } else { random.next_u128() };
            let expected = meaning::i8x16_shuffle(x, y, shuffle);
            let known = run(|m| lane::i8x16_shuffle(m, d, a, b, bits), d, &[(a, x), (b, y)]);
            assert_eq!(known, expected, "{shuffle:?} {regs:?}");
            let indices = FPRS[5];
            for d in [d, indices] {
                let contents = [(a, x), (b, y), (indices, bits)];
                let variable = run(|m| lane::i8x16_shuffle_variable(m, d, a, b, indices), d, &contents);
                assert_eq!(variable, expected, "{shuffle:?} {d:?} {regs:?}");
            }
        }
    }
}

#[test]
fn constants() {
    for bits in values(Ty::V128) {
        assert_eq!(run(|m| m.vector_const(FPRS[0], bits), FPRS[0], &[]), bits);
    }
}

#[test]
fn canonical_nans() {
    for x in inputs(Op::F32x4Sqrt).into_iter().chain(inputs(Op::F64x2Sqrt)).step_by(31) {
        for (d, a) in [(FPRS[0], FPRS[1]), (FPRS[2], FPRS[2])] {
            let single = run(|m| simd_float::canonicalize_f32x4(m, d, a), d, &[(a, x[0])]);
            assert_eq!(single, meaning::canonicalize_f32x4(x[0]), "{x:x?}");
            let double = run(|m| simd_float::canonicalize_f64x2(m, d, a), d, &[(a, x[0])]);
            assert_eq!(double, meaning::canonicalize_f64x2(x[0]), "{x:x?}");
        }
    }
}

#[test]
fn canonical_nans_stay_canonical() {
    // Where all NaNs among the operands are canonical, so are those of results, whatever their signs.
    let canonical = |width: u32, lane: u128| {
        let nan: u128 = if width == 32 { 0x7fc0_0000 } else { 0x7ff8_0000_0000_0000 };
        let (exponent, magnitude) = (nan & (nan << 1), lane & (u128::MAX >> (129 - width)));
        magnitude <= exponent || magnitude == nan
    };
    let all_canonical = |width: u32, vector: u128| {
        (0..128 / width).all(|i| canonical(width, vector >> (i * width) & (u128::MAX >> (128 - width))))
    };
    let arithmetic = |op: Op| is_vector(op) && op.info().traits.nan;
    let shapes = [Shape::unary, Shape::binary, Shape::ternary];
    for op in shapes.into_iter().flat_map(|shape| rows(shape, arithmetic)) {
        let operand_width = if op.info().text.contains("f64x2") { 64 } else { 32 };
        let (from, to) = match op {
            Op::F32x4DemoteF64x2Zero => (64, 32),
            Op::F64x2PromoteLowF32x4 => (32, 64),
            _ => (operand_width, operand_width),
        };
        let function = Function::new(|m| match op.info().shape {
            Shape::unary => templates::unary(m, op, FPRS[0].into(), FPRS[1].into()),
            Shape::binary => templates::binary(m, op, FPRS[0].into(), FPRS[1].into(), Reg::from(FPRS[2]).into()),
            _ => templates::ternary(m, op, FPRS[0], FPRS[1], FPRS[2], FPRS[3]),
        });
        let mut tried = 0;
        for input in inputs(op).iter().filter(|input| input.iter().all(|&vector| all_canonical(from, vector))) {
            let mut state = State::garbage();
            for (i, &vector) in input.iter().enumerate() {
                state.set(FPRS[i + 1].into(), vector);
            }
            function.call(&mut state);
            let result = state.get(FPRS[0].into());
            assert!(all_canonical(to, result), "{} {input:x?}: {result:x}", op.text());
            tried += 1;
        }
        assert!(tried > 20, "{}", op.text());
    }
}

/// What a vector load makes of 16 bytes.
fn loaded(op: Op, bytes: u128) -> u128 {
    let (byte, half, word, double) = (bytes as u8, bytes as u16, bytes as u32, bytes as u64);
    match op {
        Op::V128Load => bytes,
        Op::V128Load8x8S => meaning::v128_load8x8_s(double),
        Op::V128Load8x8U => meaning::v128_load8x8_u(double),
        Op::V128Load16x4S => meaning::v128_load16x4_s(double),
        Op::V128Load16x4U => meaning::v128_load16x4_u(double),
        Op::V128Load32x2S => meaning::v128_load32x2_s(double),
        Op::V128Load32x2U => meaning::v128_load32x2_u(double),
        Op::V128Load8Splat => meaning::i8x16_splat(byte.into()),
        Op::V128Load16Splat => meaning::i16x8_splat(half.into()),
        Op::V128Load32Splat => meaning::i32x4_splat(word),
        Op::V128Load64Splat => meaning::i64x2_splat(double),
        Op::V128Load32Zero => meaning::v128_load32_zero(word),
        Op::V128Load64Zero => meaning::v128_load64_zero(double),
        _ => panic!("{op:?} loads no vector"),
    }
}

/// Places of the byte `at` of the state's memory, in every form, for each of which a register is `index`.
fn places(at: i32) -> [(Mem, u64); 4] {
    let start = memory(0).offset(at);
    [
        (start, 0),
        (Mem::indexed(start.base, GPRS[2], 0, start.disp - 5), 5),
        (Mem::indexed(start.base, GPRS[2], 3, start.disp - 16), 2),
        (Mem::indexed(start.base, GPRS[2], 2, start.disp + 8), -2i64 as u64),
    ]
}

/// The 16 bytes from `at` on.
fn bytes_at(state: &State, at: i32) -> u128 {
    let bytes: Vec<u8> = state.memory.iter().flat_map(|vector| vector.to_le_bytes()).collect();
    u128::from_le_bytes(bytes[at as usize..][..16].try_into().unwrap())
}

/// Writes the lowest `count` bytes of `bits` at `at`.
fn write_at(state: &mut State, at: i32, bits: u128, count: usize) {
    let mut bytes: Vec<u8> = state.memory.iter().flat_map(|vector| vector.to_le_bytes()).collect();
    bytes[at as usize..][..count].copy_from_slice(&bits.to_le_bytes()[..count]);
    for (vector, chunk) in state.memory.iter_mut().zip(bytes.chunks(16)) {
        *vector = u128::from_le_bytes(chunk.try_into().unwrap());
    }
}

/// Runs what is emitted for each place; `expect` changes the state that it ran on as it should have.
fn check_memory(what: &str, emit: impl Fn(&mut Native, Mem), expect: impl Fn(&mut State, i32)) {
    for at in [0, 1, 16, 23] {
        for (mem, index) in places(at) {
            let mut state = State::garbage();
            state.set(GPRS[2].into(), index.into());
            let mut expected = state.clone();
            expect(&mut expected, at);
            assert_eq!(Function::new(|m| emit(m, mem)).call(&mut state), None);
            assert_eq!(state, expected, "{what} {mem:?}");
        }
    }
}

#[test]
fn loads_and_stores() {
    for reg in [FPRS[0], FPRS[1]] {
        for op in rows(Shape::load, is_vector) {
            let expect = |state: &mut State, at| state.set(reg.into(), loaded(op, bytes_at(state, at)));
            check_memory(op.text(), |m, mem| templates::load(m, op, reg.into(), mem), expect);
        }
        for op in rows(Shape::store, is_vector) {
            let expect = |state: &mut State, at| write_at(state, at, state.get(reg.into()), 16);
            check_memory(op.text(), |m, mem| templates::store(m, op, mem, reg.into()), expect);
        }
    }
}

/// The templates of lanes in memory, by the bits of a lane.
type LoadLane<M> = fn(&mut M, Fpr, Fpr, Mem, u8);
type StoreLane<M> = fn(&mut M, Mem, Fpr, u8);
type LanesInMemory<M> = [(Op, LoadLane<M>, Op, StoreLane<M>); 4];

fn all_lanes_in_memory<M: Simd>() -> LanesInMemory<M> {
    [
        (Op::V128Load8Lane, lane::v128_load8_lane, Op::V128Store8Lane, lane::v128_store8_lane),
        (Op::V128Load16Lane, lane::v128_load16_lane, Op::V128Store16Lane, lane::v128_store16_lane),
        (Op::V128Load32Lane, lane::v128_load32_lane, Op::V128Store32Lane, lane::v128_store32_lane),
        (Op::V128Load64Lane, lane::v128_load64_lane, Op::V128Store64Lane, lane::v128_store64_lane),
    ]
}

#[test]
fn lanes_in_memory() {
    let replace = [Op::I8x16ReplaceLane, Op::I16x8ReplaceLane, Op::I32x4ReplaceLane, Op::I64x2ReplaceLane];
    for (i, (load_op, load, store_op, store)) in all_lanes_in_memory::<Native>().into_iter().enumerate() {
        let bytes = 1 << i;
        for lane in 0..16 / bytes {
            for (d, a) in [(FPRS[0], FPRS[1]), (FPRS[2], FPRS[2]), (FPRS[1], FPRS[0])] {
                let expect = |state: &mut State, at| {
                    let operands = [state.get(a.into()), bytes_at(state, at), lane.into()];
                    state.set(d.into(), meaning_of(replace[i], &operands).unwrap());
                };
                check_memory(load_op.text(), |m, mem| load(m, d, a, mem, lane), expect);
                let expect = |state: &mut State, at| {
                    let value = state.get(a.into()) >> (8 * lane * bytes);
                    write_at(state, at, value, bytes.into());
                };
                check_memory(store_op.text(), |m, mem| store(m, mem, a, lane), expect);
            }
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
    let [d, a, b, c]: [Fpr; 4] = std::array::from_fn(|i| fprs::<M>()[i]);
    let (x, mem) = (gprs::<M>()[0], memory_of::<M>(0));
    let reg = |ty: Ty, fpr: Fpr| if common::is_float(ty) { Reg::Fpr(fpr) } else { Reg::Gpr(x) };
    let mut golden = Golden::<M>::new("simd");
    for op in Op::ALL.iter().copied().filter(|&op| is_vector(op)) {
        let info = op.info();
        let result = || reg(info.result.unwrap(), d);
        match info.shape {
            Shape::unary => golden.add(op.text(), |m| templates::unary(m, op, result(), reg(info.params[0], a))),
            Shape::binary if is_shift(op) => {
                golden.add(op.text(), |m| templates::binary(m, op, d.into(), a.into(), Reg::from(x).into()));
                let title = format!("{} by 3", op.text());
                golden.add(&title, |m| templates::binary(m, op, d.into(), a.into(), 3.into()));
            }
            Shape::binary => {
                golden.add(op.text(), |m| templates::binary(m, op, d.into(), a.into(), Reg::from(b).into()))
            }
            Shape::ternary => golden.add(op.text(), |m| templates::ternary(m, op, d, a, b, c)),
            Shape::load => golden.add(op.text(), |m| templates::load(m, op, d.into(), mem)),
            Shape::store => golden.add(op.text(), |m| templates::store(m, op, mem, a.into())),
            Shape::extract_lane => golden.add(op.text(), |m| templates::extract_lane(m, op, result(), a, 1)),
            Shape::replace_lane => {
                golden.add(op.text(), |m| templates::replace_lane(m, op, d, a, reg(info.params[1], b), 1));
            }
            Shape::shuffle => {
                golden.add(op.text(), |m| lane::i8x16_shuffle(m, d, a, b, 0x1f00_1e01_1d02_1c03_1b04_1a05_1906_1807));
                golden.add("i8x16.shuffle, variable", |m| lane::i8x16_shuffle_variable(m, d, a, b, c));
            }
            Shape::load_lane => {
                let (_, load, ..) = *all_lanes_in_memory::<M>().iter().find(|entry| entry.0 == op).unwrap();
                golden.add(op.text(), |m| load(m, d, a, mem, 1));
            }
            Shape::store_lane => {
                let (.., store) = *all_lanes_in_memory::<M>().iter().find(|entry| entry.2 == op).unwrap();
                golden.add(op.text(), |m| store(m, mem, a, 1));
            }
            Shape::special => {}
            shape => panic!("{op:?} of {shape:?} has vectors"),
        }
    }
    golden.add("canon.f32x4", |m| simd_float::canonicalize_f32x4(m, d, a));
    golden.add("canon.f64x2", |m| simd_float::canonicalize_f64x2(m, d, a));
    golden.compare();
}

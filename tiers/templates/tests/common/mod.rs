//! Templates run on this machine: every register is loaded from a [`State`], the template runs, every register is stored back.
//!
//! What a template must not touch is thereby part of each comparison: [`check`] asserts that nothing but the destination differs.
#![allow(dead_code, unused_imports, reason = "each test program uses a part")]
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

#[path = "../../../masm/tests/common/executable.rs"]
mod executable;
mod golden;
mod values;

use std::mem::offset_of;

use terrace_abi::{Op, Shape, TrapKind, Ty, meaning};
use terrace_masm::{Fpr, Gpr, Load, LoadVector, Masm, Mem, Rhs, Roles, Simd, Store, Width};
use terrace_templates::{Reg, Right};

pub use golden::{Golden, Listed, disassemble};
#[cfg(target_arch = "aarch64")]
pub use terrace_masm::a64::A64 as Native;
#[cfg(target_arch = "x86_64")]
pub use terrace_masm::x64::X64 as Native;
pub use values::{Random, integers, tuples, values};

use executable::Executable;

/// The general registers of a state, in its order: all but [`Roles::SLOTS`], scratch and the stack pointer.
pub const GPRS: [Gpr; 11] = gprs::<Native>();

/// The vector registers of a state, in its order.
pub const FPRS: [Fpr; 6] = fprs::<Native>();

/// [`GPRS`] of any machine.
pub const fn gprs<M: Roles>() -> [Gpr; 11] {
    [
        M::ACC,
        M::TEMPS[0],
        M::LOCALS[0],
        M::TEMPS[1],
        M::INSTANCE,
        M::LOCALS[1],
        M::FRAME,
        M::HANDLERS,
        M::PC,
        M::STORE,
        M::MEMORY,
    ]
}

/// [`FPRS`] of any machine.
pub const fn fprs<M: Roles>() -> [Fpr; 6] {
    let [t0, t1, t2, t3] = M::FLOAT_TEMPS;
    [M::FLOAT_ACC, t0, M::FLOAT_LOCAL, t1, t2, t3]
}

/// The registers, and memory that operands may lie in.
#[repr(C, align(16))]
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    pub gprs: [u64; GPRS.len()],
    pub fprs: [u128; FPRS.len()],
    pub memory: [u128; 4],
}

impl State {
    /// Different garbage everywhere.
    pub fn garbage() -> State {
        let mut random = Random::new(1);
        State {
            gprs: std::array::from_fn(|_| random.next()),
            fprs: std::array::from_fn(|_| random.next_u128()),
            memory: std::array::from_fn(|_| random.next_u128()),
        }
    }

    /// A register's bits.
    pub fn get(&self, reg: Reg) -> u128 {
        match reg {
            Reg::Gpr(reg) => self.gprs[gpr_index(reg)].into(),
            Reg::Fpr(reg) => self.fprs[fpr_index(reg)],
        }
    }

    /// Changes all bits of a register.
    pub fn set(&mut self, reg: Reg, bits: u128) {
        match reg {
            Reg::Gpr(reg) => self.gprs[gpr_index(reg)] = bits as u64,
            Reg::Fpr(reg) => self.fprs[fpr_index(reg)] = bits,
        }
    }
}

fn gpr_index(reg: Gpr) -> usize {
    GPRS.iter().position(|&other| other == reg).unwrap()
}

fn fpr_index(reg: Fpr) -> usize {
    FPRS.iter().position(|&other| other == reg).unwrap()
}

/// `State::memory[index]` in code.
pub const fn memory(index: usize) -> Mem {
    memory_of::<Native>(index)
}

/// [`memory`] of any machine.
pub const fn memory_of<M: Roles>(index: usize) -> Mem {
    Mem::at(M::SLOTS, (offset_of!(State, memory) + 16 * index) as i32)
}

fn slot(offset: usize, size: usize, index: usize) -> Mem {
    Mem::at(Native::SLOTS, (offset + size * index) as i32)
}

/// Machine code that loads a state, runs what the test emits, and stores the state.
pub struct Function(Executable);

impl Function {
    pub fn new(emit: impl FnOnce(&mut Native)) -> Function {
        let mut m = Native::new();
        m.prologue(0);
        m.mov(Width::W64, Native::SLOTS, Native::ARGS[0]);
        for (i, &reg) in GPRS.iter().enumerate() {
            m.load(Load::W64, reg, slot(offset_of!(State, gprs), 8, i));
        }
        for (i, &reg) in FPRS.iter().enumerate() {
            m.load_vector(LoadVector::Whole, reg, slot(offset_of!(State, fprs), 16, i));
        }
        emit(&mut m);
        Function::leave(&mut m, 0);
        for site in m.buffer_mut().take_trap_sites() {
            m.bind(site.label);
            Function::leave(&mut m, site.kind as i64);
        }
        m.finish();
        Function(Executable::new(m.buffer().bytes()))
    }

    fn leave(m: &mut Native, status: i64) {
        for (i, &reg) in GPRS.iter().enumerate() {
            m.store(Store::W64, slot(offset_of!(State, gprs), 8, i), reg);
        }
        for (i, &reg) in FPRS.iter().enumerate() {
            m.store_vector(slot(offset_of!(State, fprs), 16, i), reg);
        }
        m.mov_imm(Width::W64, Native::RESULT, status);
        m.epilogue(0);
    }

    /// Runs; the trap that it ended in, if any.
    pub fn call(&self, state: &mut State) -> Option<TrapKind> {
        // SAFETY: the mapping holds a whole function of this signature, which saves what the C ABI asks it to save and accesses
        // nothing but the state, its constants and the stack.
        let status = unsafe {
            let function: extern "C" fn(*mut State) -> u64 = std::mem::transmute(self.0.entry());
            function(state)
        };
        (status != 0).then(|| TrapKind::from_code(status as u8).unwrap())
    }
}

/// Where an operand of a template is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Reg(Reg),
    /// [`memory`] of this index.
    Memory(usize),
    Imm(i32),
}

impl Place {
    /// The register.
    pub fn reg(self) -> Reg {
        match self {
            Place::Reg(reg) => reg,
            _ => panic!("{self:?} is no register"),
        }
    }

    /// The right-hand side of an operand of this type.
    pub fn right(self, ty: Ty) -> Right {
        match self {
            Place::Reg(reg) => reg.into(),
            Place::Memory(index) if is_float(ty) => Right::float(memory(index)),
            Place::Memory(index) => Right::int(memory(index)),
            Place::Imm(value) => Right::Int(Rhs::Imm(value)),
        }
    }

    fn write(self, state: &mut State, bits: u128) {
        match self {
            Place::Reg(reg) => state.set(reg, bits),
            Place::Memory(index) => state.memory[index] = bits,
            Place::Imm(_) => {}
        }
    }
}

/// Whether values of the type are kept in the float and vector registers.
pub fn is_float(ty: Ty) -> bool {
    matches!(ty, Ty::F32 | Ty::F64 | Ty::V128)
}

/// The bits that a value of the type has.
pub fn mask(ty: Ty) -> u128 {
    match ty {
        Ty::I32 | Ty::F32 => u32::MAX.into(),
        Ty::V128 => u128::MAX,
        _ => u64::MAX.into(),
    }
}

/// Every way in which `n` names may name the same thing: each gets a number, equal where they do.
pub fn partitions(n: usize) -> Vec<Vec<usize>> {
    (0..n).fold(vec![vec![]], |partitions: Vec<Vec<usize>>, i| {
        let extend = |known: Vec<usize>| {
            let choices: Vec<usize> = (0..i).filter(|&j| known[j] == j).chain([i]).collect();
            choices.into_iter().map(move |choice| [&known[..], &[choice]].concat())
        };
        partitions.into_iter().flat_map(extend).collect()
    })
}

/// The rows of a shape that a test program is responsible for.
pub fn rows(shape: Shape, wanted: impl Fn(Op) -> bool) -> Vec<Op> {
    let rows: Vec<Op> = Op::ALL.iter().copied().filter(|&op| op.info().shape == shape && wanted(op)).collect();
    assert!(!rows.is_empty(), "{shape:?}");
    rows
}

/// The types of a row's operands and of its result.
pub fn types(op: Op) -> Vec<Ty> {
    let info = op.info();
    info.params.iter().copied().chain(info.result).collect()
}

/// Whether a row has a vector among its operands and result.
pub fn is_vector(op: Op) -> bool {
    types(op).contains(&Ty::V128)
}

/// Whether a row has integers only.
pub fn is_integer(op: Op) -> bool {
    types(op).iter().all(|&ty| !is_float(ty))
}

/// Whether a row has scalar floats as operands.
pub fn takes_floats(op: Op) -> bool {
    !is_vector(op) && op.info().params.iter().all(|&ty| is_float(ty))
}

/// Checks a row of the shape `unary` in all registers.
pub fn check_unary(op: Op) {
    let inputs = tuples(op.info().params);
    for registers in registers(op) {
        let [d, a] = registers[..] else { unreachable!() };
        check(op, d, &[Place::Reg(a)], |m| terrace_templates::unary(m, op, d, a), &inputs);
    }
}

/// Checks a row of the shape `binary` in all registers, and with these other places on the right.
pub fn check_binary(op: Op, others: &[Place]) {
    let right_type = op.info().params[1];
    let inputs = tuples(op.info().params);
    for registers in registers(op) {
        let [d, a, b] = registers[..] else { unreachable!() };
        for place in others.iter().copied().chain([Place::Reg(b)]) {
            let emit = |m: &mut Native| terrace_templates::binary(m, op, d, a, place.right(right_type));
            check(op, d, &[Place::Reg(a), place], emit, &inputs);
        }
    }
}

/// Every way in which the destination and the operands of a row may share registers: the destination first.
pub fn registers(op: Op) -> Vec<Vec<Reg>> {
    let info = op.info();
    let files: Vec<bool> = info.result.iter().chain(info.params).map(|&ty| is_float(ty)).collect();
    let reg = |file: bool, i: usize| if file { Reg::Fpr(FPRS[i]) } else { Reg::Gpr(GPRS[i]) };
    let named = |partition: &Vec<usize>, rotation: usize| {
        partition.iter().zip(&files).map(|(&i, &file)| reg(file, (i + rotation) % 5)).collect()
    };
    partitions(files.len())
        .iter()
        .filter(|partition| partition.iter().enumerate().all(|(i, &j)| files[i] == files[j]))
        .flat_map(|partition| [named(partition, 0), named(partition, 3)])
        .collect()
}

/// Whether a result is what the row may give where its meaning gives `expected`: a NaN of any payload, but quiet, where the
/// row leaves that open.
pub fn agree(op: Op, expected: u128, actual: u128) -> bool {
    let info = op.info();
    let lanes_of_32 = match info.result {
        Some(Ty::F32) => true,
        Some(Ty::V128) => info.text.starts_with("f32x4"),
        _ => false,
    };
    let result_mask = info.result.map_or(0, mask);
    if !info.traits.nan {
        return (expected ^ actual) & result_mask == 0;
    }
    let (width, exponent, quiet): (u32, u128, u128) = match lanes_of_32 {
        true => (32, 0x7f80_0000, 0x40_0000),
        false => (64, 0x7ff0_0000_0000_0000, 0x8_0000_0000_0000),
    };
    (0..result_mask.count_ones() / width).all(|lane| {
        let lane_of = |bits: u128| bits >> (lane * width) & (u128::MAX >> (128 - width));
        let (expected, actual) = (lane_of(expected), lane_of(actual));
        if expected & !(1 << (width - 1)) > exponent {
            actual & (exponent | quiet) == exponent | quiet
        } else {
            expected == actual
        }
    })
}

/// Runs a template on all inputs, and compares with its meaning.
///
/// `places` are those of the operands, as the meaning takes them; inputs that cannot be in their places together are left out.
pub fn check(op: Op, d: Reg, places: &[Place], emit: impl FnOnce(&mut Native), inputs: &[Vec<u128>]) {
    let function = Function::new(emit);
    let garbage = State::garbage();
    let info = op.info();
    let mut tried = 0;
    for input in inputs {
        let fits = |i: usize| match places[i] {
            Place::Imm(value) => (i64::from(value) as u128 ^ input[i]) & mask(info.params[i]) == 0,
            place => (0..i).all(|j| places[j] != place || input[j] == input[i]),
        };
        if !(0..places.len()).all(fits) {
            continue;
        }
        tried += 1;
        let mut state = garbage.clone();
        for ((place, &bits), &ty) in places.iter().zip(input).zip(info.params) {
            // Bits above the operand's width are garbage.
            place.write(&mut state, bits | (garbage.memory[0] & !mask(ty)));
        }
        let mut after = state.clone();
        let trap = function.call(&mut after);
        let context = || format!("{} {input:x?} in {places:?} to {d:?}", op.text());
        match meaning_of(op, input) {
            Ok(expected) => {
                assert_eq!(trap, None, "{}", context());
                let actual = after.get(d);
                assert!(agree(op, expected, actual), "{}: {expected:#x}, not {actual:#x}", context());
                if matches!(info.result, Some(Ty::I32)) {
                    assert_eq!(actual >> 32, 0, "{}: not zero-extended", context());
                }
            }
            Err(kind) => assert_eq!(trap, Some(kind), "{}", context()),
        }
        after.set(d, state.get(d));
        assert_eq!(after, state, "{}: something else changed", context());
    }
    assert!(tried > 0, "{}: no input fits {places:?}", op.text());
}

/// A wasm value as bits.
pub trait Value {
    fn from_bits(bits: u128) -> Self;
    fn bits(self) -> u128;
}

macro_rules! values {
    ($($ty:ident: $from:expr, $to:expr;)*) => {$(
        impl Value for $ty {
            fn from_bits(bits: u128) -> $ty {
                $from(bits)
            }

            fn bits(self) -> u128 {
                $to(self)
            }
        }
    )*};
}

values! {
    u8: |bits| bits as u8, u128::from;
    u32: |bits| bits as u32, u128::from;
    u64: |bits| bits as u64, u128::from;
    u128: |bits| bits, |value| value;
    f32: |bits| f32::from_bits(bits as u32), |value: f32| value.to_bits().into();
    f64: |bits| f64::from_bits(bits as u64), |value: f64| value.to_bits().into();
}

/// What a meaning returns.
pub trait Outcome {
    fn outcome(self) -> Result<u128, TrapKind>;
}

impl<V: Value> Outcome for V {
    fn outcome(self) -> Result<u128, TrapKind> {
        Ok(self.bits())
    }
}

impl<V: Value> Outcome for Result<V, TrapKind> {
    fn outcome(self) -> Result<u128, TrapKind> {
        self.map(Value::bits)
    }
}

/// A meaning of any number of operands.
trait Meaning<Operands> {
    fn apply(&self, operands: &[u128]) -> Result<u128, TrapKind>;
}

macro_rules! meanings {
    ($(($($operand:ident $index:literal),*))*) => {$(
        impl<$($operand: Value,)* R: Outcome, F: Fn($($operand),*) -> R> Meaning<($($operand,)*)> for F {
            fn apply(&self, operands: &[u128]) -> Result<u128, TrapKind> {
                self($($operand::from_bits(operands[$index])),*).outcome()
            }
        }
    )*};
}

meanings! { (A 0) (A 0, B 1) (A 0, B 1, C 2) }

/// The call of a meaning, for the shapes that compute one value.
macro_rules! call {
    (unary $($call:tt)*) => { $($call)* };
    (binary $($call:tt)*) => { $($call)* };
    (compare $($call:tt)*) => { $($call)* };
    (ternary $($call:tt)*) => { $($call)* };
    (extract_lane $($call:tt)*) => { $($call)* };
    (replace_lane $($call:tt)*) => { $($call)* };
    ($other:ident $($call:tt)*) => { panic!("the meaning of this shape is another function") };
}

macro_rules! define_meaning_of {
    (
        shapes { $($shape:ident { $(
            $name:ident $snake:ident $text:literal $opcode:literal $feature:ident $params:tt -> $result:tt $traits:tt;
        )* })* }
        special $special:tt
        structural $structural:tt
        refused $refused:tt
    ) => {
        /// What a row means: of its operands, and for lane rows of the lane behind them.
        pub fn meaning_of(op: Op, operands: &[u128]) -> Result<u128, TrapKind> {
            match op {
                $($(Op::$name => call!($shape Meaning::apply(&meaning::$snake, operands)),)*)*
                _ => panic!("{op:?} has no meaning of its own"),
            }
        }
    };
}

terrace_abi::for_each_op!(define_meaning_of);

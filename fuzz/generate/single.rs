//! One operator at a time: each row of the op table with operands from every source and every consumer of its result.
//!
//! All locals are results too, so that a write to a wrong slot shows.

use rand::Rng;
use rand::seq::IndexedRandom;
use terrace_abi::{Op, Shape, Ty};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, Instruction, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use super::Random;
use super::asm::{Code, Memory, Signature, is_common, signature, val_type};
use crate::value::edge_32;

/// The numeric types, in the order of the parameters.
const TYPES: [Ty; 5] = [Ty::I32, Ty::I64, Ty::F32, Ty::F64, Ty::V128];
/// Parameters of each type.
const PER_TYPE: u32 = 2;
const PARAMS: u32 = TYPES.len() as u32 * PER_TYPE;
/// The first of the locals that take results: one of each type, and one more for flags.
const RESULTS: u32 = PARAMS;
const FLAG: u32 = RESULTS + TYPES.len() as u32;
/// Operators in one module.
const CASES: u32 = 12;

fn place(ty: Ty) -> u32 {
    TYPES.iter().position(|&other| other == ty).unwrap_or(1) as u32
}

/// One of the parameters of a type.
fn param(random: &mut Random, ty: Ty) -> u32 {
    place(ty) * PER_TYPE + random.random_range(0..PER_TYPE)
}

fn result(ty: Ty) -> u32 {
    RESULTS + place(ty)
}

fn of_type(ty: Ty) -> BlockType {
    BlockType::Result(val_type(ty))
}

struct Case<'a> {
    random: &'a mut Random,
    code: Code,
    memory: Memory,
    /// The last local of each type that an operand came from.
    used: [Option<u32>; TYPES.len()],
}

impl Case<'_> {
    fn push(&mut self, instruction: Instruction<'_>) {
        self.code.push(instruction);
    }

    /// Pushes a value of the type that no local holds.
    fn computed(&mut self, ty: Ty) {
        use Instruction as I;
        let a = param(self.random, ty);
        let (i32, i64, f64) = (param(self.random, Ty::I32), param(self.random, Ty::I64), param(self.random, Ty::F64));
        let other = self.random.random_range(0..4);
        match (ty, other) {
            (Ty::I32, 0) => self.code.push(I::LocalGet(i64)).push(I::I32WrapI64),
            (Ty::I32, 1) => self.code.push(I::LocalGet(a)).constant(ty, edge_32(self.random).into()).push(I::I32Add),
            (Ty::I32, 2) => self.code.push(I::LocalGet(a)).constant(ty, 0xffff).push(I::I32And),
            (Ty::I32, _) => self.code.push(I::LocalGet(i64)).push(I::I64Eqz),
            (Ty::I64, 0) => self.code.push(I::LocalGet(i32)).push(I::I64ExtendI32S),
            (Ty::I64, 1) => self.code.push(I::LocalGet(a)).edge(self.random, ty).push(I::I64Sub),
            (Ty::I64 | Ty::Word, _) => self.code.push(I::LocalGet(a)).constant(ty, 3).push(I::I64Xor),
            (Ty::F32, 0) => self.code.push(I::LocalGet(i32)).push(I::F32ReinterpretI32),
            (Ty::F32, 1) => self.code.push(I::LocalGet(f64)).push(I::F32DemoteF64),
            (Ty::F32, _) => self.code.push(I::LocalGet(a)).push(I::F32Neg),
            (Ty::F64, 0) => self.code.push(I::LocalGet(i64)).push(I::F64ReinterpretI64),
            (Ty::F64, _) => self.code.push(I::LocalGet(a)).push(I::F64Abs),
            (Ty::V128, 0) => self.code.push(I::LocalGet(i32)).push(I::I8x16Splat),
            (Ty::V128, 1) => self.code.push(I::LocalGet(a)).push(I::LocalGet(a)).push(I::I64x2Add),
            (Ty::V128 | Ty::Ref, _) => self.code.push(I::LocalGet(a)).push(I::V128Not),
        };
    }

    /// Pushes an operand, and gives the local that it came from.
    fn operand(&mut self, ty: Ty) {
        use Instruction as I;
        let last = self.used[place(ty) as usize];
        let local = match last {
            Some(local) if self.random.random_ratio(1, 3) => local,
            _ => param(self.random, ty),
        };
        match self.random.random_range(0..12) {
            0..4 => self.push(I::LocalGet(local)),
            4 | 5 => {
                self.code.edge(self.random, ty);
            }
            6 | 7 => self.computed(ty),
            8 => {
                // The operand is what the local held before.
                self.push(I::LocalGet(local));
                self.computed(ty);
                self.push(I::LocalSet(local));
            }
            9 => {
                self.computed(ty);
                self.push(I::LocalTee(local));
            }
            10 => self.push(I::GlobalGet(place(ty))),
            _ => {
                self.push(I::Block(of_type(ty)));
                self.push(I::LocalGet(local));
                let condition = param(self.random, Ty::I32);
                self.code.push(I::LocalGet(condition)).push(I::BrIf(0));
                self.push(I::Drop);
                self.code.edge(self.random, ty);
                self.push(I::End);
            }
        }
        self.used[place(ty) as usize] = Some(local);
    }

    fn op(&mut self, op: Op, signature: &Signature) {
        if signature.memory {
            let ty = self.memory.address();
            let (a, b) = (param(self.random, ty), param(self.random, ty));
            self.code.address(self.random, self.memory, op.info().width, a, b);
        }
        for &ty in &signature.params {
            if op.info().shape == Shape::atomic_wait && ty == Ty::I64 && self.memory.shared {
                // Nobody notifies, so do not wait for long.
                self.code.constant(ty, 0);
            } else {
                self.operand(ty);
            }
        }
        self.code.op(self.random, op, Some(self.memory));
    }

    /// Takes the value on top of the stack.
    fn consume(&mut self, ty: Ty) {
        use Instruction as I;
        let local = self.used[place(ty) as usize].unwrap_or_else(|| param(self.random, ty));
        let choices = if ty == Ty::I32 { 16 } else { 8 };
        match self.random.random_range(0..choices) {
            0 => self.push(I::LocalSet(result(ty))),
            1 => self.push(I::LocalSet(local)),
            2 => {
                self.push(I::LocalTee(local));
                self.push(I::LocalSet(result(ty)));
            }
            3 => self.push(I::GlobalSet(place(ty))),
            4 => self.push(I::Drop),
            5 => {
                // As an operand of select.
                let other = param(self.random, ty);
                let condition = param(self.random, Ty::I32);
                self.code.push(I::LocalGet(other)).push(I::LocalGet(condition));
                self.push(I::TypedSelect(val_type(ty)));
                self.push(I::LocalSet(result(ty)));
            }
            6 => {
                // Stored: the value lies below the address at first.
                self.push(I::LocalSet(result(ty)));
                let address = self.memory.address();
                self.code.constant(address, self.random.random_range(0..256));
                self.push(I::LocalGet(result(ty)));
                let store = match ty {
                    Ty::I32 => Op::I32Store,
                    Ty::F32 => Op::F32Store,
                    Ty::F64 => Op::F64Store,
                    Ty::V128 => Op::V128Store,
                    _ => Op::I64Store,
                };
                self.code.op(self.random, store, Some(self.memory));
            }
            7 => {
                // Carried by a branch.
                let condition = param(self.random, Ty::I32);
                self.push(I::LocalSet(result(ty)));
                self.push(I::Block(of_type(ty)));
                self.code.push(I::LocalGet(result(ty))).push(I::LocalGet(condition)).push(I::BrIf(0));
                self.code.push(I::LocalSet(local)).push(I::LocalGet(local));
                self.push(I::End);
                self.push(I::LocalSet(result(ty)));
            }
            8..16 => self.condition(),
            _ => {}
        }
    }

    /// Takes the i32 on top of the stack as a condition, perhaps after a test.
    fn condition(&mut self) {
        use Instruction as I;
        for _ in 0..self.random.random_range(0..3) {
            match self.random.random_range(0..3) {
                0 => {
                    self.push(I::I32Eqz);
                }
                _ => {
                    const COMPARES: [I<'static>; 10] = [
                        I::I32Eq,
                        I::I32Ne,
                        I::I32LtS,
                        I::I32LtU,
                        I::I32GtS,
                        I::I32GtU,
                        I::I32LeS,
                        I::I32LeU,
                        I::I32GeS,
                        I::I32GeU,
                    ];
                    if self.random.random() {
                        self.operand(Ty::I32);
                    } else {
                        self.code.constant(Ty::I32, self.random.random_range(0..2));
                    }
                    let compare = COMPARES[self.random.random_range(0..COMPARES.len())].clone();
                    self.push(compare);
                }
            }
        }
        // The condition may have been made far from where it is used.
        self.push(I::LocalSet(FLAG));
        match self.random.random_range(0..4) {
            0 => {}
            _ => {
                // Not: take it from the stack at once. The bytes of the `local.set` are replaced.
                let mut set = Vec::new();
                wasm_encoder::Encode::encode(&I::LocalSet(FLAG), &mut set);
                self.code.bytes.truncate(self.code.bytes.len() - set.len());
                self.use_condition();
                return;
            }
        }
        self.push(I::LocalGet(FLAG));
        self.use_condition();
    }

    fn use_condition(&mut self) {
        use Instruction as I;
        let ty = *TYPES.choose(self.random).unwrap_or(&Ty::I32);
        match self.random.random_range(0..5) {
            0 => {
                self.push(I::If(BlockType::Empty));
                self.code.edge(self.random, ty).push(I::LocalSet(result(ty)));
                if self.random.random() {
                    self.push(I::Else);
                    self.code.push(I::LocalGet(param(self.random, ty))).push(I::LocalSet(result(ty)));
                }
                self.push(I::End);
            }
            1 => {
                self.push(I::LocalSet(FLAG));
                self.push(I::Block(BlockType::Empty));
                self.push(I::LocalGet(FLAG));
                self.push(I::BrIf(0));
                self.code.edge(self.random, ty).push(I::LocalSet(result(ty)));
                self.push(I::End);
            }
            2 => {
                // Operands of the select are above the condition's operands, so it goes through a local.
                self.push(I::LocalSet(FLAG));
                self.operand(ty);
                self.operand(ty);
                self.push(I::LocalGet(FLAG));
                self.push(I::TypedSelect(val_type(ty)));
                self.push(I::LocalSet(result(ty)));
            }
            3 => {
                self.push(I::If(of_type(ty)));
                self.operand(ty);
                self.push(I::Else);
                self.operand(ty);
                self.push(I::End);
                self.push(I::LocalSet(result(ty)));
            }
            _ => {
                self.push(I::LocalSet(FLAG));
                self.push(I::Block(BlockType::Empty));
                self.push(I::Block(BlockType::Empty));
                self.push(I::LocalGet(FLAG));
                self.push(I::BrTable([0, 1].as_slice().into(), 0));
                self.push(I::End);
                self.code.edge(self.random, ty).push(I::LocalSet(result(ty)));
                self.push(I::End);
            }
        }
    }

    /// `op` between two values and a condition: a block or select that consumes it where it was computed.
    fn fused(&mut self, op: Op, signature: &Signature) {
        use Instruction as I;
        // Vectors have instructions of their own here.
        let ty = if self.random.random_ratio(1, 4) { Ty::V128 } else { *TYPES.choose(self.random).unwrap_or(&Ty::I32) };
        match self.random.random_range(0..3) {
            0 => {
                self.operand(ty);
                self.operand(ty);
                self.op(op, signature);
                self.push(I::TypedSelect(val_type(ty)));
                let to = if self.random.random() { result(ty) } else { param(self.random, ty) };
                self.push(I::LocalSet(to));
            }
            1 => {
                self.push(I::Block(of_type(ty)));
                self.operand(ty);
                self.op(op, signature);
                if self.random.random() {
                    self.push(I::I32Eqz);
                }
                self.push(I::BrIf(0));
                self.push(I::Drop);
                self.operand(ty);
                self.push(I::End);
                self.push(I::LocalSet(result(ty)));
            }
            _ => {
                self.op(op, signature);
                if self.random.random() {
                    self.push(I::I32Eqz);
                }
                self.push(I::If(BlockType::Empty));
                self.code.edge(self.random, ty).push(I::LocalSet(result(ty)));
                self.push(I::End);
            }
        }
    }

    fn run(&mut self, op: Op, signature: &Signature) {
        use Instruction as I;
        if self.random.random() {
            // Small numbers are addresses.
            let mask = if self.random.random() { 0xfff } else { 0x1_ffff };
            for a in 0..PER_TYPE {
                self.code.push(I::LocalGet(a)).constant(Ty::I32, mask).push(I::I32And).push(I::LocalSet(a));
                let b = PER_TYPE + a;
                self.code.push(I::LocalGet(b)).constant(Ty::I64, mask).push(I::I64And).push(I::LocalSet(b));
            }
        }
        if signature.results == [Ty::I32] && self.random.random_ratio(1, 3) {
            self.fused(op, signature);
        } else {
            self.op(op, signature);
            for &ty in signature.results.iter().rev() {
                self.consume(ty);
            }
        }
        for local in 0..=FLAG {
            self.push(I::LocalGet(local));
        }
    }
}

pub(super) fn generate(random: &mut Random) -> Vec<u8> {
    let feature = match random.random_range(0..10) {
        0 | 1 => "threads",
        2 => "relaxed_simd",
        _ => "",
    };
    let choices: Vec<(Op, Signature)> = Op::ALL
        .iter()
        .filter(|&&op| if feature.is_empty() { is_common(op) } else { op.info().feature == feature })
        .filter_map(|&op| Some((op, signature(op)?)))
        .collect();

    // Compares have the most forms by far.
    let compares: Vec<_> = choices.iter().filter(|(op, _)| op.info().shape == Shape::compare).cloned().collect();

    let memory64 = random.random_ratio(1, 4);
    let shared = feature == "threads" && random.random();
    let count = if random.random_ratio(1, 4) { 2 } else { 1 };
    let index = random.random_range(0..count);
    let memory = Memory { index, memory64, shared, bytes: 1 << 16 };

    let values: Vec<ValType> = TYPES.iter().flat_map(|&ty| [val_type(ty); PER_TYPE as usize]).collect();
    let locals: Vec<ValType> = TYPES.iter().map(|&ty| val_type(ty)).chain([ValType::I32]).collect();
    let mut types = TypeSection::new();
    types.ty().function(values.clone(), [values, locals.clone()].concat());
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut exports = ExportSection::new();
    for case in 0..CASES {
        let from = if random.random_ratio(1, 4) && !compares.is_empty() { &compares } else { &choices };
        let Some((op, signature)) = from.choose(random).cloned() else { unreachable!("there are operators") };
        let mut builder = Case { random: &mut *random, code: Code::default(), memory, used: [None; TYPES.len()] };
        builder.run(op, &signature);
        let mut function = Function::new(locals.iter().map(|&ty| (1, ty)));
        function.raw(builder.code.bytes);
        function.instructions().end();
        functions.function(0);
        code.function(&function);
        exports.export(&format!("{case} {}", op.text()), ExportKind::Func, case);
    }

    let mut memories = MemorySection::new();
    for index in 0..count {
        memories.memory(MemoryType { minimum: 1, maximum: Some(2), memory64, shared, page_size_log2: None });
        exports.export(&format!("memory {index}"), ExportKind::Memory, index);
    }
    let mut globals = GlobalSection::new();
    for (index, &ty) in TYPES.iter().enumerate() {
        let init = match ty {
            Ty::I32 => ConstExpr::i32_const(-2),
            Ty::I64 | Ty::Word | Ty::Ref => ConstExpr::i64_const(i64::MIN),
            Ty::F32 => ConstExpr::f32_const((-1.5f32).into()),
            Ty::F64 => ConstExpr::f64_const(2.5f64.into()),
            Ty::V128 => ConstExpr::v128_const(0x0123_4567_89ab_cdef_8091_a2b3_c4d5_e6f7),
        };
        globals.global(GlobalType { val_type: val_type(ty), mutable: true, shared: false }, &init);
        exports.export(&format!("global {index}"), ExportKind::Global, index as u32);
    }
    let mut data = DataSection::new();
    let pattern: Vec<u8> = (0..=255).collect();
    for start in [0, (1 << 16) - 256] {
        let at = if memory64 { ConstExpr::i64_const(start) } else { ConstExpr::i32_const(start as i32) };
        data.active(index, &at, pattern.iter().copied());
    }

    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&globals).section(&exports);
    module.section(&code).section(&data);
    module.finish()
}

//! Nested control with values on the operand stack: what a translator must get right about merges, branches that carry
//! values, operands that mean locals which change later, and calls.
//!
//! The generator is a stack machine: each step takes what lies on the operand stack if it has the right type, and pushes
//! what is missing. Loops and calls take from a budget, so that nearly every call ends.

use rand::Rng;
use rand::seq::IndexedRandom;
use terrace_abi::{Op, Ty};
use wasm_encoder::{
    AbstractHeapType, BlockType, Catch, CodeSection, ConstExpr, DataCountSection, DataSection, ElementSection,
    Elements, ExportKind, ExportSection, Function, FunctionSection, GlobalSection, GlobalType, HeapType,
    Instruction as I, MemorySection, MemoryType, Module, RefType, TableSection, TableType, TagKind, TagSection,
    TagType, TypeSection, ValType,
};

use super::Random;
use super::asm::{Code, Memory, Signature, is_common, signature, val_type};
use crate::value::pick;

/// A type on the operand stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number(Ty),
    Func,
    Extern,
    Exn,
}

const I32: Kind = Kind::Number(Ty::I32);
const EXN: HeapType = HeapType::Abstract { shared: false, ty: AbstractHeapType::Exn };

impl Kind {
    fn val_type(self) -> ValType {
        match self {
            Kind::Number(ty) => val_type(ty),
            Kind::Func => ValType::FUNCREF,
            Kind::Extern => ValType::EXTERNREF,
            Kind::Exn => ValType::EXNREF,
        }
    }

    fn null(self) -> I<'static> {
        match self {
            Kind::Func => I::RefNull(HeapType::FUNC),
            Kind::Exn => I::RefNull(EXN),
            _ => I::RefNull(HeapType::EXTERN),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Type {
    params: Vec<Kind>,
    results: Vec<Kind>,
}

/// What the functions of a module know of it.
struct World {
    /// Whether only what the other engine knows is used.
    common: bool,
    simd: bool,
    tail_calls: bool,
    types: Vec<Type>,
    /// The type of each inner function; each has an exported one behind it.
    funcs: Vec<usize>,
    /// Parameter kinds and type index of each tag.
    tags: Vec<(Vec<Kind>, u32)>,
    memories: Vec<Memory>,
    globals: Vec<Kind>,
    ops: Vec<(Op, Signature)>,
    compares: Vec<(Op, Signature)>,
}

/// The global that bounds loops and calls.
const BUDGET: u32 = 0;
const TABLE_SIZE: u64 = 8;
/// The passive segments; the others are active.
const PASSIVE: u32 = 1;
/// The table of functions, and one of external references.
const FUNCS: u32 = 0;
const EXTERNS: u32 = 1;

struct Frame {
    /// What a branch to it carries.
    label: Vec<Kind>,
    /// The operand stack's height when it was opened, without parameters.
    height: usize,
}

struct Body<'a> {
    random: &'a mut Random,
    world: &'a mut World,
    code: Code,
    locals: Vec<Kind>,
    stack: Vec<Kind>,
    frames: Vec<Frame>,
    results: Vec<Kind>,
    /// Steps that are left.
    steps: u32,
    /// Whether control reaches this place.
    live: bool,
}

impl World {
    fn kind(&self, random: &mut Random) -> Kind {
        match random.random_range(0..14) {
            0..5 => I32,
            5..8 => Kind::Number(Ty::I64),
            8 => Kind::Number(Ty::F32),
            9 | 10 => Kind::Number(Ty::F64),
            11 if self.simd => Kind::Number(Ty::V128),
            12 => pick(random, &[Kind::Func, Kind::Extern]),
            13 if !self.common => Kind::Exn,
            _ => I32,
        }
    }

    fn kinds(&self, random: &mut Random, most: usize) -> Vec<Kind> {
        (0..random.random_range(0..=most)).map(|_| self.kind(random)).collect()
    }

    /// The index of a function type, which is added if there is none like it.
    fn type_index(&mut self, params: &[Kind], results: &[Kind]) -> usize {
        let ty = Type { params: params.to_vec(), results: results.to_vec() };
        match self.types.iter().position(|other| *other == ty) {
            Some(index) => index,
            None => {
                self.types.push(ty);
                self.types.len() - 1
            }
        }
    }
}

impl Body<'_> {
    fn push(&mut self, instruction: I<'_>) {
        self.code.push(instruction);
    }

    fn chance(&mut self, of: u32) -> bool {
        self.random.random_ratio(1, of)
    }

    /// A local of the kind.
    fn local(&mut self, kind: Kind) -> Option<u32> {
        let all: Vec<u32> =
            (0..).zip(&self.locals).filter(|(_, other)| **other == kind).map(|(index, _)| index).collect();
        all.choose(self.random).copied()
    }

    /// Pushes a value of the kind.
    fn value(&mut self, kind: Kind) {
        self.stack.push(kind);
        if let (Some(local), true) = (self.local(kind), self.random.random_ratio(3, 5)) {
            self.push(I::LocalGet(local));
            return;
        }
        match kind {
            Kind::Number(ty) => {
                let globals: Vec<u32> =
                    (1..).zip(&self.world.globals).filter(|(_, other)| **other == kind).map(|(i, _)| i).collect();
                match globals.choose(self.random) {
                    Some(&global) if self.random.random_ratio(1, 4) => self.push(I::GlobalGet(global)),
                    _ => {
                        if ty == Ty::I32 && self.random.random() {
                            self.code.constant(ty, self.random.random_range(0..5));
                        } else {
                            self.code.edge(self.random, ty);
                        }
                    }
                }
            }
            Kind::Func if self.random.random() => {
                let func = self.random.random_range(0..self.world.funcs.len());
                self.push(I::RefFunc(func as u32));
            }
            kind => self.push(kind.null()),
        }
    }

    /// The number of values that belong to the innermost frame.
    fn available(&self) -> usize {
        self.stack.len() - self.frames.last().map_or(0, |frame| frame.height)
    }

    /// Makes the topmost values be of these kinds.
    fn ensure(&mut self, kinds: &[Kind]) {
        let most = kinds.len().min(self.available());
        let there =
            (0..=most).rev().find(|&count| self.stack[self.stack.len() - count..] == kinds[..count]).unwrap_or(0);
        for &kind in &kinds[there..] {
            self.value(kind);
        }
    }

    /// Takes the topmost values.
    fn take(&mut self, count: usize) {
        self.stack.truncate(self.stack.len() - count);
    }

    /// Leaves exactly these above the innermost frame's height.
    fn finish(&mut self, kinds: &[Kind]) {
        if !self.live {
            return;
        }
        let height = self.stack.len() - self.available();
        // Values that are not results go; they may be put into locals.
        while self.stack[height..] != kinds[..self.available().min(kinds.len())] || self.available() > kinds.len() {
            self.pop();
        }
        for &kind in &kinds[self.available()..] {
            self.value(kind);
        }
    }

    /// Takes the topmost value away.
    fn pop(&mut self) {
        let Some(kind) = self.stack.pop() else { return };
        match self.local(kind) {
            Some(local) if self.random.random() => self.push(I::LocalSet(local)),
            _ => self.push(I::Drop),
        }
    }

    fn block_type(&mut self, params: &[Kind], results: &[Kind]) -> BlockType {
        match (params, results) {
            ([], []) => BlockType::Empty,
            ([], [result]) if self.random.random() => BlockType::Result(result.val_type()),
            _ => BlockType::FunctionType(self.world.type_index(params, results) as u32),
        }
    }

    /// Returns default values if the budget is used up.
    fn spend(&mut self) {
        self.push(I::GlobalGet(BUDGET));
        self.code.constant(Ty::I32, 1);
        self.code.push(I::I32Sub).push(I::GlobalSet(BUDGET)).push(I::GlobalGet(BUDGET));
        self.code.constant(Ty::I32, 0);
        self.push(I::I32LtS);
        self.push(I::If(BlockType::Empty));
        if self.chance(4) {
            self.push(I::Unreachable);
        } else {
            for kind in self.results.clone() {
                match kind {
                    Kind::Number(ty) => {
                        self.code.constant(ty, 0);
                    }
                    kind => self.push(kind.null()),
                }
            }
            self.push(I::Return);
        }
        self.push(I::End);
    }

    /// Steps inside a block until it ends, with its results on the stack.
    fn inside(&mut self, label: &[Kind], params: usize, results: &[Kind]) {
        self.frames.push(Frame { label: label.to_vec(), height: self.stack.len() - params });
        let most = if self.frames.len() == 1 { 60 } else { 12 };
        let steps = self.random.random_range(0..most);
        self.live = true;
        for _ in 0..steps {
            if self.steps == 0 || !self.live {
                break;
            }
            self.steps -= 1;
            self.step();
        }
        if !self.live && self.chance(3) {
            self.dead();
        }
        self.finish(results);
        if let Some(frame) = self.frames.pop() {
            self.stack.truncate(frame.height);
        }
    }

    /// Code that control does not reach.
    fn dead(&mut self) {
        match self.random.random_range(0..4) {
            0 => {
                self.code.push(I::I32Add).push(I::Drop);
            }
            1 => {
                self.code.constant(Ty::I64, 7);
                self.code.push(I::Drop).push(I::Block(BlockType::Empty)).push(I::Br(0)).push(I::End);
            }
            2 => {
                self.code.push(I::Loop(BlockType::Empty)).push(I::Unreachable).push(I::End).push(I::Unreachable);
            }
            _ => {
                self.code.push(I::If(BlockType::Empty)).push(I::Nop).push(I::Else).push(I::Unreachable).push(I::End);
            }
        }
    }

    /// The parameters of a block: some of what lies on the stack.
    fn block_params(&mut self) -> Vec<Kind> {
        let count = self.random.random_range(0..=self.available().min(4));
        self.stack[self.stack.len() - count..].to_vec()
    }

    fn block(&mut self) {
        let params = self.block_params();
        let results = match self.random.random_range(0..8) {
            0..3 => vec![],
            3 => params.clone(),
            4 => self.world.kinds(self.random, 8),
            _ => self.world.kinds(self.random, 2),
        };
        match self.random.random_range(0..5) {
            0 | 1 => {
                let ty = self.block_type(&params, &results);
                self.push(I::Block(ty));
                self.inside(&results, params.len(), &results);
            }
            2 => {
                let ty = self.block_type(&params, &results);
                self.push(I::Loop(ty));
                self.spend();
                self.inside(&params, params.len(), &results);
            }
            3 => {
                self.condition_above();
                self.take(1);
                let otherwise = params != results || self.random.random();
                let ty = self.block_type(&params, &results);
                self.push(I::If(ty));
                self.inside(&results, params.len(), &results);
                if otherwise {
                    self.stack.extend(&params);
                    self.push(I::Else);
                    self.inside(&results, params.len(), &results);
                }
            }
            _ if !self.world.common => return self.try_table(&params, &results),
            _ => {
                let ty = self.block_type(&params, &results);
                self.push(I::Block(ty));
                self.inside(&results, params.len(), &results);
            }
        }
        self.push(I::End);
        self.stack.extend(results);
        self.live = true;
    }

    /// A `try_table` within a block that some of its clauses name.
    fn try_table(&mut self, params: &[Kind], results: &[Kind]) {
        let tag = self.random.random_range(0..self.world.tags.len());
        let reference: bool = self.random.random();
        let all = self.chance(3);
        let mut payload = if all { vec![] } else { self.world.tags[tag].0.clone() };
        if reference {
            payload.push(Kind::Exn);
        }
        let outer = self.block_type(params, &payload);
        self.push(I::Block(outer));
        self.frames.push(Frame { label: payload.clone(), height: self.stack.len() - params.len() });
        let tag = tag as u32;
        let mut catches = vec![match (all, reference) {
            (false, false) => Catch::One { tag, label: 0 },
            (false, true) => Catch::OneRef { tag, label: 0 },
            (true, false) => Catch::All { label: 0 },
            (true, true) => Catch::AllRef { label: 0 },
        }];
        // Clauses for frames further out whose labels fit.
        for (label, frame) in (0..).zip(self.frames.iter().rev()) {
            for (tag, (params, _)) in (0..).zip(&self.world.tags) {
                if frame.label == *params && self.random.random_ratio(1, 4) {
                    catches.insert(self.random.random_range(0..=catches.len()), Catch::One { tag, label });
                }
            }
            if frame.label.is_empty() && self.random.random_ratio(1, 16) {
                catches.insert(self.random.random_range(0..=catches.len()), Catch::All { label });
            }
            if frame.label == [Kind::Exn] && self.random.random_ratio(1, 4) {
                catches.insert(self.random.random_range(0..=catches.len()), Catch::AllRef { label });
            }
        }
        let inner = self.block_type(params, results);
        self.push(I::TryTable(inner, catches.into()));
        self.inside(results, params.len(), results);
        self.push(I::End);
        self.stack.extend(results);
        self.live = true;
        self.finish(&payload);
        self.push(I::End);
        if let Some(frame) = self.frames.pop() {
            self.stack.truncate(frame.height);
        }
        self.stack.extend(payload);
    }

    /// Pushes an i32, often the result of a compare.
    fn condition(&mut self) {
        match self.random.random_range(0..5) {
            0 => self.value(I32),
            1 => {
                self.ensure(&[I32]);
            }
            _ => {
                let Some((op, signature)) = self.world.compares.choose(self.random).cloned() else {
                    return self.value(I32);
                };
                self.operator(op, &signature);
                if self.chance(4) {
                    self.push(I::I32Eqz);
                }
            }
        }
    }

    /// As [`Body::condition`], and takes nothing that lies on the stack.
    fn condition_above(&mut self) {
        let height = self.stack.len();
        self.frames.push(Frame { label: vec![], height });
        self.condition();
        self.frames.pop();
    }

    fn operator(&mut self, op: Op, signature: &Signature) {
        let params: Vec<Kind> = signature.params.iter().map(|&ty| Kind::Number(ty)).collect();
        if signature.memory {
            let Some(memory) = self.world.memories.choose(self.random).copied() else { return };
            let address = Kind::Number(memory.address());
            if self.chance(4) {
                self.ensure(&[&[address], params.as_slice()].concat());
            } else {
                let (Some(a), Some(b)) = (self.local(address), self.local(address)) else { return };
                self.code.address(self.random, memory, op.info().width, a, b);
                if self.chance(3) {
                    let mask = 0xfff;
                    self.code.constant(memory.address(), mask);
                    self.push(if memory.memory64 { I::I64And } else { I::I32And });
                }
                self.stack.push(address);
                for &kind in &params {
                    self.value(kind);
                }
            }
            self.take(1);
            self.code.op(self.random, op, Some(memory));
        } else {
            self.ensure(&params);
            self.code.op(self.random, op, None);
        }
        self.take(params.len());
        self.stack.extend(signature.results.iter().map(|&ty| Kind::Number(ty)));
    }

    fn frame(&mut self) -> (u32, Vec<Kind>) {
        let depth = self.random.random_range(0..self.frames.len());
        let label = self.frames[self.frames.len() - 1 - depth].label.clone();
        (depth as u32, label)
    }

    fn branch(&mut self) {
        let (depth, label) = self.frame();
        match self.random.random_range(0..10) {
            0..6 => {
                self.ensure(&label);
                self.condition_above();
                self.take(1);
                self.push(I::BrIf(depth));
            }
            6 => {
                self.ensure(&label);
                self.push(I::Br(depth));
                self.live = false;
            }
            7 | 8 => {
                let same: Vec<u32> = (0..)
                    .zip(self.frames.iter().rev())
                    .filter(|(_, frame)| frame.label == label)
                    .map(|(i, _)| i)
                    .collect();
                self.ensure(&label);
                self.value(I32);
                if self.random.random() {
                    self.code.constant(Ty::I32, 3);
                    self.push(I::I32And);
                }
                let targets: Vec<u32> = (0..self.random.random_range(0..6))
                    .map(|_| same.choose(self.random).copied().unwrap_or(depth))
                    .collect();
                self.push(I::BrTable(targets.into(), depth));
                self.live = false;
            }
            _ => {
                let results = self.results.clone();
                self.ensure(&results);
                self.push(I::Return);
                self.live = false;
            }
        }
    }

    fn call(&mut self) {
        let func = self.random.random_range(0..self.world.funcs.len());
        let index = self.world.funcs[func];
        let ty = self.world.types[index].clone();
        let tail = self.world.tail_calls && ty.results == self.results && self.random.random();
        self.ensure(&ty.params);
        let by_ref = !self.world.common && self.random.random();
        match (self.random.random_range(0..3), by_ref) {
            (0, true) => {
                self.push(I::RefFunc(func as u32));
                self.push(if tail { I::ReturnCallRef(index as u32) } else { I::CallRef(index as u32) });
            }
            (0 | 1, _) => {
                if self.chance(3) {
                    self.value(I32);
                    self.stack.pop();
                } else {
                    self.code.constant(Ty::I32, func as u128);
                }
                let (type_index, table_index) = (index as u32, FUNCS);
                self.push(match tail {
                    true => I::ReturnCallIndirect { type_index, table_index },
                    false => I::CallIndirect { type_index, table_index },
                });
            }
            _ => self.push(if tail { I::ReturnCall(func as u32) } else { I::Call(func as u32) }),
        }
        self.take(ty.params.len());
        if tail {
            self.live = false;
        } else {
            self.stack.extend(ty.results);
        }
    }

    fn throw(&mut self) {
        if self.chance(3) {
            self.ensure(&[Kind::Exn]);
            self.push(I::ThrowRef);
        } else {
            let tag = self.random.random_range(0..self.world.tags.len());
            let params = self.world.tags[tag].0.clone();
            self.ensure(&params);
            self.push(I::Throw(tag as u32));
        }
        self.live = false;
    }

    fn select(&mut self) {
        let kind = self.world.kind(self.random);
        self.ensure(&[kind, kind]);
        self.condition_above();
        match kind {
            Kind::Number(_) if self.random.random() => self.push(I::Select),
            kind => self.push(I::TypedSelect(kind.val_type())),
        }
        self.take(2);
    }

    fn assign(&mut self) {
        let available = self.available();
        let kind = match self.stack.last().copied() {
            Some(kind) if available > 0 && self.local(kind).is_some() => kind,
            _ => match self.locals.choose(self.random) {
                Some(&kind) => {
                    self.value(kind);
                    kind
                }
                None => return,
            },
        };
        let Some(local) = self.local(kind) else { return };
        if self.chance(3) {
            self.push(I::LocalTee(local));
        } else {
            self.push(I::LocalSet(local));
            self.take(1);
        }
    }

    fn reference(&mut self) {
        match self.random.random_range(0..9) {
            8 => {
                self.table_index();
                self.code
                    .constant(Ty::I32, self.random.random_range(0..3))
                    .constant(Ty::I32, self.random.random_range(0..3));
                self.push(I::TableInit { elem_index: PASSIVE, table: FUNCS });
                self.take(1);
            }
            0 => {
                let kind = pick(self.random, &[Kind::Func, Kind::Extern]);
                self.ensure(&[kind]);
                self.push(I::RefIsNull);
                self.take(1);
                self.stack.push(I32);
            }
            1 => {
                self.table_index();
                self.push(I::TableGet(EXTERNS));
                self.take(1);
                self.stack.push(Kind::Extern);
            }
            2 => {
                self.table_index();
                self.value(Kind::Extern);
                self.push(I::TableSet(EXTERNS));
                self.take(2);
            }
            3 => {
                self.ensure(&[Kind::Extern]);
                self.code.constant(Ty::I32, self.random.random_range(0..3));
                self.push(I::TableGrow(EXTERNS));
                self.take(1);
                self.stack.push(I32);
            }
            4 => {
                self.push(I::TableSize(EXTERNS));
                self.stack.push(I32);
            }
            5 => {
                self.table_index();
                self.value(Kind::Extern);
                self.value(I32);
                self.push(I::TableFill(EXTERNS));
                self.take(3);
            }
            6 if !self.world.common => {
                let (depth, label) = self.frame();
                let kind = pick(self.random, &[Kind::Func, Kind::Extern]);
                self.ensure(&[label.as_slice(), &[kind]].concat());
                self.push(I::BrOnNull(depth));
            }
            7 if !self.world.common => {
                let kind = pick(self.random, &[Kind::Func, Kind::Extern]);
                let fits = (0..).zip(self.frames.iter().rev()).find(|(_, frame)| frame.label.last() == Some(&kind));
                if let Some((depth, frame)) = fits {
                    let label = frame.label.clone();
                    self.ensure(&label);
                    self.push(I::BrOnNonNull(depth));
                    self.take(1);
                } else {
                    self.ensure(&[kind]);
                    self.push(I::RefAsNonNull);
                }
            }
            _ => {
                self.table_index();
                self.table_index();
                self.code.constant(Ty::I32, self.random.random_range(0..4));
                self.push(I::TableCopy { src_table: EXTERNS, dst_table: EXTERNS });
                self.take(2);
            }
        }
    }

    /// Pushes an index that often is in the table.
    fn table_index(&mut self) {
        if self.chance(3) {
            self.value(I32);
        } else {
            self.code.constant(Ty::I32, self.random.random_range(0..=u128::from(TABLE_SIZE)));
            self.stack.push(I32);
        }
    }

    fn memory(&mut self) {
        let Some(memory) = self.world.memories.choose(self.random).copied() else { return };
        let address = memory.address();
        let mem = memory.index;
        match self.random.random_range(0..6) {
            4 => {
                self.ensure(&[Kind::Number(address)]);
                self.code
                    .constant(Ty::I32, self.random.random_range(0..8))
                    .constant(Ty::I32, self.random.random_range(0..8));
                self.push(I::MemoryInit { mem, data_index: PASSIVE });
                self.take(1);
            }
            5 => {
                let drop = if self.chance(2) { I::DataDrop(PASSIVE) } else { I::ElemDrop(PASSIVE) };
                self.push(drop);
            }
            0 => {
                self.push(I::MemorySize(mem));
                self.stack.push(Kind::Number(address));
            }
            1 => {
                self.code.constant(address, self.random.random_range(0..3));
                self.push(I::MemoryGrow(mem));
                self.stack.push(Kind::Number(address));
            }
            2 => {
                self.ensure(&[Kind::Number(address)]);
                self.value(I32);
                self.code.constant(address, self.random.random_range(0..32));
                self.push(I::MemoryFill(mem));
                self.take(2);
            }
            _ => {
                self.ensure(&[Kind::Number(address), Kind::Number(address)]);
                self.code.constant(address, self.random.random_range(0..32));
                self.push(I::MemoryCopy { src_mem: mem, dst_mem: mem });
                self.take(2);
            }
        }
    }

    fn step(&mut self) {
        match self.random.random_range(0..40) {
            0..6 => {
                let kind = self.world.kind(self.random);
                self.value(kind);
            }
            6..12 => {
                if let Some((op, signature)) = self.world.ops.choose(self.random).cloned() {
                    self.operator(op, &signature);
                }
            }
            12..17 => self.assign(),
            17..23 if self.frames.len() < 12 => self.block(),
            23..28 => self.branch(),
            28 | 29 => self.call(),
            30 if !self.world.common => self.throw(),
            31..33 => self.select(),
            33 => self.reference(),
            34 => self.memory(),
            35 => {
                let index = self.random.random_range(0..self.world.globals.len());
                let kind = self.world.globals[index];
                self.ensure(&[kind]);
                self.push(I::GlobalSet(1 + index as u32));
                self.take(1);
            }
            36 if self.available() > 0 => self.pop(),
            37 => self.condition(),
            38 => self.push(I::Nop),
            _ => {
                // Small addresses and indices.
                if let Some(local) = self.local(I32) {
                    self.push(I::LocalGet(local));
                    self.code.constant(Ty::I32, 0xff);
                    self.code.push(I::I32And).push(I::LocalSet(local));
                }
            }
        }
    }

    fn run(&mut self) {
        self.spend();
        let results = self.results.clone();
        self.inside(&results, 0, &results);
        // Several top-level runs of steps make longer functions: the last one's values are the results.
    }
}

/// So many vectors that the locals behind them are out of reach of 16 bits.
const FAR: u32 = 33_000;

fn function(random: &mut Random, world: &mut World, ty: &Type) -> Function {
    let far = world.simd && random.random_ratio(1, 40);
    let mut locals = ty.params.clone();
    let mut groups = Vec::new();
    if far {
        groups.push((FAR, ValType::V128));
        locals.extend(vec![Kind::Number(Ty::V128); FAR as usize]);
    }
    for kind in [I32, I32, Kind::Number(Ty::I64)] {
        locals.push(kind);
        groups.push((1, kind.val_type()));
    }
    for _ in 0..random.random_range(0..6) {
        let kind = world.kind(random);
        locals.push(kind);
        groups.push((1, kind.val_type()));
    }
    let steps = if random.random_ratio(1, 16) { random.random_range(500..2000) } else { random.random_range(5..120) };
    let mut body = Body {
        random,
        world,
        code: Code::default(),
        locals,
        stack: vec![],
        frames: vec![],
        results: ty.results.clone(),
        steps,
        live: true,
    };
    body.run();
    let mut function = Function::new(groups);
    function.raw(body.code.bytes);
    function.instructions().end();
    function
}

fn signature_types(random: &mut Random, world: &World) -> Type {
    let (params, results) = match random.random_range(0..20) {
        0 => (40, 40),
        1 => (120, 3),
        2 => (3, 120),
        3..6 => (10, 10),
        _ => (4, 3),
    };
    Type { params: world.kinds(random, params), results: world.kinds(random, results) }
}

pub(super) fn generate(random: &mut Random) -> Vec<u8> {
    let common = random.random();
    let simd = random.random();
    let mut world = World {
        common,
        simd,
        tail_calls: random.random(),
        types: vec![],
        funcs: vec![],
        tags: vec![],
        memories: vec![],
        globals: vec![],
        ops: vec![],
        compares: vec![],
    };
    let has_vector =
        |signature: &Signature| signature.params.iter().chain(&signature.results).any(|&ty| ty == Ty::V128);
    world.ops = Op::ALL
        .iter()
        .filter(|&&op| is_common(op))
        .filter_map(|&op| Some((op, signature(op)?)))
        .filter(|(_, signature)| simd || !has_vector(signature))
        // Vectors have so many operators that the others would drown.
        .filter(|(_, signature)| !has_vector(signature) || random.random_ratio(1, 4))
        .collect();
    world.compares = world
        .ops
        .iter()
        .filter(|(op, signature)| op.info().params.len() == 2 && signature.results == [Ty::I32] && !signature.memory)
        .cloned()
        .collect();
    let memory64 = random.random_ratio(1, 5);
    for index in 0..if random.random_ratio(1, 4) { 2 } else { 1 } {
        world.memories.push(Memory { index, memory64: memory64 && index == 0, shared: false, bytes: 1 << 16 });
    }
    for ty in [Ty::I32, Ty::I64, Ty::F32, Ty::F64] {
        world.globals.push(Kind::Number(ty));
    }
    world.globals.push(Kind::Extern);
    if simd {
        world.globals.push(Kind::Number(Ty::V128));
    }
    if !common {
        world.globals.push(Kind::Exn);
        for _ in 0..3 {
            let params = world.kinds(random, 3);
            let ty = world.type_index(&params, &[]) as u32;
            world.tags.push((params, ty));
        }
    }
    for _ in 0..random.random_range(1..6) {
        let ty = signature_types(random, &world);
        let index = world.type_index(&ty.params, &ty.results);
        world.funcs.push(index);
    }

    let inner = world.funcs.len() as u32;
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut exports = ExportSection::new();
    for index in 0..world.funcs.len() {
        let ty = world.types[world.funcs[index]].clone();
        functions.function(world.funcs[index] as u32);
        code.function(&function(random, &mut world, &ty));
    }
    for func in 0..inner {
        let index = world.funcs[func as usize];
        functions.function(index as u32);
        exports.export(&format!("f{func}"), ExportKind::Func, inner + func);
        let mut body = Function::new([]);
        body.instructions().i32_const(30).global_set(BUDGET);
        for param in 0..world.types[index].params.len() as u32 {
            body.instructions().local_get(param);
        }
        if world.tail_calls && random.random() {
            body.instructions().return_call(func).end();
        } else {
            body.instructions().call(func).end();
        }
        code.function(&body);
    }

    let mut types = TypeSection::new();
    for ty in &world.types {
        let val_types = |kinds: &[Kind]| kinds.iter().map(|kind| kind.val_type()).collect::<Vec<_>>();
        types.ty().function(val_types(&ty.params), val_types(&ty.results));
    }
    let mut tables = TableSection::new();
    for (index, element_type, maximum) in
        [(FUNCS, RefType::FUNCREF, TABLE_SIZE), (EXTERNS, RefType::EXTERNREF, 2 * TABLE_SIZE)]
    {
        let minimum = TABLE_SIZE;
        tables.table(TableType { element_type, minimum, maximum: Some(maximum), table64: false, shared: false });
        exports.export(&format!("table {index}"), ExportKind::Table, index);
    }
    let mut memories = MemorySection::new();
    for memory in &world.memories {
        let memory64 = memory.memory64;
        memories.memory(MemoryType { minimum: 1, maximum: Some(3), memory64, shared: false, page_size_log2: None });
        exports.export(&format!("memory {}", memory.index), ExportKind::Memory, memory.index);
    }
    let mut tags = TagSection::new();
    for &(_, func_type_idx) in &world.tags {
        tags.tag(TagType { kind: TagKind::Exception, func_type_idx });
    }
    let mut globals = GlobalSection::new();
    globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(0));
    exports.export("budget", ExportKind::Global, BUDGET);
    for (index, kind) in (1..).zip(&world.globals) {
        let init = match kind {
            Kind::Number(Ty::I32) => ConstExpr::i32_const(5),
            Kind::Number(Ty::F32) => ConstExpr::f32_const(1.25f32.into()),
            Kind::Number(Ty::F64) => ConstExpr::f64_const((-0.0f64).into()),
            Kind::Number(Ty::V128) => ConstExpr::v128_const(0x1234_5678_9abc),
            Kind::Number(_) => ConstExpr::i64_const(1 << 40),
            Kind::Exn => ConstExpr::ref_null(EXN),
            _ => ConstExpr::ref_null(HeapType::EXTERN),
        };
        globals.global(GlobalType { val_type: kind.val_type(), mutable: true, shared: false }, &init);
        // The host does not look at exceptions.
        if *kind != Kind::Exn {
            exports.export(&format!("global {index}"), ExportKind::Global, index);
        }
    }
    let mut elements = ElementSection::new();
    let all: Vec<u32> = (0..inner).collect();
    elements.active(Some(FUNCS), &ConstExpr::i32_const(0), Elements::Functions(all.as_slice().into()));
    elements.passive(Elements::Functions(all.as_slice().into()));
    let mut data = DataSection::new();
    let at = if memory64 { ConstExpr::i64_const(8) } else { ConstExpr::i32_const(8) };
    data.active(0, &at, (0..=255).rev());
    data.passive([1, 2, 3, 4, 5, 6, 7, 8]);

    let mut module = Module::new();
    module.section(&types).section(&functions).section(&tables).section(&memories);
    if !world.tags.is_empty() {
        module.section(&tags);
    }
    module.section(&globals).section(&exports).section(&elements);
    module.section(&DataCountSection { count: data.len() }).section(&code).section(&data);
    module.finish()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use wasmparser::{Validator, WasmFeatures};

    use super::*;

    #[test]
    fn modules_are_valid() {
        for seed in 0..300 {
            let wasm = generate(&mut Random::seed_from_u64(seed));
            if let Err(error) = Validator::new_with_features(WasmFeatures::all()).validate_all(&wasm) {
                panic!("seed {seed}: {error}");
            }
        }
    }
}

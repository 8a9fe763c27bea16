//! Nested loops and calls that cross instances: what an interpreter keeps in registers must be right again wherever
//! control comes back to, be it a back edge, a return, an exception's handler, or a tail call's caller.
//!
//! A module may have another one in a custom section, whose functions, table, tag and budget it imports; its own functions
//! go into that table, so that calls lead both ways. All functions have one type, so that any call can be a tail call.

use std::borrow::Cow;

use rand::Rng;
use terrace_abi::{Op, Shape, Ty};
use wasm_encoder::{
    BlockType, Catch, CodeSection, ConstExpr, CustomSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction as I, MemArg,
    MemArgTarget, MemorySection, MemoryType, Module, RefType, TableSection, TableType, TagKind, TagSection, TagType,
    TypeSection, ValType,
};

use super::Random;
use super::asm::{Code, Signature, signature, val_type};
use crate::engine::{CALL_BACK, HOST, LINKED};
use crate::value::pick;

/// Parameters and results of every function but [`ODD`]'s; the first local of each type is a parameter.
const PARAMS: [Ty; 6] = [Ty::I32, Ty::I64, Ty::F32, Ty::F64, Ty::V128, Ty::I32];

/// Types by index.
const COMMON: u32 = 0;
const TAG: u32 = 1;
const ODD: u32 = 2;
/// What a block that catches ends with: the tag's parameters.
const CAUGHT: u32 = 3;

/// The budget of calls, a table of functions, and the tag have index 0 in every module.
const BUDGET: u32 = 0;
const TABLE_SIZE: u64 = 8;
const PAYLOAD: [Ty; 2] = [Ty::I32, Ty::F64];

struct World {
    ops: Vec<(Op, Signature)>,
    compares: Vec<(Op, Signature)>,
    /// Functions of the common type, imported ones included.
    funcs: u32,
}

struct Body<'a> {
    random: &'a mut Random,
    world: &'a World,
    code: Code,
    /// Types of the locals that statements use.
    locals: Vec<(u32, Ty)>,
    /// The locals that they use most.
    hot: Vec<(u32, Ty)>,
    /// Loops' counters are behind those.
    counters: u32,
    used_counters: u32,
    /// For each open block, the counter if it is a loop.
    blocks: Vec<Option<u32>>,
    loops: u32,
    statements: u32,
}

impl Body<'_> {
    fn push(&mut self, instruction: I<'_>) -> &mut Code {
        self.code.push(instruction)
    }

    fn one_in(&mut self, of: u32) -> bool {
        self.random.random_ratio(1, of)
    }

    fn local(&mut self, ty: Ty) -> u32 {
        let from = if self.random.random_ratio(2, 3) { &self.hot } else { &self.locals };
        let fits: Vec<u32> = from.iter().filter(|local| local.1 == ty).map(|local| local.0).collect();
        match fits.is_empty() {
            true => PARAMS.iter().position(|&param| param == ty).unwrap_or(0) as u32,
            false => pick(self.random, &fits),
        }
    }

    fn leaf(&mut self, ty: Ty) {
        if self.random.random_ratio(3, 4) {
            let local = self.local(ty);
            self.push(I::LocalGet(local));
        } else if ty == Ty::I32 && self.random.random() {
            let small = self.random.random_range(0..9);
            self.code.constant(ty, small);
        } else {
            self.code.edge(self.random, ty);
        }
    }

    /// An expression that leans to the left: each result is the next operator's operand.
    fn expression(&mut self, ty: Ty, depth: u32) {
        if depth == 0 {
            return self.leaf(ty);
        }
        if ty == Ty::I32 && self.one_in(5) {
            self.address();
            let memarg = self.memarg();
            self.push(I::I32Load(memarg));
            return;
        }
        let fits: Vec<_> = self.world.ops.iter().filter(|(_, signature)| signature.results == [ty]).collect();
        let Some(&(op, ref signature)) = (!fits.is_empty()).then(|| pick(self.random, &fits)) else {
            return self.leaf(ty);
        };
        let deep = if self.one_in(4) { signature.params.len() - 1 } else { 0 };
        for (place, &param) in signature.params.iter().enumerate() {
            self.expression(param, if place == deep { depth - 1 } else { 0 });
        }
        self.code.op(self.random, op, None);
    }

    fn address(&mut self) {
        self.leaf(Ty::I32);
        let mask = if self.one_in(50) { 0x3_ffff } else { 0x7fff };
        self.code.constant(Ty::I32, mask).push(I::I32And);
    }

    fn memarg(&mut self) -> MemArg {
        let offset = self.random.random_range(0..64);
        MemArg { offset, align: 0, target: MemArgTarget::Memory(0), ordering: None }
    }

    fn condition(&mut self) {
        match self.random.random_range(0..4) {
            0 => self.leaf(Ty::I32),
            1 => self.expression(Ty::I32, 2),
            _ => {
                let (op, signature) = &self.world.compares[self.random.random_range(0..self.world.compares.len())];
                for &param in &signature.params {
                    self.leaf(param);
                }
                self.code.op(self.random, *op, None);
            }
        }
        if self.one_in(4) {
            self.push(I::I32Eqz);
        }
    }

    fn assign(&mut self) {
        let ty = self.ty();
        let depth = self.random.random_range(0..5);
        self.expression(ty, depth);
        let local = self.local(ty);
        if self.one_in(4) {
            let other = self.local(ty);
            self.push(I::LocalTee(local)).push(I::LocalSet(other));
        } else {
            self.push(I::LocalSet(local));
        }
    }

    fn ty(&mut self) -> Ty {
        pick(self.random, &[Ty::I32, Ty::I32, Ty::I32, Ty::I64, Ty::I64, Ty::F32, Ty::F64, Ty::F64, Ty::V128])
    }

    fn store(&mut self) {
        let ty = self.ty();
        self.address();
        let depth = self.random.random_range(0..3);
        self.expression(ty, depth);
        let memarg = self.memarg();
        self.push(match ty {
            Ty::I32 => I::I32Store(memarg),
            Ty::F32 => I::F32Store(memarg),
            Ty::F64 => I::F64Store(memarg),
            Ty::V128 => I::V128Store(memarg),
            _ => I::I64Store(memarg),
        });
    }

    /// Subtracts one from a loop's counter, and asks whether something is left.
    fn count(&mut self, counter: u32) {
        self.push(I::LocalGet(counter)).constant(Ty::I32, 1).push(I::I32Sub).push(I::LocalTee(counter));
        match self.random.random_range(0..4) {
            0 => {}
            1 => {
                self.code.constant(Ty::I32, 0).push(I::I32GtS);
            }
            2 => {
                self.code.push(I::I64ExtendI32S).constant(Ty::I64, 1).push(I::I64GeS);
            }
            _ => {
                self.code.push(I::F64ConvertI32S).constant(Ty::F64, 0).push(I::F64Gt);
            }
        }
    }

    /// A branch back to some loop around.
    fn back_edge(&mut self) {
        let open = self.blocks.iter().rev().enumerate();
        let targets: Vec<(u32, u32)> = open.filter_map(|(depth, block)| Some((depth as u32, (*block)?))).collect();
        if targets.is_empty() {
            return;
        }
        let (depth, counter) = pick(self.random, &targets);
        match self.random.random_range(0..4) {
            0 | 1 => {
                self.count(counter);
                self.push(I::BrIf(depth));
            }
            2 => {
                self.count(counter);
                self.push(I::If(BlockType::Empty)).push(I::Br(depth + 1)).push(I::End);
            }
            _ => {
                self.push(I::Block(BlockType::Empty));
                self.count(counter);
                let far = if self.one_in(8) { 3000 } else { 2 };
                let targets: Vec<u32> = (0..far).map(|i| if i == 0 { 0 } else { depth + 1 }).collect();
                self.push(I::BrTable(Cow::Owned(targets), depth + 1)).push(I::End);
            }
        }
    }

    fn looped(&mut self) {
        let counter = self.counters + self.used_counters;
        self.used_counters += 1;
        let times = self.random.random_range(1..5);
        self.code.constant(Ty::I32, times).push(I::LocalSet(counter)).push(I::Loop(BlockType::Empty));
        self.blocks.push(Some(counter));
        self.loops += 1;
        let count = self.random.random_range(1..6);
        self.statements(count);
        self.count(counter);
        self.push(I::BrIf(0)).push(I::End);
        self.loops -= 1;
        self.blocks.pop();
    }

    fn arguments(&mut self) {
        for ty in PARAMS {
            let depth = self.random.random_range(0..3);
            self.expression(ty, depth);
        }
    }

    fn take_results(&mut self) {
        for ty in PARAMS.into_iter().rev() {
            let local = self.local(ty);
            self.push(I::LocalSet(local));
        }
    }

    fn call(&mut self) {
        let func = self.random.random_range(0..self.world.funcs);
        self.arguments();
        match self.random.random_range(0..4) {
            0 | 1 => {
                self.push(I::Call(func));
            }
            2 => {
                self.table_index();
                self.push(I::CallIndirect { type_index: COMMON, table_index: 0 });
            }
            _ => {
                self.push(I::RefFunc(func)).push(I::CallRef(COMMON));
            }
        }
        self.take_results();
    }

    fn table_index(&mut self) {
        if self.one_in(4) {
            let local = self.local(Ty::I32);
            let mask = if self.one_in(3) { 15 } else { 7 };
            self.push(I::LocalGet(local)).constant(Ty::I32, mask).push(I::I32And);
        } else {
            let index = self.random.random_range(0..TABLE_SIZE);
            self.code.constant(Ty::I32, index.into());
        }
    }

    /// Leaves the function if a condition holds.
    fn leave(&mut self) {
        self.condition();
        self.push(I::If(BlockType::Empty));
        let func = self.random.random_range(0..self.world.funcs);
        match self.random.random_range(0..8) {
            0 | 1 => {
                self.leaf(Ty::I32);
                self.leaf(Ty::F64);
                self.push(I::Throw(0));
            }
            2 => {
                PARAMS.into_iter().for_each(|ty| self.leaf(ty));
                self.push(I::Return);
            }
            3 if self.one_in(8) => {
                self.push(I::Unreachable);
            }
            3 | 4 => {
                self.arguments();
                self.push(I::ReturnCall(func));
            }
            5 => {
                self.arguments();
                self.push(I::RefFunc(func)).push(I::ReturnCallRef(COMMON));
            }
            _ => {
                self.arguments();
                self.table_index();
                self.push(I::ReturnCallIndirect { type_index: COMMON, table_index: 0 });
            }
        }
        self.push(I::End);
    }

    /// Statements whose exceptions are caught, with the payload in locals then.
    fn catching(&mut self) {
        self.push(I::Block(BlockType::Empty));
        let all = self.one_in(3);
        let (ty, clause) = match all {
            true => (BlockType::Empty, Catch::All { label: 0 }),
            false => (BlockType::FunctionType(CAUGHT), Catch::One { tag: 0, label: 0 }),
        };
        self.push(I::Block(ty)).push(I::TryTable(BlockType::Empty, [clause].as_slice().into()));
        self.blocks.extend([None; 3]);
        let count = self.random.random_range(1..4);
        self.statements(count);
        self.call();
        self.blocks.truncate(self.blocks.len() - 3);
        self.push(I::End).push(I::Br(1)).push(I::End);
        if !all {
            for ty in PAYLOAD.into_iter().rev() {
                let local = self.local(ty);
                self.push(I::LocalSet(local));
            }
        }
        self.push(I::End);
    }

    fn switch(&mut self) {
        let ways = self.random.random_range(2..5u32);
        for _ in 0..=ways {
            self.push(I::Block(BlockType::Empty));
        }
        self.leaf(Ty::I32);
        if self.random.random() {
            self.code.constant(Ty::I32, 7).push(I::I32And);
        }
        let size = if self.one_in(10) { 5000 } else { ways };
        let targets: Vec<u32> = (0..size).map(|i| i % ways).collect();
        let last = self.random.random_range(0..ways);
        self.push(I::BrTable(Cow::Owned(targets), last)).push(I::End);
        for way in 0..ways {
            self.blocks.extend(std::iter::repeat_n(None, (ways - way) as usize));
            self.assign();
            self.blocks.truncate(self.blocks.len() - (ways - way) as usize);
            if self.random.random() {
                self.push(I::Br(ways - 1 - way));
            }
            self.push(I::End);
        }
    }

    fn statement(&mut self) {
        match self.random.random_range(0..32) {
            0..12 => self.assign(),
            12 | 13 => self.store(),
            14..19 if self.loops < 6 && self.used_counters < COUNTERS => self.looped(),
            19 | 20 => self.back_edge(),
            21 | 22 => self.call(),
            23 => self.leave(),
            24 if self.blocks.len() < 24 => self.catching(),
            25 => self.switch(),
            26 => {
                let pages = self.random.random_range(0..2);
                let local = self.local(Ty::I32);
                self.code.constant(Ty::I32, pages).push(I::MemoryGrow(0)).push(I::LocalSet(local));
            }
            27 => {
                self.condition();
                self.push(I::If(BlockType::Empty));
                self.blocks.push(None);
                self.statements(2);
                if self.random.random() {
                    self.push(I::Else);
                    self.statements(1);
                }
                self.blocks.pop();
                self.push(I::End);
            }
            28 | 29 => {
                let ty = self.ty();
                self.leaf(ty);
                self.expression(ty, 1);
                self.condition();
                let local = self.local(ty);
                self.push(I::TypedSelect(val_type(ty))).push(I::LocalSet(local));
            }
            _ => {
                // A local that only counts.
                let local = self.local(Ty::I32);
                self.push(I::LocalGet(local)).constant(Ty::I32, 1).push(I::I32Add).push(I::LocalSet(local));
            }
        }
    }

    fn statements(&mut self, count: u32) {
        for _ in 0..count {
            if self.statements > 0 {
                self.statements -= 1;
                self.statement();
            }
        }
    }
}

const COUNTERS: u32 = 24;
/// So many vectors that the locals behind them are out of reach of 16 bits.
const FAR: u32 = 33_000;

fn function(random: &mut Random, world: &World) -> Function {
    let mut groups = Vec::new();
    let mut locals: Vec<(u32, Ty)> = (0..).zip(PARAMS).collect();
    let mut next = locals.len() as u32;
    if random.random_ratio(1, 40) {
        groups.push((FAR, ValType::V128));
        next += FAR;
    }
    let most = if random.random_ratio(1, 4) { 40 } else { 8 };
    for _ in 0..random.random_range(0..most) {
        let ty = pick(random, &PARAMS);
        groups.push((1, val_type(ty)));
        locals.push((next, ty));
        next += 1;
    }
    groups.push((COUNTERS, ValType::I32));
    let hot = (0..random.random_range(1..6)).map(|_| pick(random, &locals)).collect();
    let statements = random.random_range(3..60);
    let mut body = Body {
        random,
        world,
        code: Code::default(),
        locals,
        hot,
        counters: next,
        used_counters: 0,
        blocks: vec![],
        loops: 0,
        statements,
    };
    body.push(I::GlobalGet(BUDGET)).constant(Ty::I32, 1).push(I::I32Sub).push(I::GlobalSet(BUDGET));
    body.push(I::GlobalGet(BUDGET)).constant(Ty::I32, 0).push(I::I32LtS).push(I::If(BlockType::Empty));
    for param in 0..PARAMS.len() as u32 {
        body.push(I::LocalGet(param));
    }
    body.push(I::Return).push(I::End);
    while body.statements > 0 {
        body.statements(1);
    }
    if body.random.random_ratio(1, 3) {
        let func = body.random.random_range(0..body.world.funcs);
        body.arguments();
        body.push(I::ReturnCall(func));
    } else {
        PARAMS.into_iter().for_each(|ty| body.leaf(ty));
    }
    let mut function = Function::new(groups);
    function.raw(body.code.bytes);
    function.instructions().end();
    function
}

fn module(random: &mut Random, inner: Option<&[u8]>, ops: &World) -> Vec<u8> {
    let common = PARAMS.map(val_type);
    let mut types = TypeSection::new();
    types.ty().function(common, common);
    types.ty().function(PAYLOAD.map(val_type), []);
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([], PAYLOAD.map(val_type));

    let table = TableType {
        element_type: RefType::FUNCREF,
        minimum: TABLE_SIZE,
        maximum: Some(TABLE_SIZE),
        table64: false,
        shared: false,
    };
    let budget = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
    let tag = TagType { kind: TagKind::Exception, func_type_idx: TAG };

    let mut imports = ImportSection::new();
    let mut imported = 0;
    let hosts = if random.random() { 1 } else { 0 };
    for _ in 0..hosts {
        imports.import(HOST, CALL_BACK, EntityType::Function(COMMON));
        imported += 1;
    }
    if inner.is_some() {
        for name in ["f0", "f1"] {
            imports.import(LINKED, name, EntityType::Function(COMMON));
            imported += 1;
        }
        imports.import(LINKED, "table", table);
        imports.import(LINKED, "tag", EntityType::Tag(tag));
        imports.import(LINKED, "budget", budget);
    }

    let defined = random.random_range(2..5u32);
    let world = World { ops: ops.ops.clone(), compares: ops.compares.clone(), funcs: imported + defined };
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut exports = ExportSection::new();
    for index in 0..defined {
        functions.function(COMMON);
        code.function(&function(random, &world));
        exports.export(&format!("f{index}"), ExportKind::Func, imported + index);
    }
    // Starts with a full budget.
    for index in 0..defined {
        let mut body = Function::new([]);
        body.instructions().i32_const(random.random_range(3..12)).global_set(BUDGET);
        (0..PARAMS.len() as u32).for_each(|param| _ = body.instructions().local_get(param));
        body.instructions().call(imported + index).end();
        functions.function(COMMON);
        code.function(&body);
        exports.export(&format!("start {index}"), ExportKind::Func, imported + defined + index);
    }
    let odd = imported + 2 * defined;
    functions.function(ODD);
    let mut body = Function::new([]);
    body.instructions().local_get(0).end();
    code.function(&body);

    let mut tables = TableSection::new();
    let mut tags = TagSection::new();
    let mut globals = GlobalSection::new();
    if inner.is_none() {
        tables.table(table);
        tags.tag(tag);
        globals.global(budget, &ConstExpr::i32_const(20));
    }
    exports.export("table", ExportKind::Table, 0);
    exports.export("tag", ExportKind::Tag, 0);
    exports.export("budget", ExportKind::Global, 0);
    exports.export("memory", ExportKind::Memory, 0);
    let mut memories = MemorySection::new();
    let maximum = Some(random.random_range(1..4));
    memories.memory(MemoryType { minimum: 1, maximum, memory64: false, shared: false, page_size_log2: None });
    let mut elements = ElementSection::new();
    // Half of the table of an inner module stays its own.
    let from = if inner.is_some() { TABLE_SIZE / 2 } else { 0 };
    let to = TABLE_SIZE - random.random_range(0..3u64);
    let mut all: Vec<u32> = (from..to).map(|_| random.random_range(0..imported + defined)).collect();
    if random.random() {
        all.push(odd);
    }
    all.truncate((TABLE_SIZE - from) as usize);
    elements.active(Some(0), &ConstExpr::i32_const(from as i32), Elements::Functions(all.into()));
    let every: Vec<u32> = (0..imported + defined).collect();
    elements.declared(Elements::Functions(every.into()));

    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&tables).section(&memories).section(&tags);
    module.section(&globals).section(&exports).section(&elements).section(&code);
    if let Some(inner) = inner {
        module.section(&CustomSection { name: LINKED.into(), data: inner.into() });
    }
    module.finish()
}

pub(super) fn generate(random: &mut Random) -> Vec<u8> {
    let simd = random.random_ratio(1, 3);
    let trapping = random.random_ratio(1, 8);
    let is_vector = |signature: &Signature| signature.params.iter().chain(&signature.results).any(|&ty| ty == Ty::V128);
    let ops: Vec<_> = Op::ALL
        .iter()
        .filter(|&&op| matches!(op.info().shape, Shape::unary | Shape::binary | Shape::compare | Shape::extract_lane))
        .filter_map(|&op| Some((op, signature(op)?)))
        .filter(|(op, signature)| {
            (simd || !is_vector(signature)) && (trapping || !op.info().traits.traps) && super::asm::is_common(*op)
        })
        .collect();
    let compares = ops.iter().filter(|(op, _)| op.info().shape == Shape::compare).cloned().collect();
    let world = World { ops, compares, funcs: 0 };
    let inner = random.random_ratio(2, 3).then(|| module(random, None, &world));
    module(random, inner.as_deref(), &world)
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

//! Functions whose shape makes the linker choose a certain handler.
//!
//! Three locals are used in loops (which do not run) so often that they are pinned; an operand in the accumulator was
//! computed just before; a result that belongs into the accumulator alone is taken by an instruction that defines its slot
//! again. Everything that was written is a result of the function.

use terrace_abi::{Form, Op, Shape, Ty};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Encode, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, Instruction as I, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use crate::classes::{Class, Jump};

/// A handler.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub op: Op,
    pub form: Form,
    pub d: Class,
    pub a: Class,
    pub b: Class,
    pub jump: Jump,
}

/// A function that asks for it.
pub struct Case {
    pub request: Request,
    body: Vec<u8>,
    locals: Vec<Ty>,
    pub results: Vec<Ty>,
}

const TYPES: [Ty; 5] = [Ty::I32, Ty::I64, Ty::F32, Ty::F64, Ty::V128];
/// Parameters of each type.
const EACH: u32 = 3;
const PARAMS: u32 = EACH * TYPES.len() as u32;
/// Locals behind the parameters: zeros, a counter, a result of each type and one more, what is pinned, what is used twice.
const ZERO32: u32 = PARAMS;
const ZERO64: u32 = PARAMS + 1;
const COUNTER: u32 = PARAMS + 2;
const RESULTS: u32 = PARAMS + 3;
const SECOND: u32 = RESULTS + TYPES.len() as u32;
const PINNED: [u32; 3] = [SECOND + 1, SECOND + 2, SECOND + 3];
const TWICE: u32 = SECOND + 4;

/// The number of values of each type.
pub const VALUES: usize = 12;

const INTS: [u64; VALUES] = [
    0,
    1,
    u64::MAX,
    7,
    0x80,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0000_0000_0000,
    31,
    0xffff_8000,
    0x0123_4567_89ab_cdef,
    64,
];
const ADDRESSES: [u64; VALUES] =
    [0, 8, 64, 131_000, 131_056, 131_064, 131_071, 131_072, 0xffff_ffff, 0xffff_fff8, 3, 65_528];
const FLOATS: [f64; VALUES] =
    [0.0, -0.0, 1.0, -1.5, 2.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 3e9, -2_147_483_649.0, 1e300, 0.1];

fn place(ty: Ty) -> u32 {
    TYPES.iter().position(|&known| known == ty).unwrap_or(1) as u32
}

fn val_type(ty: Ty) -> ValType {
    match ty {
        Ty::I32 => ValType::I32,
        Ty::F32 => ValType::F32,
        Ty::F64 => ValType::F64,
        Ty::V128 => ValType::V128,
        _ => ValType::I64,
    }
}

fn value(ty: Ty, index: usize, address: bool) -> [u64; 2] {
    let index = index % VALUES;
    let int = if address { ADDRESSES[index] } else { INTS[index] };
    match ty {
        Ty::I32 => [int & 0xffff_ffff, 0],
        Ty::F32 => [u64::from((FLOATS[index] as f32).to_bits()), 0],
        Ty::F64 => [FLOATS[index].to_bits(), 0],
        Ty::V128 => [INTS[index] ^ 0x0102_0408_1020_4080, FLOATS[index].to_bits()],
        _ => [int, 0],
    }
}

impl Case {
    /// Slots of arguments: in as many rounds as there are pairs of values, each pair.
    pub fn arguments(&self, round: usize) -> Vec<u64> {
        let address = self.request.op.info().shape.accesses_memory();
        let mut slots = Vec::new();
        for ty in TYPES {
            for which in 0..EACH as usize {
                let index = [round, round / VALUES, round / 5][which];
                let value = value(ty, index, address && which != 1);
                slots.extend(&value[..ty.slots() as usize]);
            }
        }
        slots
    }
}

/// The function would need two types of one local, or there is no wasm for it.
struct Impossible;

struct Builder {
    request: Request,
    code: Vec<u8>,
    pinned: [Option<Ty>; 3],
    twice: Option<Ty>,
}

type Built = Result<(), Impossible>;

impl Builder {
    fn push(&mut self, instruction: I<'_>) -> &mut Builder {
        instruction.encode(&mut self.code);
        self
    }

    fn constant(&mut self, ty: Ty, bits: u64) -> &mut Builder {
        match ty {
            Ty::I32 => self.push(I::I32Const(bits as i32)),
            Ty::F32 => self.push(I::F32Const(f32::from_bits(bits as u32).into())),
            Ty::F64 => self.push(I::F64Const(f64::from_bits(bits).into())),
            Ty::V128 => self.push(I::V128Const(i128::from(bits))),
            _ => self.push(I::I64Const(bits as i64)),
        }
    }

    /// The operator, with its immediates.
    fn operator(&mut self, memory: u32, offset: u64) {
        let info = self.request.op.info();
        let Some(opcode) = info.opcode else { return };
        match opcode >> 16 {
            0 => self.code.push(opcode as u8),
            prefix => {
                self.code.push(prefix as u8);
                (opcode & 0xffff).encode(&mut self.code);
            }
        }
        if info.width != 0 {
            let align = if info.feature == "threads" { info.width.trailing_zeros() } else { 0 };
            (align | memory << 6).encode(&mut self.code);
            if memory != 0 {
                memory.encode(&mut self.code);
            }
            offset.encode(&mut self.code);
        }
        match info.shape {
            Shape::extract_lane | Shape::replace_lane | Shape::load_lane | Shape::store_lane => self.code.push(1),
            Shape::shuffle => self.code.extend([0, 17, 2, 31, 4, 4, 6, 7, 16, 9, 10, 11, 30, 13, 14, 15]),
            _ => {}
        }
    }

    /// The local of a class, of that type from now on.
    fn pin(&mut self, class: Class, ty: Ty) -> Result<u32, Impossible> {
        let index = match class {
            Class::Local0 => 0,
            Class::Local1 => 1,
            _ => 2,
        };
        let fits = if index == 2 { matches!(ty, Ty::F32 | Ty::F64) } else { matches!(ty, Ty::I32 | Ty::I64) };
        if !fits || self.pinned[index].is_some_and(|other| other != ty) {
            return Err(Impossible);
        }
        self.pinned[index] = Some(ty);
        Ok(PINNED[index])
    }

    /// The same value again, computed; of NaNs, every bit.
    fn identity(&mut self, ty: Ty) {
        match ty {
            Ty::I32 => self.push(I::LocalGet(ZERO32)).push(I::I32Or),
            Ty::F32 => self.push(I::F32Neg).push(I::F32Neg),
            Ty::F64 => self.push(I::F64Neg).push(I::F64Neg),
            Ty::V128 => self.push(I::LocalGet(RESULTS + place(ty))).push(I::V128Or),
            _ => self.push(I::LocalGet(ZERO64)).push(I::I64Or),
        };
    }

    /// An operand of a class: parameter number `which` of its type.
    fn operand(&mut self, class: Class, ty: Ty, which: u32) -> Built {
        let param = EACH * place(ty) + which % EACH;
        match class {
            Class::Slot | Class::Reload => {
                self.push(I::LocalGet(param));
            }
            Class::Acc => {
                self.push(I::LocalGet(param));
                self.identity(ty);
            }
            pinned => {
                let local = self.pin(pinned, ty)?;
                self.push(I::LocalGet(local));
            }
        }
        Ok(())
    }

    /// Two operands. Both can be in one accumulator only if they are the same.
    fn operands(&mut self, a: (Class, Ty), b: (Class, Ty)) -> Built {
        if a.0 == Class::Acc && b.0 == Class::Acc && a.1 == b.1 {
            self.twice = Some(a.1);
            self.operand(a.0, a.1, 0)?;
            self.push(I::LocalSet(TWICE)).push(I::LocalGet(TWICE)).push(I::LocalGet(TWICE));
            return Ok(());
        }
        self.operand(a.0, a.1, 0)?;
        self.operand(b.0, b.1, 1)
    }

    /// Takes the result.
    fn result(&mut self, ty: Ty) -> Built {
        match self.request.d {
            Class::Slot => {
                self.push(I::LocalSet(RESULTS + place(ty)));
            }
            Class::Acc => {
                self.identity(ty);
                self.identity(ty);
                self.push(I::LocalSet(RESULTS + place(ty)));
            }
            Class::Reload => {
                let class = if matches!(ty, Ty::F32 | Ty::F64) { Class::LocalFloat } else { Class::Local0 };
                let local = self.pin(class, ty).or_else(|_| self.pin(Class::Local1, ty))?;
                self.push(I::LocalSet(local));
            }
            pinned => {
                let local = self.pin(pinned, ty)?;
                self.push(I::LocalSet(local));
            }
        }
        Ok(())
    }

    fn binary(&mut self) -> Built {
        let Request { op, form, a, b, .. } = self.request;
        let [x, y] = [op.info().params[0], op.info().params[1]];
        match form {
            Form::IMM16 => {
                self.operand(a, x, 0)?;
                self.constant(y, 5);
            }
            Form::IMM64 => {
                self.operand(a, x, 0)?;
                self.constant(y, 0x4123_4567_89ab_cdef);
            }
            Form::IMM64_LEFT => {
                self.constant(x, 0x4123_4567_89ab_cdef);
                self.operand(b, y, 1)?;
            }
            _ => self.operands((a, x), (b, y))?,
        }
        self.operator(0, 0);
        Ok(())
    }

    /// The operands of a compare that branches or selects.
    fn condition(&mut self) -> Built {
        let Request { op, form, a, b, .. } = self.request;
        let ty = op.info().params[0];
        match form {
            Form::BRANCH_IMM | Form::SELECT_IMM | Form::SELECT_V128_IMM => {
                self.operand(a, ty, 0)?;
                self.constant(ty, 7);
            }
            Form::SELECT | Form::SELECT_V128 => self.operands((Class::Slot, ty), (Class::Slot, ty))?,
            _ => self.operands((a, ty), (b, ty))?,
        }
        self.operator(0, 0);
        if form == Form::BRANCH_NOT {
            self.push(I::I32Eqz);
        }
        Ok(())
    }

    /// A loop of this height that is left after a few rounds, with `back` at its end.
    fn looped(&mut self, height: u8, back: impl FnOnce(&mut Builder) -> Built) -> Built {
        self.push(I::Block(BlockType::Empty)).push(I::Loop(BlockType::Empty));
        for _ in 0..height {
            self.push(I::Loop(BlockType::Empty));
        }
        for _ in 0..height {
            self.push(I::GlobalGet(0)).push(I::BrIf(0)).push(I::End);
        }
        self.push(I::LocalGet(COUNTER)).push(I::I32Const(1)).push(I::I32Add).push(I::LocalSet(COUNTER));
        self.push(I::LocalGet(COUNTER)).push(I::I32Const(3)).push(I::I32GtU).push(I::BrIf(1));
        back(self)?;
        self.push(I::End).push(I::End);
        Ok(())
    }

    fn branch(&mut self) -> Built {
        match self.request.jump {
            Jump::Relative => {
                self.push(I::I32Const(1)).push(I::LocalSet(RESULTS)).push(I::Block(BlockType::Empty));
                self.condition()?;
                self.push(I::BrIf(0)).push(I::I32Const(2)).push(I::LocalSet(RESULTS)).push(I::End);
                Ok(())
            }
            Jump::Loop(height) => self.looped(height, |builder| {
                builder.condition()?;
                builder.push(I::BrIf(0));
                Ok(())
            }),
        }
    }

    fn select(&mut self) -> Built {
        let ty = match (self.request.form, self.request.d) {
            (Form::SELECT_V128 | Form::SELECT_V128_IMM, _) => Ty::V128,
            (_, Class::LocalFloat) => Ty::F64,
            (_, Class::Local1) => Ty::I64,
            _ => Ty::I32,
        };
        self.operand(Class::Slot, ty, 0)?;
        self.operand(Class::Slot, ty, 1)?;
        self.condition()?;
        self.push(I::TypedSelect(val_type(ty)));
        self.result(ty)
    }

    /// Pushes an address; the offset that belongs to it.
    fn address(&mut self, base: Class, index: Class) -> Result<u64, Impossible> {
        let shape = self.request.op.info().shape;
        if !matches!(shape, Shape::load | Shape::store) {
            self.operand(base, Ty::I32, 0)?;
            return Ok(0);
        }
        Ok(match self.request.form {
            Form::OFFSET => {
                self.operand(base, Ty::I32, 0)?;
                70_000
            }
            Form::INDEX => {
                self.operands((base, Ty::I32), (index, Ty::I32))?;
                if index != Class::Acc {
                    self.push(I::I32Const(2)).push(I::I32Shl);
                }
                self.push(I::I32Add);
                16
            }
            Form::ABSOLUTE => {
                self.push(I::I32Const(64));
                8
            }
            Form::ADD_IMM => {
                self.operand(base, Ty::I32, 0)?;
                self.push(I::I32Const(24)).push(I::I32Add);
                8
            }
            _ => {
                self.operand(base, Ty::I32, 0)?;
                8
            }
        })
    }

    fn build(&mut self) -> Built {
        let Request { op, form, d, a, b, .. } = self.request;
        let info = op.info();
        let memory = u32::from(info.shape.accesses_memory() && form == Form::ANY);
        let ty = |index: usize| info.params[index];
        match info.shape {
            Shape::special => return Err(Impossible),
            Shape::compare => match form {
                Form::SLOTS | Form::IMM16 | Form::IMM64 | Form::IMM64_LEFT => self.binary()?,
                Form::SELECT | Form::SELECT_IMM | Form::SELECT_V128 | Form::SELECT_V128_IMM => return self.select(),
                _ => return self.branch(),
            },
            Shape::unary | Shape::extract_lane => {
                self.operand(a, ty(0), 0)?;
                self.operator(0, 0);
            }
            Shape::binary | Shape::replace_lane | Shape::shuffle => self.binary()?,
            Shape::ternary => {
                self.operands((a, ty(0)), (b, ty(1)))?;
                self.operand(Class::Slot, ty(2), 2)?;
                self.operator(0, 0);
            }
            Shape::wide => {
                for (which, &ty) in (0..).zip(info.params) {
                    self.operand(Class::Slot, ty, which)?;
                }
                self.operator(0, 0);
                self.push(I::LocalSet(SECOND));
                return self.result(Ty::I64);
            }
            Shape::load => {
                let offset = self.address(a, b)?;
                self.operator(memory, offset);
            }
            Shape::store if form == Form::INDEX => {
                let offset = self.address(a, d)?;
                self.operand(b, ty(0), 1)?;
                self.operator(0, offset);
                return Ok(());
            }
            Shape::store => {
                let offset = if form != Form::ABSOLUTE && a == Class::Acc && b == Class::Acc && ty(0) == Ty::I32 {
                    self.operands((a, Ty::I32), (b, Ty::I32))?;
                    if form == Form::OFFSET { 70_000 } else { 8 }
                } else {
                    let offset = self.address(a, Class::Slot)?;
                    match form {
                        Form::OFFSET16_VALUE => _ = self.constant(ty(0), 99),
                        _ => self.operand(b, ty(0), 1)?,
                    }
                    offset
                };
                self.operator(memory, offset);
                return Ok(());
            }
            _ => {
                self.address(Class::Slot, Class::Slot)?;
                for (which, &ty) in (1..).zip(info.params) {
                    self.operand(Class::Slot, ty, which)?;
                }
                self.operator(memory, 0);
            }
        }
        info.result.map_or(Ok(()), |ty| self.result(ty))
    }

    /// Everything around the body, and the types of the locals.
    fn finish(self) -> Case {
        let pinned =
            [self.pinned[0].unwrap_or(Ty::I32), self.pinned[1].unwrap_or(Ty::I32), self.pinned[2].unwrap_or(Ty::F64)];
        let mut all = Builder { request: self.request, code: Vec::new(), pinned: [None; 3], twice: None };
        for (local, ty) in PINNED.into_iter().zip(pinned) {
            all.push(I::LocalGet(EACH * place(ty) + local % EACH)).push(I::LocalSet(local));
        }
        // These loops do not run, but the first local is in one more than the others.
        all.push(I::Block(BlockType::Empty)).push(I::GlobalGet(0)).push(I::I32Eqz).push(I::BrIf(0));
        for _ in 0..3 {
            all.push(I::Loop(BlockType::Empty));
        }
        let mut touch = |local: u32, ty: Ty| {
            all.push(I::LocalGet(local)).push(I::LocalGet(local));
            match ty {
                Ty::I32 => all.push(I::I32Add),
                Ty::F32 => all.push(I::F32Add),
                Ty::F64 => all.push(I::F64Add),
                _ => all.push(I::I64Add),
            };
            all.push(I::LocalSet(local));
        };
        for (local, ty, times) in [(PINNED[0], pinned[0], 2), (PINNED[1], pinned[1], 1), (PINNED[2], pinned[2], 1)] {
            (0..times).for_each(|_| touch(local, ty));
        }
        for _ in 0..3 {
            all.push(I::GlobalGet(0)).push(I::BrIf(0)).push(I::End);
        }
        all.push(I::End);
        all.code.extend(self.code);
        let mut locals = vec![Ty::I32, Ty::I64, Ty::I32];
        locals.extend(TYPES);
        locals.push(Ty::I64);
        locals.extend(pinned);
        locals.push(self.twice.unwrap_or(Ty::I32));
        let results = locals[2..].to_vec();
        for local in COUNTER..=TWICE {
            all.push(I::LocalGet(local));
        }
        Case { request: self.request, body: all.code, locals, results }
    }
}

/// The functions for these requests of an op, where there are any.
pub fn functions(op: Op, requests: &[Request]) -> Vec<Case> {
    debug_assert!(requests.iter().all(|request| request.op == op));
    let cases = requests.iter().filter_map(|&request| {
        let mut builder = Builder { request, code: Vec::new(), pinned: [None; 3], twice: None };
        builder.build().ok()?;
        Some(builder.finish())
    });
    cases.collect()
}

/// A module that exports them by their indices.
pub fn module(cases: &[Case]) -> Vec<u8> {
    let params: Vec<ValType> = TYPES.iter().flat_map(|&ty| [val_type(ty); EACH as usize]).collect();
    let (mut types, mut functions, mut exports) = (TypeSection::new(), FunctionSection::new(), ExportSection::new());
    let mut code = CodeSection::new();
    for (index, case) in (0..).zip(cases) {
        types.ty().function(params.iter().copied(), case.results.iter().map(|&ty| val_type(ty)));
        functions.function(index);
        exports.export(&index.to_string(), ExportKind::Func, index);
        let mut function = Function::new(case.locals.iter().map(|&ty| (1, val_type(ty))));
        function.raw(case.body.iter().copied());
        function.instructions().end();
        code.function(&function);
    }
    let mut memories = MemorySection::new();
    for index in 0..2 {
        memories.memory(MemoryType {
            minimum: 2,
            maximum: Some(2),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        exports.export(&format!("memory {index}"), ExportKind::Memory, index);
    }
    let mut globals = GlobalSection::new();
    globals.global(GlobalType { val_type: ValType::I32, mutable: true, shared: false }, &ConstExpr::i32_const(0));
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&globals).section(&exports).section(&code);
    module.finish()
}

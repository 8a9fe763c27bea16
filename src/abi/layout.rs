//! Where each operand of an instruction lies: one layout per (shape, form).
//!
//! Encoder, decoder, disassembler and verifier all read these tables, so that a form is described once.

use crate::op::{Form, OpInfo, Shape};
use crate::ty::Ty;
use crate::word::Word;

/// A place in an instruction: a field of the first word, or (part of) an extension word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Bits 16-31 of the first word.
    D,
    /// Bits 32-47 of the first word.
    A,
    /// Bits 48-63 of the first word.
    B,
    /// Bits 32-63 of the first word.
    W,
    /// The first extension word.
    E0,
    /// Low half of the first extension word.
    E0L,
    /// High half of the first extension word.
    E0H,
    /// First quarter of the first extension word.
    E0Q0,
    /// Second quarter of the first extension word.
    E0Q1,
    /// The second extension word.
    E1,
    /// Low half of the second extension word.
    E1L,
    /// High half of the second extension word.
    E1H,
}

impl Field {
    /// The contents of the field in an instruction's words, zero-extended.
    ///
    /// # Panics
    ///
    /// If the instruction has no such word.
    #[inline(always)]
    pub const fn of(self, words: &[Word]) -> u64 {
        let (word, shift, bits) = self.place();
        words[word].0 >> shift & u64::MAX >> (64 - bits)
    }

    /// The word, and the bits in it: the lowest one, and how many there are.
    #[inline(always)]
    const fn place(self) -> (usize, u32, u32) {
        match self {
            Field::D => (0, 16, 16),
            Field::A => (0, 32, 16),
            Field::B => (0, 48, 16),
            Field::W => (0, 32, 32),
            Field::E0 => (1, 0, 64),
            Field::E0L => (1, 0, 32),
            Field::E0H => (1, 32, 32),
            Field::E0Q0 => (1, 0, 16),
            Field::E0Q1 => (1, 16, 16),
            Field::E1 => (2, 0, 64),
            Field::E1L => (2, 0, 32),
            Field::E1H => (2, 32, 32),
        }
    }
}

/// What an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A slot that is written.
    Def,
    /// A slot that is read.
    Use,
    /// The first of `Count` 32-bit-addressed slots that are written (of one value if there is no `Count`).
    DefRange,
    /// The first of `Count` 32-bit-addressed slots that are read (of one value if there is no `Count`).
    UseRange,
    /// First slot of a call's argument and result area, a 32-bit slot number.
    Base,
    /// 16-bit immediate, sign-extended.
    Imm16,
    /// 32-bit immediate; zero-extended in `const.32`, sign-extended elsewhere.
    Imm32,
    /// 64-bit immediate.
    Imm64,
    /// Byte offset of a memory access.
    Offset,
    /// Shift count of an index.
    Shift,
    /// Branch target, in words relative to the instruction's first word.
    Target,
    /// Loop nest depth (1-based) of a back edge's loop; 0 for a forward branch.
    Loop,
    /// Id of a loop in its function.
    LoopId,
    /// A number of slots or of table entries.
    Count,
    /// An amount of fuel.
    Amount,
    /// A counted place of a function: 0 for its entry, else a loop's id + 1.
    Site,
    /// Address of the counter that a running form counts in; 0 in bytecode.
    Cell,
    /// Lane index.
    Lane,
    /// Memory index.
    Memory,
    /// Table index.
    Table,
    /// Global index.
    Global,
    /// A global that the module defines, as [`InstanceRecord::own_global`](crate::vm::InstanceRecord::own_global) gives it.
    OwnGlobal,
    /// Function index.
    Func,
    /// Type index.
    Type,
    /// Tag index.
    Tag,
    /// Data segment index.
    Data,
    /// Element segment index.
    Elem,
}

/// The type of an operand, possibly by reference to the op's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperandTy {
    /// No value.
    None,
    /// This type.
    Is(Ty),
    /// The row's parameter with this index.
    Param(u8),
    /// The row's result type.
    Result,
}

/// One operand of an instruction.
#[derive(Clone, Copy, Debug)]
pub struct Operand {
    /// What it is.
    pub kind: Kind,
    /// Where it lies.
    pub field: Field,
    /// Its type.
    pub ty: OperandTy,
}

impl Operand {
    /// The operand's value type, resolved against its row.
    pub fn ty(&self, info: &OpInfo) -> Option<Ty> {
        match self.ty {
            OperandTy::None => None,
            OperandTy::Is(ty) => Some(ty),
            OperandTy::Param(i) => info.params.get(i as usize).copied(),
            OperandTy::Result => info.result,
        }
    }
}

/// The operands of an instruction and the number of its extension words (`br_table` has its entries in addition).
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Operands, results first.
    pub operands: &'static [Operand],
    /// Extension words that follow the first word.
    pub extensions: u8,
    /// The operands that are [`Kind::Def`]: a bit each, by place in the list.
    pub defs: u8,
    /// The operands that are [`Kind::Use`].
    pub uses: u8,
    /// The operands that are [`Kind::Base`] or [`Kind::UseRange`].
    pub ranges: u8,
    /// Where the instruction's own [`Kind::Target`] is.
    pub target: Option<Field>,
}

impl Layout {
    /// The layout with these operands.
    pub const fn new(operands: &'static [Operand], extensions: u8) -> Layout {
        let mut layout = Layout { operands, extensions, defs: 0, uses: 0, ranges: 0, target: None };
        let mut i = 0;
        while i < operands.len() {
            match operands[i].kind {
                Kind::Def => layout.defs |= 1 << i,
                Kind::Use => layout.uses |= 1 << i,
                Kind::Base | Kind::UseRange => layout.ranges |= 1 << i,
                Kind::Target => layout.target = Some(operands[i].field),
                _ => {}
            }
            i += 1;
        }
        layout
    }
}

macro_rules! operands {
    ($($kind:ident $field:ident $ty:ident $($i:literal)?),* ; $ext:literal) => {
        Some(const {
            &Layout::new(
                &[$(Operand { kind: Kind::$kind, field: Field::$field, ty: operands!(@ $ty $($i)?) }),*],
                $ext,
            )
        })
    };
    (@ P $i:literal) => { OperandTy::Param($i) };
    (@ R) => { OperandTy::Result };
    (@ N) => { OperandTy::None };
    (@ $ty:ident) => { OperandTy::Is(Ty::$ty) };
}

/// The parameters of an op, as far as its layouts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Params {
    /// Integers or none, but for four of them.
    Integers,
    /// Four integers.
    FourIntegers,
    /// Others, but no vectors.
    Scalars,
    /// Vectors, too.
    Vectors,
}

impl Params {
    const ALL: [Params; 4] = [Params::Integers, Params::FourIntegers, Params::Scalars, Params::Vectors];

    /// What these parameters are.
    pub const fn of(params: &[Ty]) -> Params {
        let mut kind = if params.len() == 4 { Params::FourIntegers } else { Params::Integers };
        let mut i = 0;
        while i < params.len() {
            match params[i] {
                Ty::I32 | Ty::I64 => {}
                Ty::V128 => return Params::Vectors,
                _ => kind = Params::Scalars,
            }
            i += 1;
        }
        kind
    }

    const fn integers(self) -> bool {
        matches!(self, Params::Integers | Params::FourIntegers)
    }

    /// Immediates are scalars that fit the fields.
    const fn scalars(self) -> bool {
        !matches!(self, Params::Vectors)
    }
}

/// The layouts of an op by form.
type Layouts = [Option<&'static Layout>; 1 << Form::BITS];

/// By shape and parameters.
static LAYOUTS: [[Layouts; Params::ALL.len()]; Shape::special as usize] = {
    let mut all = [[[None; 1 << Form::BITS]; Params::ALL.len()]; Shape::special as usize];
    let mut shape = 0;
    while shape < all.len() {
        let mut params = 0;
        while params < Params::ALL.len() {
            let mut form = 0;
            while form < 1 << Form::BITS {
                all[shape][params][form] = define(Shape::ALL[shape], Params::ALL[params], Form(form as u8));
                form += 1;
            }
            params += 1;
        }
        shape += 1;
    }
    all
};

/// The layout of a shape's instructions in a form.
#[inline]
pub(crate) fn of_shape(shape: Shape, params: Params, form: Form) -> Option<&'static Layout> {
    *LAYOUTS.get(shape as usize)?[params as usize].get(usize::from(form.0))?
}

/// What [`of_shape`] finds.
const fn define(shape: Shape, params: Params, form: Form) -> Option<&'static Layout> {
    match (shape, form) {
        (Shape::unary, Form::SLOTS) => operands!(Def D R, Use A P 0; 0),
        (Shape::binary | Shape::compare, Form::SLOTS) => operands!(Def D R, Use A P 0, Use B P 1; 0),
        (Shape::binary | Shape::compare, Form::IMM16) if params.integers() => {
            operands!(Def D R, Use A P 0, Imm16 B P 1; 0)
        }
        (Shape::binary | Shape::compare, Form::IMM64) if params.scalars() => {
            operands!(Def D R, Use A P 0, Imm64 E0 P 1; 1)
        }
        (Shape::binary | Shape::compare, Form::IMM64_LEFT) if params.scalars() => {
            operands!(Def D R, Imm64 E0 P 0, Use B P 1; 1)
        }
        (Shape::compare, Form::BRANCH | Form::BRANCH_NOT) => {
            operands!(Loop D N, Use A P 0, Use B P 1, Target E0H N; 1)
        }
        (Shape::compare, Form::BRANCH_IMM | Form::BRANCH_NOT_IMM) if params.integers() => {
            operands!(Loop D N, Use A P 0, Imm32 E0L P 1, Target E0H N; 1)
        }
        (Shape::compare, Form::BRANCH_IMM | Form::BRANCH_NOT_IMM) => {
            operands!(Loop D N, Use A P 0, Imm64 E1 P 1, Target E0H N; 2)
        }
        (Shape::compare, Form::SELECT) => {
            operands!(Def D Word, Use A Word, Use B Word, Use E0Q0 P 0, Use E0Q1 P 1; 1)
        }
        (Shape::compare, Form::SELECT_IMM) if params.integers() => {
            operands!(Def D Word, Use A Word, Use B Word, Use E0Q0 P 0, Imm32 E0H P 1; 1)
        }
        (Shape::compare, Form::SELECT_V128) => {
            operands!(Def D V128, Use A V128, Use B V128, Use E0Q0 P 0, Use E0Q1 P 1; 1)
        }
        (Shape::compare, Form::SELECT_V128_IMM) if params.integers() => {
            operands!(Def D V128, Use A V128, Use B V128, Use E0Q0 P 0, Imm32 E0H P 1; 1)
        }
        (Shape::ternary, Form::SLOTS) => operands!(Def D R, Use A P 0, Use B P 1, Use E0Q0 P 2; 1),
        (Shape::extract_lane, Form::SLOTS) => operands!(Def D R, Use A P 0, Lane B N; 0),
        (Shape::replace_lane, Form::SLOTS) => operands!(Def D R, Use A P 0, Use B P 1, Lane E0L N; 1),
        (Shape::shuffle, Form::SLOTS) => operands!(Def D R, Use A P 0, Use B P 1, Imm64 E0 N, Imm64 E1 N; 2),
        (Shape::load, Form::OFFSET16) => operands!(Def D R, Use A Word, Offset B N; 0),
        (Shape::load, Form::OFFSET) => operands!(Def D R, Use A Word, Offset E0 N; 1),
        (Shape::load, Form::INDEX) => operands!(Def D R, Use A I32, Use B I32, Offset E0L N, Shift E0H N; 1),
        (Shape::load, Form::ANY) => operands!(Def D R, Use A Word, Offset E0 N, Memory E1L N; 2),
        (Shape::load, Form::ABSOLUTE) => operands!(Def D R, Offset E0 N; 1),
        (Shape::load, Form::ADD_IMM) => operands!(Def D R, Use A I32, Offset E0L N, Imm32 E0H I32; 1),
        (Shape::store, Form::OFFSET16) => operands!(Use A Word, Use B P 0, Offset D N; 0),
        (Shape::store, Form::OFFSET) => operands!(Use A Word, Use B P 0, Offset E0 N; 1),
        (Shape::store, Form::INDEX) => operands!(Use A I32, Use D I32, Use B P 0, Offset E0L N, Shift E0H N; 1),
        (Shape::store, Form::ANY) => operands!(Use A Word, Use B P 0, Offset E0 N, Memory E1L N; 2),
        (Shape::store, Form::ABSOLUTE) => operands!(Use B P 0, Offset E0 N; 1),
        (Shape::store, Form::ADD_IMM) => operands!(Use A I32, Use B P 0, Offset E0L N, Imm32 E0H I32; 1),
        (Shape::store, Form::OFFSET16_VALUE) if params.integers() => operands!(Use A Word, Imm16 B P 0, Offset D N; 0),
        (Shape::load_lane, Form::SLOTS) => {
            operands!(Def D R, Use A Word, Use B V128, Offset E0 N, Memory E1L N, Lane E1H N; 2)
        }
        (Shape::store_lane, Form::SLOTS) => {
            operands!(Use A Word, Use B V128, Offset E0 N, Memory E1L N, Lane E1H N; 2)
        }
        (Shape::atomic_load, Form::SLOTS) => operands!(Def D R, Use A Word, Offset E0 N, Memory E1L N; 2),
        (Shape::atomic_store, Form::SLOTS) => operands!(Use A Word, Use B P 0, Offset E0 N, Memory E1L N; 2),
        (Shape::atomic_rmw | Shape::atomic_notify, Form::SLOTS) => {
            operands!(Def D R, Use A Word, Use B P 0, Offset E0 N, Memory E1L N; 2)
        }
        (Shape::atomic_cmpxchg | Shape::atomic_wait, Form::SLOTS) => {
            operands!(Def D R, Use A Word, Use B P 0, Offset E0 N, Memory E1L N, UseRange E1H P 1; 2)
        }
        (Shape::wide, Form::SLOTS) if matches!(params, Params::FourIntegers) => {
            operands!(Def D V128, Use A I64, Use B I64, Use E0Q0 I64, Use E0Q1 I64; 1)
        }
        (Shape::wide, Form::SLOTS) => operands!(Def D V128, Use A I64, Use B I64; 0),
        _ => None,
    }
}

//! Operand classes: where a handler finds each operand, and which handlers there are.
//!
//! A slot's value may be at hand in a register: the accumulator of its register file holds the value that was defined last, and up to
//! three locals of a function are pinned. A handler exists for the combinations of classes that are worth having; everything else
//! reads slots, which always hold the current value (only class [`Class::Acc`] of a result leaves its slot stale, and then the one
//! reader takes the accumulator).
//!
//! The build script generates handlers by this module, and the linker of running code chooses by it, so that both agree on the
//! numbering: the handlers of an op in a form are numbered in mixed radix over the dimensions of its [`Dims`].

use terrace_abi::layout::{Field, Kind};
use terrace_abi::{Form, Op, Shape, Ty};

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Use: in its slot. Result: to its slot, and to the accumulator if [`Dims::accumulates`].
    Slot,
    /// Use: in the accumulator. Result: there only.
    Acc,
    /// In the first pinned integer local; a result goes to its slot, too.
    Local0,
    /// In the second one.
    Local1,
    /// In the pinned float local; a result goes to its slot, too.
    LocalFloat,
    /// Result: to its slot, and then all pinned locals are read again.
    Reload,
}

use Class::{Acc, Local0, Local1, LocalFloat, Reload, Slot};

/// The classes of an operand that there are handlers for, in order. None means [`Slot`] alone.
///
/// A list by value, so that tables of them need no addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    /// How many.
    pub len: u8,
    /// They, and then anything.
    pub items: [Class; 4],
}

impl Classes {
    const NONE: Classes = Classes { len: 0, items: [Slot; 4] };

    const fn of<const N: usize>(classes: [Class; N]) -> Classes {
        let mut items = [Slot; 4];
        let mut i = 0;
        while i < N {
            items[i] = classes[i];
            i += 1;
        }
        Classes { len: N as u8, items }
    }

    /// The number of classes, at least one.
    pub const fn count(&self) -> usize {
        if self.len == 0 { 1 } else { self.len as usize }
    }

    /// The classes; none if there is but the slot.
    pub fn as_slice(&self) -> &[Class] {
        &self.items[..usize::from(self.len)]
    }

    /// The classes, at least the slot.
    pub fn iter(self) -> impl Iterator<Item = Class> {
        (0..self.count()).map(move |index| self.at(index))
    }

    /// The index of a class.
    pub fn position(&self, class: Class) -> Option<usize> {
        self.as_slice().iter().position(|&known| known == class)
    }

    /// The class at an index.
    pub fn at(&self, index: usize) -> Class {
        self.as_slice().get(index).copied().unwrap_or(Slot)
    }
}

/// A register file, as operands see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum File {
    /// Integers, references, and words of any type.
    Int,
    /// Scalar floats.
    Float,
    /// Vectors, in two slots.
    Vector,
}

impl File {
    /// The file of a type.
    pub const fn of(ty: Ty) -> File {
        match ty {
            Ty::I32 | Ty::I64 | Ty::Ref | Ty::Word => File::Int,
            Ty::F32 | Ty::F64 => File::Float,
            Ty::V128 => File::Vector,
        }
    }
}

/// What a 16-bit field of the first word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A slot that is read.
    Use(File),
    /// A slot that is written.
    Def(File),
}

/// How a branch finds its target's pc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// By its displacement.
    Relative,
    /// A back edge to a loop of this height, whose pc the frame holds.
    Loop(u8),
}

/// The jumps of a branch with a dimension for them.
pub const JUMPS: [Jump; 4] = [Jump::Relative, Jump::Loop(0), Jump::Loop(1), Jump::Loop(2)];

/// What the handlers of an op in a form differ in. An empty list counts as one class: [`Slot`].
#[derive(Clone, Copy, Debug)]
pub struct Dims {
    /// Field `d`.
    pub d: Classes,
    /// Field `a`.
    pub a: Classes,
    /// Field `b`.
    pub b: Classes,
    /// The number of [`JUMPS`], or 0.
    pub jumps: u8,
    /// There are handlers that check bounds explicitly, behind the others: with a class less for each operand.
    pub explicit: bool,
    /// The accumulator that a result of class [`Slot`] is left in.
    pub accumulates: Option<File>,
    /// Both accumulators and the pinned locals are lost: other wasm code may run.
    pub clobbers: bool,
}

impl Dims {
    const NONE: Dims = Dims {
        d: Classes::NONE,
        a: Classes::NONE,
        b: Classes::NONE,
        jumps: 0,
        explicit: false,
        accumulates: None,
        clobbers: false,
    };

    /// The number of handlers, those with explicit bounds apart.
    pub const fn count(&self) -> usize {
        self.d.count() * self.a.count() * self.b.count() * self.jump_count()
    }

    /// The number of a handler among those of its op and form, from the indices of its classes and of its jump.
    pub const fn index(&self, [d, a, b]: [usize; 3], jump: usize) -> usize {
        ((d * self.a.count() + a) * self.b.count() + b) * self.jump_count() + jump
    }

    /// The number of [`JUMPS`] that there are handlers for, at least one.
    pub const fn jump_count(&self) -> usize {
        if self.jumps == 0 { 1 } else { self.jumps as usize }
    }

    /// What the handlers with explicit bounds differ in. Their numbers follow those of the others.
    pub fn with_explicit_bounds(&self) -> Dims {
        let several = self.d.as_slice().iter().any(|&class| class != Slot);
        let d = if several && self.accumulates.is_some() { RARE_DEF } else { Classes::NONE };
        Dims { d, a: Classes::NONE, b: Classes::NONE, explicit: false, ..*self }
    }
}

const INT_USE: Classes = Classes::of([Slot, Acc, Local0, Local1]);
const INT_DEF: Classes = Classes::of([Slot, Local0, Local1, Acc]);
const WORD_DEF: Classes = Classes::of([Slot, Local0, Local1, LocalFloat]);
const FLOAT_USE: Classes = Classes::of([Slot, Acc, LocalFloat]);
const FLOAT_DEF: Classes = Classes::of([Slot, LocalFloat, Acc]);
const VECTOR_USE: Classes = Classes::of([Slot, Acc]);
const SLOT_OR_ACC: Classes = Classes::of([Slot, Acc]);
const RARE_DEF: Classes = Classes::of([Slot, Reload]);

/// The classes that a use of this file may have where they are worth it.
fn uses(file: File) -> Classes {
    match file {
        File::Int => INT_USE,
        File::Float => FLOAT_USE,
        File::Vector => VECTOR_USE,
    }
}

fn defs(file: File) -> Classes {
    match file {
        File::Int => INT_DEF,
        File::Float => FLOAT_DEF,
        File::Vector => Classes::of([Slot]),
    }
}

fn rare_defs(file: File) -> Classes {
    match file {
        File::Vector => Classes::NONE,
        _ => RARE_DEF,
    }
}

/// Integer arithmetic that is neither division nor 128 bits wide.
fn is_simple(op: Op) -> bool {
    !op.info().traits.traps
}

/// Binary ops that programs are full of.
fn is_common_binary(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        I32Add
            | I32Sub
            | I32Mul
            | I32And
            | I32Or
            | I32Xor
            | I32Shl
            | I32ShrS
            | I32ShrU
            | I64Add
            | I64Sub
            | I64Mul
            | I64And
            | I64Or
            | I64Xor
            | F32Add
            | F32Sub
            | F32Mul
            | F32Div
            | F64Add
            | F64Sub
            | F64Mul
            | F64Div
    )
}

/// Vector arithmetic that chains.
pub fn is_lane_arithmetic(op: Op) -> bool {
    use Op::*;
    matches!(
        op,
        I8x16Add
            | I16x8Add
            | I32x4Add
            | I64x2Add
            | I32x4Sub
            | I32x4Mul
            | F32x4Add
            | F32x4Sub
            | F32x4Mul
            | F64x2Add
            | F64x2Sub
            | F64x2Mul
            | V128And
            | V128Or
            | V128Xor
    )
}

/// Loads that programs are full of.
fn is_common_load(op: Op) -> bool {
    use Op::*;
    matches!(op, I32Load | I64Load | F32Load | F64Load | I32Load8U)
}

/// What the fields `d`, `a` and `b` of an op in a form are, if they are slots.
pub fn roles(op: Op, form: Form) -> [Option<Role>; 3] {
    let mut roles = [None; 3];
    let Some(layout) = op.layout(form) else { return roles };
    for operand in layout.operands {
        let place = match operand.field {
            Field::D => 0,
            Field::A => 1,
            Field::B => 2,
            _ => continue,
        };
        let file = operand.ty(op.info()).map(File::of);
        roles[place] = match (operand.kind, file) {
            (Kind::Use, Some(file)) => Some(Role::Use(file)),
            (Kind::Def, Some(file)) => Some(Role::Def(file)),
            _ => None,
        };
    }
    roles
}

/// What the handlers of an op in a form differ in; `None` if there is no such form.
pub fn dims(op: Op, form: Form) -> Option<Dims> {
    op.layout(form)?;
    let info = op.info();
    let [d, a, b] = roles(op, form);
    let use_of = |role: Option<Role>| match role {
        Some(Role::Use(file)) => uses(file),
        _ => Classes::NONE,
    };
    let result = match d {
        Some(Role::Def(file)) => Some(file),
        _ => None,
    };
    let def = result.map_or(Classes::NONE, defs);
    let rare = result.map_or(Classes::NONE, rare_defs);
    let dims = Dims { accumulates: result, ..Dims::NONE };
    Some(match info.shape {
        Shape::unary => Dims { d: def, a: use_of(a), ..dims },
        Shape::binary if result == Some(File::Vector) => {
            Dims { a: use_of(a), b: if is_lane_arithmetic(op) { use_of(b) } else { Classes::NONE }, ..dims }
        }
        Shape::binary => match form {
            _ if !is_simple(op) => Dims { d: rare, a: use_of(a), ..dims },
            // The translator has the constant on the right.
            Form::IMM64_LEFT if info.traits.commutative => Dims { d: rare, ..dims },
            Form::SLOTS if is_common_binary(op) => Dims { d: def, a: use_of(a), b: use_of(b), ..dims },
            Form::IMM16 => Dims { d: def, a: use_of(a), ..dims },
            Form::SLOTS => Dims { d: rare, a: use_of(a), b: use_of(b), ..dims },
            _ => Dims { d: rare, a: use_of(a), b: use_of(b), ..dims },
        },
        Shape::compare => match form {
            Form::SLOTS => Dims { d: rare, a: use_of(a), b: SLOT_OR_ACC, ..dims },
            Form::IMM64_LEFT if op.swapped().is_some() => Dims { d: rare, ..dims },
            Form::IMM16 | Form::IMM64 | Form::IMM64_LEFT => Dims { d: rare, a: use_of(a), b: use_of(b), ..dims },
            Form::BRANCH | Form::BRANCH_IMM if info.params[0] == Ty::I32 => {
                Dims { a: use_of(a), b: use_of(b), jumps: 3, ..dims }
            }
            Form::BRANCH | Form::BRANCH_IMM if info.params[0] == Ty::I64 => {
                Dims { a: use_of(a), b: if b.is_some() { SLOT_OR_ACC } else { Classes::NONE }, jumps: 2, ..dims }
            }
            // The opposite compare takes their place.
            Form::BRANCH_NOT | Form::BRANCH_NOT_IMM if op.negated().is_some() => dims,
            Form::BRANCH | Form::BRANCH_NOT => Dims { a: use_of(a), b: SLOT_OR_ACC, jumps: 2, ..dims },
            Form::BRANCH_IMM | Form::BRANCH_NOT_IMM => Dims { a: use_of(a), jumps: 2, ..dims },
            Form::SELECT | Form::SELECT_IMM => Dims { d: WORD_DEF, ..dims },
            _ => dims,
        },
        Shape::load if result == Some(File::Vector) && op != Op::V128Load => match form {
            Form::ANY => dims,
            _ => Dims { a: if a.is_some() { SLOT_OR_ACC } else { Classes::NONE }, explicit: true, ..dims },
        },
        Shape::load => {
            let common = is_common_load(op);
            match form {
                Form::OFFSET16 => Dims { d: def, a: INT_USE, explicit: true, ..dims },
                Form::INDEX if common => Dims { d: def, a: INT_USE, b: INT_USE, explicit: true, ..dims },
                Form::INDEX => Dims { d: rare, a: INT_USE, b: SLOT_OR_ACC, explicit: true, ..dims },
                Form::ADD_IMM if common => Dims { d: def, a: INT_USE, explicit: true, ..dims },
                Form::ABSOLUTE if common => Dims { d: def, explicit: true, ..dims },
                Form::OFFSET | Form::ADD_IMM => Dims { d: rare, a: INT_USE, explicit: true, ..dims },
                Form::ABSOLUTE => Dims { d: rare, explicit: true, ..dims },
                _ => Dims { d: rare, ..dims },
            }
        }
        Shape::store => match form {
            Form::OFFSET16 => Dims { a: INT_USE, b: use_of(b), explicit: true, ..dims },
            Form::INDEX => Dims { d: INT_USE, a: INT_USE, b: SLOT_OR_ACC, explicit: true, ..dims },
            Form::ADD_IMM | Form::OFFSET => Dims { a: INT_USE, b: SLOT_OR_ACC, explicit: true, ..dims },
            Form::ABSOLUTE => Dims { b: use_of(b), explicit: true, ..dims },
            Form::OFFSET16_VALUE => Dims { a: INT_USE, explicit: true, ..dims },
            _ => dims,
        },
        Shape::ternary => Dims { a: use_of(a), b: use_of(b), ..dims },
        Shape::extract_lane => Dims { d: rare, ..dims },
        Shape::shuffle => Dims { a: use_of(a), b: use_of(b), ..dims },
        Shape::replace_lane | Shape::load_lane => Dims { accumulates: None, ..dims },
        Shape::store_lane | Shape::atomic_store => dims,
        Shape::atomic_load | Shape::atomic_rmw | Shape::atomic_cmpxchg => {
            Dims { d: rare, accumulates: Some(File::Int), ..dims }
        }
        Shape::wide => Dims { accumulates: None, clobbers: true, ..dims },
        Shape::atomic_wait | Shape::atomic_notify => Dims { accumulates: None, clobbers: true, ..dims },
        Shape::special => special(op, dims),
    })
}

fn special(op: Op, dims: Dims) -> Dims {
    match op {
        Op::Jump => Dims { jumps: JUMPS.len() as u8, ..dims },
        Op::LoopHead => Dims { jumps: JUMPS.len() as u8, ..dims },
        Op::BrTable => Dims { a: INT_USE, ..dims },
        Op::ReturnOne => Dims { a: INT_USE, ..dims },
        Op::Copy => Dims { d: WORD_DEF, a: INT_USE, ..dims },
        Op::CopyV128 => Dims { a: VECTOR_USE, ..dims },
        Op::Const32 | Op::Const => Dims { d: WORD_DEF, ..dims },
        Op::GlobalGet | Op::GlobalGetOwn => Dims { d: WORD_DEF, ..dims },
        Op::GlobalSet | Op::GlobalSetOwn => Dims { d: INT_USE, ..dims },
        Op::CanonF32 | Op::CanonF64 => Dims { d: FLOAT_DEF, a: FLOAT_USE, ..dims },
        Op::CanonF32x4 | Op::CanonF64x2 => Dims { a: VECTOR_USE, ..dims },
        Op::ConstV128 | Op::GlobalGetV128 | Op::GlobalGetOwnV128 => dims,
        Op::RefAsNonNull => Dims { a: INT_USE, ..dims },
        Op::TableSize | Op::TableGet => Dims { d: RARE_DEF, ..dims },
        Op::TableSet
        | Op::GlobalSetV128
        | Op::GlobalSetOwnV128
        | Op::AtomicFence
        | Op::Fuel
        | Op::Unreachable
        | Op::Return
        | Op::ReturnConst
        | Op::ReturnV128
        | Op::ReturnRange => Dims { accumulates: None, ..dims },
        Op::CopyRange => Dims { d: RARE_DEF, accumulates: None, ..dims },
        // Calls save pinned locals, if there are any.
        Op::Call | Op::CallImport | Op::CallIndirect | Op::CallRef => {
            Dims { d: RARE_DEF, accumulates: None, clobbers: true, ..dims }
        }
        Op::ReturnCall
        | Op::ReturnCallImport
        | Op::ReturnCallIndirect
        | Op::ReturnCallRef
        | Op::Poll
        | Op::Profile
        | Op::Throw
        | Op::ThrowRef
        | Op::RefFunc
        | Op::TableGrow
        | Op::TableFill
        | Op::TableCopy
        | Op::TableInit
        | Op::ElemDrop
        | Op::MemorySize
        | Op::MemoryGrow
        | Op::MemoryFill
        | Op::MemoryCopy
        | Op::MemoryInit
        | Op::DataDrop => Dims { accumulates: None, clobbers: true, ..dims },
        _ => unreachable!("{op:?} is no special op"),
    }
}

/// The forms that there are, of every op, in the order of their numbers.
pub fn numbers() -> impl Iterator<Item = (Op, Form, Dims)> {
    let forms =
        |op: &'static Op| (0..1 << Form::BITS).filter_map(|form| Some((*op, Form(form), dims(*op, Form(form))?)));
    Op::ALL.iter().flat_map(forms)
}

//! The bytecode's ops, derived from the rows of [`for_each_op!`](crate::for_each_op).

use crate::layout::{Field, Kind, Layout, Operand, OperandTy, Params};
use crate::ty::Ty;

/// The shape of an op: how its operands are arranged, and which forms it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types, reason = "the variants are the group names of the table")]
pub enum Shape {
    /// `d = f(a)`
    unary,
    /// `d = f(a, b)`
    binary,
    /// `d = a < b`, with forms that branch or select instead.
    compare,
    /// `d = f(a, b, c)`
    ternary,
    /// `d = a[lane]`
    extract_lane,
    /// `d = a` with lane replaced by `b`
    replace_lane,
    /// `d = shuffle(a, b, 16 lanes)`
    shuffle,
    /// `d = memory[address]`
    load,
    /// `memory[address] = b`
    store,
    /// `d = b` with one lane loaded from memory
    load_lane,
    /// one lane of `b` stored to memory
    store_lane,
    /// sequentially consistent load
    atomic_load,
    /// sequentially consistent store
    atomic_store,
    /// `d = memory[address]; memory[address] = f(d, b)`
    atomic_rmw,
    /// compare and exchange
    atomic_cmpxchg,
    /// suspend until notified
    atomic_wait,
    /// wake waiters
    atomic_notify,
    /// 64-bit arithmetic with a 128-bit result in slots `d` and `d + 1`
    wide,
    /// The row has a layout of its own.
    special,
}

impl Shape {
    /// Every shape with layouts of its own, in order.
    pub(crate) const ALL: [Shape; Shape::special as usize] = {
        use Shape::*;
        [
            unary,
            binary,
            compare,
            ternary,
            extract_lane,
            replace_lane,
            shuffle,
            load,
            store,
            load_lane,
            store_lane,
            atomic_load,
            atomic_store,
            atomic_rmw,
            atomic_cmpxchg,
            atomic_wait,
            atomic_notify,
            wide,
        ]
    };

    /// Do ops of this shape access a linear memory at an address?
    pub const fn accesses_memory(self) -> bool {
        matches!(
            self,
            Shape::load
                | Shape::store
                | Shape::load_lane
                | Shape::store_lane
                | Shape::atomic_load
                | Shape::atomic_store
                | Shape::atomic_rmw
                | Shape::atomic_cmpxchg
                | Shape::atomic_wait
                | Shape::atomic_notify
        )
    }
}

/// Which of an op's encodings an instruction uses; the meaning depends on the [`Shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Form(pub u8);

impl Form {
    /// Width of the form in the op field.
    pub const BITS: u32 = 4;
    /// Mask of the form in the op field.
    pub const MASK: u8 = 15;

    /// The only form of most shapes; slots throughout.
    pub const SLOTS: Form = Form(0);

    /// Binary and compare: `b` is a 16-bit immediate, sign-extended to the operand type.
    pub const IMM16: Form = Form(1);
    /// Binary and compare: `b` is a 64-bit immediate in the extension word.
    pub const IMM64: Form = Form(2);
    /// Binary and compare: `a` is a 64-bit immediate in the extension word.
    pub const IMM64_LEFT: Form = Form(3);
    /// Compare: branch if it holds, operands in slots.
    pub const BRANCH: Form = Form(4);
    /// Compare: branch if it holds, `b` an immediate: of integers, 32 bits in the extension word, sign-extended; of floats, 64 bits in
    /// a second one.
    pub const BRANCH_IMM: Form = Form(5);
    /// Compare: branch if it does not hold, operands in slots.
    pub const BRANCH_NOT: Form = Form(6);
    /// Compare: branch if it does not hold, `b` an immediate as for [`Form::BRANCH_IMM`].
    pub const BRANCH_NOT_IMM: Form = Form(7);
    /// Compare: `d = x < y ? a : b`.
    pub const SELECT: Form = Form(8);
    /// Compare: `d = x < imm32 ? a : b`.
    pub const SELECT_IMM: Form = Form(9);
    /// Compare: `SELECT` on v128 values.
    pub const SELECT_V128: Form = Form(10);
    /// Compare: `SELECT_IMM` on v128 values.
    pub const SELECT_V128_IMM: Form = Form(11);

    /// Load and store, memory 0 with 32-bit addresses: `[a + offset]`, 16-bit offset in `b` (load) or `d` (store).
    pub const OFFSET16: Form = Form(0);
    /// Load and store: `[a + offset]`, 64-bit offset in the extension word.
    pub const OFFSET: Form = Form(1);
    /// Load and store: `[u32(a + (index << shift)) + offset32]`, the index in `b` (load) or `d` (store).
    pub const INDEX: Form = Form(2);
    /// Load and store in any memory: offset in the first, memory index in the second extension word; all checks explicit.
    pub const ANY: Form = Form(3);
    /// Load and store: a constant address, with the offset already added.
    pub const ABSOLUTE: Form = Form(4);
    /// Load and store: `[u32(a + imm32) + offset32]`.
    pub const ADD_IMM: Form = Form(5);
    /// Store: `OFFSET16` with a sign-extended 16-bit immediate in `b`.
    pub const OFFSET16_VALUE: Form = Form(6);

    /// For a compare's branch forms, the form that branches on the opposite outcome.
    pub const fn opposite_branch(self) -> Form {
        Form(self.0 ^ 2)
    }
}

/// Properties of an op, as flags of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Traits {
    /// The operands may be exchanged without changing a bit of the result.
    pub commutative: bool,
    /// The op may trap.
    pub traps: bool,
    /// The result may be a NaN with an undetermined payload.
    pub nan: bool,
    /// Other code may run (callee, host, collector): a safepoint.
    pub calls: bool,
    /// Control never continues with the next instruction.
    pub ends: bool,
}

/// What a row says about an op.
#[derive(Clone, Copy, Debug)]
pub struct OpInfo {
    /// The operator's name in wasm text, or the internal op's name.
    pub text: &'static str,
    /// `prefix << 16 | opcode` of the wasm operator; `None` for internal ops.
    pub opcode: Option<u32>,
    /// The proposal that introduced the operator, as wasmparser groups them.
    pub feature: &'static str,
    /// The op's shape.
    pub shape: Shape,
    /// Operand types, without memory addresses.
    pub params: &'static [Ty],
    /// Result type.
    pub result: Option<Ty>,
    /// Bytes that a memory op accesses; 0 for others.
    pub width: u8,
    /// Properties.
    pub traits: Traits,
    kind: Params,
    layout: Option<Layout>,
}

macro_rules! opt {
    (-) => {
        None
    };
    ($x:literal) => {
        Some($x)
    };
}

/// Memory rows name their width where other rows name an operand type.
const fn ty_of(name: &str) -> Option<Ty> {
    match name.as_bytes() {
        b"I32" => Some(Ty::I32),
        b"I64" => Some(Ty::I64),
        b"F32" => Some(Ty::F32),
        b"F64" => Some(Ty::F64),
        b"V128" => Some(Ty::V128),
        b"Ref" => Some(Ty::Ref),
        b"Word" => Some(Ty::Word),
        _ => None,
    }
}

const fn width_of(names: &[&str]) -> u8 {
    let mut i = 0;
    while i < names.len() {
        match names[i].as_bytes() {
            b"u8" => return 1,
            b"u16" => return 2,
            b"u32" => return 4,
            b"u64" => return 8,
            b"u128" => return 16,
            _ => i += 1,
        }
    }
    0
}

const fn types_of<const N: usize>(names: &[&str]) -> [Ty; N] {
    let mut types = [Ty::Word; N];
    let (mut i, mut n) = (0, 0);
    while i < names.len() {
        if let Some(ty) = ty_of(names[i]) {
            types[n] = ty;
            n += 1;
        }
        i += 1;
    }
    types
}

const fn count_types(names: &[&str]) -> usize {
    let (mut i, mut n) = (0, 0);
    while i < names.len() {
        if ty_of(names[i]).is_some() {
            n += 1;
        }
        i += 1;
    }
    n
}

const fn has(names: &[&str], name: &str) -> bool {
    let mut i = 0;
    while i < names.len() {
        let (x, y) = (names[i].as_bytes(), name.as_bytes());
        let mut same = x.len() == y.len();
        let mut j = 0;
        while same && j < x.len() {
            same = x[j] == y[j];
            j += 1;
        }
        if same {
            return true;
        }
        i += 1;
    }
    false
}

const fn traits_of(names: &[&str], shape: Shape) -> Traits {
    Traits {
        commutative: has(names, "commutative"),
        traps: shape.accesses_memory() || has(names, "traps"),
        nan: has(names, "nan"),
        calls: has(names, "calls"),
        ends: has(names, "ends"),
    }
}

const fn special_ty(ty: Option<Ty>) -> OperandTy {
    match ty {
        Some(ty) => OperandTy::Is(ty),
        None => OperandTy::None,
    }
}

macro_rules! define_ops {
    (
        shapes {
            $($shape:ident { $(
                $name:ident $snake:ident $text:literal $opcode:literal $feature:ident
                ($($param:ident),*) -> $result:tt [$($trait:ident)*];
            )* })*
        }
        special { $(
            $sname:ident $ssnake:tt $stext:literal $sopcode:tt $sfeature:ident
            [$($kind:ident $field:ident $ty:ident),*] ext $ext:literal [$($strait:ident)*];
        )* }
        structural { $($uname:ident $usnake:ident $utext:literal $uopcode:literal $ufeature:ident;)* }
        refused { $($rname:ident $rsnake:ident $rtext:literal $ropcode:literal $rfeature:ident;)* }
    ) => {
        /// An op of the bytecode: one row of the table. The discriminant is its index in the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Op {
            $($(#[doc = $text] $name,)*)*
            $(#[doc = $stext] $sname,)*
        }

        impl Op {
            /// Every op, in order of its index.
            pub const ALL: &'static [Op] = &[$($(Op::$name,)*)* $(Op::$sname,)*];

            /// What the op's row says.
            #[inline]
            pub const fn info(self) -> &'static OpInfo {
                &INFO[self as usize]
            }
        }

        static INFO: &[OpInfo] = &[
            $($(OpInfo {
                text: $text,
                opcode: Some($opcode),
                feature: stringify!($feature),
                shape: Shape::$shape,
                params: &{
                    const NAMES: &[&str] = &[$(stringify!($param)),*];
                    const TYPES: [Ty; count_types(NAMES)] = types_of(NAMES);
                    TYPES
                },
                result: ty_of(stringify!($result)),
                width: width_of(&[$(stringify!($param)),*]),
                traits: traits_of(&[$(stringify!($trait)),*], Shape::$shape),
                kind: Params::of(&{
                    const NAMES: &[&str] = &[$(stringify!($param)),*];
                    const TYPES: [Ty; count_types(NAMES)] = types_of(NAMES);
                    TYPES
                }),
                layout: None,
            },)*)*
            $(OpInfo {
                text: $stext,
                opcode: opt!($sopcode),
                feature: stringify!($sfeature),
                shape: Shape::special,
                params: &[],
                result: None,
                width: 0,
                traits: traits_of(&[$(stringify!($strait)),*], Shape::special),
                kind: Params::Integers,
                layout: Some(Layout::new(
                    &[$(Operand {
                        kind: Kind::$kind,
                        field: Field::$field,
                        ty: special_ty(ty_of(stringify!($ty))),
                    }),*],
                    $ext,
                )),
            },)*
        ];

        /// A wasm operator that emits no op of its own, or that is refused.
        #[derive(Clone, Copy, Debug)]
        pub struct OtherOperator {
            /// The operator's name in wasmparser.
            pub name: &'static str,
            /// The operator's name in wasm text.
            pub text: &'static str,
            /// `prefix << 16 | opcode`.
            pub opcode: u32,
            /// The proposal that introduced the operator.
            pub feature: &'static str,
        }

        /// Operators that the translator absorbs or lowers to other ops.
        pub static STRUCTURAL: &[OtherOperator] = &[$(OtherOperator {
            name: stringify!($uname), text: $utext, opcode: $uopcode, feature: stringify!($ufeature),
        }),*];

        /// Operators that are recognised and rejected by name.
        pub static REFUSED: &[OtherOperator] = &[$(OtherOperator {
            name: stringify!($rname), text: $rtext, opcode: $ropcode, feature: stringify!($rfeature),
        }),*];
    };
}

crate::for_each_op!(define_ops);

impl Op {
    /// The op at this index of the table.
    #[inline]
    pub const fn from_index(index: u16) -> Option<Op> {
        if (index as usize) < Op::ALL.len() { Some(Op::ALL[index as usize]) } else { None }
    }

    /// Name in wasm text, or the internal op's name.
    pub const fn text(self) -> &'static str {
        self.info().text
    }

    /// The layout of this op's instructions in this form; `None` if the op has no such form.
    #[inline]
    pub fn layout(self, form: Form) -> Option<&'static Layout> {
        let info = self.info();
        match &info.layout {
            Some(layout) => (form == Form::SLOTS).then_some(layout),
            None => crate::layout::of_shape(info.shape, info.kind, form),
        }
    }

    /// The compare that holds exactly when this one does not; integer compares only (NaN is unordered).
    pub const fn negated(self) -> Option<Op> {
        Some(match self {
            Op::I32Eq => Op::I32Ne,
            Op::I32Ne => Op::I32Eq,
            Op::I32LtS => Op::I32GeS,
            Op::I32LtU => Op::I32GeU,
            Op::I32GtS => Op::I32LeS,
            Op::I32GtU => Op::I32LeU,
            Op::I32LeS => Op::I32GtS,
            Op::I32LeU => Op::I32GtU,
            Op::I32GeS => Op::I32LtS,
            Op::I32GeU => Op::I32LtU,
            Op::I64Eq => Op::I64Ne,
            Op::I64Ne => Op::I64Eq,
            Op::I64LtS => Op::I64GeS,
            Op::I64LtU => Op::I64GeU,
            Op::I64GtS => Op::I64LeS,
            Op::I64GtU => Op::I64LeU,
            Op::I64LeS => Op::I64GtS,
            Op::I64LeU => Op::I64GtU,
            Op::I64GeS => Op::I64LtS,
            Op::I64GeU => Op::I64LtU,
            Op::F32Eq => Op::F32Ne,
            Op::F32Ne => Op::F32Eq,
            Op::F64Eq => Op::F64Ne,
            Op::F64Ne => Op::F64Eq,
            _ => return None,
        })
    }

    /// The compare that holds for `(b, a)` exactly when this one does for `(a, b)`.
    pub const fn swapped(self) -> Option<Op> {
        Some(match self {
            Op::I32LtS => Op::I32GtS,
            Op::I32LtU => Op::I32GtU,
            Op::I32GtS => Op::I32LtS,
            Op::I32GtU => Op::I32LtU,
            Op::I32LeS => Op::I32GeS,
            Op::I32LeU => Op::I32GeU,
            Op::I32GeS => Op::I32LeS,
            Op::I32GeU => Op::I32LeU,
            Op::I64LtS => Op::I64GtS,
            Op::I64LtU => Op::I64GtU,
            Op::I64GtS => Op::I64LtS,
            Op::I64GtU => Op::I64LtU,
            Op::I64LeS => Op::I64GeS,
            Op::I64LeU => Op::I64GeU,
            Op::I64GeS => Op::I64LeS,
            Op::I64GeU => Op::I64LeU,
            Op::F32Lt => Op::F32Gt,
            Op::F32Gt => Op::F32Lt,
            Op::F32Le => Op::F32Ge,
            Op::F32Ge => Op::F32Le,
            Op::F64Lt => Op::F64Gt,
            Op::F64Gt => Op::F64Lt,
            Op::F64Le => Op::F64Ge,
            Op::F64Ge => Op::F64Le,
            Op::I32Eq | Op::I32Ne | Op::I64Eq | Op::I64Ne | Op::F32Eq | Op::F32Ne | Op::F64Eq | Op::F64Ne => self,
            _ => return None,
        })
    }

    /// Is the result an integer compare's 0 or 1?
    pub const fn is_compare(self) -> bool {
        matches!(self.info().shape, Shape::compare)
    }
}

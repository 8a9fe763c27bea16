//! Value types as op rows see them.

/// The type of an operand or result of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// 32-bit integer, zero-extended in its slot.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float, its bits zero-extended in its slot.
    F32,
    /// 64-bit float.
    F64,
    /// 128-bit vector, in two slots, low half first.
    V128,
    /// A reference: a function record's address, or a heap reference zero-extended to 64 bits.
    Ref,
    /// Any one-slot value; rows use it where the type depends on the module or does not matter.
    Word,
}

impl Ty {
    /// 8-byte slots that a value of this type takes.
    pub const fn slots(self) -> u32 {
        match self {
            Ty::V128 => 2,
            _ => 1,
        }
    }
}

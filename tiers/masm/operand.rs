//! Operands: registers, memory places, immediates and conditions.

/// A general register, by its number on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gpr(pub(crate) u8);

impl Gpr {
    /// The machine's number of the register, as interrupted contexts have it.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A float and vector register, by its number on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fpr(pub(crate) u8);

/// The width of an integer operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// 32 bits
    W32,
    /// 64 bits
    W64,
}

/// A place in memory: `base + (index << shift) + disp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// Address register.
    pub base: Gpr,
    /// 64-bit index and its shift, 0 to 3.
    pub index: Option<(Gpr, u8)>,
    /// Displacement in bytes.
    pub disp: i32,
}

impl Mem {
    /// `[base + disp]`
    pub const fn at(base: Gpr, disp: i32) -> Mem {
        Mem { base, index: None, disp }
    }

    /// `[base + (index << shift) + disp]`
    pub const fn indexed(base: Gpr, index: Gpr, shift: u8, disp: i32) -> Mem {
        Mem { base, index: Some((index, shift)), disp }
    }

    /// The same place, `bytes` further on.
    pub const fn offset(self, bytes: i32) -> Mem {
        Mem { disp: self.disp + bytes, ..self }
    }
}

/// The right-hand side of an integer operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rhs {
    /// A register.
    Reg(Gpr),
    /// A place in memory, as wide as the operation.
    Mem(Mem),
    /// A sign-extended immediate.
    Imm(i32),
}

impl From<Gpr> for Rhs {
    fn from(reg: Gpr) -> Rhs {
        Rhs::Reg(reg)
    }
}

impl From<Mem> for Rhs {
    fn from(mem: Mem) -> Rhs {
        Rhs::Mem(mem)
    }
}

impl From<i32> for Rhs {
    fn from(value: i32) -> Rhs {
        Rhs::Imm(value)
    }
}

/// The right-hand side of a scalar float operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RhsF {
    /// A register.
    Reg(Fpr),
    /// A place in memory, as wide as the operation.
    Mem(Mem),
}

impl From<Fpr> for RhsF {
    fn from(reg: Fpr) -> RhsF {
        RhsF::Reg(reg)
    }
}

impl From<Mem> for RhsF {
    fn from(mem: Mem) -> RhsF {
        RhsF::Mem(mem)
    }
}

/// How memory becomes a register's 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// 8 bits, zero-extended
    U8,
    /// 16 bits, zero-extended
    U16,
    /// 32 bits, zero-extended
    U32,
    /// 64 bits
    W64,
    /// 8 bits, sign-extended to 32, then zero-extended
    I8To32,
    /// 16 bits, sign-extended to 32, then zero-extended
    I16To32,
    /// 8 bits, sign-extended
    I8,
    /// 16 bits, sign-extended
    I16,
    /// 32 bits, sign-extended
    I32,
}

/// How many bits of a register go to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// 8 bits
    W8,
    /// 16 bits
    W16,
    /// 32 bits
    W32,
    /// 64 bits
    W64,
}

impl Store {
    /// The number of bytes.
    pub const fn bytes(self) -> u8 {
        match self {
            Store::W8 => 1,
            Store::W16 => 2,
            Store::W32 => 4,
            Store::W64 => 8,
        }
    }
}

/// What a comparison may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cond {
    /// Equal
    Eq,
    /// Not equal
    Ne,
    /// Less, signed
    LtS,
    /// Less, unsigned
    LtU,
    /// Greater, signed
    GtS,
    /// Greater, unsigned
    GtU,
    /// Less or equal, signed
    LeS,
    /// Less or equal, unsigned
    LeU,
    /// Greater or equal, signed
    GeS,
    /// Greater or equal, unsigned
    GeU,
    /// The result's sign bit is set
    Negative,
    /// The result's sign bit is clear
    NotNegative,
    /// Floats are equal, and neither is a NaN
    FloatEq,
    /// Floats are not equal, or one is a NaN
    FloatNe,
}

impl Cond {
    /// The condition that holds exactly when this one does not.
    ///
    /// For conditions that [`Float::compare_float`](crate::Float::compare_float) returned, too.
    pub const fn negated(self) -> Cond {
        match self {
            Cond::Eq => Cond::Ne,
            Cond::Ne => Cond::Eq,
            Cond::LtS => Cond::GeS,
            Cond::LtU => Cond::GeU,
            Cond::GtS => Cond::LeS,
            Cond::GtU => Cond::LeU,
            Cond::LeS => Cond::GtS,
            Cond::LeU => Cond::GtU,
            Cond::GeS => Cond::LtS,
            Cond::GeU => Cond::LtU,
            Cond::Negative => Cond::NotNegative,
            Cond::NotNegative => Cond::Negative,
            Cond::FloatEq => Cond::FloatNe,
            Cond::FloatNe => Cond::FloatEq,
        }
    }
}

//! Operands whose register file follows from the row.

use terrace_masm::{Fpr, Gpr, Mem, Rhs, RhsF};

/// A register of either file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reg {
    /// For integers and references.
    Gpr(Gpr),
    /// For floats and vectors.
    Fpr(Fpr),
}

/// The right-hand side of a binary template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Of integers.
    Int(Rhs),
    /// Of floats; of vectors, a register.
    Float(RhsF),
}

impl From<Gpr> for Reg {
    fn from(reg: Gpr) -> Reg {
        Reg::Gpr(reg)
    }
}

impl From<Fpr> for Reg {
    fn from(reg: Fpr) -> Reg {
        Reg::Fpr(reg)
    }
}

impl From<Reg> for Gpr {
    #[inline]
    fn from(reg: Reg) -> Gpr {
        match reg {
            Reg::Gpr(reg) => reg,
            Reg::Fpr(_) => unreachable!("the row has an integer here"),
        }
    }
}

impl From<Reg> for Fpr {
    #[inline]
    fn from(reg: Reg) -> Fpr {
        match reg {
            Reg::Fpr(reg) => reg,
            Reg::Gpr(_) => unreachable!("the row has a float or a vector here"),
        }
    }
}

impl From<Reg> for Right {
    fn from(reg: Reg) -> Right {
        match reg {
            Reg::Gpr(reg) => Right::Int(Rhs::Reg(reg)),
            Reg::Fpr(reg) => Right::Float(RhsF::Reg(reg)),
        }
    }
}

impl From<i32> for Right {
    fn from(value: i32) -> Right {
        Right::Int(Rhs::Imm(value))
    }
}

impl From<Right> for Rhs {
    #[inline]
    fn from(right: Right) -> Rhs {
        match right {
            Right::Int(rhs) => rhs,
            Right::Float(_) => unreachable!("the row has an integer on the right"),
        }
    }
}

impl From<Right> for RhsF {
    #[inline]
    fn from(right: Right) -> RhsF {
        match right {
            Right::Float(rhs) => rhs,
            Right::Int(_) => unreachable!("the row has a float on the right"),
        }
    }
}

impl From<Right> for Fpr {
    #[inline]
    fn from(right: Right) -> Fpr {
        match right {
            Right::Float(RhsF::Reg(reg)) => reg,
            _ => unreachable!("the row has a register on the right"),
        }
    }
}

/// A float or integer place in memory, as the row needs it.
impl Right {
    /// The right-hand side in memory of an integer row.
    pub const fn int(mem: Mem) -> Right {
        Right::Int(Rhs::Mem(mem))
    }

    /// The right-hand side in memory of a scalar float row.
    pub const fn float(mem: Mem) -> Right {
        Right::Float(RhsF::Mem(mem))
    }
}

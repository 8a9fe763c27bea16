//! Op templates: the machine code of each row of the op table, written once against the macro assembler.
//!
//! A template takes its operands in registers (or, on the right, wherever the machine takes them) and knows nothing of where they
//! came from: the interpreter fetches them from instruction words, a compiler burns them in. Templates are functions named as their
//! rows; the functions of this module find them by shape, so that a row without a template does not compile.
//!
//! Fixed registers, loops and calls are the tiers' own; rows of the group `special` have no template here.

pub mod atomic;
pub mod compare;
pub mod convert;
pub mod float;
pub mod int;
pub mod lane;
pub mod memory;
mod operand;
pub mod simd;
pub mod simd_float;

use terrace_abi::Op;
use terrace_masm::{Atomic, Cond, Float, Fpr, Gpr, Masm, Mem, Simd};

pub use operand::{Reg, Right};

/// Everything that templates need of a machine.
pub trait Machine: Masm + Float + Simd + Atomic {}

impl<M: Masm + Float + Simd + Atomic> Machine for M {}

/// The rows' templates by name.
mod named {
    pub use crate::atomic::*;
    pub use crate::compare::*;
    pub use crate::convert::*;
    pub use crate::float::*;
    pub use crate::int::*;
    pub use crate::lane::*;
    pub use crate::memory::*;
    pub use crate::simd::*;
    pub use crate::simd_float::*;
}

#[cold]
#[inline(never)]
fn wrong_shape(op: Op) -> ! {
    unreachable!("{op:?} has another shape")
}

/// The call if the row's shape is the wanted one.
macro_rules! if_shape {
    (unary unary $op:ident $call:expr) => {
        $call
    };
    (binary binary $op:ident $call:expr) => {
        $call
    };
    (compare compare $op:ident $call:expr) => {
        $call
    };
    (ternary ternary $op:ident $call:expr) => {
        $call
    };
    (extract_lane extract_lane $op:ident $call:expr) => {
        $call
    };
    (replace_lane replace_lane $op:ident $call:expr) => {
        $call
    };
    (load load $op:ident $call:expr) => {
        $call
    };
    (store store $op:ident $call:expr) => {
        $call
    };
    (atomic_load atomic_load $op:ident $call:expr) => {
        $call
    };
    (atomic_store atomic_store $op:ident $call:expr) => {
        $call
    };
    (atomic_rmw atomic_rmw $op:ident $call:expr) => {
        $call
    };
    (atomic_cmpxchg atomic_cmpxchg $op:ident $call:expr) => {
        $call
    };
    (wide wide $op:ident $call:expr) => {
        $call
    };
    ($wanted:ident $shape:ident $op:ident $call:expr) => {
        wrong_shape($op)
    };
}

/// Defines the function that finds the templates of one shape.
macro_rules! by_shape {
    ($(#[$doc:meta])* $wanted:ident ($($arg:ident: $ty:ty),*) $(-> $result:ty)?) => {
        by_shape!(@ ($) $(#[$doc])* $wanted ($($arg: $ty),*) $(-> $result)?);
    };
    (@ ($d:tt) $(#[$doc:meta])* $wanted:ident ($($arg:ident: $ty:ty),*) $(-> $result:ty)?) => {
        const _: () = ();
        macro_rules! $wanted {
            (
                shapes { $d($d shape:ident { $d(
                    $d name:ident $d snake:ident $d text:literal $d opcode:literal $d feature:ident
                    $d params:tt -> $d row_result:tt $d traits:tt;
                )* })* }
                special $d special:tt
                structural $d structural:tt
                refused $d refused:tt
            ) => {
                $(#[$doc])*
                pub fn $wanted<M: Machine>(m: &mut M, op: Op $(, $arg: $ty)*) $(-> $result)? {
                    match op {
                        $d($d(Op::$d name => if_shape!($wanted $d shape op named::$d snake(m $(, $arg.into())*)),)*)*
                        _ => wrong_shape(op),
                    }
                }
            };
        }
        terrace_abi::for_each_op!($wanted);
    };
}

by_shape! {
    /// `d = f(a)`
    unary(d: Reg, a: Reg)
}
by_shape! {
    /// `d = f(a, b)`
    binary(d: Reg, a: Reg, b: Right)
}
by_shape! {
    /// Compares; the condition that is returned holds if the op's result is 1.
    compare(a: Reg, b: Right) -> Cond
}
by_shape! {
    /// `d = f(a, b, c)`
    ternary(d: Fpr, a: Fpr, b: Fpr, c: Fpr)
}
by_shape! {
    /// `d = a[lane]`
    extract_lane(d: Reg, a: Fpr, lane: u8)
}
by_shape! {
    /// `d = a` with lane replaced by `b`
    replace_lane(d: Fpr, a: Fpr, b: Reg, lane: u8)
}
by_shape! {
    /// `d = [mem]`, extended as the op says. Bounds are the caller's.
    load(d: Reg, mem: Mem)
}
by_shape! {
    /// `[mem] = a`. Bounds are the caller's.
    store(mem: Mem, a: Reg)
}
by_shape! {
    /// `d = [mem]`, sequentially consistent. Bounds and alignment are the caller's.
    atomic_load(d: Gpr, mem: Mem)
}
by_shape! {
    /// `[mem] = a`, sequentially consistent. Bounds and alignment are the caller's.
    atomic_store(mem: Mem, a: Gpr)
}
by_shape! {
    /// `d = [mem]; [mem] = f(d, a)`. Bounds and alignment are the caller's.
    atomic_rmw(d: Gpr, mem: Mem, a: Gpr)
}
by_shape! {
    /// `d = [mem]; if d == expected { [mem] = a }`. Bounds and alignment are the caller's.
    atomic_cmpxchg(d: Gpr, mem: Mem, expected: Gpr, a: Gpr)
}
by_shape! {
    /// `(d, d_high) = f(a, b)`; the two-operand rows read the low halves alone.
    wide(low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2])
}

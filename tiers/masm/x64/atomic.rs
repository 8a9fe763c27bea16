//! Atomic accesses: plain loads are sequentially consistent here, everything that stores has the bus locked.

use dynasmrt::{DynasmApi, dynasm};

use super::encode::mem;
use super::{RAX, RCX, X64};
use crate::operand::{Cond, Gpr, Load, Mem, Rhs, Store, Width};
use crate::{Atomic, Masm, Rmw};

/// Emits `op [mem], register` at a width.
macro_rules! store {
    ($self:ident, $width:expr, $mem:expr, ($($op:tt)*), $a:expr) => {{
        let a = $a.0;
        match $width {
            Store::W8 => mem!($self.buffer, $mem, ($($op)*), (), (, Rb(a))),
            Store::W16 => mem!($self.buffer, $mem, ($($op)*), (), (, Rw(a))),
            Store::W32 => mem!($self.buffer, $mem, ($($op)*), (), (, Rd(a))),
            Store::W64 => mem!($self.buffer, $mem, ($($op)*), (), (, Rq(a))),
        }
    }};
}

impl X64 {
    /// `d = rax`'s bits of this width, zero-extended.
    fn old_value(&mut self, width: Store, d: Gpr) {
        match width {
            Store::W8 => dynasm!(self.buffer; .arch x64; movzx Rd(d.0), al),
            Store::W16 => dynasm!(self.buffer; .arch x64; movzx Rd(d.0), ax),
            Store::W32 => self.mov(Width::W32, d, RAX),
            Store::W64 => self.mov(Width::W64, d, RAX),
        }
    }
}

impl Atomic for X64 {
    fn atomic_load(&mut self, width: Store, d: Gpr, mem: Mem) {
        let load = match width {
            Store::W8 => Load::U8,
            Store::W16 => Load::U16,
            Store::W32 => Load::U32,
            Store::W64 => Load::W64,
        };
        self.load(load, d, mem);
    }

    fn atomic_store(&mut self, width: Store, mem: Mem, a: Gpr) {
        self.mov(Width::W64, RAX, a);
        store!(self, width, mem, (xchg), RAX);
    }

    fn atomic_rmw(&mut self, op: Rmw, width: Store, d: Gpr, mem: Mem, a: Gpr) {
        let replace = |assembler: &mut X64, method: fn(&mut X64, Width, Gpr, Gpr, Rhs)| {
            // The machine has these in place, but without the old value.
            let retry = assembler.label();
            assembler.atomic_load(width, RAX, mem);
            assembler.bind(retry);
            assembler.mov(Width::W64, RCX, RAX);
            method(assembler, Width::W64, RCX, RCX, a.into());
            store!(assembler, width, mem, (lock cmpxchg), RCX);
            assembler.jump_if_near(Cond::Ne, retry);
        };
        match op {
            Rmw::Xchg => {
                self.mov(Width::W64, RAX, a);
                store!(self, width, mem, (xchg), RAX);
            }
            Rmw::Add => {
                self.mov(Width::W64, RAX, a);
                store!(self, width, mem, (lock xadd), RAX);
            }
            Rmw::Sub => {
                self.mov(Width::W64, RAX, a);
                dynasm!(self.buffer; .arch x64; neg rax);
                store!(self, width, mem, (lock xadd), RAX);
            }
            Rmw::And => replace(self, X64::and),
            Rmw::Or => replace(self, X64::or),
            Rmw::Xor => replace(self, X64::xor),
        }
        self.old_value(width, d);
    }

    fn atomic_cmpxchg(&mut self, width: Store, d: Gpr, mem: Mem, expected: Gpr, a: Gpr) {
        self.mov(Width::W64, RAX, expected);
        store!(self, width, mem, (lock cmpxchg), a);
        self.old_value(width, d);
    }

    fn fence(&mut self) {
        dynasm!(self.buffer; .arch x64; mfence);
    }
}

//! Atomic accesses: acquiring loads and releasing stores, which are sequentially consistent among each other, and loops of the
//! exclusive ones. Single instructions that read and write would need version 8.1.

use dynasmrt::{DynasmApi, dynasm};

use super::A64;
use super::encode::r;
use super::memory::scale;
use crate::operand::{Cond, Gpr, Mem, Rhs, Store, Width};
use crate::{Atomic, Masm, Rmw, Roles};

const OLD: Gpr = A64::SCRATCH[0];
const NEW: Gpr = A64::SCRATCH[1];
const STATUS: Gpr = A64::SCRATCH[2];

impl A64 {
    /// Emits an acquiring or releasing access at an address.
    fn ordered(&mut self, opcode: u32, width: Store, reg: Gpr, address: Gpr) {
        self.push_u32(opcode | u32::from(scale(width)) << 30 | r(address) << 5 | r(reg));
    }

    /// `OLD = [address]`, and from here on the address is watched.
    fn load_exclusive(&mut self, width: Store, address: Gpr) {
        self.ordered(0x085f_fc00, width, OLD, address);
    }

    /// `[address] = a` unless somebody else has written there; `STATUS` is not zero then.
    fn store_exclusive(&mut self, width: Store, address: Gpr, a: Gpr) {
        self.ordered(0x0800_fc00 | r(STATUS) << 16, width, a, address);
    }
}

impl Atomic for A64 {
    fn atomic_load(&mut self, width: Store, d: Gpr, mem: Mem) {
        let address = self.address(mem);
        self.ordered(0x08df_fc00, width, d, address);
    }

    fn atomic_store(&mut self, width: Store, mem: Mem, a: Gpr) {
        let address = self.address(mem);
        self.ordered(0x089f_fc00, width, a, address);
    }

    fn atomic_rmw(&mut self, op: Rmw, width: Store, d: Gpr, mem: Mem, a: Gpr) {
        let address = self.address(mem);
        let retry = self.label();
        self.bind(retry);
        self.load_exclusive(width, address);
        let method = match op {
            Rmw::Add => Some(A64::add as fn(&mut A64, Width, Gpr, Gpr, Rhs)),
            Rmw::Sub => Some(A64::sub as _),
            Rmw::And => Some(A64::and as _),
            Rmw::Or => Some(A64::or as _),
            Rmw::Xor => Some(A64::xor as _),
            Rmw::Xchg => None,
        };
        let new = method.map_or(a, |method| {
            method(self, Width::W64, NEW, OLD, a.into());
            NEW
        });
        self.store_exclusive(width, address, new);
        self.branch_if_zero(false, Width::W32, STATUS, retry);
        self.mov(Width::W64, d, OLD);
    }

    fn atomic_cmpxchg(&mut self, width: Store, d: Gpr, mem: Mem, expected: Gpr, a: Gpr) {
        let address = self.address(mem);
        let compared = match width {
            Store::W8 | Store::W16 => {
                self.and(Width::W32, NEW, expected, Rhs::Imm((1 << (8 * width.bytes())) - 1));
                NEW
            }
            Store::W32 | Store::W64 => expected,
        };
        let (retry, end) = (self.label(), self.label());
        self.bind(retry);
        self.load_exclusive(width, address);
        self.compare(if width == Store::W64 { Width::W64 } else { Width::W32 }, OLD, compared.into());
        self.jump_if(Cond::Ne, end);
        self.store_exclusive(width, address, a);
        self.branch_if_zero(false, Width::W32, STATUS, retry);
        self.bind(end);
        self.mov(Width::W64, d, OLD);
    }

    fn fence(&mut self) {
        dynasm!(self; .arch aarch64; dmb ish);
    }
}

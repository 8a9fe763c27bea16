//! Addresses: the forms that loads and stores have, and arithmetic for the others.

use dynasmrt::DynasmApi;

use super::encode::{arithmetic_immediate, r, wide};
use super::{A64, T0, T1, ZR};
use crate::operand::{Gpr, Load, Mem, Store, Width};

/// A load or store: its opcode, and the logarithm of its bytes, which scales displacements.
#[derive(Clone, Copy)]
pub(super) struct Access {
    opcode: u32,
    scale: u8,
}

impl Access {
    const fn new(scale: u8, kind: u32) -> Access {
        Access { opcode: 0x3800_0000 | (scale as u32) << 30 | kind << 22, scale }
    }

    pub(super) const fn load(load: Load) -> Access {
        match load {
            Load::U8 => Access::new(0, 1),
            Load::U16 => Access::new(1, 1),
            Load::U32 => Access::new(2, 1),
            Load::W64 => Access::new(3, 1),
            Load::I8To32 => Access::new(0, 3),
            Load::I16To32 => Access::new(1, 3),
            Load::I8 => Access::new(0, 2),
            Load::I16 => Access::new(1, 2),
            Load::I32 => Access::new(2, 2),
        }
    }

    pub(super) const fn store(store: Store) -> Access {
        Access::new(scale(store), 0)
    }

    /// Of float and vector registers: the lowest `1 << scale` bytes, 128 bits at most.
    pub(super) const fn vector(scale: u8, load: bool) -> Access {
        const VECTOR: u32 = 1 << 26;
        let Access { opcode, .. } = Access::new(scale & 3, load as u32 | (scale as u32 >> 2) << 1);
        Access { opcode: opcode | VECTOR, scale }
    }
}

/// The logarithm of the number of bytes.
pub(super) const fn scale(store: Store) -> u8 {
    match store {
        Store::W8 => 0,
        Store::W16 => 1,
        Store::W32 => 2,
        Store::W64 => 3,
    }
}

/// `[base + (index << scale)]`, or without the shift.
fn indexed(base: Gpr, index: Gpr, scaled: bool) -> u32 {
    0x0020_6800 | u32::from(scaled) << 12 | r(index) << 16 | r(base) << 5
}

impl A64 {
    /// Emits a load or store of a register of either file.
    pub(super) fn access(&mut self, access: Access, reg: u8, mem: Mem) {
        let place = self.place(mem, access.scale);
        self.push_u32(access.opcode | place | u32::from(reg));
    }

    /// The fields that name a place, whose address may be in [`T0`] and [`T1`] then.
    fn place(&mut self, mem: Mem, scale: u8) -> u32 {
        let base = match mem.index {
            None => mem.base,
            Some((index, shift)) if mem.disp == 0 && (shift == 0 || shift == scale) => {
                return indexed(mem.base, index, shift != 0);
            }
            Some((index, shift)) => {
                self.add_shifted(Width::W64, T0, mem.base, index, shift);
                T0
            }
        };
        let scaled = mem.disp >> scale;
        if (0..0x1000).contains(&scaled) && scaled << scale == mem.disp {
            1 << 24 | (scaled as u32) << 10 | r(base) << 5
        } else if (-256..256).contains(&mem.disp) {
            (mem.disp as u32 & 0x1ff) << 12 | r(base) << 5
        } else {
            self.constant(Width::W64, T1, i64::from(mem.disp).cast_unsigned());
            indexed(base, T1, false)
        }
    }

    /// The register that holds the address of a place: its base, or [`T0`].
    pub(super) fn address(&mut self, mem: Mem) -> Gpr {
        if mem.index.is_none() && mem.disp == 0 {
            return mem.base;
        }
        self.address_to(Width::W64, T0, mem);
        T0
    }

    /// `d = address of mem`
    pub(super) fn address_to(&mut self, width: Width, d: Gpr, mem: Mem) {
        let Some((index, shift)) = mem.index else {
            return self.add_number(width, d, mem.base, mem.disp.into());
        };
        self.add_shifted(width, d, mem.base, index, shift);
        if mem.disp != 0 {
            self.add_number(width, d, d, mem.disp.into());
        }
    }

    /// `d = a + (b << shift)`
    fn add_shifted(&mut self, width: Width, d: Gpr, a: Gpr, b: Gpr, shift: u8) {
        // Only the form that extends knows the stack pointer.
        let form = if a == ZR { 0x0b20_6000 } else { 0x0b00_0000 };
        self.push_u32(form | wide(width) | r(b) << 16 | u32::from(shift) << 10 | r(a) << 5 | r(d));
    }

    /// `d = a + value`, where both may be the stack pointer.
    pub(super) fn add_number(&mut self, width: Width, d: Gpr, a: Gpr, value: i64) {
        let op = |negative: bool| 0x1100_0000 | wide(width) | u32::from(negative) << 30;
        if let Some((negative, field)) = arithmetic_immediate(value) {
            self.push_u32(op(negative) | field | r(a) << 5 | r(d));
        } else if value.unsigned_abs() < 0x100_0000 {
            let (low, negative) = (value.unsigned_abs() as u32, value < 0);
            self.push_u32(op(negative) | 1 << 22 | (low >> 12) << 10 | r(a) << 5 | r(d));
            self.push_u32(op(negative) | (low & 0xfff) << 10 | r(d) << 5 | r(d));
        } else {
            self.constant(width, T1, value.cast_unsigned());
            self.add_shifted(width, d, a, T1, 0);
        }
    }
}

//! Instructions of integers by their fields, and those of either width by name.

use dynasmrt::DynasmApi;
use dynasmrt::aarch64::{encode_logical_immediate_32bit, encode_logical_immediate_64bit};

use super::{A64, T1, ZR};
use crate::Masm;
use crate::operand::{Gpr, Load, Rhs, Width};
use Width::{W32, W64};

/// Emits an instruction on registers of one width: `wx!(self, width, mul d, a, b)`.
macro_rules! wx {
    ($self:ident, $width:expr, $op:ident $($reg:ident),+ $(; $($rest:tt)+)?) => {
        match $width {
            Width::W32 => dynasmrt::dynasm!($self; .arch aarch64; $op $(W($reg.0)),+ $(, $($rest)+)?),
            Width::W64 => dynasmrt::dynasm!($self; .arch aarch64; $op $(X($reg.0)),+ $(, $($rest)+)?),
        }
    };
}
pub(super) use wx;

/// The bits of a register's number.
pub(super) fn r(reg: Gpr) -> u32 {
    reg.0.into()
}

/// The bit that makes an instruction a 64-bit one.
pub(super) fn wide(width: Width) -> u32 {
    u32::from(width == W64) << 31
}

/// The number of bits.
pub(super) fn bits(width: Width) -> u32 {
    if width == W64 { 64 } else { 32 }
}

/// Whether to subtract instead, and the field, of a number that is added.
pub(super) fn arithmetic_immediate(value: i64) -> Option<(bool, u32)> {
    let magnitude = value.unsigned_abs();
    let field = match magnitude {
        0..0x1000 => magnitude as u32,
        0..0x100_0000 if magnitude & 0xfff == 0 => 1 << 12 | (magnitude >> 12) as u32,
        _ => return None,
    };
    Some((value < 0, field << 10))
}

/// The field of a bit pattern.
pub(super) fn logical_immediate(width: Width, value: i64) -> Option<u32> {
    let field = match width {
        W32 => encode_logical_immediate_32bit(value as u32),
        W64 => encode_logical_immediate_64bit(value.cast_unsigned()),
    };
    field.map(|field| u32::from(field) << 10)
}

/// The logical instructions.
#[derive(Clone, Copy)]
pub(super) enum Logic {
    And = 0,
    Or = 1,
    Xor = 2,
    /// `And`, setting flags
    Test = 3,
}

/// What moves of bit fields do with the bits above.
#[derive(Clone, Copy)]
pub(super) enum Field {
    Signed = 0,
    Unsigned = 2,
}

impl A64 {
    /// `d = a + b` or `d = a - b`, setting flags if wanted.
    pub(super) fn arithmetic(&mut self, subtract: bool, flags: bool, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let op = |subtract: bool| wide(width) | u32::from(subtract) << 30 | u32::from(flags) << 29;
        if let Rhs::Imm(value) = b
            && let Some((negative, field)) = arithmetic_immediate(value.into())
        {
            self.push_u32(0x1100_0000 | op(subtract != negative) | field | r(a) << 5 | r(d));
        } else {
            let b = self.in_register(width, b);
            self.push_u32(0x0b00_0000 | op(subtract) | r(b) << 16 | r(a) << 5 | r(d));
        }
    }

    /// `d = a op b`
    pub(super) fn logic(&mut self, op: Logic, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let op_bits = wide(width) | (op as u32) << 29;
        if let Rhs::Imm(value) = b
            && let Some(field) = logical_immediate(width, value.into())
        {
            self.push_u32(0x1200_0000 | op_bits | field | r(a) << 5 | r(d));
        } else {
            let b = self.in_register(width, b);
            self.push_u32(0x0a00_0000 | op_bits | r(b) << 16 | r(a) << 5 | r(d));
        }
    }

    /// `d =` a field of `a` that is rotated right by `rotate` and whose uppermost bit is `last`.
    pub(super) fn bit_field(&mut self, field: Field, width: Width, d: Gpr, a: Gpr, rotate: u32, last: u32) {
        let op = wide(width) | wide(width) >> 9 | (field as u32) << 29;
        self.push_u32(0x1300_0000 | op | rotate << 16 | last << 10 | r(a) << 5 | r(d));
    }

    /// `d = a` rotated right by a known count.
    pub(super) fn rotate(&mut self, width: Width, d: Gpr, a: Gpr, count: u32) {
        let count = count & (bits(width) - 1);
        self.push_u32(0x1380_0000 | wide(width) | wide(width) >> 9 | r(a) << 16 | count << 10 | r(a) << 5 | r(d));
    }

    /// `d = value`, of which a 32-bit width takes the lower half.
    pub(super) fn constant(&mut self, width: Width, d: Gpr, value: u64) {
        let halves = || (0..bits(width) / 16).map(|i| (i, (value >> (16 * i)) as u32 & 0xffff));
        let unlike = |filler: u32| halves().filter(|&(_, half)| half != filler).count();
        if unlike(0).min(unlike(0xffff)) > 1
            && let Some(field) = logical_immediate(width, value.cast_signed())
        {
            // orr d, zr, value
            return self.push_u32(0x3200_03e0 | wide(width) | field | r(d));
        }
        // movz or movn for the first half that is not a filler, movk for the others.
        let filler = if unlike(0xffff) < unlike(0) { 0xffff } else { 0 };
        let first = halves().find(|&(_, half)| half != filler).unwrap_or((0, filler));
        let op = if filler == 0 { 0x5280_0000 } else { 0x1280_0000 };
        self.push_u32(op | wide(width) | first.0 << 21 | (first.1 ^ filler) << 5 | r(d));
        for (i, half) in halves().filter(|&(i, half)| i > first.0 && half != filler) {
            self.push_u32(0x7280_0000 | wide(width) | i << 21 | half << 5 | r(d));
        }
    }

    /// An operand in a register: [`T1`], unless it is in one.
    pub(super) fn in_register(&mut self, width: Width, b: Rhs) -> Gpr {
        match (width, b) {
            (_, Rhs::Reg(b)) => return b,
            (_, Rhs::Imm(0)) => return ZR,
            (_, Rhs::Imm(value)) => self.mov_imm(width, T1, value.into()),
            (W32, Rhs::Mem(mem)) => self.load(Load::U32, T1, mem),
            (W64, Rhs::Mem(mem)) => self.load(Load::W64, T1, mem),
        }
        T1
    }
}

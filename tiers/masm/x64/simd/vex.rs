//! Emission of vector instructions: `v!` and its variations by lanes and widths, and constants.
//!
//! dynasm encodes them, but for those that it gets wrong: of instructions with three registers and an immediate it exchanges sources,
//! double-precision fused products it encodes as single, and `movmsk` it does not accept. These are [`X64::encode`]'s.

use dynasmrt::DynasmApi;

use super::super::X64;
use super::super::direct::Vex;
use crate::operand::Fpr;

/// Emits one instruction. Operands are [`Fpr`]s; in place of the last but the mask, `[bits]` is a 128-bit constant in memory. An
/// immediate byte follows behind `;`.
macro_rules! v {
    ($self:ident, $op:ident $d:ident, $a:ident) => {
        vex!($self, $op Rx($d.0), Rx($a.0))
    };
    ($self:ident, $op:ident $d:ident, $a:ident; $imm:expr) => {
        vex!($self, $op Rx($d.0), Rx($a.0), ($imm) as i8)
    };
    ($self:ident, $op:ident $d:ident, $a:ident, $b:ident) => {
        vex!($self, $op Rx($d.0), Rx($a.0), Rx($b.0))
    };
    ($self:ident, $op:ident $d:ident, $a:ident, $b:ident; $imm:expr) => {
        $self.encode(with_immediate!($op), $d.0, $a.0, Some($b), Some($imm))
    };
    ($self:ident, $op:ident $d:ident, $a:ident, $b:ident, $mask:ident) => {
        vex!($self, $op Rx($d.0), Rx($a.0), Rx($b.0), Rx($mask.0))
    };
    ($self:ident, $op:ident $d:ident, [$bits:expr]) => {{
        vex!($self, $op Rx($d.0), [rip + 0]);
        $self.constant_field($bits, 0);
    }};
    ($self:ident, $op:ident $d:ident, $a:ident, [$bits:expr]) => {{
        vex!($self, $op Rx($d.0), Rx($a.0), [rip + 0]);
        $self.constant_field($bits, 0);
    }};
    ($self:ident, $op:ident $d:ident, $a:ident, [$bits:expr]; $imm:expr) => {{
        $self.encode(with_immediate!($op), $d.0, $a.0, None, Some($imm));
        $self.constant_field($bits, 1);
    }};
    ($self:ident, $op:ident $d:ident, $a:ident, [$bits:expr], $mask:ident) => {{
        vex!($self, $op Rx($d.0), Rx($a.0), [rip + 0], Rx($mask.0));
        $self.constant_field($bits, 1);
    }};
}

/// The instructions with three operands and an immediate.
#[rustfmt::skip]
macro_rules! with_immediate {
    (vcmpps) => { Opcode::new(0, 1, 0xc2) };
    (vcmppd) => { Opcode::new(1, 1, 0xc2) };
    (vshufps) => { Opcode::new(0, 1, 0xc6) };
    (vpalignr) => { Opcode::new(1, 3, 0x0f) };
    (vpblendd) => { Opcode::new(1, 3, 0x02) };
    (vpblendw) => { Opcode::new(1, 3, 0x0e) };
    (vblendps) => { Opcode::new(1, 3, 0x0c) };
    (vblendpd) => { Opcode::new(1, 3, 0x0d) };
    (vinsertps) => { Opcode::new(1, 3, 0x21) };
}

/// Emits one instruction that is spelled as dynasm wants it.
macro_rules! vex {
    ($self:ident, $($instruction:tt)*) => {{
        let start = $self.buffer.len();
        dynasmrt::dynasm!($self.buffer; .arch x64; $($instruction)*);
        $self.shorten_vex(start);
    }};
}

/// The instruction of a list for 8-, 16-, 32- and 64-bit lanes. Lists may end early.
macro_rules! by_lanes {
    ($self:ident, $lanes:expr, [$b:ident $w:ident] $($operands:tt)*) => {
        match $lanes {
            Lanes::I8x16 => v!($self, $b $($operands)*),
            Lanes::I16x8 => v!($self, $w $($operands)*),
            lanes => no_such(lanes),
        }
    };
    ($self:ident, $lanes:expr, [$b:ident $w:ident $d:ident] $($operands:tt)*) => {
        match $lanes {
            Lanes::I32x4 => v!($self, $d $($operands)*),
            lanes => by_lanes!($self, lanes, [$b $w] $($operands)*),
        }
    };
    ($self:ident, $lanes:expr, [$b:ident $w:ident $d:ident $q:ident] $($operands:tt)*) => {
        match $lanes {
            Lanes::I8x16 => v!($self, $b $($operands)*),
            Lanes::I16x8 => v!($self, $w $($operands)*),
            Lanes::I32x4 => v!($self, $d $($operands)*),
            Lanes::I64x2 => v!($self, $q $($operands)*),
        }
    };
}

/// The instruction of a pair for `f32` or `f64` lanes.
macro_rules! by_width {
    ($self:ident, $width:expr, [$single:ident $double:ident] $($operands:tt)*) => {
        match $width {
            FloatWidth::F32 => v!($self, $single $($operands)*),
            FloatWidth::F64 => v!($self, $double $($operands)*),
        }
    };
}

pub(super) use {by_lanes, by_width, v, vex, with_immediate};

/// The constant with all bytes alike.
pub(super) const fn splat8(lane: u8) -> u128 {
    u128::from_le_bytes([lane; 16])
}

/// The constant with all 16-bit lanes alike.
pub(super) const fn splat16(lane: u16) -> u128 {
    lane as u128 * (u128::MAX / u16::MAX as u128)
}

/// The constant with all 32-bit lanes alike.
pub(super) const fn splat32(lane: u32) -> u128 {
    lane as u128 * (u128::MAX / u32::MAX as u128)
}

/// The constant with both 64-bit lanes alike.
pub(super) const fn splat64(lane: u64) -> u128 {
    lane as u128 * (u128::MAX / u64::MAX as u128)
}

/// An instruction of 128-bit vectors.
#[derive(Clone, Copy)]
pub(super) struct Opcode {
    /// 0 for none, 1 for 66.
    prefix: u8,
    /// 1 for 0f, 2 for 0f 38, 3 for 0f 3a.
    map: u8,
    /// The bit W.
    wide: bool,
    code: u8,
}

impl Opcode {
    pub(super) const fn new(prefix: u8, map: u8, code: u8) -> Opcode {
        Opcode { prefix, map, wide: false, code }
    }

    /// The same with the bit W as given.
    pub(super) const fn wide(self, wide: bool) -> Opcode {
        Opcode { wide, ..self }
    }
}

impl X64 {
    /// Gives the instruction at `start`, the last one, its shortest VEX prefix.
    pub(in super::super) fn shorten_vex(&mut self, start: usize) {
        self.buffer.shorten_vex(start);
    }

    /// Emits an instruction. The register operands of any file are `d`, the destination; `a`, 0 if there is none; and `b`, instead of
    /// which `None` is `[rip + 0]`.
    pub(super) fn encode(&mut self, op: Opcode, d: u8, a: u8, b: Option<Fpr>, immediate: Option<u8>) {
        let start = self.buffer.len();
        let b_high = b.map_or(0, |b| b.0 >> 3);
        let registers = (d >> 3 ^ 1) << 7 | 1 << 6 | (b_high ^ 1) << 5;
        let rest = u8::from(op.wide) << 7 | (a ^ 15) << 3 | op.prefix;
        self.buffer.bytes.extend_from_slice(&[0xc4, registers | op.map, rest, op.code]);
        let reg = (d & 7) << 3;
        match b {
            Some(b) => self.buffer.push(0xc0 | reg | b.0 & 7),
            None => self.buffer.bytes.extend_from_slice(&[0x05 | reg, 0, 0, 0, 0]),
        }
        self.buffer.bytes.extend(immediate);
        self.shorten_vex(start);
    }

    /// `d = a` unless it is already there.
    pub(super) fn copy_vector(&mut self, d: Fpr, a: Fpr) {
        if d != a {
            self.vex_reg(Vex { prefix: 0, code: 0x28 }, d.0, 0, a.0);
        }
    }

    /// `d = bits`
    pub(super) fn constant_to(&mut self, d: Fpr, bits: u128) {
        match bits {
            0 => self.vex_reg(Vex { prefix: 1, code: 0xef }, d.0, d.0, d.0),
            u128::MAX => v!(self, vpcmpeqd d, d, d),
            bits => v!(self, vmovups d, [bits]),
        }
    }
}

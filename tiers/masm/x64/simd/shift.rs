//! Lanewise shifts. The machine shifts by an immediate, or by the low half of a register, and gives zero (or the sign) for counts
//! of the width and above: variable counts are reduced first. It shifts no bytes, and has no signed shift of 64-bit lanes.

use dynasmrt::DynasmApi;

use super::super::{RCX, X0, X1, X2, X64};
use super::vex::{splat8, splat16, splat64, v, vex};
use crate::operand::{Fpr, Load, Rhs, Width};
use crate::{Lanes, Masm};

/// A count modulo the lanes' width.
#[derive(Clone, Copy)]
enum Count {
    Known(u8),
    /// In `X0`
    Variable,
}

/// Emits a shift of `a` to `d`.
macro_rules! shift {
    ($self:ident, $op:ident $d:ident, $a:ident, $count:ident) => {
        match $count {
            Count::Known(count) => v!($self, $op $d, $a; count),
            Count::Variable => v!($self, $op $d, $a, X0),
        }
    };
}

impl X64 {
    pub(super) fn shift_left(&mut self, lanes: Lanes, d: Fpr, a: Fpr, count: Rhs) {
        let count = self.count(lanes, count, 0);
        match lanes {
            Lanes::I8x16 => {
                shift!(self, vpsllw X1, a, count);
                match count {
                    Count::Known(count) => v!(self, vpand d, X1, [splat8(0xff << count)]),
                    Count::Variable => {
                        v!(self, vmovups X2, [splat16(0xff)]);
                        v!(self, vpsllw X2, X2, X0);
                        self.and_low_byte(d);
                    }
                }
            }
            Lanes::I16x8 => shift!(self, vpsllw d, a, count),
            Lanes::I32x4 => shift!(self, vpslld d, a, count),
            Lanes::I64x2 => shift!(self, vpsllq d, a, count),
        }
    }

    pub(super) fn shift_right_unsigned(&mut self, lanes: Lanes, d: Fpr, a: Fpr, count: Rhs) {
        let count = self.count(lanes, count, 0);
        match lanes {
            Lanes::I8x16 => {
                shift!(self, vpsrlw X1, a, count);
                match count {
                    Count::Known(count) => v!(self, vpand d, X1, [splat8(0xff >> count)]),
                    Count::Variable => {
                        v!(self, vmovups X2, [splat16(0xff)]);
                        v!(self, vpsrlw X2, X2, X0);
                        self.and_low_byte(d);
                    }
                }
            }
            Lanes::I16x8 => shift!(self, vpsrlw d, a, count),
            Lanes::I32x4 => shift!(self, vpsrld d, a, count),
            Lanes::I64x2 => shift!(self, vpsrlq d, a, count),
        }
    }

    pub(super) fn shift_right_signed(&mut self, lanes: Lanes, d: Fpr, a: Fpr, count: Rhs) {
        match lanes {
            Lanes::I8x16 => {
                // As the upper halves of words, whose lower halves are shifted out.
                let count = self.count(lanes, count, 8);
                v!(self, vpunpcklbw X1, a, a);
                v!(self, vpunpckhbw X2, a, a);
                shift!(self, vpsraw X1, X1, count);
                shift!(self, vpsraw X2, X2, count);
                v!(self, vpacksswb d, X1, X2);
            }
            Lanes::I16x8 => {
                let count = self.count(lanes, count, 0);
                shift!(self, vpsraw d, a, count);
            }
            Lanes::I32x4 => {
                let count = self.count(lanes, count, 0);
                shift!(self, vpsrad d, a, count);
            }
            Lanes::I64x2 => {
                // With the sign's new place in `sign`: (a >> count ^ sign) - sign extends it.
                let count = self.count(lanes, count, 0);
                shift!(self, vpsrlq X1, a, count);
                match count {
                    Count::Known(count) => {
                        let sign = splat64(1 << 63 >> count);
                        v!(self, vpxor X1, X1, [sign]);
                        v!(self, vpsubq d, X1, [sign]);
                    }
                    Count::Variable => {
                        v!(self, vmovups X2, [splat64(1 << 63)]);
                        v!(self, vpsrlq X2, X2, X0);
                        v!(self, vpxor X1, X1, X2);
                        v!(self, vpsubq d, X1, X2);
                    }
                }
            }
        }
    }

    /// The count modulo the lanes' width, plus `more`, a multiple of the width.
    fn count(&mut self, lanes: Lanes, count: Rhs, more: u8) -> Count {
        let mask = lanes.bits() - 1;
        let reg = match count {
            Rhs::Imm(count) => return Count::Known((count as u8 & mask) + more),
            Rhs::Reg(reg) => reg,
            Rhs::Mem(mem) => {
                self.load(Load::U32, RCX, mem);
                RCX
            }
        };
        self.and(Width::W32, RCX, reg, Rhs::Imm(mask.into()));
        if more != 0 {
            self.or(Width::W32, RCX, RCX, Rhs::Imm(more.into()));
        }
        vex!(self, vmovd Rx(X0.0), Rd(RCX.0));
        Count::Variable
    }

    /// `d = X1`, each byte masked by the lowest of `X2`
    fn and_low_byte(&mut self, d: Fpr) {
        v!(self, vpbroadcastb X2, X2);
        v!(self, vpand d, X1, X2);
    }
}

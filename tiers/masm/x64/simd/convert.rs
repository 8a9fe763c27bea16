//! Conversions between lanes of integers and floats where the machine has no instruction: it knows signed integers only, and takes
//! what does not fit to `1 << 31`.

use dynasmrt::DynasmApi;

use super::predicate::{EQUAL, GREATER_OR_EQUAL};
use super::vex::{Opcode, splat32, splat64, v, vex, with_immediate};
use super::{X0, X1, X2, X64};
use crate::operand::Fpr;
use crate::x64::X3;
use crate::{FloatWidth, Rounding, Simd};

/// 2^23: the integers from here on are their own significands. Likewise 2^39 for multiples of 2^16, and 2^52 for `f64`.
const TWO_23: f32 = 8_388_608.0;
const TWO_31: f32 = 2_147_483_648.0;
const TWO_39: f32 = 549_755_813_888.0;
const TWO_52: f64 = 4_503_599_627_370_496.0;

impl X64 {
    pub(super) fn truncate_singles_signed(&mut self, d: Fpr, a: Fpr) {
        // NaN becomes 0. What does not fit becomes 1 << 31, which is flipped if it was too great.
        v!(self, vcmpps X0, a, a; EQUAL);
        v!(self, vandps X0, X0, a);
        v!(self, vcvttps2dq X0, X0);
        v!(self, vcmpps X1, a, [splat32(TWO_31.to_bits())]; GREATER_OR_EQUAL);
        v!(self, vpxor d, X0, X1);
    }

    pub(super) fn truncate_singles_unsigned(&mut self, d: Fpr, a: Fpr) {
        // NaN and negative values become 0. The sum of what is below 2^31, or else 1 << 31; and of the excess over 2^31, clamped to
        // what is below 2^31.
        let limit = splat32(TWO_31.to_bits());
        self.constant_to(X3, 0);
        v!(self, vmaxps X0, a, X3);
        v!(self, vsubps X1, X0, [limit]);
        v!(self, vcvttps2dq X0, X0);
        v!(self, vcmpps X2, X1, [limit]; GREATER_OR_EQUAL);
        v!(self, vcvttps2dq X1, X1);
        v!(self, vpxor X1, X1, X2);
        v!(self, vpmaxsd X1, X1, X3);
        v!(self, vpaddd d, X0, X1);
    }

    pub(super) fn truncate_doubles_signed(&mut self, d: Fpr, a: Fpr) {
        // NaN becomes 0, for the minimum yields its second operand. Too small values become 1 << 31.
        v!(self, vcmppd X0, a, a; EQUAL);
        v!(self, vandpd X0, X0, [splat64(f64::from(i32::MAX).to_bits())]);
        v!(self, vminpd X0, a, X0);
        v!(self, vcvttpd2dq d, X0);
    }

    pub(super) fn truncate_doubles_unsigned(&mut self, d: Fpr, a: Fpr) {
        // NaN becomes 0, as above. The sum's lower half is the integer.
        self.constant_to(X1, 0);
        v!(self, vmaxpd X0, a, X1);
        v!(self, vminpd X0, X0, [splat64(f64::from(u32::MAX).to_bits())]);
        self.round_floats(FloatWidth::F64, Rounding::Trunc, X0, X0);
        v!(self, vaddpd X0, X0, [splat64(TWO_52.to_bits())]);
        v!(self, vshufps d, X0, X1; 0b10_00_10_00);
    }

    pub(super) fn singles_from_unsigned(&mut self, d: Fpr, a: Fpr) {
        // 2^23 + lower half, and 2^39 + (upper half << 16), are made of bits. The difference of what is too much is exact, so that
        // only the sum is rounded.
        const ODD_WORDS: u8 = 0b1010_1010;
        v!(self, vpblendw X0, a, [splat32(TWO_23.to_bits())]; ODD_WORDS);
        v!(self, vpsrld X1, a; 16);
        v!(self, vpor X1, X1, [splat32(TWO_39.to_bits())]);
        v!(self, vsubps X1, X1, [splat32((TWO_39 + TWO_23).to_bits())]);
        v!(self, vaddps d, X0, X1);
    }

    pub(super) fn doubles_from_unsigned(&mut self, d: Fpr, a: Fpr) {
        // 2^52 + a is made of bits.
        let power = TWO_52.to_bits();
        v!(self, vunpcklps X0, a, [splat32((power >> 32) as u32)]);
        v!(self, vsubpd d, X0, [splat64(power)]);
    }
}

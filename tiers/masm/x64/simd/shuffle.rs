//! `i8x16.shuffle` with known lanes: one instruction for the patterns that programs use, else one table lookup per operand.

use dynasmrt::DynasmApi;

use super::super::{X0, X1, X64};
use super::vex::{Opcode, v, vex, with_immediate};
use crate::operand::Fpr;

/// A lane that selects none of the 16.
const NONE: u8 = 0x80;

/// The indices of lanes of `N` bytes, if the bytes select whole ones, aligned.
fn wide<const N: usize, const COUNT: usize>(lanes: [u8; 16]) -> Option<[u8; COUNT]> {
    let mut indices = [0; COUNT];
    for (index, bytes) in indices.iter_mut().zip(lanes.chunks_exact(N)) {
        let first = bytes[0];
        if !usize::from(first).is_multiple_of(N) || !bytes.iter().copied().eq(first..first + N as u8) {
            return None;
        }
        *index = first / N as u8;
    }
    Some(indices)
}

/// Four two-bit fields, the first lowest.
fn fields(indices: [u8; 4]) -> u8 {
    indices.iter().rev().fold(0, |fields, index| fields << 2 | index & 3)
}

/// A lookup of `lanes` in the first (`base` 0) or second (`base` 16) operand, with zeros for those of the other.
fn table(lanes: [u8; 16], base: u8) -> u128 {
    u128::from_le_bytes(lanes.map(|lane| if lane & 16 == base { lane & 15 } else { NONE }))
}

impl X64 {
    pub(super) fn shuffle_known(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: u128) {
        let lanes = lanes.to_le_bytes().map(|lane| if a == b { lane & 15 } else { lane & 31 });
        if lanes.iter().all(|lane| lane & 16 == 0) {
            self.permute(d, a, lanes);
        } else if lanes.iter().all(|lane| lane & 16 != 0) {
            self.permute(d, b, lanes.map(|lane| lane & 15));
        } else if !self.combine(d, a, b, lanes) && !self.combine(d, b, a, lanes.map(|lane| lane ^ 16)) {
            v!(self, vpshufb X0, a, [table(lanes, 0)]);
            v!(self, vpshufb X1, b, [table(lanes, 16)]);
            v!(self, vpor d, X0, X1);
        }
    }

    /// Bytes of one vector.
    fn permute(&mut self, d: Fpr, a: Fpr, lanes: [u8; 16]) {
        if let Some(lanes) = wide::<4, 4>(lanes) {
            match lanes {
                [0, 1, 2, 3] => self.copy_vector(d, a),
                lanes => v!(self, vpshufd d, a; fields(lanes)),
            }
        } else if lanes == [0; 16] {
            v!(self, vpbroadcastb d, a);
        } else if wide::<2, 8>(lanes) == Some([0; 8]) {
            v!(self, vpbroadcastw d, a);
        } else {
            v!(self, vpshufb d, a, [u128::from_le_bytes(lanes)]);
        }
    }

    /// Emits one instruction if there is one for these bytes of two vectors. The patterns in which the vectors have each other's
    /// places are the caller's to ask for.
    fn combine(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: [u8; 16]) -> bool {
        let first = lanes[0];
        if first < 16 && lanes.iter().copied().eq(first..first + 16) {
            v!(self, vpalignr d, b, a; first);
            return true;
        }
        if let Some(lanes) = wide::<4, 4>(lanes) {
            match lanes {
                [0, 1, 4, 5] => v!(self, vpunpcklqdq d, a, b),
                [2, 3, 6, 7] => v!(self, vpunpckhqdq d, a, b),
                [0, 4, 1, 5] => v!(self, vpunpckldq d, a, b),
                [2, 6, 3, 7] => v!(self, vpunpckhdq d, a, b),
                [0..=3, 0..=3, 4..=7, 4..=7] => v!(self, vshufps d, a, b; fields(lanes)),
                _ if (0..4).all(|i| lanes[usize::from(i)] & 3 == i) => {
                    v!(self, vpblendd d, a, b; (0..4).fold(0u8, |mask, i| mask | (lanes[i] >> 2) << i))
                }
                _ => return false,
            }
            return true;
        }
        if let Some(lanes) = wide::<2, 8>(lanes) {
            match lanes {
                [0, 8, 1, 9, 2, 10, 3, 11] => v!(self, vpunpcklwd d, a, b),
                [4, 12, 5, 13, 6, 14, 7, 15] => v!(self, vpunpckhwd d, a, b),
                _ if (0..8).all(|i| lanes[usize::from(i)] & 7 == i) => {
                    v!(self, vpblendw d, a, b; (0..8).fold(0u8, |mask, i| mask | (lanes[i] >> 3) << i))
                }
                _ => return false,
            }
            return true;
        }
        match lanes {
            [0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23] => v!(self, vpunpcklbw d, a, b),
            [8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31] => v!(self, vpunpckhbw d, a, b),
            _ => return false,
        }
        true
    }
}

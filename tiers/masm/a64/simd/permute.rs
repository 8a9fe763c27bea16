//! `i8x16.shuffle` with known lanes: one instruction for the patterns that the machine has, else a table lookup.

use dynasmrt::{DynasmApi, dynasm};

use super::super::{A64, S0};
use crate::operand::Fpr;
use crate::{Lanes, Simd};

const ALL: [Lanes; 4] = [Lanes::I64x2, Lanes::I32x4, Lanes::I16x8, Lanes::I8x16];

/// The lane from which each lane comes, of `count` in each operand.
type Pattern = fn(lane: usize, count: usize) -> usize;

/// The instructions with two operands of any lanes.
const PATTERNS: [(u32, Pattern); 6] = [
    (0x4e00_1800, |i, _| 2 * i),
    (0x4e00_5800, |i, _| 2 * i + 1),
    (0x4e00_3800, |i, count| i / 2 + i % 2 * count),
    (0x4e00_7800, |i, count| count / 2 + i / 2 + i % 2 * count),
    (0x4e00_2800, |i, count| i / 2 * 2 + i % 2 * count),
    (0x4e00_6800, |i, count| i / 2 * 2 + 1 + i % 2 * count),
];

/// Which byte each byte of a permutation of wider lanes is.
fn bytes(bytes_of_lane: usize, lane: impl Fn(usize) -> usize) -> [u8; 16] {
    std::array::from_fn(|i| (lane(i / bytes_of_lane) * bytes_of_lane + i % bytes_of_lane) as u8)
}

impl A64 {
    pub(super) fn permute(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: u128) {
        let lanes = lanes.to_le_bytes().map(|lane| lane & 31);
        // What reads one operand only is known by lanes below 16.
        let one = |base: u8| lanes.iter().all(|lane| lane & 16 == base);
        if a == b || one(0) {
            self.permute_one(d, a, lanes.map(|lane| lane & 15));
        } else if one(16) {
            self.permute_one(d, b, lanes.map(|lane| lane & 15));
        } else if !self.combine(d, a, b, lanes, 31) && !self.combine(d, b, a, lanes.map(|lane| lane ^ 16), 31) {
            self.load_constant(S0, u128::from_le_bytes(lanes));
            self.shuffle(d, a, b, S0);
        }
    }

    fn permute_one(&mut self, d: Fpr, a: Fpr, lanes: [u8; 16]) {
        if lanes == bytes(1, |i| i) {
            return self.copy_vector(d, a);
        }
        for shape in ALL {
            let width = usize::from(shape.bits() / 8);
            let first = usize::from(lanes[0]) / width;
            if lanes == bytes(width, |_| first) {
                return self.splat_element(shape, d, a, first as u8);
            }
            // The lanes of each 64, 32 or 16 bits backwards.
            for (opcode, group) in [(0x4e20_0800, 8), (0x6e20_0800, 4), (0x4e20_1800, 2)] {
                if width < group && lanes == bytes(width, |i| i ^ (group / width - 1)) {
                    return self.push_u32(opcode | size(shape) | u32::from(a.0) << 5 | u32::from(d.0));
                }
            }
        }
        if !self.combine(d, a, a, lanes, 15) {
            self.load_constant(S0, u128::from_le_bytes(lanes));
            self.swizzle(d, a, S0);
        }
    }

    /// Emits one instruction if there is one for these bytes of two vectors, of which those bits count. The patterns in which the
    /// vectors have each other's places are the caller's to ask for.
    fn combine(&mut self, d: Fpr, a: Fpr, b: Fpr, lanes: [u8; 16], mask: u8) -> bool {
        let first = lanes[0];
        if first < 16 && lanes == bytes(1, |i| usize::from(first) + i).map(|lane| lane & mask) {
            dynasm!(self; .arch aarch64; ext V(d.0).B16, V(a.0).B16, V(b.0).B16, first.into());
            return true;
        }
        for shape in ALL {
            let width = usize::from(shape.bits() / 8);
            for (opcode, pattern) in PATTERNS {
                if lanes == bytes(width, |i| pattern(i, 16 / width)).map(|lane| lane & mask) {
                    let registers = u32::from(b.0) << 16 | u32::from(a.0) << 5 | u32::from(d.0);
                    self.push_u32(opcode | size(shape) | registers);
                    return true;
                }
            }
        }
        false
    }
}

/// The field that names lanes.
fn size(lanes: Lanes) -> u32 {
    u32::from(super::scale(lanes)) << 22
}

//! Labels: branches, islands and constants.
//!
//! Jumps reach 128 MiB either way, everything else (conditional branches, loads of constants) 1 MiB. Back to a bound label the
//! distance is known. Forward it is not: such a field waits, and when the oldest one is about to get out of reach, an island is put
//! between two instructions, with a jump for each label that is still not bound, and the constants. So every field is in reach when
//! it is written, however long the code is.
//!
//! Islands come behind an instruction, never before one: an offset that a caller has asked for is that of the next instruction.

use dynasmrt::{AssemblyOffset, DynasmApi};

use super::{A64, T0};
use crate::Masm;
use crate::buffer::{Buffer, Fixup, Label};
use crate::operand::{Cond, Fpr, Gpr, Width};

/// A distance of 26 bits in words.
const JUMP: u8 = 0;
/// A distance of 19 bits in words.
const SHORT: u8 = 1;
/// A distance from an `adr`, in the two moves behind it.
const ADDRESS: u8 = 2;

/// How far a field of 19 bits reaches, in bytes.
const REACH: usize = 1 << 20;
/// What may be emitted between the test for an island and its end, apart from what [`A64::wait`] counts.
const SLACK: usize = 256;

impl Default for A64 {
    fn default() -> A64 {
        A64 { buffer: Buffer::default(), short: Vec::new(), island_at: usize::MAX }
    }
}

impl Extend<u8> for A64 {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.buffer.bytes.extend(bytes);
        self.island_if_due();
    }
}

impl<'a> Extend<&'a u8> for A64 {
    #[inline]
    fn extend<I: IntoIterator<Item = &'a u8>>(&mut self, bytes: I) {
        self.buffer.bytes.extend(bytes);
        self.island_if_due();
    }
}

impl DynasmApi for A64 {
    fn offset(&self) -> AssemblyOffset {
        AssemblyOffset(self.buffer.len())
    }

    fn push(&mut self, byte: u8) {
        self.buffer.bytes.push(byte);
    }

    fn align(&mut self, alignment: usize, with: u8) {
        let len = self.buffer.len().next_multiple_of(alignment);
        self.buffer.bytes.resize(len, with);
    }

    #[inline]
    fn push_u32(&mut self, word: u32) {
        self.buffer.bytes.extend_from_slice(&word.to_le_bytes());
        self.island_if_due();
    }
}

/// The machine's number of a condition.
pub(super) const fn code(cond: Cond) -> u32 {
    match cond {
        Cond::Eq | Cond::FloatEq => 0,
        Cond::Ne | Cond::FloatNe => 1,
        Cond::GeU => 2,
        Cond::LtU => 3,
        Cond::Negative => 4,
        Cond::NotNegative => 5,
        Cond::GtU => 8,
        Cond::LeU => 9,
        Cond::GeS => 10,
        Cond::LtS => 11,
        Cond::GtS => 12,
        Cond::LeS => 13,
    }
}

/// The number of "overflow", which floats that were compared set if one is a NaN.
pub(super) const OVERFLOW: u32 = 6;

/// The field of a distance in a word.
fn field(kind: u8, distance: i64) -> u32 {
    let words = (distance >> 2) as u32;
    if kind == JUMP { words & 0x3ff_ffff } else { (words & 0x7_ffff) << 5 }
}

fn is_short(distance: i64) -> bool {
    (-(REACH as i64)..REACH as i64).contains(&distance)
}

impl A64 {
    /// Emits words that belong together.
    fn words<const N: usize>(&mut self, words: [u32; N]) {
        for word in words {
            self.buffer.bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.island_if_due();
    }

    /// `b label`
    pub(super) fn branch(&mut self, label: Label) {
        self.buffer.fixup(self.buffer.len(), label, JUMP);
        self.push_u32(0x1400_0000);
    }

    /// `bl label`. Not a place for an island: the offset behind is that of the return.
    pub(super) fn branch_and_link(&mut self, label: Label) {
        self.buffer.fixup(self.buffer.len(), label, JUMP);
        self.buffer.bytes.extend_from_slice(&0x9400_0000u32.to_le_bytes());
    }

    /// `b.cond label` with a machine condition.
    pub(super) fn branch_if(&mut self, code: u32, label: Label) {
        self.branch_short(0x5400_0000 | code, 1, label);
    }

    /// `cbz` or `cbnz`
    pub(super) fn branch_if_zero(&mut self, zero: bool, width: Width, a: Gpr, label: Label) {
        let wide = u32::from(width == Width::W64) << 31;
        self.branch_short(0x3400_0000 | wide | u32::from(!zero) << 24 | u32::from(a.0), 1 << 24, label);
    }

    /// Emits a branch of 19 bits, which means the opposite with the bits of `inverse` flipped.
    fn branch_short(&mut self, word: u32, inverse: u32, label: Label) {
        match self.distance_to(label) {
            None => self.wait(word, label),
            Some(distance) if is_short(distance) => self.push_u32(word | field(SHORT, distance)),
            Some(_) => {
                self.buffer.fixup(self.buffer.len() + 4, label, JUMP);
                self.words([word ^ inverse | field(SHORT, 8), 0x1400_0000]);
            }
        }
    }

    /// `d = bits`, from a constant behind the code.
    pub(super) fn load_constant(&mut self, d: Fpr, bits: u128) {
        let label = self.buffer.constant(bits);
        self.wait(0x9c00_0000 | u32::from(d.0), label);
    }

    /// `d = address of label`
    pub(super) fn load_address(&mut self, d: Gpr, label: Label) {
        let (d, t) = (u32::from(d.0), u32::from(T0.0));
        let adr = 0x1000_0000 | d;
        match self.distance_to(label) {
            Some(distance) if is_short(distance) => self.push_u32(adr | field(SHORT, distance)),
            _ => {
                // adr d, here; movz t, low; movk t, high, lsl 16; add d, d, t, sxtw
                self.buffer.fixup(self.buffer.len(), label, ADDRESS);
                self.words([adr, 0x5280_0000 | t, 0x72a0_0000 | t, 0x8b20_c000 | t << 16 | d << 5 | d]);
            }
        }
    }

    fn distance_to(&self, label: Label) -> Option<i64> {
        self.buffer.position(label).map(|position| position as i64 - self.buffer.len() as i64)
    }

    /// Emits a word whose field of 19 bits is written later.
    fn wait(&mut self, word: u32, label: Label) {
        self.short.push(Fixup { at: self.buffer.len() as u32, label, kind: SHORT });
        // Each may need a jump or a constant of the island.
        self.island_at = self.short[0].at as usize + REACH - SLACK - 20 * self.short.len();
        self.push_u32(word);
    }

    #[inline]
    fn island_if_due(&mut self) {
        if self.buffer.len() >= self.island_at {
            self.island();
        }
    }

    /// Pads with zeros, which are `udf`.
    pub(super) fn pad(&mut self, alignment: usize) {
        if self.buffer.len() + alignment >= self.island_at {
            self.island();
        }
        DynasmApi::align(self, alignment, 0);
    }

    /// Serves every field that waits.
    #[cold]
    fn island(&mut self) {
        let mut waiting = self.take_short();
        waiting.retain(|fixup| !self.write_if_bound(fixup));
        if waiting.is_empty() {
            return;
        }
        let end = self.label();
        self.branch(end);
        self.emit_constants();
        for fixup in waiting {
            if !self.write_if_bound(&fixup) {
                let here = self.buffer.len();
                self.write(&fixup, here);
                self.branch(fixup.label);
            }
        }
        self.bind(end);
    }

    fn take_short(&mut self) -> Vec<Fixup> {
        self.island_at = usize::MAX;
        std::mem::take(&mut self.short)
    }

    fn write_if_bound(&mut self, fixup: &Fixup) -> bool {
        let position = self.buffer.position(fixup.label);
        position.inspect(|&position| self.write(fixup, position)).is_some()
    }

    /// Writes the distance to `target`.
    fn write(&mut self, fixup: &Fixup, target: usize) {
        let at = fixup.at as usize;
        let distance = target as i64 - at as i64;
        let mut put = |at: usize, bits: u32| {
            let word = &mut self.buffer.bytes[at..at + 4];
            for (byte, bits) in word.iter_mut().zip(bits.to_le_bytes()) {
                *byte |= bits;
            }
        };
        match fixup.kind {
            ADDRESS => {
                put(at + 4, (distance as u32 & 0xffff) << 5);
                put(at + 8, (distance as u32 >> 16) << 5);
            }
            kind => {
                let reach = if kind == JUMP { A64::MAX_CODE } else { REACH };
                debug_assert!(distance.unsigned_abs() < reach as u64, "a branch goes too far");
                put(at, field(kind, distance));
            }
        }
    }

    /// Emits the constants that were asked for.
    fn emit_constants(&mut self) {
        let constants = std::mem::take(&mut self.buffer.constants);
        if !constants.is_empty() {
            DynasmApi::align(self, 16, 0);
        }
        for (bits, label) in constants {
            self.buffer.bind(label);
            self.buffer.bytes.extend_from_slice(&bits.to_le_bytes());
        }
    }

    /// Emits the constants, and writes all distances.
    pub(super) fn resolve(&mut self) {
        self.emit_constants();
        let waiting = self.take_short();
        for fixup in waiting.into_iter().chain(std::mem::take(&mut self.buffer.fixups)) {
            let bound = self.write_if_bound(&fixup);
            assert!(bound, "every label is bound");
        }
    }
}

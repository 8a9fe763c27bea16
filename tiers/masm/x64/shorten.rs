//! The shortest encoding of an instruction whose registers were dynamic.
//!
//! Where it does not know a register, dynasm leaves room for every one: a prefix without bits, an index byte without an index, a
//! displacement of zero, three bytes of VEX where two will do. Code is denser without them, and decodes faster.

use crate::buffer::Buffer;

/// Opcodes of one byte whose register operand is a byte register.
fn has_byte_register(opcode: &[u8]) -> bool {
    match opcode {
        [0x0f, 0xb6 | 0xbe | 0xb0 | 0xc0, ..] => true,
        [0x0f, second, ..] => second & 0xf0 == 0x90,
        [first, ..] => matches!(first, 0x84 | 0x86 | 0x88 | 0x8a | 0x80 | 0xc6 | 0xf6 | 0xfe),
        [] => false,
    }
}

impl Buffer {
    /// Shortens the last instruction, which begins at `start` and has a ModRM byte.
    pub(super) fn shorten(&mut self, start: usize) {
        let mut at = start;
        while matches!(self.bytes.get(at), Some(0x66 | 0xf0 | 0xf2 | 0xf3)) {
            at += 1;
        }
        match self.bytes.get(at) {
            Some(0xc4) => {
                self.shorten_address(at + 4, start);
                self.shorten_vex(at);
            }
            Some(0xc5) => self.shorten_address(at + 3, start),
            Some(0x40..=0x4f) => {
                let modrm = self.modrm(at + 1);
                self.shorten_address(modrm, start);
                self.drop_rex(at, modrm);
            }
            Some(_) => self.shorten_address(self.modrm(at), start),
            None => {}
        }
    }

    /// Where the ModRM byte is, of an instruction whose opcode begins at `opcode`.
    fn modrm(&self, opcode: usize) -> usize {
        match self.bytes.get(opcode..) {
            Some([0x0f, 0x38 | 0x3a, ..]) => opcode + 3,
            Some([0x0f, ..]) => opcode + 2,
            _ => opcode + 1,
        }
    }

    /// Drops an index byte that names no index, and a displacement of zero.
    fn shorten_address(&mut self, modrm: usize, start: usize) {
        let Some(&[byte, sib]) = self.bytes.get(modrm..modrm + 2) else { return };
        let (mode, base) = (byte >> 6, sib & 7);
        if mode == 3 || byte & 7 != 4 {
            return;
        }
        // The index 4 is none, unless a prefix extends it to 12, which no caller of this assembler uses as an index.
        let mut displacement = modrm + 2;
        if sib >> 3 & 7 == 4 && base != 4 && !(mode == 0 && base == 5) && !self.extends_index(modrm, start) {
            self.bytes[modrm] = byte & !7 | base;
            self.bytes.remove(modrm + 1);
            displacement -= 1;
        }
        if mode == 1 && base != 5 && self.bytes.get(displacement) == Some(&0) {
            self.bytes[modrm] &= 0x3f;
            self.bytes.remove(displacement);
        }
    }

    /// Whether the prefix in front of the opcode of an instruction that begins at `start` extends its index register.
    fn extends_index(&self, modrm: usize, start: usize) -> bool {
        // VEX has the bit inverted in its second byte, REX as its second bit.
        let before = |distance: usize| modrm.checked_sub(distance).filter(|&at| at >= start).map(|at| self.bytes[at]);
        match (before(4), before(3), before(2)) {
            (Some(0xc4), Some(map), _) => map & 0x40 == 0,
            (_, Some(0xc5), _) => false,
            (_, Some(rex @ 0x40..=0x4f), Some(0x0f)) => rex & 2 != 0,
            (Some(rex @ 0x40..=0x4f), Some(0x0f), _) => rex & 2 != 0,
            (_, _, Some(rex @ 0x40..=0x4f)) => rex & 2 != 0,
            _ => false,
        }
    }

    /// Drops a REX prefix without bits, unless it makes a byte register what it is.
    fn drop_rex(&mut self, rex: usize, modrm: usize) {
        if self.bytes[rex] != 0x40 {
            return;
        }
        let byte = self.bytes[modrm];
        // spl, bpl, sil and dil are other registers without the prefix.
        let special = |register: u8| (4..8).contains(&register);
        let needs = has_byte_register(&self.bytes[rex + 1..modrm])
            && (special(byte >> 3 & 7) || (byte >> 6 == 3 && special(byte & 7)));
        if !needs {
            self.bytes.remove(rex);
        }
    }

    /// Gives an instruction a two-byte VEX prefix if one can say as much.
    pub(super) fn shorten_vex(&mut self, at: usize) {
        if let &[0xc4, map, rest, ..] = &self.bytes[at..]
            && map & 0x7f == 0x61
            && rest & 0x80 == 0
        {
            // X and B (inverted) clear, opcode map 1, W clear: R moves to where W was.
            self.bytes[at + 1] = 0xc5;
            self.bytes[at + 2] = map & 0x80 | rest;
            self.bytes.remove(at);
        }
    }
}

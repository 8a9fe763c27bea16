//! The commonest instructions, encoded here: at once, and as short as they can be.
//!
//! A compiler spends much of its time on these. Whatever is rarer is dynasm's.

use super::X64;
use crate::buffer::Buffer;
use crate::operand::{Gpr, Mem, Width};

/// What stands in front of an instruction's ModRM byte, but for the registers' part.
#[derive(Clone, Copy)]
pub(super) struct Opcode {
    /// The prefix 66.
    short: bool,
    /// The bit W of REX.
    wide: bool,
    /// The byte 0f in front of the code.
    escaped: bool,
    /// A register is a byte's.
    byte: bool,
    code: u8,
}

impl Opcode {
    pub const fn new(code: u8) -> Opcode {
        Opcode { short: false, wide: false, escaped: false, byte: false, code }
    }

    /// Of two bytes.
    pub const fn escaped(code: u8) -> Opcode {
        Opcode { escaped: true, ..Opcode::new(code) }
    }

    /// Of 16 bits.
    pub const fn short(self) -> Opcode {
        Opcode { short: true, ..self }
    }

    /// Of 64 bits.
    pub const fn wide(self) -> Opcode {
        Opcode { wide: true, ..self }
    }

    /// Of 8 bits.
    pub const fn byte(self) -> Opcode {
        Opcode { byte: true, ..self }
    }

    pub const fn sized(self, width: Width) -> Opcode {
        Opcode { wide: matches!(width, Width::W64), ..self }
    }
}

/// An instruction of VEX, 128 bits or less, with opcodes of the first map.
#[derive(Clone, Copy)]
pub(super) struct Vex {
    /// 0 for none, 1 for 66, 2 for f3, 3 for f2.
    pub prefix: u8,
    pub code: u8,
}

/// Bytes under construction, at most 16.
#[derive(Clone, Copy)]
struct Bytes<T> {
    value: T,
    len: u32,
}

impl Bytes<u64> {
    const NONE: Bytes<u64> = Bytes { value: 0, len: 0 };

    /// These bytes of a little-endian value, of which there are no others.
    fn of(value: u32, len: u32) -> Bytes<u64> {
        Bytes { value: value.into(), len }
    }

    fn push(&mut self, byte: u8) {
        self.value |= u64::from(byte) << (8 * self.len);
        self.len += 1;
    }

    fn push_if(&mut self, condition: bool, byte: u8) {
        self.value |= u64::from(if condition { byte } else { 0 }) << (8 * self.len);
        self.len += u32::from(condition);
    }

    fn append(self, more: Bytes<u64>) -> Bytes<u128> {
        let value = u128::from(self.value) | u128::from(more.value) << (8 * self.len);
        Bytes { value, len: self.len + more.len }
    }
}

/// An immediate behind an instruction.
#[derive(Clone, Copy)]
pub(super) struct Imm(Bytes<u64>);

impl Imm {
    pub const NONE: Imm = Imm(Bytes::NONE);

    pub fn byte(value: i8) -> Imm {
        Imm(Bytes::of(u32::from(value as u8), 1))
    }

    pub fn short(value: i16) -> Imm {
        Imm(Bytes::of(u32::from(value as u16), 2))
    }

    pub fn long(value: i32) -> Imm {
        Imm(Bytes::of(value as u32, 4))
    }
}

/// A memory operand: ModRM's mode and register, the index byte if there is one, and the displacement.
struct Place {
    modrm: u8,
    sib: Option<u8>,
    displacement: Bytes<u64>,
}

impl Place {
    fn of(mem: Mem) -> Place {
        let base = mem.base.0 & 7;
        let (mode, displacement) = match mem.disp {
            0 if base != 5 => (0, Bytes::NONE),
            disp => match i8::try_from(disp) {
                Ok(disp) => (1, Bytes::of(u32::from(disp as u8), 1)),
                Err(_) => (2, Bytes::of(disp as u32, 4)),
            },
        };
        let (low, sib) = match mem.index {
            Some((index, shift)) => (4, Some(shift << 6 | (index.0 & 7) << 3 | base)),
            // As base of a ModRM byte, this one says that there is an index byte.
            None if base == 4 => (4, Some(0x24)),
            None => (base, None),
        };
        Place { modrm: mode << 6 | low, sib, displacement }
    }

    /// Behind an opcode: the register operand's low bits, the place, and an immediate.
    fn finish(self, mut head: Bytes<u64>, reg: u8, imm: Imm) -> Bytes<u128> {
        head.push(self.modrm | (reg & 7) << 3);
        head.push_if(self.sib.is_some(), self.sib.unwrap_or_default());
        let mut tail = self.displacement;
        tail.value |= imm.0.value << (8 * tail.len);
        tail.len += imm.0.len;
        head.append(tail)
    }
}

/// The high bit of a register's number.
fn high(reg: u8) -> u8 {
    reg >> 3
}

/// Registers whose low bytes need a REX prefix.
fn needs_prefix(reg: u8) -> bool {
    (4..8).contains(&(reg & 7))
}

impl Buffer {
    fn instruction(&mut self, bytes: Bytes<u128>) {
        let end = self.bytes.len() + bytes.len as usize;
        self.bytes.extend_from_slice(&bytes.value.to_le_bytes());
        self.bytes.truncate(end);
    }
}

/// Everything in front of the ModRM byte; `keep` makes a REX prefix stay that says nothing.
fn head(op: Opcode, registers: u8, keep: bool) -> Bytes<u64> {
    let mut head = Bytes::NONE;
    head.push_if(op.short, 0x66);
    let rex = 0x40 | u8::from(op.wide) << 3 | registers;
    head.push_if(rex != 0x40 || keep, rex);
    head.push_if(op.escaped, 0x0f);
    head.push(op.code);
    head
}

/// The VEX prefix and opcode; bits of registers as in REX, `a` is the first source.
fn vex_head(op: Vex, registers: u8, a: u8) -> Bytes<u64> {
    let rest = (a ^ 15) << 3 | op.prefix;
    let mut head = Bytes::NONE;
    if registers & 3 == 0 {
        head.push(0xc5);
        head.push((registers >> 2 ^ 1) << 7 | rest);
    } else {
        head.push(0xc4);
        head.push((registers ^ 7) << 5 | 1);
        head.push(rest);
    }
    head.push(op.code);
    head
}

/// The high bits of the registers of an instruction with a memory operand, as in REX.
fn registers_of(reg: u8, mem: Mem) -> u8 {
    let index = mem.index.map_or(0, |(index, _)| high(index.0));
    high(reg) << 2 | index << 1 | high(mem.base.0)
}

impl X64 {
    /// An instruction with a memory operand, a register (or part of the opcode in place of it), and perhaps an immediate.
    pub(super) fn op_mem(&mut self, op: Opcode, reg: u8, mem: Mem, imm: Imm) {
        let head = head(op, registers_of(reg, mem), op.byte && needs_prefix(reg));
        self.buffer.instruction(Place::of(mem).finish(head, reg, imm));
    }

    /// An instruction with two registers, of which `rm` is the one that could be memory.
    pub(super) fn op_reg(&mut self, op: Opcode, reg: u8, rm: Gpr, imm: Imm) {
        let keep = op.byte && (needs_prefix(reg) || needs_prefix(rm.0));
        let mut head = head(op, high(reg) << 2 | high(rm.0), keep);
        head.push(0xc0 | (reg & 7) << 3 | rm.0 & 7);
        self.buffer.instruction(head.append(imm.0));
    }

    /// A vector instruction with a memory operand.
    pub(super) fn vex_mem(&mut self, op: Vex, reg: u8, a: u8, mem: Mem) {
        let head = vex_head(op, registers_of(reg, mem), a);
        self.buffer.instruction(Place::of(mem).finish(head, reg, Imm::NONE));
    }

    /// A vector instruction on registers.
    pub(super) fn vex_reg(&mut self, op: Vex, reg: u8, a: u8, rm: u8) {
        let mut head = vex_head(op, high(reg) << 2 | high(rm), a);
        head.push(0xc0 | (reg & 7) << 3 | rm & 7);
        self.buffer.instruction(head.append(Bytes::NONE));
    }
}

//! Integers, memory and control flow.
//!
//! Scratch: `rax` and `rdx` for division and wide multiplication, `rcx` for operands that have to move out of the way.

use dynasmrt::{DynasmApi, dynasm};

use super::direct::{Imm, Opcode};
use super::encode::{NO_PARITY, PARITY, code, emit, mentions};
use super::{RAX, RCX, RDX, RSP, X64};
use crate::Masm;
use crate::buffer::{Buffer, Label};
use crate::operand::{Cond, Gpr, Load, Mem, Rhs, Store, Width};
use Width::{W32, W64};
use terrace_abi::TrapKind;

/// The number of `cmp` in its group.
const COMPARE: u8 = 7;

const MUL: Opcode = Opcode::escaped(0xaf);

/// The machine's number of "overflow".
const OVERFLOW: u8 = 0;

/// A shift by a variable count: BMI2 takes it in any register.
macro_rules! shift {
    ($self:ident, $width:ident, $bmi:ident, $number:literal, $d:ident, $a:ident, $b:ident) => {{
        match $b {
            Rhs::Imm(count) => {
                $self.mov_if_needed($width, $d, $a);
                let count = count as i8 & if $width == W32 { 31 } else { 63 };
                $self.op_reg(Opcode::new(0xc1).sized($width), $number, $d, Imm::byte(count));
            }
            b => {
                let count = $self.in_register(W32, b);
                match $width {
                    W32 => emit!($self.buffer; $bmi Rd($d.0), Rd($a.0), Rd(count.0)),
                    W64 => emit!($self.buffer; $bmi Rq($d.0), Rq($a.0), Rq(count.0)),
                }
            }
        }
    }};
}

/// A rotation: by an immediate with `rorx`, by a variable through `cl`.
macro_rules! rotate {
    ($self:ident, $width:ident, ($($op:tt)*), $left:literal, $d:ident, $a:ident, $b:ident) => {{
        match ($width, $b) {
            (W32, Rhs::Imm(count)) => {
                let right = if $left { 32 - (count & 31) } else { count } & 31;
                emit!($self.buffer; rorx Rd($d.0), Rd($a.0), right as i8)
            }
            (W64, Rhs::Imm(count)) => {
                let right = if $left { 64 - (count & 63) } else { count } & 63;
                emit!($self.buffer; rorx Rq($d.0), Rq($a.0), right as i8)
            }
            (_, b) => {
                $self.operand_to(W32, RCX, b);
                $self.mov_if_needed($width, $d, $a);
                match $width {
                    W32 => emit!($self.buffer; $($op)* Rd($d.0), cl),
                    W64 => emit!($self.buffer; $($op)* Rq($d.0), cl),
                }
            }
        }
    }};
}

/// A one-operand instruction from `a` to `d`.
macro_rules! convert {
    ($self:ident, $width:ident, $op:ident, $d:ident, $a:ident) => {
        match $width {
            W32 => emit!($self.buffer; $op Rd($d.0), Rd($a.0)),
            W64 => emit!($self.buffer; $op Rq($d.0), Rq($a.0)),
        }
    };
}

fn uses(rhs: Rhs, reg: Gpr) -> bool {
    match rhs {
        Rhs::Reg(b) => b == reg,
        Rhs::Mem(m) => mentions(m, reg),
        Rhs::Imm(_) => false,
    }
}

impl X64 {
    /// What tells an assembler, and so unwinders, about the frame of [`Masm::prologue`] with so many bytes.
    pub fn unwind(bytes: i32) -> String {
        let mut directives = format!(".cfi_def_cfa rsp, {}", bytes + 64);
        for (register, offset) in ["rbp", "rbx", "r12", "r13", "r14", "r15"].into_iter().zip([16, 24, 32, 40, 48, 56]) {
            directives += &format!("\n.cfi_offset {register}, -{offset}");
        }
        directives
    }

    /// `op d, rhs` for the instruction with this number of the group `add or adc sbb and sub xor cmp`.
    fn alu(&mut self, number: u8, width: Width, d: Gpr, rhs: Rhs) {
        match rhs {
            // Both ways round are the same, but texts of code are to stay.
            Rhs::Reg(b) if number == COMPARE => {
                self.op_reg(Opcode::new(0x3b).sized(width), d.0, b, Imm::NONE);
            }
            Rhs::Reg(b) => self.op_reg(Opcode::new(number << 3 | 1).sized(width), b.0, d, Imm::NONE),
            Rhs::Mem(m) => self.op_mem(Opcode::new(number << 3 | 3).sized(width), d.0, m, Imm::NONE),
            Rhs::Imm(i) => match i8::try_from(i) {
                Ok(i) => self.op_reg(Opcode::new(0x83).sized(width), number, d, Imm::byte(i)),
                Err(_) => self.op_reg(Opcode::new(0x81).sized(width), number, d, Imm::long(i)),
            },
        }
    }

    /// `d = a op b` for a commutative instruction of the same group.
    fn commutative(&mut self, number: u8, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        if b == Rhs::Reg(d) {
            return self.alu(number, width, d, a.into());
        }
        let t = self.target(d, a, b);
        self.mov_if_needed(width, t, a);
        self.alu(number, width, t, b);
        self.mov_if_needed(width, d, t);
    }

    fn mov_if_needed(&mut self, width: Width, d: Gpr, a: Gpr) {
        if d != a {
            self.mov(width, d, a);
        }
    }

    /// Where `d = a op b` may be computed in two-operand form: `d`, unless writing it first would destroy `b`.
    fn target(&self, d: Gpr, a: Gpr, b: Rhs) -> Gpr {
        if d != a && uses(b, d) { RCX } else { d }
    }

    /// Moves any operand to a register.
    fn operand_to(&mut self, width: Width, d: Gpr, b: Rhs) {
        match (width, b) {
            (_, Rhs::Reg(b)) => self.mov_if_needed(width, d, b),
            (W32, Rhs::Mem(m)) => self.load(Load::U32, d, m),
            (W64, Rhs::Mem(m)) => self.load(Load::W64, d, m),
            (_, Rhs::Imm(i)) => self.mov_imm(width, d, i.into()),
        }
    }

    /// The register that an operand is in, or `rcx`, to which it is moved.
    fn in_register(&mut self, width: Width, b: Rhs) -> Gpr {
        match b {
            Rhs::Reg(b) => b,
            b => {
                self.operand_to(width, RCX, b);
                RCX
            }
        }
    }

    /// Divides `a` by `b`: quotient in `rax`, remainder in `rdx`.
    fn divide(&mut self, width: Width, signed: bool, a: Gpr, b: Gpr) {
        self.mov(width, RAX, a);
        match (width, signed) {
            (W32, true) => dynasm!(self.buffer; .arch x64; cdq; idiv Rd(b.0)),
            (W64, true) => dynasm!(self.buffer; .arch x64; cqo; idiv Rq(b.0)),
            (W32, false) => dynasm!(self.buffer; .arch x64; xor edx, edx; div Rd(b.0)),
            (W64, false) => dynasm!(self.buffer; .arch x64; xor edx, edx; div Rq(b.0)),
        }
    }

    /// As [`X64::divide`], unsigned; traps if `b` is zero.
    fn divide_unsigned(&mut self, width: Width, a: Gpr, b: Rhs) {
        let divisor = self.in_register(width, b);
        if matches!(b, Rhs::Imm(0)) || !matches!(b, Rhs::Imm(_)) {
            let zero = self.trap(TrapKind::IntegerDivideByZero);
            self.test(width, divisor, divisor.into());
            self.jump_if(Cond::Eq, zero);
        }
        self.divide(width, false, a, divisor);
    }

    /// As [`X64::divide`], signed; traps if `b` is zero. Where `b` is -1 it does what it is given instead, which leaves the result in
    /// the same register: there the machine faults on the most negative value.
    fn divide_signed(&mut self, width: Width, a: Gpr, b: Rhs, by_minus_one: impl FnOnce(&mut X64)) {
        if b == Rhs::Imm(-1) {
            return by_minus_one(self);
        }
        let divisor = self.in_register(width, b);
        let (usual, end) = (self.label(), self.label());
        if matches!(b, Rhs::Imm(0)) || !matches!(b, Rhs::Imm(_)) {
            // One comparison for both special divisors, -1 and 0.
            let zero = self.trap(TrapKind::IntegerDivideByZero);
            self.lea(width, RAX, Mem::at(divisor, 1));
            self.compare(width, RAX, Rhs::Imm(1));
            self.jump_if_near(Cond::GtU, usual);
            self.jump_if(Cond::Eq, zero);
            by_minus_one(self);
            self.jmp_near(end);
        }
        self.bind(usual);
        self.divide(width, true, a, divisor);
        self.bind(end);
    }
}

impl Masm for X64 {
    const MEMORY_OPERANDS: bool = true;
    const MAX_CODE: usize = i32::MAX as usize;

    fn new() -> X64 {
        X64::default()
    }

    fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    fn buffer_mut(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    fn finish(&mut self) {
        self.emit_constants();
        self.resolve();
    }

    fn align(&mut self, alignment: usize) {
        DynasmApi::align(&mut self.buffer, alignment, 0xcc);
    }

    fn is_immediate(_: Width, value: i64, _: bool) -> bool {
        i32::try_from(value).is_ok()
    }

    fn mov(&mut self, width: Width, d: Gpr, a: Gpr) {
        self.op_reg(Opcode::new(0x89).sized(width), a.0, d, Imm::NONE);
    }

    fn mov_imm(&mut self, width: Width, d: Gpr, value: i64) {
        let value = if width == W32 { i64::from(value as u32) } else { value };
        if let Ok(value) = u32::try_from(value) {
            if d.0 >= 8 {
                self.buffer.push(0x41);
            }
            self.buffer.push(0xb8 | d.0 & 7);
            self.buffer.push_u32(value);
        } else if let Ok(value) = i32::try_from(value) {
            self.op_reg(Opcode::new(0xc7).wide(), 0, d, Imm::long(value));
        } else {
            dynasm!(self.buffer; .arch x64; mov Rq(d.0), QWORD value);
        }
    }

    fn load(&mut self, load: Load, d: Gpr, mem: Mem) {
        let op = match load {
            Load::U8 => Opcode::escaped(0xb6).byte(),
            Load::U16 => Opcode::escaped(0xb7),
            Load::U32 => Opcode::new(0x8b),
            Load::W64 => Opcode::new(0x8b).wide(),
            Load::I8To32 => Opcode::escaped(0xbe).byte(),
            Load::I16To32 => Opcode::escaped(0xbf),
            Load::I8 => Opcode::escaped(0xbe).byte().wide(),
            Load::I16 => Opcode::escaped(0xbf).wide(),
            Load::I32 => Opcode::new(0x63).wide(),
        };
        self.op_mem(op, d.0, mem, Imm::NONE);
    }

    fn store(&mut self, store: Store, mem: Mem, a: Gpr) {
        let op = match store {
            Store::W8 => Opcode::new(0x88).byte(),
            Store::W16 => Opcode::new(0x89).short(),
            Store::W32 => Opcode::new(0x89),
            Store::W64 => Opcode::new(0x89).wide(),
        };
        self.op_mem(op, a.0, mem, Imm::NONE);
    }

    fn store_imm(&mut self, store: Store, mem: Mem, value: i32) {
        match store {
            Store::W8 => self.op_mem(Opcode::new(0xc6), 0, mem, Imm::byte(value as i8)),
            Store::W16 => self.op_mem(Opcode::new(0xc7).short(), 0, mem, Imm::short(value as i16)),
            Store::W32 => self.op_mem(Opcode::new(0xc7), 0, mem, Imm::long(value)),
            Store::W64 => self.op_mem(Opcode::new(0xc7).wide(), 0, mem, Imm::long(value)),
        }
    }

    fn lea(&mut self, width: Width, d: Gpr, mem: Mem) {
        self.op_mem(Opcode::new(0x8d).sized(width), d.0, mem, Imm::NONE);
    }

    fn address_of(&mut self, d: Gpr, label: Label) {
        let rex = 0x48 | d.0 >> 3 << 2;
        self.buffer.bytes.extend_from_slice(&[rex, 0x8d, 0x05 | (d.0 & 7) << 3, 0, 0, 0, 0]);
        self.buffer.fixup(self.buffer.len() - 4, label, super::encode::REL32);
    }

    fn add(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        match b {
            Rhs::Reg(b) if d != a && d != b => self.lea(width, d, Mem::indexed(a, b, 0, 0)),
            Rhs::Imm(i) if d != a => self.lea(width, d, Mem::at(a, i)),
            b => self.commutative(0, width, d, a, b),
        }
    }

    fn sub(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        let t = self.target(d, a, b);
        self.mov_if_needed(width, t, a);
        self.alu(5, width, t, b);
        self.mov_if_needed(width, d, t);
    }

    fn and(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.commutative(4, width, d, a, b);
    }

    fn or(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.commutative(1, width, d, a, b);
    }

    fn xor(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.commutative(6, width, d, a, b);
    }

    fn mul(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        match b {
            Rhs::Imm(i) => self.op_reg(Opcode::new(0x69).sized(width), d.0, a, Imm::long(i)),
            Rhs::Reg(b) if b == d => self.op_reg(MUL.sized(width), d.0, a, Imm::NONE),
            b => {
                let t = self.target(d, a, b);
                self.mov_if_needed(width, t, a);
                match b {
                    Rhs::Reg(b) => self.op_reg(MUL.sized(width), t.0, b, Imm::NONE),
                    Rhs::Mem(m) => self.op_mem(MUL.sized(width), t.0, m, Imm::NONE),
                    Rhs::Imm(_) => unreachable!("immediates are above"),
                }
                self.mov_if_needed(width, d, t);
            }
        }
    }

    fn shl(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        shift!(self, width, shlx, 4, d, a, b);
    }

    fn shr_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        shift!(self, width, sarx, 7, d, a, b);
    }

    fn shr_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        shift!(self, width, shrx, 5, d, a, b);
    }

    fn rotl(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        rotate!(self, width, (rol), true, d, a, b);
    }

    fn rotr(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        rotate!(self, width, (ror), false, d, a, b);
    }

    fn div_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.divide_signed(width, a, b, |m| {
            let overflow = m.trap(TrapKind::IntegerOverflow);
            m.mov(width, RAX, a);
            match width {
                W32 => dynasm!(m.buffer; .arch x64; neg eax),
                W64 => dynasm!(m.buffer; .arch x64; neg rax),
            }
            m.jcc(OVERFLOW, overflow);
        });
        self.mov(width, d, RAX);
    }

    fn div_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.divide_unsigned(width, a, b);
        self.mov(width, d, RAX);
    }

    fn rem_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.divide_signed(width, a, b, |m| m.mov_imm(width, RDX, 0));
        self.mov(width, d, RDX);
    }

    fn rem_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs) {
        self.divide_unsigned(width, a, b);
        self.mov(width, d, RDX);
    }

    fn clz(&mut self, width: Width, d: Gpr, a: Gpr) {
        convert!(self, width, lzcnt, d, a);
    }

    fn ctz(&mut self, width: Width, d: Gpr, a: Gpr) {
        convert!(self, width, tzcnt, d, a);
    }

    fn popcnt(&mut self, width: Width, d: Gpr, a: Gpr) {
        convert!(self, width, popcnt, d, a);
    }

    fn sign_extend(&mut self, width: Width, d: Gpr, a: Gpr, from: u8) {
        match (width, from) {
            (_, 8) => self.op_reg(Opcode::escaped(0xbe).byte().sized(width), d.0, a, Imm::NONE),
            (_, 16) => self.op_reg(Opcode::escaped(0xbf).sized(width), d.0, a, Imm::NONE),
            (W64, _) => self.op_reg(Opcode::new(0x63).wide(), d.0, a, Imm::NONE),
            (W32, _) => self.mov(W32, d, a),
        }
    }

    fn add128(&mut self, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]) {
        dynasm!(self.buffer; .arch x64
            ; mov rax, Rq(a[0].0); mov rdx, Rq(a[1].0); add rax, Rq(b[0].0); adc rdx, Rq(b[1].0)
            ; mov Rq(low.0), rax; mov Rq(high.0), rdx);
    }

    fn sub128(&mut self, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]) {
        dynasm!(self.buffer; .arch x64
            ; mov rax, Rq(a[0].0); mov rdx, Rq(a[1].0); sub rax, Rq(b[0].0); sbb rdx, Rq(b[1].0)
            ; mov Rq(low.0), rax; mov Rq(high.0), rdx);
    }

    fn mul_wide(&mut self, signed: bool, low: Gpr, high: Gpr, a: Gpr, b: Gpr) {
        emit!(self.buffer; mov rax, Rq(a.0));
        match signed {
            true => emit!(self.buffer; imul Rq(b.0)),
            false => emit!(self.buffer; mul Rq(b.0)),
        }
        dynasm!(self.buffer; .arch x64; mov Rq(low.0), rax; mov Rq(high.0), rdx);
    }

    fn compare(&mut self, width: Width, a: Gpr, b: Rhs) {
        self.alu(COMPARE, width, a, b);
    }

    fn compare_mem(&mut self, width: Width, a: Mem, b: Rhs) {
        match b {
            Rhs::Reg(b) => self.op_mem(Opcode::new(0x39).sized(width), b.0, a, Imm::NONE),
            Rhs::Imm(i) => self.op_mem(Opcode::new(0x81).sized(width), 7, a, Imm::long(i)),
            Rhs::Mem(_) => {
                self.operand_to(width, RCX, Rhs::Mem(a));
                self.compare(width, RCX, b);
            }
        }
    }

    fn test(&mut self, width: Width, a: Gpr, b: Rhs) {
        match b {
            Rhs::Reg(b) => self.op_reg(Opcode::new(0x85).sized(width), b.0, a, Imm::NONE),
            Rhs::Imm(i) => self.op_reg(Opcode::new(0xf7).sized(width), 0, a, Imm::long(i)),
            Rhs::Mem(m) => self.op_mem(Opcode::new(0x85).sized(width), a.0, m, Imm::NONE),
        }
    }

    fn set(&mut self, cond: Cond, d: Gpr) {
        let byte = |assembler: &mut X64, code: u8, d: u8| {
            // setcc r8; every register's low byte needs a REX prefix or is al, cl, dl, bl.
            let rex = 0x40 | d >> 3;
            assembler.buffer.bytes.extend_from_slice(&[rex, 0x0f, 0x90 | code, 0xc0 | d & 7]);
        };
        byte(self, code(cond), RCX.0);
        match cond {
            Cond::FloatEq => {
                byte(self, NO_PARITY, RAX.0);
                emit!(self.buffer; and ecx, eax);
            }
            Cond::FloatNe => {
                byte(self, PARITY, RAX.0);
                emit!(self.buffer; or ecx, eax);
            }
            _ => {}
        }
        self.op_reg(Opcode::escaped(0xb6).byte(), d.0, RCX, Imm::NONE);
    }

    fn select(&mut self, width: Width, cond: Cond, d: Gpr, a: Gpr, b: Gpr) {
        if cond == Cond::FloatEq {
            // Of two flags only "either" can be moved by in turn.
            return self.select(width, Cond::FloatNe, d, b, a);
        }
        // b, and a over it where the condition holds.
        let t = if d == a { RCX } else { d };
        self.mov_if_needed(width, t, b);
        let mut cmov = |code: u8| {
            let rex = 0x40 | u8::from(width == W64) << 3 | t.0 >> 3 << 2 | a.0 >> 3;
            let modrm = 0xc0 | (t.0 & 7) << 3 | a.0 & 7;
            self.buffer.bytes.extend_from_slice(&[rex, 0x0f, 0x40 | code, modrm]);
        };
        cmov(code(cond));
        if cond == Cond::FloatNe {
            cmov(PARITY);
        }
        self.mov_if_needed(width, d, t);
    }

    fn jump(&mut self, label: Label) {
        self.jmp(label);
    }

    fn jump_if(&mut self, cond: Cond, label: Label) {
        match cond {
            Cond::FloatEq => {
                let end = self.label();
                self.jcc_near(PARITY, end);
                self.jcc(code(cond), label);
                self.bind(end);
            }
            Cond::FloatNe => {
                self.jcc(PARITY, label);
                self.jcc(code(cond), label);
            }
            _ => self.jcc(code(cond), label),
        }
    }

    fn jump_if_near(&mut self, cond: Cond, label: Label) {
        match cond {
            Cond::FloatEq => {
                let end = self.label();
                self.jcc_near(PARITY, end);
                self.jcc_near(code(cond), label);
                self.bind(end);
            }
            Cond::FloatNe => {
                self.jcc_near(PARITY, label);
                self.jcc_near(code(cond), label);
            }
            _ => self.jcc_near(code(cond), label),
        }
    }

    fn jump_table(&mut self, index: Gpr, labels: &[Label]) {
        let table = self.label();
        self.address_of(RAX, table);
        self.lea(W64, RAX, Mem::indexed(RAX, index, 2, 4));
        self.load(Load::I32, index, Mem::at(RAX, -4));
        self.add(W64, RAX, RAX, index.into());
        self.jump_to(RAX);
        // Each entry is the distance from its own end.
        self.bind(table);
        for &label in labels {
            self.buffer.bytes.extend_from_slice(&[0; 4]);
            self.buffer.fixup(self.buffer.len() - 4, label, super::encode::REL32);
        }
    }

    fn jump_to(&mut self, target: Gpr) {
        self.op_reg(Opcode::new(0xff), 4, target, Imm::NONE);
    }

    fn call_mem(&mut self, target: Mem) {
        self.op_mem(Opcode::new(0xff), 2, target, Imm::NONE);
    }

    fn call(&mut self, label: Label) {
        self.buffer.bytes.extend_from_slice(&[0xe8, 0, 0, 0, 0]);
        self.buffer.fixup(self.buffer.len() - 4, label, super::encode::REL32);
    }

    fn ret(&mut self) {
        self.buffer.push(0xc3);
    }

    fn push_frame(&mut self, bytes: i32) {
        // The call has pushed the return address.
        self.sub(W64, RSP, RSP, Rhs::Imm(bytes - 8));
    }

    fn drop_frame(&mut self, bytes: i32) {
        self.add(W64, RSP, RSP, Rhs::Imm(bytes - 8));
    }

    fn get_stack(&mut self, d: Gpr) {
        self.mov(W64, d, RSP);
    }

    fn set_stack(&mut self, a: Gpr) {
        self.mov(W64, RSP, a);
    }

    fn prologue(&mut self, bytes: i32) {
        dynasm!(self.buffer; .arch x64
            ; push rbp; push rbx; push r12; push r13; push r14; push r15; sub rsp, bytes + 8);
    }

    fn epilogue(&mut self, bytes: i32) {
        dynasm!(self.buffer; .arch x64
            ; add rsp, bytes + 8; pop r15; pop r14; pop r13; pop r12; pop rbx; pop rbp; ret);
    }

    fn undefined(&mut self) {
        dynasm!(self.buffer; .arch x64; ud2);
    }
}

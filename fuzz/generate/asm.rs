//! Function bodies, byte by byte, from the rows of the op table.

use rand::Rng;
use terrace_abi::{Op, Shape, Ty};
use wasm_encoder::{Encode, Instruction, ValType};

use super::Random;
use crate::value::{edge_32, edge_64, edge_f32, edge_f64, edge_v128, pick};

/// A memory of a module under construction.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Its index.
    pub index: u32,
    /// Whether addresses are 64-bit.
    pub memory64: bool,
    /// Whether it is shared.
    pub shared: bool,
    /// Its size at first.
    pub bytes: u64,
}

impl Memory {
    /// The type of its addresses.
    pub fn address(&self) -> Ty {
        if self.memory64 { Ty::I64 } else { Ty::I32 }
    }
}

/// What an operator takes and gives, beside the address of memory operators.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Whether it takes an address first.
    pub memory: bool,
    /// What it takes then.
    pub params: Vec<Ty>,
    /// What it gives.
    pub results: Vec<Ty>,
}

/// The signature of an operator with a shape.
pub fn signature(op: Op) -> Option<Signature> {
    let info = op.info();
    if info.shape == Shape::special {
        return None;
    }
    let memory = info.shape.accesses_memory();
    let results = if info.shape == Shape::wide { vec![Ty::I64, Ty::I64] } else { info.result.into_iter().collect() };
    Some(Signature { memory, params: info.params.to_vec(), results })
}

/// Whether an operator can take part in a module for the other engine.
pub fn is_common(op: Op) -> bool {
    !matches!(op.info().feature, "threads" | "relaxed_simd")
}

/// The value type of an operand type.
pub fn val_type(ty: Ty) -> ValType {
    match ty {
        Ty::I32 => ValType::I32,
        Ty::I64 | Ty::Word => ValType::I64,
        Ty::F32 => ValType::F32,
        Ty::F64 => ValType::F64,
        Ty::V128 => ValType::V128,
        Ty::Ref => ValType::EXTERNREF,
    }
}

/// A function body.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// The bytes, without the last `end`.
    pub bytes: Vec<u8>,
}

impl Code {
    /// Appends an instruction.
    pub fn push(&mut self, instruction: Instruction<'_>) -> &mut Code {
        instruction.encode(&mut self.bytes);
        self
    }

    /// Appends a constant with these bits.
    pub fn constant(&mut self, ty: Ty, bits: u128) -> &mut Code {
        match ty {
            Ty::I32 => self.push(Instruction::I32Const(bits as i32)),
            Ty::I64 | Ty::Word => self.push(Instruction::I64Const(bits as i64)),
            Ty::F32 => self.push(Instruction::F32Const(f32::from_bits(bits as u32).into())),
            Ty::F64 => self.push(Instruction::F64Const(f64::from_bits(bits as u64).into())),
            Ty::V128 => self.push(Instruction::V128Const(bits as i128)),
            Ty::Ref => self.push(Instruction::RefNull(wasm_encoder::HeapType::EXTERN)),
        }
    }

    /// Appends a constant at an edge.
    pub fn edge(&mut self, random: &mut Random, ty: Ty) -> &mut Code {
        let bits = match ty {
            Ty::I32 => edge_32(random).into(),
            Ty::I64 | Ty::Word => edge_64(random).into(),
            Ty::F32 => edge_f32(random).into(),
            Ty::F64 => edge_f64(random).into(),
            Ty::V128 => edge_v128(random),
            Ty::Ref => 0,
        };
        self.constant(ty, bits)
    }

    /// Appends an operator of the table, with random immediates. Its operands are on the stack.
    pub fn op(&mut self, random: &mut Random, op: Op, memory: Option<Memory>) {
        let info = op.info();
        let Some(opcode) = info.opcode else { unreachable!("an operator of wasm") };
        match opcode >> 16 {
            0 => self.bytes.push(opcode as u8),
            prefix => {
                self.bytes.push(prefix as u8);
                (opcode & 0xffff).encode(&mut self.bytes);
            }
        }
        match info.shape {
            Shape::extract_lane | Shape::replace_lane => {
                let lanes = info.text.as_bytes().iter().position(|&b| b == b'x').map(|at| &info.text[at + 1..at + 3]);
                let lanes: u8 = match lanes {
                    Some("16") => 16,
                    Some("8.") => 8,
                    Some("4.") => 4,
                    _ => 2,
                };
                self.bytes.push(random.random_range(0..lanes));
            }
            Shape::shuffle => {
                for _ in 0..16 {
                    self.bytes.push(random.random_range(0..32));
                }
            }
            _ => {}
        }
        if let (Some(memory), true) = (memory, info.width != 0) {
            let natural = info.width.trailing_zeros();
            let atomic = info.feature == "threads";
            let align = if atomic { natural } else { random.random_range(0..=natural) };
            if memory.index == 0 {
                align.encode(&mut self.bytes);
            } else {
                (align | 0x40).encode(&mut self.bytes);
                memory.index.encode(&mut self.bytes);
            }
            offset(random, memory, info.width).encode(&mut self.bytes);
        }
        if matches!(info.shape, Shape::load_lane | Shape::store_lane) {
            self.bytes.push(random.random_range(0..16 / info.width));
        }
    }

    /// Appends an address for an access: in `a` and `b` are locals of the memory's address type.
    pub fn address(&mut self, random: &mut Random, memory: Memory, width: u8, a: u32, b: u32) {
        use Instruction::{I32Add, I32Mul, I32Shl, I32Sub, I64Add, I64ExtendI32U, I64Shl, LocalGet};
        let ty = memory.address();
        let wide = memory.memory64;
        let add = || if wide { I64Add } else { I32Add };
        let shl = || if wide { I64Shl } else { I32Shl };
        match random.random_range(0..10) {
            0 | 1 => {
                self.push(LocalGet(a));
            }
            2 => {
                self.constant(ty, near(random, memory, width).into());
            }
            3 | 4 => {
                let bits = near(random, memory, width);
                self.push(LocalGet(a)).constant(ty, bits.into()).push(add());
            }
            5 => {
                self.push(LocalGet(a)).push(LocalGet(b)).push(add());
            }
            6 => {
                let shift = random.random_range(0..6);
                self.push(LocalGet(a)).push(LocalGet(b)).constant(ty, shift).push(shl()).push(add());
            }
            7 => {
                let shift = random.random_range(0..4);
                self.push(LocalGet(a)).constant(ty, shift).push(shl()).push(LocalGet(b)).push(add());
            }
            8 if !wide => {
                let bits = near(random, memory, width);
                match random.random_range(0..3) {
                    0 => self.push(LocalGet(a)).constant(ty, bits.into()).push(I32Sub),
                    1 => self.constant(ty, bits.into()).push(LocalGet(a)).push(I32Add),
                    _ => self.push(LocalGet(a)).constant(ty, random.random_range(0..9)).push(I32Mul),
                };
            }
            _ => {
                let bits = near(random, memory, width);
                if wide {
                    self.constant(Ty::I32, bits.into()).push(I64ExtendI32U);
                } else {
                    self.constant(ty, bits.into());
                }
            }
        }
    }
}

/// An address near an edge of the memory or of the address space.
fn near(random: &mut Random, memory: Memory, width: u8) -> u64 {
    let delta = u64::from(random.random_range(0..=2 * width));
    match random.random_range(0..8) {
        0 => 0u64.wrapping_sub(delta),
        1 => (1 << 32) - delta.min(1 << 31),
        2 => edge_32(random).into(),
        3 => random.random_range(0..64),
        _ => memory.bytes.wrapping_sub(delta),
    }
}

fn offset(random: &mut Random, memory: Memory, width: u8) -> u64 {
    let delta = u64::from(random.random_range(0..=2 * width));
    match random.random_range(0..12) {
        0..6 => 0,
        6 | 7 => random.random_range(0..64),
        8 => memory.bytes.saturating_sub(delta),
        9 => pick(random, &[0xfff8, 0xffff, 0x1_0000, 0x1_0001, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]),
        10 if memory.memory64 => pick(random, &[1 << 32, 1 << 63, u64::MAX, u64::MAX - 7]),
        _ => u64::from(edge_32(random)) & 0xffff,
    }
}

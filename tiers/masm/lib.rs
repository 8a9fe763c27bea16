//! The macro assembler: what a tier may ask of a machine.
//!
//! [`Masm`] and the traits beside it ([`Float`], [`Simd`], [`Atomic`]) are the only view of a machine that templates and tiers
//! have; only the implementations here name registers or encodings. Methods are three-operand: the destination may be the same
//! register as any source, and an implementation finds the moves that its machine needs. What a machine cannot encode is a
//! question that callers ask first (`MEMORY_OPERANDS`, [`Masm::is_immediate`]), never a panic.
//!
//! Scratch registers belong to the implementations: every method but the simple ones (moves, loads, stores, `lea`, `add`, `sub`,
//! `and`, `or`, `xor`, `compare`, `test`, jumps) may clobber them, so they are operands of simple methods only.

pub mod a64;
mod atomic;
mod buffer;
mod float;
mod operand;
mod roles;
mod simd;
pub mod x64;

use terrace_abi::TrapKind;

pub use atomic::{Atomic, Rmw};
pub use buffer::{Buffer, Label, TrapSite};
pub use float::{Float, FloatCond, FloatWidth, Rounding};
pub use operand::{Cond, Fpr, Gpr, Load, Mem, Rhs, RhsF, Store, Width};
pub use roles::Roles;
pub use simd::{Half, LaneCond, Lanes, LoadVector, Simd};

/// Makes code that was written as data visible to the fetches of instructions: for the thread that runs it first, behind the last
/// write.
pub fn synchronize_code(code: &[u8]) {
    dynasmrt::cache_control::synchronize_icache(code);
    dynasmrt::cache_control::prepare_for_execution(code);
}

/// Integer arithmetic, moves, memory and control flow of a machine.
///
/// A 32-bit operation zero-extends its result to the register's 64 bits, and reads no upper half.
pub trait Masm: Roles + Sized {
    /// Whether an arithmetic method takes [`Rhs::Mem`] and [`RhsF::Mem`].
    const MEMORY_OPERANDS: bool;

    /// How many bytes one buffer may have, so that every jump reaches its label: what a tier has to bound its code by.
    const MAX_CODE: usize;

    /// An assembler with an empty buffer.
    fn new() -> Self;

    /// What has been emitted.
    fn buffer(&self) -> &Buffer;

    /// What has been emitted.
    fn buffer_mut(&mut self) -> &mut Buffer;

    /// Emits the constants that code refers to, and resolves every label. No instruction may be emitted afterwards.
    fn finish(&mut self);

    /// Offset of the next instruction from the start of the buffer, in bytes.
    fn offset(&self) -> usize {
        self.buffer().len()
    }

    /// A label that is not bound yet.
    fn label(&mut self) -> Label {
        self.buffer_mut().label()
    }

    /// Binds a label here.
    fn bind(&mut self, label: Label) {
        self.buffer_mut().bind(label);
    }

    /// Where code of this kind of trap goes.
    fn trap(&mut self, kind: TrapKind) -> Label {
        self.buffer_mut().trap(kind)
    }

    /// Pads with instructions that trap to a multiple of `alignment`, a power of two.
    fn align(&mut self, alignment: usize);

    /// Pads with instructions that do nothing, so that a loop begins where the machine likes it.
    fn align_loop(&mut self) {}

    /// Whether `value` can be the [`Rhs::Imm`] of `add`, `sub`, `compare` (and, with `logical`, of `and`, `or`, `xor`, `test`).
    fn is_immediate(width: Width, value: i64, logical: bool) -> bool;

    // Moves.

    /// `d = a`
    fn mov(&mut self, width: Width, d: Gpr, a: Gpr);
    /// `d = value`; with `W32` the upper half is zero.
    fn mov_imm(&mut self, width: Width, d: Gpr, value: i64);
    /// `d = [mem]`
    fn load(&mut self, load: Load, d: Gpr, mem: Mem);
    /// `[mem] = a`
    fn store(&mut self, store: Store, mem: Mem, a: Gpr);
    /// `[mem] = value`, which fits the width, or for `W64` is a sign-extended 32-bit value.
    fn store_imm(&mut self, store: Store, mem: Mem, value: i32);
    /// `d = address of mem`
    fn lea(&mut self, width: Width, d: Gpr, mem: Mem);
    /// `d = address of label`
    fn address_of(&mut self, d: Gpr, label: Label);

    // Arithmetic. Flags are undefined afterwards, unless a method says otherwise.

    /// `d = a + b`
    fn add(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a - b`; [`Cond::Negative`] and [`Cond::LtU`] (a borrow) may be asked for afterwards.
    fn sub(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a & b`
    fn and(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a | b`
    fn or(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a ^ b`
    fn xor(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a * b`
    fn mul(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a << b`; counts are modulo the width.
    fn shl(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a >> b`, signed
    fn shr_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a >> b`, unsigned
    fn shr_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a` rotated left by `b`
    fn rotl(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a` rotated right by `b`
    fn rotr(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a / b`, signed, trapping on zero and overflow.
    fn div_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a / b`, unsigned, trapping on zero.
    fn div_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a % b`, signed, trapping on zero.
    fn rem_s(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = a % b`, unsigned, trapping on zero.
    fn rem_u(&mut self, width: Width, d: Gpr, a: Gpr, b: Rhs);
    /// `d = leading zeros of a`
    fn clz(&mut self, width: Width, d: Gpr, a: Gpr);
    /// `d = trailing zeros of a`
    fn ctz(&mut self, width: Width, d: Gpr, a: Gpr);
    /// `d = number of ones in a`
    fn popcnt(&mut self, width: Width, d: Gpr, a: Gpr);
    /// `d = a`'s low `from` bits (8, 16 or 32), sign-extended to `width`.
    fn sign_extend(&mut self, width: Width, d: Gpr, a: Gpr, from: u8);
    /// `(low, high) = (a_low, a_high) + (b_low, b_high)`; `low` may be any of the sources.
    fn add128(&mut self, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]);
    /// `(low, high) = (a_low, a_high) - (b_low, b_high)`
    fn sub128(&mut self, low: Gpr, high: Gpr, a: [Gpr; 2], b: [Gpr; 2]);
    /// `(low, high) = a * b`, 64 by 64 bits
    fn mul_wide(&mut self, signed: bool, low: Gpr, high: Gpr, a: Gpr, b: Gpr);

    // Conditions.

    /// Compares; integer conditions hold for `a` against `b` until the next method but moves, loads, stores and `lea`.
    fn compare(&mut self, width: Width, a: Gpr, b: Rhs);
    /// As `compare`, with the left side in memory.
    fn compare_mem(&mut self, width: Width, a: Mem, b: Rhs);
    /// Compares `a & b` with zero: `Eq` and `Ne`.
    fn test(&mut self, width: Width, a: Gpr, b: Rhs);
    /// `d = condition ? 1 : 0`
    fn set(&mut self, cond: Cond, d: Gpr);
    /// `d = condition ? a : b`
    fn select(&mut self, width: Width, cond: Cond, d: Gpr, a: Gpr, b: Gpr);

    // Control flow.

    /// Continues at a label.
    fn jump(&mut self, label: Label);
    /// Continues at a label if a condition holds.
    fn jump_if(&mut self, cond: Cond, label: Label);
    /// As [`Masm::jump_if`], to a label that will be bound within 100 bytes.
    fn jump_if_near(&mut self, cond: Cond, label: Label);
    /// Continues at label number `index`, which is less than their number. `index` is lost.
    fn jump_table(&mut self, index: Gpr, labels: &[Label]);
    /// Continues at an address.
    fn jump_to(&mut self, target: Gpr);
    /// Calls a function of the C ABI at the address in memory. Arguments and result are in [`Roles::ARGS`] and [`Roles::RESULT`].
    fn call_mem(&mut self, target: Mem);
    /// Calls a label: a function that begins with [`Masm::push_frame`].
    fn call(&mut self, label: Label);
    /// Returns to behind the call, from where everything is as it was at the entry.
    fn ret(&mut self);
    /// Begins a function that was called: the stack pointer moves `bytes` (a multiple of 16) down from where it was before the call, and
    /// the return address is in the last 8 of them.
    fn push_frame(&mut self, bytes: i32);
    /// Undoes [`Masm::push_frame`]: what follows is a return, or a jump to another function in place of this one.
    fn drop_frame(&mut self, bytes: i32);
    /// Undoes [`Masm::push_frame`] and returns.
    fn pop_frame(&mut self, bytes: i32) {
        self.drop_frame(bytes);
        self.ret();
    }
    /// `d =` the stack pointer
    fn get_stack(&mut self, d: Gpr);
    /// The stack pointer `= a`, which is a multiple of 16.
    fn set_stack(&mut self, a: Gpr);
    /// Saves the registers that the C ABI makes callees save, and reserves `bytes` (a multiple of 16) of aligned stack.
    fn prologue(&mut self, bytes: i32);
    /// Undoes [`Masm::prologue`] and returns.
    fn epilogue(&mut self, bytes: i32);
    /// An instruction that faults.
    fn undefined(&mut self);
}

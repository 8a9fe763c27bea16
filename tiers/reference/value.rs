//! wasm values as Rust types, and how they lie in slots, immediates and memory.

use terrace_abi::TrapKind;
use terrace_core::runtime::Slots;
use terrace_core::runtime::memory::Memory;

/// A wasm value: an operand or a result of an operator's meaning.
pub(crate) trait Value: Copy {
    /// The value takes one slot and can be an immediate.
    const SCALAR: bool;
    /// The value is an integer: a branch has it as an immediate of 32 bits.
    const INTEGER: bool;

    /// Reads slot `index`.
    fn read(slots: Slots, index: u32) -> Self;

    /// Writes slot `index`; 32-bit values are zero-extended.
    fn write(self, slots: Slots, index: u32);

    /// The scalar that these low bits stand for.
    fn from_bits(bits: u64) -> Self;
}

macro_rules! scalar_values {
    ($($ty:ident $bits:ident: $from:expr, $to:expr;)+) => { $(
        impl Value for $ty {
            const SCALAR: bool = true;
            const INTEGER: bool = !matches!(stringify!($ty).as_bytes()[0], b'f');

            #[inline(always)]
            fn read(slots: Slots, index: u32) -> $ty {
                let bits = slots.get64(index);
                debug_assert_eq!(u64::from(bits as $bits), bits, "slot {index} is not zero-extended");
                <$ty as Value>::from_bits(bits)
            }

            #[inline(always)]
            fn write(self, slots: Slots, index: u32) {
                slots.set64(index, u64::from($to(self)));
            }

            #[inline(always)]
            fn from_bits(bits: u64) -> $ty {
                $from(bits as $bits)
            }
        }
    )+ };
}

scalar_values! {
    u32 u32: |x| x, |x| x;
    u64 u64: |x| x, |x| x;
    f32 u32: f32::from_bits, f32::to_bits;
    f64 u64: f64::from_bits, f64::to_bits;
}

impl Value for u128 {
    const SCALAR: bool = false;
    const INTEGER: bool = false;

    #[inline(always)]
    fn read(slots: Slots, index: u32) -> u128 {
        slots.get128(index)
    }

    #[inline(always)]
    fn write(self, slots: Slots, index: u32) {
        slots.set128(index, self);
    }

    #[inline(always)]
    fn from_bits(bits: u64) -> u128 {
        bits.into()
    }
}

/// What a meaning returns: a value, or a value or a trap.
pub(crate) trait Outcome {
    /// The value.
    type Value: Value;

    /// The value, or the trap.
    fn outcome(self) -> Result<Self::Value, TrapKind>;
}

impl<V: Value> Outcome for Result<V, TrapKind> {
    type Value = V;

    #[inline(always)]
    fn outcome(self) -> Result<V, TrapKind> {
        self
    }
}

macro_rules! infallible {
    ($($ty:ident)+) => { $(
        impl Outcome for $ty {
            type Value = $ty;

            #[inline(always)]
            fn outcome(self) -> Result<$ty, TrapKind> {
                Ok(self)
            }
        }
    )+ };
}

infallible! { u32 u64 f32 f64 u128 }

/// What a memory access moves: an unsigned integer of the access's width.
pub(crate) trait Unit: Copy {
    /// The low bits of the value in slot `index`.
    fn from_slot(slots: Slots, index: u32) -> Self;

    /// The low bits of a value.
    fn from_bits(bits: u64) -> Self;

    /// Loads from an effective address.
    fn load(memory: &Memory, address: u64) -> Option<Self>;

    /// Stores to an effective address, or changes nothing.
    fn store(self, memory: &mut Memory, address: u64) -> Option<()>;
}

macro_rules! units {
    ($($unit:ident: $get:ident;)+) => { $(
        impl Unit for $unit {
            #[inline(always)]
            fn from_slot(slots: Slots, index: u32) -> $unit {
                slots.$get(index) as $unit
            }

            #[inline(always)]
            fn from_bits(bits: u64) -> $unit {
                bits as $unit
            }

            #[inline(always)]
            fn load(memory: &Memory, address: u64) -> Option<$unit> {
                memory.load(address).map($unit::from_le_bytes)
            }

            #[inline(always)]
            fn store(self, memory: &mut Memory, address: u64) -> Option<()> {
                memory.store(address, self.to_le_bytes())
            }
        }
    )+ };
}

units! {
    u8: get64;
    u16: get64;
    u32: get64;
    u64: get64;
    u128: get128;
}

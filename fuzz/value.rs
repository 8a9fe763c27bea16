//! Values as they are compared between engines.

use std::fmt;

use rand::Rng;
use rand::seq::IndexedRandom;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// A 32-bit integer.
    I32,
    /// A 64-bit integer.
    I64,
    /// A 32-bit float.
    F32,
    /// A 64-bit float.
    F64,
    /// A vector.
    V128,
    /// A nullable reference to something of the host.
    Extern,
    /// Another reference.
    Ref {
        /// Whether null is among the values.
        nullable: bool,
    },
}

/// A value, by its bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// A 32-bit integer.
    I32(u32),
    /// A 64-bit integer.
    I64(u64),
    /// A 32-bit float.
    F32(u32),
    /// A 64-bit float.
    F64(u64),
    /// A vector.
    V128(u128),
    /// A null reference.
    Null,
    /// A reference to a number of the host.
    Extern(u32),
    /// A reference of which no more is known than that it is not null.
    NonNull,
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::I32(x) => write!(f, "i32:{x:#x}"),
            Value::I64(x) => write!(f, "i64:{x:#x}"),
            Value::F32(x) => write!(f, "f32:{x:#x}"),
            Value::F64(x) => write!(f, "f64:{x:#x}"),
            Value::V128(x) => write!(f, "v128:{x:#034x}"),
            Value::Null => write!(f, "null"),
            Value::Extern(id) => write!(f, "extern:{id}"),
            Value::NonNull => write!(f, "ref"),
        }
    }
}

fn nan32(bits: u32) -> bool {
    f32::from_bits(bits).is_nan()
}

fn nan64(bits: u64) -> bool {
    f64::from_bits(bits).is_nan()
}

impl Value {
    /// Whether the values are the same but for the bits of NaNs.
    pub fn agrees(self, other: Value) -> bool {
        match (self, other) {
            (Value::F32(a), Value::F32(b)) => a == b || nan32(a) && nan32(b),
            (Value::F64(a), Value::F64(b)) => a == b || nan64(a) && nan64(b),
            (Value::V128(a), Value::V128(b)) => bytes_agree(&a.to_le_bytes(), &b.to_le_bytes()),
            (a, b) => a == b,
        }
    }

    /// As [`Value::agrees`], of values whose NaNs are where operators put them.
    pub fn agrees_by_lane(self, other: Value) -> bool {
        match (self, other) {
            (Value::V128(a), Value::V128(b)) => lanes_agree(a, b),
            (a, b) => a.agrees(b),
        }
    }
}

/// Whether vectors are the same but for NaNs that are lanes in both.
fn lanes_agree(a: u128, b: u128) -> bool {
    let f32s = (0..4).all(|lane| Value::F32((a >> (32 * lane)) as u32).agrees(Value::F32((b >> (32 * lane)) as u32)));
    let f64s = (0..2).all(|lane| Value::F64((a >> (64 * lane)) as u64).agrees(Value::F64((b >> (64 * lane)) as u64)));
    f32s || f64s
}

/// Whether byte strings are the same but for what may be NaNs in both: any 4 or 8 bytes around a difference.
pub fn bytes_agree(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while let Some(difference) = a[at..].iter().zip(&b[at..]).position(|(a, b)| a != b) {
        let place = at + difference;
        match nan_around(a, b, place) {
            Some(end) => at = end,
            None => return false,
        }
    }
    true
}

/// The end of a NaN in both strings that covers `place`.
fn nan_around(a: &[u8], b: &[u8], place: usize) -> Option<usize> {
    let is_nan = |bytes: &[u8]| match bytes.len() {
        4 => bytes.try_into().is_ok_and(|x| nan32(u32::from_le_bytes(x))),
        _ => bytes.try_into().is_ok_and(|x| nan64(u64::from_le_bytes(x))),
    };
    [8, 4].into_iter().find_map(|width: usize| {
        let starts = place.saturating_sub(width - 1)..=place;
        starts.rev().find_map(|start| {
            let end = start + width;
            let both = a.get(start..end).is_some_and(is_nan) && b.get(start..end).is_some_and(is_nan);
            both.then_some(end)
        })
    })
}

const INTERESTING_32: &[u32] = &[
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    33,
    63,
    64,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xfff0,
    0xfff8,
    0xfffc,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xffff_0000,
    0xffff_fff0,
    0xffff_fffe,
    0xffff_ffff,
];

const INTERESTING_F32: &[u32] = &[
    0x0000_0000,
    0x8000_0000,
    0x3f80_0000,
    0xbf80_0000,
    0x3f00_0000,
    0xbf00_0000,
    0x3fc0_0000,
    0x4020_0000,
    0x0000_0001,
    0x8000_0001,
    0x007f_ffff,
    0x0080_0000,
    0x7f7f_ffff,
    0xff7f_ffff,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0xffc0_0000,
    0x7fc1_2345,
    0x7fa0_0000,
    0x4f00_0000,
    0x4eff_ffff,
    0xcf00_0000,
    0xcf00_0001,
    0x4f80_0000,
    0x5f00_0000,
    0xdf00_0000,
    0x5f80_0000,
    0xbf7f_ffff,
];

const INTERESTING_F64: &[u64] = &[
    0,
    0x8000_0000_0000_0000,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x3fe0_0000_0000_0000,
    0xbfe0_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0x4004_0000_0000_0000,
    1,
    0x8000_0000_0000_0001,
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff8_0000_0001_2345,
    0x7ff4_0000_0000_0000,
    0x41df_ffff_ffc0_0000,
    0x41e0_0000_0000_0000,
    0xc1e0_0000_0000_0000,
    0xc1e0_0000_0020_0000,
    0x41ef_ffff_ffe0_0000,
    0x41f0_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0000,
    0x43f0_0000_0000_0000,
    0xbfef_ffff_ffff_ffff,
    0x47ef_ffff_f000_0000,
];

/// A 32-bit pattern: often one at an edge of something.
pub fn edge_32(rng: &mut impl Rng) -> u32 {
    match rng.random_range(0..8) {
        0 => rng.next_u32(),
        1 => 1 << rng.random_range(0..32),
        2 => rng.random_range(0..0x1_0020),
        _ => pick(rng, INTERESTING_32),
    }
}

/// A 64-bit pattern: often one at an edge of something.
pub fn edge_64(rng: &mut impl Rng) -> u64 {
    match rng.random_range(0..8) {
        0 => rng.next_u64(),
        1 => 1 << rng.random_range(0..64),
        2 => (1u64 << rng.random_range(0..64)).wrapping_sub(1),
        3 => i64::from(edge_32(rng) as i32) as u64,
        4 => u64::from(edge_32(rng)) << 32 | u64::from(edge_32(rng)),
        5 => (1u64 << 63).wrapping_add(u64::from(rng.random_range(0..3u8))).wrapping_sub(1),
        _ => u64::from(edge_32(rng)),
    }
}

/// The bits of a 32-bit float.
pub fn edge_f32(rng: &mut impl Rng) -> u32 {
    match rng.random_range(0..6) {
        0 => rng.next_u32(),
        1 => (edge_32(rng) as i32 as f32).to_bits(),
        _ => pick(rng, INTERESTING_F32),
    }
}

/// The bits of a 64-bit float.
pub fn edge_f64(rng: &mut impl Rng) -> u64 {
    match rng.random_range(0..6) {
        0 => rng.next_u64(),
        1 => (edge_64(rng) as i64 as f64).to_bits(),
        2 => f64::from(f32::from_bits(edge_f32(rng))).to_bits(),
        _ => pick(rng, INTERESTING_F64),
    }
}

/// The bits of a vector: lanes of one width.
pub fn edge_v128(rng: &mut impl Rng) -> u128 {
    fn lanes(width: u32, mut lane: impl FnMut() -> u64) -> u128 {
        (0..128 / width).fold(0, |all, i| all | u128::from(lane()) << (i * width))
    }
    match rng.random_range(0..7) {
        0 => u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64()),
        1 => lanes(8, || u64::from(pick(rng, &[0u8, 1, 0x7f, 0x80, 0x81, 0xfe, 0xff, 0x0f, 0x10, 0x1f]))),
        2 => lanes(16, || u64::from(pick(rng, &[0u16, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0x8001, 0xffff]))),
        3 => lanes(32, || edge_32(rng).into()),
        4 => lanes(32, || edge_f32(rng).into()),
        5 => lanes(64, || edge_64(rng)),
        _ => lanes(64, || edge_f64(rng)),
    }
}

/// One of `choices`, which are not empty.
pub fn pick<T: Copy>(rng: &mut impl Rng, choices: &[T]) -> T {
    match choices.choose(rng) {
        Some(&choice) => choice,
        None => unreachable!("there is a choice"),
    }
}

/// A value of the type to call a function with; `None` if the host cannot make one.
pub fn edge_value(rng: &mut impl Rng, ty: Type) -> Option<Value> {
    Some(match ty {
        Type::I32 => Value::I32(edge_32(rng)),
        Type::I64 => Value::I64(edge_64(rng)),
        Type::F32 => Value::F32(edge_f32(rng)),
        Type::F64 => Value::F64(edge_f64(rng)),
        Type::V128 => Value::V128(edge_v128(rng)),
        Type::Extern if rng.random_ratio(3, 4) => Value::Extern(rng.random_range(0..100)),
        Type::Extern | Type::Ref { nullable: true } => Value::Null,
        Type::Ref { nullable: false } => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nans_agree_wherever_they_lie() {
        let nan = f32::NAN.to_bits();
        assert!(Value::F32(nan).agrees(Value::F32(nan | 1)));
        assert!(!Value::I32(nan).agrees(Value::I32(nan | 1)));
        assert!(!Value::F32(nan).agrees(Value::F32(0)));
        let mut a = vec![7; 20];
        a[5..13].copy_from_slice(&f64::NAN.to_le_bytes());
        let mut b = a.clone();
        b[5] = 1;
        assert!(bytes_agree(&a, &b));
        b[4] = 1;
        assert!(!bytes_agree(&a, &b));
    }
}

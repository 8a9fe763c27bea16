//! Emission of vector instructions: `v!`, and its variations by lanes and widths.

use crate::Lanes;

/// Emits one instruction whose operands have one arrangement, and an immediate if there is one.
macro_rules! v {
    ($self:ident, $t:ident $op:ident ($($v:ident),+) $(; $imm:expr)?) => {
        dynasmrt::dynasm!($self; .arch aarch64; $op $(V($v.0).$t),+ $(, $imm)?)
    };
}

/// The lanes of an arrangement.
macro_rules! shape {
    (B16) => {
        Lanes::I8x16
    };
    (H8) => {
        Lanes::I16x8
    };
    (S4) => {
        Lanes::I32x4
    };
    (D2) => {
        Lanes::I64x2
    };
}

/// As `v!`, by lanes, of which the machine has these.
macro_rules! by_lanes {
    ($self:ident, $lanes:expr, [$($t:ident)+] $op:ident $operands:tt $(; $imm:expr)?) => {
        by_lanes!(@ $self, $lanes, [$($t)+] $op $operands [$($imm)?])
    };
    (@ $self:ident, $lanes:expr, [$($t:ident)+] $op:ident $operands:tt $imm:tt) => {
        match $lanes {
            $(shape!($t) => by_lanes!(@one $self, $t $op $operands $imm),)+
            #[allow(unreachable_patterns, reason = "some instructions have all")]
            lanes => no_such(lanes),
        }
    };
    (@one $self:ident, $t:ident $op:ident $operands:tt []) => { v!($self, $t $op $operands) };
    (@one $self:ident, $t:ident $op:ident $operands:tt [$imm:expr]) => { v!($self, $t $op $operands; $imm) };
}

/// As `v!`, for `f32` or `f64` lanes.
macro_rules! by_width {
    ($self:ident, $width:expr, $op:ident $operands:tt) => {
        match $width {
            FloatWidth::F32 => v!($self, S4 $op $operands),
            FloatWidth::F64 => v!($self, D2 $op $operands),
        }
    };
}

/// Emits the instruction for half of the operands' lanes, and a result of lanes twice as wide.
macro_rules! widen {
    ($self:ident, $from:expr, $half:expr, [$low:ident $high:ident] $d:ident, ($($v:ident),+) $(; $imm:literal)?) => {
        match ($from, $half) {
            (Lanes::I8x16, Half::Low) => dynasm!($self; .arch aarch64; $low V($d.0).H8, $(V($v.0).B8),+ $(, $imm)?),
            (Lanes::I8x16, Half::High) => dynasm!($self; .arch aarch64; $high V($d.0).H8, $(V($v.0).B16),+ $(, $imm)?),
            (Lanes::I16x8, Half::Low) => dynasm!($self; .arch aarch64; $low V($d.0).S4, $(V($v.0).H4),+ $(, $imm)?),
            (Lanes::I16x8, Half::High) => dynasm!($self; .arch aarch64; $high V($d.0).S4, $(V($v.0).H8),+ $(, $imm)?),
            (Lanes::I32x4, Half::Low) => dynasm!($self; .arch aarch64; $low V($d.0).D2, $(V($v.0).S2),+ $(, $imm)?),
            (Lanes::I32x4, Half::High) => dynasm!($self; .arch aarch64; $high V($d.0).D2, $(V($v.0).S4),+ $(, $imm)?),
            (lanes, _) => no_such(lanes),
        }
    };
}

pub(super) use {by_lanes, by_width, shape, v, widen};

#[cold]
pub(super) fn no_such(lanes: Lanes) -> ! {
    unreachable!("wasm has no such operator on {lanes:?}")
}

/// The logarithm of a lane's bytes.
pub(super) fn scale(lanes: Lanes) -> u8 {
    match lanes {
        Lanes::I8x16 => 0,
        Lanes::I16x8 => 1,
        Lanes::I32x4 => 2,
        Lanes::I64x2 => 3,
    }
}

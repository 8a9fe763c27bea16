//! Meanings against models that compute otherwise: integers in `i128`, lanes as sequences, floats by their definition.

use super::*;
use crate::TrapKind;
use proptest::array::{uniform2, uniform4, uniform8, uniform16};
use proptest::prelude::*;
use proptest::sample::select;

const QUIET32: u32 = 0x0040_0000;
const QUIET64: u64 = 0x0008_0000_0000_0000;
const NANS32: [u32; 6] = [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0xff80_0001, 0x7fa0_0000, 0xffff_ffff];
const NANS64: [u64; 6] = [
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0xfff0_0000_0000_0001,
    0x7ff4_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
];

/// Values around which an operator of this width tends to change its behaviour.
fn edges(bits: u32) -> Vec<u64> {
    let max = u64::MAX >> (64 - bits);
    let sign = 1 << (bits - 1);
    vec![0, 1, 2, bits.into(), sign - 1, sign, sign + 1, max - 1, max, max / 3]
}

/// Vectors of arbitrary bits and of edge values of every lane width.
fn vectors() -> impl Strategy<Value = u128> {
    prop_oneof![
        any::<u128>(),
        uniform16(select(edges(8))).prop_map(|lanes| lanes.map(|lane| lane as u8).wasm()),
        uniform8(select(edges(16))).prop_map(|lanes| lanes.map(|lane| lane as u16).wasm()),
        uniform4(select(edges(32))).prop_map(|lanes| lanes.map(|lane| lane as u32).wasm()),
        uniform2(select(edges(64))).prop_map(|lanes| lanes.wasm()),
    ]
}

fn integers64() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), select(edges(64)), select(edges(32))]
}

fn integers32() -> impl Strategy<Value = u32> {
    integers64().prop_map(|x| x as u32)
}

/// Floats of arbitrary bits, special ones, and those next to the limits of the integer types.
fn floats64() -> impl Strategy<Value = f64> {
    let mut special =
        vec![0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, f64::INFINITY, -f64::INFINITY, f64::MIN_POSITIVE, f64::MAX];
    special.extend(NANS64.map(f64::from_bits));
    for exponent in [0, 31, 32, 63, 64] {
        for limit in [2f64.powi(exponent), -(2f64.powi(exponent))] {
            special.extend([
                limit - 1.0,
                limit - 0.5,
                limit.next_down(),
                limit,
                limit.next_up(),
                limit + 0.5,
                limit + 1.0,
            ]);
        }
    }
    prop_oneof![any::<u64>().prop_map(f64::from_bits), select(special)]
}

fn floats32() -> impl Strategy<Value = f32> {
    let mut special = NANS32.map(f32::from_bits).to_vec();
    for exponent in [0, 31, 32, 63, 64] {
        for limit in [2f32.powi(exponent), -(2f32.powi(exponent))] {
            special.extend([limit.next_down(), limit, limit.next_up()]);
        }
    }
    prop_oneof![any::<u32>().prop_map(f32::from_bits), select(special), floats64().prop_map(|x| x as f32)]
}

/// The lanes of a vector, read as integers.
fn lanes(v: u128, bits: u32, signed: bool) -> Vec<i128> {
    let lane = |i| (v >> (i * bits)) & ((1 << bits) - 1);
    let read = |lane: u128| {
        if signed && lane >> (bits - 1) == 1 { lane as i128 - (1 << bits) } else { lane as i128 }
    };
    (0..128 / bits).map(|i| read(lane(i))).collect()
}

/// The vector of lanes modulo their width; missing lanes are zero.
fn vector(lanes: impl IntoIterator<Item = i128>, bits: u32) -> u128 {
    lanes.into_iter().zip(0..).fold(0, |v, (lane, i)| v | ((lane as u128 & ((1 << bits) - 1)) << (i * bits)))
}

/// The range of an integer type.
fn clamp(x: i128, bits: u32, signed: bool) -> i128 {
    if signed { x.clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { x.clamp(0, (1 << bits) - 1) }
}

type Binary = fn(u128, u128) -> u128;

/// `operator: bits signed => model of one lane` for each row.
macro_rules! binary_rows {
    ($($op:ident: $bits:literal $signed:literal => $model:expr;)+) => {
        [$((stringify!($op), $op as Binary, $bits, $signed, $model as fn(i128, i128) -> i128)),+]
    };
}

fn mask(truth: bool) -> i128 {
    -i128::from(truth)
}

fn q15(a: i128, b: i128) -> i128 {
    clamp((a * b + 0x4000).div_euclid(0x8000), 16, true)
}

fn average(a: i128, b: i128) -> i128 {
    (a + b + 1) / 2
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn lanewise_integers(a in vectors(), b in vectors()) {
        let rows = binary_rows! {
            i8x16_add: 8 true => |a, b| a + b; i16x8_add: 16 true => |a, b| a + b;
            i32x4_add: 32 true => |a, b| a + b; i64x2_add: 64 true => |a, b| a + b;
            i8x16_sub: 8 true => |a, b| a - b; i16x8_sub: 16 true => |a, b| a - b;
            i32x4_sub: 32 true => |a, b| a - b; i64x2_sub: 64 true => |a, b| a - b;
            i16x8_mul: 16 true => |a, b| a * b; i32x4_mul: 32 true => |a, b| a * b; i64x2_mul: 64 true => |a, b| a * b;
            i8x16_add_sat_s: 8 true => |a, b| clamp(a + b, 8, true); i8x16_add_sat_u: 8 false => |a, b| clamp(a + b, 8, false);
            i16x8_add_sat_s: 16 true => |a, b| clamp(a + b, 16, true);
            i16x8_add_sat_u: 16 false => |a, b| clamp(a + b, 16, false);
            i8x16_sub_sat_s: 8 true => |a, b| clamp(a - b, 8, true); i8x16_sub_sat_u: 8 false => |a, b| clamp(a - b, 8, false);
            i16x8_sub_sat_s: 16 true => |a, b| clamp(a - b, 16, true);
            i16x8_sub_sat_u: 16 false => |a, b| clamp(a - b, 16, false);
            i8x16_min_s: 8 true => i128::min; i8x16_min_u: 8 false => i128::min; i16x8_min_s: 16 true => i128::min;
            i16x8_min_u: 16 false => i128::min; i32x4_min_s: 32 true => i128::min; i32x4_min_u: 32 false => i128::min;
            i8x16_max_s: 8 true => i128::max; i8x16_max_u: 8 false => i128::max; i16x8_max_s: 16 true => i128::max;
            i16x8_max_u: 16 false => i128::max; i32x4_max_s: 32 true => i128::max; i32x4_max_u: 32 false => i128::max;
            i8x16_avgr_u: 8 false => average; i16x8_avgr_u: 16 false => average;
            i16x8_q15mulr_sat_s: 16 true => q15; i16x8_relaxed_q15mulr_s: 16 true => q15;
            i8x16_eq: 8 true => |a, b| mask(a == b); i16x8_eq: 16 true => |a, b| mask(a == b);
            i32x4_eq: 32 true => |a, b| mask(a == b); i64x2_eq: 64 true => |a, b| mask(a == b);
            i8x16_ne: 8 true => |a, b| mask(a != b); i16x8_ne: 16 true => |a, b| mask(a != b);
            i32x4_ne: 32 true => |a, b| mask(a != b); i64x2_ne: 64 true => |a, b| mask(a != b);
            i8x16_lt_s: 8 true => |a, b| mask(a < b); i8x16_lt_u: 8 false => |a, b| mask(a < b);
            i16x8_lt_s: 16 true => |a, b| mask(a < b); i16x8_lt_u: 16 false => |a, b| mask(a < b);
            i32x4_lt_s: 32 true => |a, b| mask(a < b); i32x4_lt_u: 32 false => |a, b| mask(a < b);
            i64x2_lt_s: 64 true => |a, b| mask(a < b);
            i8x16_gt_s: 8 true => |a, b| mask(a > b); i8x16_gt_u: 8 false => |a, b| mask(a > b);
            i16x8_gt_s: 16 true => |a, b| mask(a > b); i16x8_gt_u: 16 false => |a, b| mask(a > b);
            i32x4_gt_s: 32 true => |a, b| mask(a > b); i32x4_gt_u: 32 false => |a, b| mask(a > b);
            i64x2_gt_s: 64 true => |a, b| mask(a > b);
            i8x16_le_s: 8 true => |a, b| mask(a <= b); i8x16_le_u: 8 false => |a, b| mask(a <= b);
            i16x8_le_s: 16 true => |a, b| mask(a <= b); i16x8_le_u: 16 false => |a, b| mask(a <= b);
            i32x4_le_s: 32 true => |a, b| mask(a <= b); i32x4_le_u: 32 false => |a, b| mask(a <= b);
            i64x2_le_s: 64 true => |a, b| mask(a <= b);
            i8x16_ge_s: 8 true => |a, b| mask(a >= b); i8x16_ge_u: 8 false => |a, b| mask(a >= b);
            i16x8_ge_s: 16 true => |a, b| mask(a >= b); i16x8_ge_u: 16 false => |a, b| mask(a >= b);
            i32x4_ge_s: 32 true => |a, b| mask(a >= b); i32x4_ge_u: 32 false => |a, b| mask(a >= b);
            i64x2_ge_s: 64 true => |a, b| mask(a >= b);
        };
        for (name, op, bits, signed, model) in rows {
            let expected = lanes(a, bits, signed).into_iter().zip(lanes(b, bits, signed)).map(|(a, b)| model(a, b));
            prop_assert_eq!(op(a, b), vector(expected, bits), "{} {:#034x} {:#034x}", name, a, b);
        }
    }

    #[test]
    fn unary_integers(a in vectors()) {
        type Unary = fn(u128) -> u128;
        let rows: [(Unary, Unary, Unary, u32); 4] = [
            (i8x16_abs, i8x16_neg, i8x16_popcnt, 8),
            (i16x8_abs, i16x8_neg, i8x16_popcnt, 16),
            (i32x4_abs, i32x4_neg, i8x16_popcnt, 32),
            (i64x2_abs, i64x2_neg, i8x16_popcnt, 64),
        ];
        for (abs, neg, popcnt, bits) in rows {
            let signed = || lanes(a, bits, true).into_iter();
            prop_assert_eq!(abs(a), vector(signed().map(i128::abs), bits));
            prop_assert_eq!(neg(a), vector(signed().map(|x| -x), bits));
            prop_assert_eq!(popcnt(a), vector(lanes(a, 8, false).into_iter().map(|x| x.count_ones().into()), 8));
        }
    }

    #[test]
    fn lane_tests(a in vectors()) {
        type Test = fn(u128) -> u32;
        let rows: [(Test, Test, u32); 4] = [
            (i8x16_all_true, i8x16_bitmask, 8),
            (i16x8_all_true, i16x8_bitmask, 16),
            (i32x4_all_true, i32x4_bitmask, 32),
            (i64x2_all_true, i64x2_bitmask, 64),
        ];
        for (all_true, bitmask, bits) in rows {
            prop_assert_eq!(all_true(a), u32::from(!lanes(a, bits, false).contains(&0)));
            let signs = lanes(a, bits, true).into_iter().map(|x| i128::from(x < 0));
            prop_assert_eq!(u128::from(bitmask(a)), vector(signs, 1));
        }
        prop_assert_eq!(v128_any_true(a), u32::from(lanes(a, 8, false).iter().any(|&x| x > 0)));
    }

    #[test]
    fn shifts_take_counts_modulo_the_width(a in vectors(), count in integers32()) {
        type Shift = fn(u128, u32) -> u128;
        let rows: [(Shift, Shift, Shift, u32); 4] = [
            (i8x16_shl, i8x16_shr_s, i8x16_shr_u, 8),
            (i16x8_shl, i16x8_shr_s, i16x8_shr_u, 16),
            (i32x4_shl, i32x4_shr_s, i32x4_shr_u, 32),
            (i64x2_shl, i64x2_shr_s, i64x2_shr_u, 64),
        ];
        for (shl, shr_s, shr_u, bits) in rows {
            let factor = 1i128 << (count % bits);
            let unsigned = || lanes(a, bits, false).into_iter();
            prop_assert_eq!(shl(a, count), vector(unsigned().map(|x| x.wrapping_mul(factor)), bits));
            prop_assert_eq!(shr_u(a, count), vector(unsigned().map(|x| x / factor), bits));
            prop_assert_eq!(shr_s(a, count), vector(lanes(a, bits, true).into_iter().map(|x| x.div_euclid(factor)), bits));
        }
    }

    #[test]
    fn widening(a in vectors(), b in vectors()) {
        type Unary = fn(u128) -> u128;
        let rows: [(u32, bool, [Unary; 2], [Binary; 2]); 6] = [
            (8, true, [i16x8_extend_low_i8x16_s, i16x8_extend_high_i8x16_s],
                [i16x8_extmul_low_i8x16_s, i16x8_extmul_high_i8x16_s]),
            (8, false, [i16x8_extend_low_i8x16_u, i16x8_extend_high_i8x16_u],
                [i16x8_extmul_low_i8x16_u, i16x8_extmul_high_i8x16_u]),
            (16, true, [i32x4_extend_low_i16x8_s, i32x4_extend_high_i16x8_s],
                [i32x4_extmul_low_i16x8_s, i32x4_extmul_high_i16x8_s]),
            (16, false, [i32x4_extend_low_i16x8_u, i32x4_extend_high_i16x8_u],
                [i32x4_extmul_low_i16x8_u, i32x4_extmul_high_i16x8_u]),
            (32, true, [i64x2_extend_low_i32x4_s, i64x2_extend_high_i32x4_s],
                [i64x2_extmul_low_i32x4_s, i64x2_extmul_high_i32x4_s]),
            (32, false, [i64x2_extend_low_i32x4_u, i64x2_extend_high_i32x4_u],
                [i64x2_extmul_low_i32x4_u, i64x2_extmul_high_i32x4_u]),
        ];
        for (bits, signed, extends, extmuls) in rows {
            let (x, y) = (lanes(a, bits, signed), lanes(b, bits, signed));
            let half = x.len() / 2;
            for (start, extend, extmul) in [(0, extends[0], extmuls[0]), (half, extends[1], extmuls[1])] {
                let range = start..start + half;
                prop_assert_eq!(extend(a), vector(x[range.clone()].iter().copied(), 2 * bits));
                prop_assert_eq!(extmul(a, b), vector(range.map(|i| x[i] * y[i]), 2 * bits));
            }
        }
        let extadds: [(u32, bool, Unary); 4] = [
            (8, true, i16x8_extadd_pairwise_i8x16_s),
            (8, false, i16x8_extadd_pairwise_i8x16_u),
            (16, true, i32x4_extadd_pairwise_i16x8_s),
            (16, false, i32x4_extadd_pairwise_i16x8_u),
        ];
        for (bits, signed, extadd) in extadds {
            prop_assert_eq!(extadd(a), vector(lanes(a, bits, signed).chunks(2).map(|pair| pair.iter().sum()), 2 * bits));
        }
    }

    #[test]
    fn narrowing(a in vectors(), b in vectors()) {
        let rows: [(u32, bool, Binary); 4] = [
            (8, true, i8x16_narrow_i16x8_s),
            (8, false, i8x16_narrow_i16x8_u),
            (16, true, i16x8_narrow_i32x4_s),
            (16, false, i16x8_narrow_i32x4_u),
        ];
        for (bits, signed, narrow) in rows {
            let both = lanes(a, 2 * bits, true).into_iter().chain(lanes(b, 2 * bits, true));
            prop_assert_eq!(narrow(a, b), vector(both.map(|x| clamp(x, bits, signed)), bits));
        }
    }

    #[test]
    fn dot_products(a in vectors(), b in vectors(), c in vectors()) {
        let dot = |bits| {
            let products: Vec<i128> = lanes(a, bits, true).iter().zip(lanes(b, bits, true)).map(|(x, y)| x * y).collect();
            products.chunks(2).map(|pair| pair.iter().sum::<i128>()).collect::<Vec<_>>()
        };
        prop_assert_eq!(i32x4_dot_i16x8_s(a, b), vector(dot(16), 32));
        let relaxed: Vec<i128> = dot(8).into_iter().map(|x| clamp(x, 16, true)).collect();
        prop_assert_eq!(i16x8_relaxed_dot_i8x16_i7x16_s(a, b), vector(relaxed.iter().copied(), 16));
        let sums = relaxed.chunks(2).zip(lanes(c, 32, true)).map(|(pair, c)| pair[0] + pair[1] + c);
        prop_assert_eq!(i32x4_relaxed_dot_i8x16_i7x16_add_s(a, b, c), vector(sums, 32));
    }

    #[test]
    fn lanes_move(a in vectors(), b in vectors(), indices in any::<[u8; 16]>(), bits in any::<u64>(), lane in any::<u8>()) {
        let both: Vec<i128> = lanes(a, 8, false).into_iter().chain(lanes(b, 8, false)).collect();
        prop_assert_eq!(i8x16_shuffle(a, b, indices), vector(indices.map(|i| both[usize::from(i) % 32]), 8));
        let swizzled = lanes(b, 8, false).into_iter().map(|i| if i < 16 { both[i as usize] } else { 0 });
        prop_assert_eq!(i8x16_swizzle(a, b), vector(swizzled.clone(), 8));
        prop_assert_eq!(i8x16_relaxed_swizzle(a, b), vector(swizzled, 8));

        let chosen = lanes(a, 1, false).into_iter().zip(lanes(b, 1, false)).zip(lanes(u128::from(bits), 1, false));
        let chosen = vector(chosen.map(|((a, b), mask)| if mask == 1 { a } else { b }), 1);
        for select in [v128_bitselect, i8x16_relaxed_laneselect, i64x2_relaxed_laneselect] {
            prop_assert_eq!(select(a, b, bits.into()), chosen);
        }

        let word = bits as u32;
        let at = |width: u32, signed| lanes(a, width, signed)[lane as usize % (128 / width) as usize];
        prop_assert_eq!(i8x16_extract_lane_s(a, lane).cast_signed(), at(8, true) as i32);
        prop_assert_eq!(i8x16_extract_lane_u(a, lane), at(8, false) as u32);
        prop_assert_eq!(i16x8_extract_lane_s(a, lane).cast_signed(), at(16, true) as i32);
        prop_assert_eq!(i16x8_extract_lane_u(a, lane), at(16, false) as u32);
        prop_assert_eq!(i32x4_extract_lane(a, lane), at(32, false) as u32);
        prop_assert_eq!(i64x2_extract_lane(a, lane), at(64, false) as u64);
        prop_assert_eq!(f32x4_extract_lane(a, lane).to_bits(), at(32, false) as u32);
        prop_assert_eq!(f64x2_extract_lane(a, lane).to_bits(), at(64, false) as u64);

        let put = |width: u32| {
            let mut all = lanes(a, width, false);
            all[lane as usize % (128 / width) as usize] = bits.into();
            vector(all, width)
        };
        prop_assert_eq!(i8x16_replace_lane(a, word, lane), put(8));
        prop_assert_eq!(i16x8_replace_lane(a, word, lane), put(16));
        prop_assert_eq!(i32x4_replace_lane(a, word, lane), put(32));
        prop_assert_eq!(i64x2_replace_lane(a, bits, lane), put(64));
        prop_assert_eq!(f32x4_replace_lane(a, f32::from_bits(word), lane), put(32));
        prop_assert_eq!(f64x2_replace_lane(a, f64::from_bits(bits), lane), put(64));

        let splat = |width: u32| vector((0..128 / width).map(|_| bits.into()), width);
        prop_assert_eq!(i8x16_splat(word), splat(8));
        prop_assert_eq!(i16x8_splat(word), splat(16));
        prop_assert_eq!(i32x4_splat(word), splat(32));
        prop_assert_eq!(i64x2_splat(bits), splat(64));
        prop_assert_eq!(f32x4_splat(f32::from_bits(word)), splat(32));
        prop_assert_eq!(f64x2_splat(f64::from_bits(bits)), splat(64));

        let read = |width, signed| vector(lanes(bits.into(), width, signed).into_iter().take(64 / width as usize), 2 * width);
        prop_assert_eq!(v128_load8x8_s(bits), read(8, true));
        prop_assert_eq!(v128_load8x8_u(bits), read(8, false));
        prop_assert_eq!(v128_load16x4_s(bits), read(16, true));
        prop_assert_eq!(v128_load16x4_u(bits), read(16, false));
        prop_assert_eq!(v128_load32x2_s(bits), read(32, true));
        prop_assert_eq!(v128_load32x2_u(bits), read(32, false));
        prop_assert_eq!(v128_load32_zero(word), u128::from(word));
        prop_assert_eq!(v128_load64_zero(bits), u128::from(bits));
    }

    #[test]
    fn scalar_integers(a in integers64(), b in integers64()) {
        let (sa, sb, ua, ub) = (i128::from(a.cast_signed()), i128::from(b.cast_signed()), i128::from(a), i128::from(b));
        let zero = || TrapKind::IntegerDivideByZero;
        let fit = |x: i128| i64::try_from(x).map(i64::cast_unsigned).map_err(|_| TrapKind::IntegerOverflow);
        prop_assert_eq!(i64_div_s(a, b), sa.checked_div(sb).ok_or_else(zero).and_then(fit));
        prop_assert_eq!(i64_div_u(a, b), ua.checked_div(ub).ok_or_else(zero).map(|x| x as u64));
        prop_assert_eq!(i64_rem_s(a, b), sa.checked_rem(sb).ok_or_else(zero).map(|x| x as u64));
        prop_assert_eq!(i64_rem_u(a, b), ua.checked_rem(ub).ok_or_else(zero).map(|x| x as u64));
        let count = ub % 64;
        prop_assert_eq!(i64_shl(a, b), (ua << count) as u64);
        prop_assert_eq!(i64_shr_s(a, b), (sa >> count) as u64);
        prop_assert_eq!(i64_shr_u(a, b), (ua >> count) as u64);
        let twice = u128::from(a) << 64 | u128::from(a);
        prop_assert_eq!(i64_rotl(a, b), (twice << count >> 64) as u64);
        prop_assert_eq!(i64_rotr(a, b), (twice >> count) as u64);
        prop_assert_eq!([i64_lt_s(a, b), i64_gt_s(a, b), i64_le_s(a, b), i64_ge_s(a, b)],
            [sa < sb, sa > sb, sa <= sb, sa >= sb].map(u32::from));
        prop_assert_eq!([i64_lt_u(a, b), i64_gt_u(a, b), i64_le_u(a, b), i64_ge_u(a, b)],
            [ua < ub, ua > ub, ua <= ub, ua >= ub].map(u32::from));
        prop_assert_eq!([i64_eq(a, b), i64_ne(a, b), i64_eqz(a)], [ua == ub, ua != ub, ua == 0].map(u32::from));
        prop_assert_eq!([i64_add(a, b), i64_sub(a, b), i64_mul(a, b)],
            [ua + ub, ua - ub, ua.wrapping_mul(ub)].map(|x| x as u64));

        prop_assert_eq!(i64_mul_wide_s(a, b), ((sa * sb) as u64, ((sa * sb) >> 64) as u64));
        let (low, high) = i64_mul_wide_u(a, b);
        prop_assert_eq!((low, high), (a.wrapping_mul(b), ((u128::from(a) * u128::from(b)) >> 64) as u64));
        let (sum, carry) = a.overflowing_add(b);
        prop_assert_eq!(i64_add128(a, b, b, a), (sum, sum.wrapping_add(carry.into())));
        let (difference, borrow) = a.overflowing_sub(b);
        prop_assert_eq!(i64_sub128(a, b, b, a), (difference, b.wrapping_sub(a).wrapping_sub(borrow.into())));
    }

    #[test]
    fn narrow_scalar_integers(a in integers32(), b in integers32()) {
        let (sa, sb, ua, ub) = (i64::from(a.cast_signed()), i64::from(b.cast_signed()), i64::from(a), i64::from(b));
        let zero = || TrapKind::IntegerDivideByZero;
        let fit = |x: i64| i32::try_from(x).map(i32::cast_unsigned).map_err(|_| TrapKind::IntegerOverflow);
        prop_assert_eq!(i32_div_s(a, b), sa.checked_div(sb).ok_or_else(zero).and_then(fit));
        prop_assert_eq!(i32_div_u(a, b), ua.checked_div(ub).ok_or_else(zero).map(|x| x as u32));
        prop_assert_eq!(i32_rem_s(a, b), sa.checked_rem(sb).ok_or_else(zero).map(|x| x as u32));
        prop_assert_eq!(i32_rem_u(a, b), ua.checked_rem(ub).ok_or_else(zero).map(|x| x as u32));
        let count = b % 32;
        prop_assert_eq!(i32_shl(a, b), (ua << count) as u32);
        prop_assert_eq!(i32_shr_s(a, b), (sa >> count) as u32);
        prop_assert_eq!(i32_shr_u(a, b), (ua >> count) as u32);
        let twice = u64::from(a) << 32 | u64::from(a);
        prop_assert_eq!(i32_rotl(a, b), (twice << count >> 32) as u32);
        prop_assert_eq!(i32_rotr(a, b), (twice >> count) as u32);
        prop_assert_eq!([i32_lt_s(a, b), i32_gt_s(a, b), i32_le_s(a, b), i32_ge_s(a, b)],
            [sa < sb, sa > sb, sa <= sb, sa >= sb].map(u32::from));
        prop_assert_eq!([i32_lt_u(a, b), i32_gt_u(a, b), i32_le_u(a, b), i32_ge_u(a, b)],
            [ua < ub, ua > ub, ua <= ub, ua >= ub].map(u32::from));
        prop_assert_eq!([i32_eq(a, b), i32_ne(a, b), i32_eqz(a)], [ua == ub, ua != ub, ua == 0].map(u32::from));
        prop_assert_eq!([i32_add(a, b), i32_sub(a, b), i32_mul(a, b)], [ua + ub, ua - ub, ua.wrapping_mul(ub)].map(|x| x as u32));

        prop_assert_eq!(i32_extend8_s(a).cast_signed(), a.cast_signed() << 24 >> 24);
        prop_assert_eq!(i32_extend16_s(a).cast_signed(), a.cast_signed() << 16 >> 16);
        let wide = u64::from(b) << 32 | u64::from(a);
        prop_assert_eq!(i64_extend8_s(wide).cast_signed(), wide.cast_signed() << 56 >> 56);
        prop_assert_eq!(i64_extend16_s(wide).cast_signed(), wide.cast_signed() << 48 >> 48);
        prop_assert_eq!(i64_extend32_s(wide).cast_signed(), wide.cast_signed() << 32 >> 32);
        prop_assert_eq!(i64_extend_i32_s(a), sa as u64);
        prop_assert_eq!(i64_extend_i32_u(a), ua as u64);
        prop_assert_eq!(i32_wrap_i64(wide), a);
    }

    #[test]
    fn integer_parts(x in floats64(), y in floats32()) {
        // `as i128` is exact for everything that is near the limits of a wasm type.
        let exact = |x: f64| x.trunc() as i128;
        macro_rules! check {
            ($x:ident, $int:ident, $trunc:ident, $sat:ident) => {
                let part = exact($x.into());
                let expected = if $x.is_nan() {
                    Err(TrapKind::InvalidConversion)
                } else {
                    $int::try_from(part).map(|part| part as _).map_err(|_| TrapKind::IntegerOverflow)
                };
                prop_assert_eq!($trunc($x), expected, "{} {}", stringify!($trunc), $x);
                let clamped = part.clamp($int::MIN.into(), $int::MAX.into());
                prop_assert_eq!($sat($x), if $x.is_nan() { 0 } else { clamped as _ }, "{} {}", stringify!($sat), $x);
            };
        }
        check!(x, i32, i32_trunc_f64_s, i32_trunc_sat_f64_s);
        check!(x, u32, i32_trunc_f64_u, i32_trunc_sat_f64_u);
        check!(x, i64, i64_trunc_f64_s, i64_trunc_sat_f64_s);
        check!(x, u64, i64_trunc_f64_u, i64_trunc_sat_f64_u);
        check!(y, i32, i32_trunc_f32_s, i32_trunc_sat_f32_s);
        check!(y, u32, i32_trunc_f32_u, i32_trunc_sat_f32_u);
        check!(y, i64, i64_trunc_f32_s, i64_trunc_sat_f32_s);
        check!(y, u64, i64_trunc_f32_u, i64_trunc_sat_f32_u);

        let doubles = f64x2_splat(x);
        prop_assert_eq!(i32x4_trunc_sat_f64x2_s_zero(doubles), v128_load64_zero(i32x4_splat(i32_trunc_sat_f64_s(x)) as u64));
        prop_assert_eq!(i32x4_trunc_sat_f64x2_u_zero(doubles), v128_load64_zero(i32x4_splat(i32_trunc_sat_f64_u(x)) as u64));
        prop_assert_eq!(i32x4_relaxed_trunc_f64x2_s_zero(doubles), i32x4_trunc_sat_f64x2_s_zero(doubles));
        prop_assert_eq!(i32x4_relaxed_trunc_f64x2_u_zero(doubles), i32x4_trunc_sat_f64x2_u_zero(doubles));
        let singles = f32x4_splat(y);
        prop_assert_eq!(i32x4_trunc_sat_f32x4_s(singles), i32x4_splat(i32_trunc_sat_f32_s(y)));
        prop_assert_eq!(i32x4_trunc_sat_f32x4_u(singles), i32x4_splat(i32_trunc_sat_f32_u(y)));
        prop_assert_eq!(i32x4_relaxed_trunc_f32x4_s(singles), i32x4_trunc_sat_f32x4_s(singles));
        prop_assert_eq!(i32x4_relaxed_trunc_f32x4_u(singles), i32x4_trunc_sat_f32x4_u(singles));
    }

    #[test]
    fn floats_of_integers_are_nearest(a in integers64()) {
        // Rounds to `digits` significant bits, ties to even, on the integer itself.
        let nearest = |x: i128, digits: u32| {
            let excess = (128 - x.unsigned_abs().leading_zeros()).saturating_sub(digits);
            let unit = 1u128 << excess;
            let (floor, rest) = (x.unsigned_abs() / unit, x.unsigned_abs() % unit);
            let up = 2 * rest > unit || (2 * rest == unit && floor % 2 == 1);
            x.signum() * ((floor + u128::from(up)) * unit) as i128
        };
        let word = a as u32;
        for (x, single, double) in [
            (i128::from(a), f32_convert_i64_u(a), f64_convert_i64_u(a)),
            (i128::from(a.cast_signed()), f32_convert_i64_s(a), f64_convert_i64_s(a)),
            (i128::from(word), f32_convert_i32_u(word), f64_convert_i32_u(word)),
            (i128::from(word.cast_signed()), f32_convert_i32_s(word), f64_convert_i32_s(word)),
        ] {
            prop_assert_eq!(single as i128, nearest(x, 24));
            prop_assert_eq!(double as i128, nearest(x, 53));
        }
        let words = i32x4_splat(word);
        prop_assert_eq!(f32x4_convert_i32x4_s(words), f32x4_splat(f32_convert_i32_s(word)));
        prop_assert_eq!(f32x4_convert_i32x4_u(words), f32x4_splat(f32_convert_i32_u(word)));
        prop_assert_eq!(f64x2_convert_low_i32x4_s(a.into()),
            f64x2_replace_lane(f64x2_splat(f64_convert_i32_s(word)), f64_convert_i32_s((a >> 32) as u32), 1));
        prop_assert_eq!(f64x2_convert_low_i32x4_u(words), f64x2_splat(f64_convert_i32_u(word)));
    }

    #[test]
    fn floats_move_bitwise(x in floats32(), y in floats32(), z in floats64()) {
        let bits = x.to_bits();
        prop_assert_eq!(f32_neg(x).to_bits(), bits ^ 1 << 31);
        prop_assert_eq!(f32_abs(x).to_bits(), bits & !(1 << 31));
        prop_assert_eq!(f32_copysign(x, y).to_bits(), (bits & !(1 << 31)) | (y.to_bits() & 1 << 31));
        prop_assert_eq!(f32_reinterpret_i32(i32_reinterpret_f32(x)).to_bits(), bits);
        prop_assert_eq!(f64_neg(z).to_bits(), z.to_bits() ^ 1 << 63);
        prop_assert_eq!(f64_abs(z).to_bits(), z.to_bits() & !(1 << 63));
        prop_assert_eq!(f64_copysign(z, -1.0).to_bits(), z.to_bits() | 1 << 63);
        prop_assert_eq!(f64_reinterpret_i64(i64_reinterpret_f64(z)).to_bits(), z.to_bits());
        let (v, w) = (f32x4_splat(x), f32x4_splat(y));
        prop_assert_eq!(f32x4_neg(v), i32x4_splat(bits ^ 1 << 31));
        prop_assert_eq!(f32x4_abs(v), i32x4_splat(bits & !(1 << 31)));
        prop_assert_eq!(f32x4_pmin(v, w), if y < x { w } else { v });
        prop_assert_eq!(f32x4_pmax(v, w), if x < y { w } else { v });
        prop_assert_eq!(canonicalize_f32(x).to_bits(), if x.is_nan() { 0x7fc0_0000 } else { bits });
        prop_assert_eq!(canonicalize_f64(z).to_bits(), if z.is_nan() { NANS64[0] } else { z.to_bits() });
        prop_assert_eq!(canonicalize_f32x4(v), f32x4_splat(canonicalize_f32(x)));
        prop_assert_eq!(canonicalize_f64x2(f64x2_splat(z)), f64x2_splat(canonicalize_f64(z)));
    }

    #[test]
    fn minimum_and_maximum(x in floats64(), y in floats64()) {
        // Without NaNs both are those of the total order.
        if !x.is_nan() && !y.is_nan() {
            let (least, greatest) = if x.total_cmp(&y).is_le() { (x, y) } else { (y, x) };
            prop_assert_eq!(f64_min(x, y).to_bits(), least.to_bits());
            prop_assert_eq!(f64_max(x, y).to_bits(), greatest.to_bits());
            let (v, w) = (f64x2_splat(x), f64x2_splat(y));
            prop_assert_eq!(f64x2_min(v, w), f64x2_splat(least));
            prop_assert_eq!(f64x2_relaxed_max(v, w), f64x2_splat(greatest));
        }
        prop_assert_eq!([f64_eq(x, y), f64_ne(x, y), f64_lt(x, y), f64_gt(x, y), f64_le(x, y), f64_ge(x, y)],
            match x.partial_cmp(&y) {
                None => [0, 1, 0, 0, 0, 0],
                Some(std::cmp::Ordering::Less) => [0, 1, 1, 0, 1, 0],
                Some(std::cmp::Ordering::Equal) => [1, 0, 0, 0, 1, 1],
                Some(std::cmp::Ordering::Greater) => [0, 1, 0, 1, 0, 1],
            });
        let (v, w) = (f64x2_splat(x), f64x2_splat(y));
        for (of_lanes, of_scalars) in [
            (f64x2_eq as Binary, f64_eq as fn(f64, f64) -> u32), (f64x2_ne, f64_ne), (f64x2_lt, f64_lt),
            (f64x2_gt, f64_gt), (f64x2_le, f64_le), (f64x2_ge, f64_ge),
        ] {
            prop_assert_eq!(of_lanes(v, w), if of_scalars(x, y) == 1 { u128::MAX } else { 0 });
        }
    }

    #[test]
    fn single_operators_agree_with_double_ones(x in floats32(), y in floats32()) {
        let (a, b, wide_x, wide_y) = (f32x4_splat(x), f32x4_splat(y), f64::from(x), f64::from(y));
        for (single, double, vectors) in [
            (f32_eq as fn(f32, f32) -> u32, f64_eq as fn(f64, f64) -> u32, f32x4_eq as Binary), (f32_ne, f64_ne, f32x4_ne),
            (f32_lt, f64_lt, f32x4_lt), (f32_gt, f64_gt, f32x4_gt), (f32_le, f64_le, f32x4_le), (f32_ge, f64_ge, f32x4_ge),
        ] {
            prop_assert_eq!(single(x, y), double(wide_x, wide_y));
            prop_assert_eq!(vectors(a, b), if single(x, y) == 1 { u128::MAX } else { 0 });
        }
        for (single, double, vectors) in [
            (f32_min as fn(f32, f32) -> f32, f64_min as fn(f64, f64) -> f64, f32x4_min as Binary), (f32_max, f64_max, f32x4_max),
        ] {
            let expected = canonicalize_f32(double(wide_x, wide_y) as f32);
            prop_assert_eq!(canonicalize_f32(single(x, y)).to_bits(), expected.to_bits());
            prop_assert_eq!(canonicalize_f32x4(vectors(a, b)), f32x4_splat(expected));
        }
    }

    #[test]
    fn double_lanes_are_scalars(a in any::<[u64; 2]>(), x in floats64(), y in floats64()) {
        let (a, b) = (f64x2_replace_lane(a.wasm(), x, 1), f64x2_splat(y));
        let (a0, a1) = (f64x2_extract_lane(a, 0), x);
        for (of_lanes, of_scalars) in [
            (f64x2_add as Binary, f64_add as fn(f64, f64) -> f64), (f64x2_sub, f64_sub), (f64x2_mul, f64_mul),
            (f64x2_div, f64_div), (f64x2_min, f64_min), (f64x2_max, f64_max), (f64x2_relaxed_min, f64_min),
            (f64x2_pmin, |a, b| if b < a { b } else { a }), (f64x2_pmax, |a, b| if a < b { b } else { a }),
            (|a, _| f64x2_ceil(a), |a, _| f64_ceil(a)), (|a, _| f64x2_floor(a), |a, _| f64_floor(a)),
            (|a, _| f64x2_trunc(a), |a, _| f64_trunc(a)), (|a, _| f64x2_nearest(a), |a, _| f64_nearest(a)),
            (|a, _| f64x2_sqrt(a), |a, _| f64_sqrt(a)), (|a, _| f64x2_abs(a), |a, _| f64_abs(a)),
            (|a, _| f64x2_neg(a), |a, _| f64_neg(a)),
        ] {
            let expected = [of_scalars(a0, y), of_scalars(a1, y)].wasm();
            prop_assert_eq!(canonicalize_f64x2(of_lanes(a, b)), canonicalize_f64x2(expected));
        }
        let demoted = f32x4_replace_lane(v128_load32_zero(f32_demote_f64(a0).to_bits()), f32_demote_f64(a1), 1);
        prop_assert_eq!(canonicalize_f32x4(f32x4_demote_f64x2_zero(a)), canonicalize_f32x4(demoted));
        let promoted = [0, 1].map(|lane| f64_promote_f32(f32x4_extract_lane(a, lane))).wasm();
        prop_assert_eq!(canonicalize_f64x2(f64x2_promote_low_f32x4(a)), canonicalize_f64x2(promoted));
    }

    #[test]
    fn rounding(x in floats64(), y in floats32()) {
        if !x.is_nan() {
            // From 2^52 on every float is an integer; below, an `i64` holds the integer part.
            if x.abs() < 2f64.powi(52) {
                let part = x as i64;
                let below = if x < part as f64 { part - 1 } else { part };
                let rest = x - below as f64;
                let up = rest > 0.5 || (rest == 0.5 && below % 2 != 0);
                prop_assert_eq!(f64_floor(x), below as f64);
                prop_assert_eq!(f64_ceil(x), (below + i64::from(rest > 0.0)) as f64);
                prop_assert_eq!(f64_nearest(x), (below + i64::from(up)) as f64);
                prop_assert_eq!(f64_trunc(x), part as f64);
            } else {
                prop_assert_eq!([f64_floor(x), f64_ceil(x), f64_nearest(x), f64_trunc(x)], [x; 4]);
            }
            for rounded in [f64_floor(x), f64_ceil(x), f64_nearest(x), f64_trunc(x)] {
                prop_assert!(rounded != 0.0 || rounded.is_sign_negative() == x.is_sign_negative());
            }
        }
        type Vector = fn(u128) -> u128;
        for (of_lanes, of_scalars) in [
            (f32x4_ceil as Vector, f32_ceil as fn(f32) -> f32), (f32x4_floor, f32_floor), (f32x4_trunc, f32_trunc),
            (f32x4_nearest, f32_nearest), (f32x4_sqrt, f32_sqrt),
        ] {
            let wide = of_scalars(y);
            prop_assert_eq!(canonicalize_f32x4(of_lanes(f32x4_splat(y))), canonicalize_f32x4(f32x4_splat(wide)));
        }
        for (single, double) in [
            (f32_ceil as fn(f32) -> f32, f64_ceil as fn(f64) -> f64), (f32_floor, f64_floor), (f32_trunc, f64_trunc),
            (f32_nearest, f64_nearest),
        ] {
            prop_assert_eq!(canonicalize_f32(single(y)).to_bits(), canonicalize_f32(double(y.into()) as f32).to_bits());
        }
    }

    #[test]
    fn single_arithmetic_is_rounded_double_arithmetic(x in floats32(), y in floats32(), z in floats32()) {
        // A double holds twice the digits of a single and two more: rounding twice is rounding once.
        for (single, vectors, double) in [
            (f32_add as fn(f32, f32) -> f32, f32x4_add as Binary, f64_add as fn(f64, f64) -> f64),
            (f32_sub, f32x4_sub, f64_sub),
            (f32_mul, f32x4_mul, f64_mul),
            (f32_div, f32x4_div, f64_div),
        ] {
            let expected = canonicalize_f32(f32_demote_f64(double(x.into(), y.into())));
            prop_assert_eq!(canonicalize_f32(single(x, y)).to_bits(), expected.to_bits());
            prop_assert_eq!(canonicalize_f32x4(vectors(f32x4_splat(x), f32x4_splat(y))), f32x4_splat(expected));
        }
        let root = canonicalize_f32(f32_demote_f64(f64_sqrt(f64_promote_f32(x))));
        prop_assert_eq!(canonicalize_f32(f32_sqrt(x)).to_bits(), root.to_bits());

        let (a, b, c) = (f32x4_splat(x), f32x4_splat(y), f32x4_splat(z));
        prop_assert_eq!(canonicalize_f32x4(f32x4_relaxed_nmadd(a, b, c)), canonicalize_f32x4(f32x4_relaxed_madd(f32x4_neg(a), b, c)));
    }
}

#[test]
fn minimum_and_maximum_order_zeros() {
    for (x, y) in [(0.0, -0.0), (-0.0, 0.0)] {
        let (a, b) = (f32x4_splat(x), f32x4_splat(y));
        assert!(f32_min(x, y).is_sign_negative() && f32_max(x, y).is_sign_positive());
        assert_eq!([f32x4_min(a, b), f32x4_relaxed_min(a, b)], [f32x4_splat(-0.0); 2]);
        assert_eq!([f32x4_max(a, b), f32x4_relaxed_max(a, b)], [f32x4_splat(0.0); 2]);
        let (x, y) = (f64::from(x), f64::from(y));
        let (a, b) = (f64x2_splat(x), f64x2_splat(y));
        assert!(f64_min(x, y).is_sign_negative() && f64_max(x, y).is_sign_positive());
        assert_eq!([f64x2_min(a, b), f64x2_relaxed_min(a, b)], [f64x2_splat(-0.0); 2]);
        assert_eq!([f64x2_max(a, b), f64x2_relaxed_max(a, b)], [f64x2_splat(0.0); 2]);
        // The pseudo-minimum and -maximum see no difference and keep the first.
        assert_eq!([f64x2_pmin(a, b), f64x2_pmax(a, b)], [a; 2]);
    }
}

#[test]
fn bitwise_operators() {
    let (a, b) = (0b1100, 0b1010);
    assert_eq!([v128_and(a, b), v128_or(a, b), v128_xor(a, b), v128_andnot(a, b)], [0b1000, 0b1110, 0b0110, 0b0100]);
    assert_eq!(v128_not(a), u128::MAX - a);
    assert_eq!([i32_and(12, 10), i32_or(12, 10), i32_xor(12, 10)], [8, 14, 6]);
    assert_eq!([i64_and(12, 10), i64_or(12, 10), i64_xor(12, 10)], [8, 14, 6]);
    assert_eq!([i32_clz(0), i32_clz(1), i32_ctz(0), i32_ctz(0x8000_0000), i32_popcnt(0xf0f0)], [32, 31, 32, 31, 8]);
    assert_eq!([i64_clz(0), i64_clz(1), i64_ctz(0), i64_ctz(1 << 63), i64_popcnt(u64::MAX)], [64, 63, 64, 63, 64]);
}

#[test]
fn arithmetic_on_nans_yields_arithmetic_nans() {
    let arithmetic32 =
        |x: f32, canonical: bool| x.is_nan() && x.to_bits() & QUIET32 != 0 && (!canonical || x.to_bits() << 10 == 0);
    let arithmetic64 =
        |x: f64, canonical: bool| x.is_nan() && x.to_bits() & QUIET64 != 0 && (!canonical || x.to_bits() << 13 == 0);
    for (i, (nan32, nan64)) in NANS32.into_iter().zip(NANS64).enumerate() {
        let (x, y, canonical) = (f32::from_bits(nan32), f64::from_bits(nan64), i < 2);
        for op in [f32_ceil, f32_floor, f32_trunc, f32_nearest, f32_sqrt] {
            assert!(arithmetic32(op(x), canonical));
        }
        for op in [f64_ceil, f64_floor, f64_trunc, f64_nearest, f64_sqrt] {
            assert!(arithmetic64(op(y), canonical));
        }
        for op in [f32_add, f32_sub, f32_mul, f32_div, f32_min, f32_max] {
            assert!([op(x, 1.0), op(1.0, x), op(x, x)].iter().all(|&x| arithmetic32(x, canonical)));
        }
        for op in [f64_add, f64_sub, f64_mul, f64_div, f64_min, f64_max] {
            assert!([op(y, 1.0), op(1.0, y), op(y, y)].iter().all(|&y| arithmetic64(y, canonical)));
        }
        assert!(arithmetic32(f32_demote_f64(y), canonical));
        assert!(arithmetic64(f64_promote_f32(x), canonical));

        let (one, nans) = (f32x4_splat(1.0), f32x4_splat(x));
        let lanes_arithmetic = |v: u128| (0..4).all(|lane| arithmetic32(f32x4_extract_lane(v, lane), canonical));
        for op in
            [f32x4_add, f32x4_sub, f32x4_mul, f32x4_div, f32x4_min, f32x4_max, f32x4_relaxed_min, f32x4_relaxed_max]
        {
            assert!(lanes_arithmetic(op(nans, one)) && lanes_arithmetic(op(one, nans)));
        }
        for op in [f32x4_ceil, f32x4_floor, f32x4_trunc, f32x4_nearest, f32x4_sqrt] {
            assert!(lanes_arithmetic(op(nans)));
        }
        for op in [f32x4_relaxed_madd, f32x4_relaxed_nmadd] {
            assert!([op(nans, one, one), op(one, nans, one), op(one, one, nans)].into_iter().all(lanes_arithmetic));
        }
        assert!(arithmetic64(f64x2_extract_lane(f64x2_promote_low_f32x4(nans), 1), canonical));
        let demoted = f32x4_demote_f64x2_zero(f64x2_splat(y));
        assert!(arithmetic32(f32x4_extract_lane(demoted, 1), canonical));
        assert_eq!(demoted >> 64, 0);
    }
}

#[test]
fn multiply_add_rounds_once() {
    // (1 + 2^-22)(1 + 2^-15) has a bit below the single format that the sum uncovers.
    let (a, b, c) = (1.0 + 2f32.powi(-22), 1.0 + 2f32.powi(-15), -(1.0 + 2f32.powi(-15) + 2f32.powi(-22)));
    let fused = f32x4_relaxed_madd(f32x4_splat(a), f32x4_splat(b), f32x4_splat(c));
    assert_eq!(f32x4_extract_lane(fused, 3), 2f32.powi(-37));
    let overflowing = [f64::MAX, 2.0, -f64::MAX].map(f64x2_splat);
    assert_eq!(f64x2_relaxed_madd(overflowing[0], overflowing[1], overflowing[2]), f64x2_splat(f64::MAX));
    assert_eq!(f64x2_relaxed_nmadd(overflowing[2], overflowing[1], overflowing[2]), f64x2_splat(f64::MAX));
}

#[test]
fn the_extreme_products_saturate() {
    let (least8, least16) = (i8x16_splat(0x80), i16x8_splat(0x8000));
    assert_eq!(i16x8_q15mulr_sat_s(least16, least16), i16x8_splat(0x7fff));
    assert_eq!(i32x4_dot_i16x8_s(least16, least16), i32x4_splat(0x8000_0000));
    assert_eq!(i16x8_relaxed_dot_i8x16_i7x16_s(least8, least8), i16x8_splat(0x7fff));
}

//! Every integer operator with a constant on either side, at the boundaries of 16- and 32-bit immediates, of shift amounts and
//! of signs, and every compare in each place that it can be folded into.

use super::written;

const ZERO: &str = "integer divide by zero";
const OVERFLOW: &str = "integer overflow";

macro_rules! sweep {
    ($signed:ident, $unsigned:ident, $values:ident) => {
        pub(super) fn $signed() -> String {
            type Int = $signed;
            type Binary = fn(Int, Int) -> Result<Int, &'static str>;
            let binary: &[(&str, Binary)] = &[
                ("add", |a, b| Ok(a.wrapping_add(b))),
                ("sub", |a, b| Ok(a.wrapping_sub(b))),
                ("mul", |a, b| Ok(a.wrapping_mul(b))),
                ("div_s", |a, b| if b == 0 { Err(ZERO) } else { a.checked_div(b).ok_or(OVERFLOW) }),
                ("div_u", |a, b| (a as $unsigned).checked_div(b as $unsigned).map(|q| q as Int).ok_or(ZERO)),
                ("rem_s", |a, b| if b == 0 { Err(ZERO) } else { Ok(a.wrapping_rem(b)) }),
                ("rem_u", |a, b| (a as $unsigned).checked_rem(b as $unsigned).map(|r| r as Int).ok_or(ZERO)),
                ("and", |a, b| Ok(a & b)),
                ("or", |a, b| Ok(a | b)),
                ("xor", |a, b| Ok(a ^ b)),
                ("shl", |a, b| Ok(a.wrapping_shl(b as u32))),
                ("shr_s", |a, b| Ok(a.wrapping_shr(b as u32))),
                ("shr_u", |a, b| Ok((a as $unsigned).wrapping_shr(b as u32) as Int)),
                ("rotl", |a, b| Ok(a.rotate_left(b as u32 % Int::BITS))),
                ("rotr", |a, b| Ok(a.rotate_right(b as u32 % Int::BITS))),
            ];
            let compare: &[(&str, fn(Int, Int) -> bool)] = &[
                ("eq", |a, b| a == b),
                ("ne", |a, b| a != b),
                ("lt_s", |a, b| a < b),
                ("lt_u", |a, b| (a as $unsigned) < (b as $unsigned)),
                ("gt_s", |a, b| a > b),
                ("gt_u", |a, b| (a as $unsigned) > (b as $unsigned)),
                ("le_s", |a, b| a <= b),
                ("le_u", |a, b| (a as $unsigned) <= (b as $unsigned)),
                ("ge_s", |a, b| a >= b),
                ("ge_u", |a, b| (a as $unsigned) >= (b as $unsigned)),
            ];

            let ty = stringify!($signed);
            let mut module = String::from("(module\n");
            let mut assertions = String::new();
            for (name, meaning) in binary {
                for (i, k) in $values.iter().enumerate() {
                    written(&mut module, format_args!(
                        "(func (export \"{name} {i}\") (param {ty}) (result {ty}) ({ty}.{name} (local.get 0) ({ty}.const {k})))
                         (func (export \"{i} {name}\") (param {ty}) (result {ty}) ({ty}.{name} ({ty}.const {k}) (local.get 0)))
                         (func (export \"{name}= {i}\") (param {ty}) (result {ty})
                            (local.set 0 ({ty}.{name} (local.get 0) ({ty}.const {k}))) (local.get 0))\n"
                    ));
                    for x in $values {
                        let mut check = |export: String, result: Result<Int, &str>| match result {
                            Ok(value) => written(&mut assertions, format_args!(
                                "(assert_return (invoke \"{export}\" ({ty}.const {x})) ({ty}.const {value}))\n"
                            )),
                            Err(trap) => written(&mut assertions, format_args!(
                                "(assert_trap (invoke \"{export}\" ({ty}.const {x})) \"{trap}\")\n"
                            )),
                        };
                        check(format!("{name} {i}"), meaning(x, *k));
                        check(format!("{i} {name}"), meaning(*k, x));
                        check(format!("{name}= {i}"), meaning(x, *k));
                    }
                }
            }
            for (name, meaning) in compare {
                for (i, k) in $values.iter().enumerate() {
                    for (side, operands) in [
                        ("right", format!("(local.get 0) ({ty}.const {k})")),
                        ("left", format!("({ty}.const {k}) (local.get 0)")),
                    ] {
                        let condition = format!("({ty}.{name} {operands})");
                        written(&mut module, format_args!(
                            "(func (export \"{name} {side} {i}\") (param {ty}) (result i32 i32 i32 i32 i32 i32) (local i32)
                                {condition}
                                (i32.eqz {condition})
                                (if (result i32) {condition} (then (i32.const 1)) (else (i32.const 0)))
                                (select (i32.const 1) (i32.const 0) {condition})
                                (block (result i32) (br_if 0 (i32.const 1) {condition}) (drop) (i32.const 0))
                                (block (br_if 0 (i32.eqz {condition})) (local.set 1 (i32.const 1)))
                                (local.get 1))\n"
                        ));
                        for x in $values {
                            let holds = if side == "right" { meaning(x, *k) } else { meaning(*k, x) };
                            let (yes, no) = (i32::from(holds), i32::from(!holds));
                            written(&mut assertions, format_args!(
                                "(assert_return (invoke \"{name} {side} {i}\" ({ty}.const {x})) (i32.const {yes}) \
                                 (i32.const {no}) (i32.const {yes}) (i32.const {yes}) (i32.const {yes}) (i32.const {yes}))\n"
                            ));
                        }
                    }
                }
            }
            module.push_str(")\n");
            module + &assertions
        }
    };
}

const VALUES32: [i32; 15] = [
    0,
    1,
    -1,
    31,
    32,
    33,
    i16::MAX as i32,
    i16::MAX as i32 + 1,
    i16::MIN as i32,
    i16::MIN as i32 - 1,
    u16::MAX as i32,
    u16::MAX as i32 + 1,
    i32::MAX,
    i32::MIN,
    i32::MIN + 1,
];

const VALUES64: [i64; 17] = [
    0,
    1,
    -1,
    63,
    64,
    65,
    i16::MAX as i64 + 1,
    i16::MIN as i64 - 1,
    i32::MAX as i64,
    i32::MAX as i64 + 1,
    i32::MIN as i64,
    i32::MIN as i64 - 1,
    u32::MAX as i64,
    u32::MAX as i64 + 1,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
];

sweep!(i32, u32, VALUES32);
sweep!(i64, u64, VALUES64);

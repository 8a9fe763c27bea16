//! Values on the command line: the literals of the text format, read by the type that is expected.
//!
//! [`parse`] reads what [`print()`] prints, to the bit, but for references that are not null, which have no literal.

use terrace::{Ref, V128, Val, ValType};
use wast::core::V128Const;
use wast::parser::{Parse, ParseBuffer};
use wast::token::{F32, F64};

/// The value of type `ty` that `text` is a literal of.
pub fn parse(text: &str, ty: ValType) -> Result<Val, String> {
    let value = match ty {
        ValType::I32 => token(text, |value: i32| Val::I32(value)),
        ValType::I64 => token(text, |value: i64| Val::I64(value)),
        ValType::F32 => token(text, |value: F32| Val::F32(value.bits)),
        ValType::F64 => token(text, |value: F64| Val::F64(value.bits)),
        ValType::V128 => vector(text).map(|bits| Val::V128(V128::from(bits))),
        ValType::Ref(ty) => (ty.nullable && text == "null").then(|| Ref::null(ty.heap).into()),
    };
    value.ok_or_else(|| format!("`{text}` is no literal of type {ty}{}", hint(ty)))
}

fn hint(ty: ValType) -> &'static str {
    match ty {
        ValType::V128 => ", which is 0x… or as i32x4:1,2,3,4",
        ValType::Ref(ty) if ty.nullable => ", which can be `null` alone",
        _ => "",
    }
}

fn token<T: for<'a> Parse<'a>>(text: &str, value: impl FnOnce(T) -> Val) -> Option<Val> {
    let buffer = ParseBuffer::new(text).ok()?;
    wast::parser::parse(&buffer).ok().map(value)
}

/// A vector as one number in hexadecimal, or lane by lane from lane 0.
fn vector(text: &str) -> Option<u128> {
    if let Some(digits) = text.strip_prefix("0x") {
        let digits = digits.replace('_', "");
        let valid = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        return u128::from_str_radix(&digits, 16).ok().filter(|_| valid);
    }
    let (shape, lanes) = text.split_once(':')?;
    let text = format!("{shape} {}", lanes.replace(',', " "));
    let buffer = ParseBuffer::new(&text).ok()?;
    let vector: V128Const = wast::parser::parse(&buffer).ok()?;
    Some(u128::from_le_bytes(vector.to_le_bytes()))
}

/// The value as a literal; the kind of a reference that has none.
pub fn print(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => {
            let value = f32::from_bits(*bits);
            float(
                format!("{value:?}"),
                value.is_sign_negative(),
                value.is_nan().then_some((bits & 0x7f_ffff).into()),
                1 << 22,
            )
        }
        Val::F64(bits) => {
            let value = f64::from_bits(*bits);
            let payload = bits & 0xf_ffff_ffff_ffff;
            float(format!("{value:?}"), value.is_sign_negative(), value.is_nan().then_some(payload), 1 << 51)
        }
        Val::V128(value) => format!("{:#034x}", value.as_u128()),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(None) | Val::ExnRef(None) => "null".to_owned(),
        Val::FuncRef(Some(_)) => "funcref".to_owned(),
        Val::ExternRef(Some(_)) => "externref".to_owned(),
        Val::AnyRef(Some(_)) => "anyref".to_owned(),
        Val::ExnRef(Some(_)) => "exnref".to_owned(),
    }
}

/// A number as Rust prints it, or a NaN with its sign and its payload, if that is not the `canonical` one.
fn float(number: String, negative: bool, nan: Option<u64>, canonical: u64) -> String {
    let sign = if negative { "-" } else { "" };
    match nan {
        None => number.strip_suffix(".0").map(str::to_owned).unwrap_or(number),
        Some(payload) if payload == canonical => format!("{sign}nan"),
        Some(payload) => format!("{sign}nan:{payload:#x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str, ty: ValType) -> Result<String, String> {
        parse(text, ty).map(|value| print(&value))
    }

    #[test]
    fn literals_are_read_by_type() {
        let cases: &[(ValType, &[(&str, &str)])] = &[
            (
                ValType::I32,
                &[
                    ("-1", "-1"),
                    ("0xffff_ffff", "-1"),
                    ("4294967295", "-1"),
                    ("+7", "7"),
                    ("-0x80000000", "-2147483648"),
                ],
            ),
            (ValType::I64, &[("0x8000000000000000", "-9223372036854775808"), ("18446744073709551615", "-1")]),
            (
                ValType::F32,
                &[
                    ("1", "1"),
                    ("-0x1.8p3", "-12"),
                    ("nan", "nan"),
                    ("-nan", "-nan"),
                    ("nan:0x200000", "nan:0x200000"),
                    ("inf", "inf"),
                ],
            ),
            (
                ValType::F64,
                &[("-0", "-0"), ("1e300", "1e300"), ("0.1", "0.1"), ("-inf", "-inf"), ("nan:0x1", "nan:0x1")],
            ),
            (
                ValType::V128,
                &[
                    ("0x1", "0x00000000000000000000000000000001"),
                    ("i32x4:1,2,3,-4", "0xfffffffc000000030000000200000001"),
                    ("f64x2:1,nan", "0x7ff80000000000003ff0000000000000"),
                ],
            ),
            (ValType::FUNCREF, &[("null", "null")]),
            (ValType::EXTERNREF, &[("null", "null")]),
        ];
        for (ty, cases) in cases {
            for (text, expected) in *cases {
                assert_eq!(again(text, *ty).as_deref(), Ok(*expected), "{ty} {text}");
            }
        }
    }

    #[test]
    fn what_is_printed_can_be_read() {
        for bits in [0, 1, 0x8000_0000, 0x7f80_0001, 0xffc0_0000, 0x3dcc_cccd, 0x7f7f_ffff] {
            let read = parse(&print(&Val::F32(bits)), ValType::F32).expect("a literal");
            assert!(matches!(read, Val::F32(read) if read == bits), "{bits:#x}");
        }
        for bits in
            [1, 1 << 63, 0x7ff0_0000_0000_0001, 0xfff8_0000_0000_0000, 0x3fb9_9999_9999_999a, 0x7fef_ffff_ffff_ffff]
        {
            let read = parse(&print(&Val::F64(bits)), ValType::F64).expect("a literal");
            assert!(matches!(read, Val::F64(read) if read == bits), "{bits:#x}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        let cases: &[(ValType, &[&str])] = &[
            (ValType::I32, &["", "x", "1.5", "4294967296", "1 2", "-2147483649", "(", "\"1\"", "0x"]),
            (ValType::I64, &["nan", "18446744073709551616"]),
            (ValType::F32, &["one", "1e999", "nan:0x1000000", "nan:0x0"]),
            (
                ValType::V128,
                &["1", "0x", "0x+1", "0x100000000000000000000000000000000", "i32x4:1,2,3", "i32x4 1 2 3 4"],
            ),
            (ValType::FUNCREF, &["0", ""]),
        ];
        for (ty, texts) in cases {
            for text in *texts {
                assert!(parse(text, *ty).is_err(), "{ty} {text}");
            }
        }
        assert_eq!(parse("x", ValType::I32).expect_err("no number"), "`x` is no literal of type i32");
    }
}

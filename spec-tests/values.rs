//! Arguments and expected results of scripts.

use std::fmt;

use terrace::{AnyRef, Error, ExternRef, Rooted, Store, Val};
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Const, V128Pattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};

use crate::script::Verdict;

/// The value that an argument stands for.
pub(crate) fn argument(store: &mut Store<()>, arg: &WastArg<'_>) -> Result<Val, Verdict> {
    let WastArg::Core(arg) = arg else { return Err(Verdict::fail("a component's value as argument")) };
    Ok(match arg {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(u128::from_le_bytes(value.to_le_bytes()).into()),
        WastArgCore::RefNull(heap) => match family(heap) {
            Some(Family::Func) => Val::FuncRef(None),
            Some(Family::Extern) => Val::ExternRef(None),
            Some(Family::Exn) => Val::ExnRef(None),
            Some(Family::Any) => Val::AnyRef(None),
            None => return Err(Verdict::fail(format!("null of type {heap:?} as argument"))),
        },
        WastArgCore::RefExtern(value) => Val::ExternRef(Some(host_reference(store, *value)?)),
        WastArgCore::RefHost(value) => {
            let reference = host_reference(store, *value)?;
            Val::AnyRef(Some(AnyRef::convert_extern(&*store, reference).map_err(unexpected)?))
        }
    })
}

/// A reference to the host value that scripts write as a number.
fn host_reference(store: &mut Store<()>, value: u32) -> Result<Rooted<ExternRef>, Verdict> {
    ExternRef::new(store, value).map_err(unexpected)
}

fn unexpected(error: Error) -> Verdict {
    Verdict::fail(error.to_string())
}

/// The hierarchies of reference types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Func,
    Extern,
    Exn,
    Any,
}

/// The hierarchy of a heap type; `None` for defined types and those of proposals.
fn family(heap: &HeapType<'_>) -> Option<Family> {
    use AbstractHeapType as Abstract;
    let HeapType::Abstract { ty, .. } = heap else { return None };
    match ty {
        Abstract::Func | Abstract::NoFunc => Some(Family::Func),
        Abstract::Extern | Abstract::NoExtern => Some(Family::Extern),
        Abstract::Exn | Abstract::NoExn => Some(Family::Exn),
        Abstract::Any | Abstract::Eq | Abstract::I31 | Abstract::Struct | Abstract::Array | Abstract::None => {
            Some(Family::Any)
        }
        _ => None,
    }
}

/// Checks a call's results against the expected ones.
pub(crate) fn check_results(store: &Store<()>, actual: &[Val], expected: &[WastRet<'_>]) -> Result<(), Verdict> {
    if actual.len() != expected.len() {
        return Err(Verdict::fail(format!("expected {} results, got {}", expected.len(), actual.len())));
    }
    for (i, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let WastRet::Core(expected) = expected else { return Err(Verdict::fail("a component's value as result")) };
        if !matches(store, actual, expected) {
            let (expected, actual) = (Expected(expected), Actual(actual));
            return Err(Verdict::fail(format!("result {i}: expected {expected}, got {actual}")));
        }
    }
    Ok(())
}

/// A float type, by its bits.
trait Bits: Copy {
    /// Whether the bits are a canonical NaN's.
    fn is_canonical_nan(bits: u64) -> bool;
    /// Whether the bits are an arithmetic NaN's.
    fn is_arithmetic_nan(bits: u64) -> bool;
    /// The bits of the value.
    fn bits(self) -> u64;
}

impl Bits for F32 {
    fn is_canonical_nan(bits: u64) -> bool {
        bits & 0x7fff_ffff == 0x7fc0_0000
    }
    fn is_arithmetic_nan(bits: u64) -> bool {
        bits & 0x7fc0_0000 == 0x7fc0_0000
    }
    fn bits(self) -> u64 {
        self.bits.into()
    }
}

impl Bits for F64 {
    fn is_canonical_nan(bits: u64) -> bool {
        bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000
    }
    fn is_arithmetic_nan(bits: u64) -> bool {
        bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000
    }
    fn bits(self) -> u64 {
        self.bits
    }
}

fn float_matches<T: Bits>(actual: u64, expected: &NanPattern<T>) -> bool {
    match expected {
        NanPattern::CanonicalNan => T::is_canonical_nan(actual),
        NanPattern::ArithmeticNan => T::is_arithmetic_nan(actual),
        NanPattern::Value(value) => value.bits() == actual,
    }
}

fn vector_matches(actual: u128, expected: &V128Pattern) -> bool {
    let constant = |expected: V128Const| u128::from_le_bytes(expected.to_le_bytes()) == actual;
    match expected {
        V128Pattern::I8x16(lanes) => constant(V128Const::I8x16(*lanes)),
        V128Pattern::I16x8(lanes) => constant(V128Const::I16x8(*lanes)),
        V128Pattern::I32x4(lanes) => constant(V128Const::I32x4(*lanes)),
        V128Pattern::I64x2(lanes) => constant(V128Const::I64x2(*lanes)),
        V128Pattern::F32x4(lanes) => {
            lanes.iter().enumerate().all(|(i, lane)| float_matches((actual >> (32 * i)) as u32 as u64, lane))
        }
        V128Pattern::F64x2(lanes) => {
            lanes.iter().enumerate().all(|(i, lane)| float_matches((actual >> (64 * i)) as u64, lane))
        }
    }
}

fn matches(store: &Store<()>, actual: &Val, expected: &WastRetCore<'_>) -> bool {
    match (actual, expected) {
        (actual, WastRetCore::Either(cases)) => cases.iter().any(|case| matches(store, actual, case)),
        (Val::I32(actual), WastRetCore::I32(expected)) => actual == expected,
        (Val::I64(actual), WastRetCore::I64(expected)) => actual == expected,
        (Val::F32(actual), WastRetCore::F32(expected)) => float_matches((*actual).into(), expected),
        (Val::F64(actual), WastRetCore::F64(expected)) => float_matches(*actual, expected),
        (Val::V128(actual), WastRetCore::V128(expected)) => vector_matches((*actual).into(), expected),
        (actual, WastRetCore::RefNull(expected)) => {
            let actual = match actual {
                Val::FuncRef(None) => Family::Func,
                Val::ExternRef(None) => Family::Extern,
                Val::ExnRef(None) => Family::Exn,
                Val::AnyRef(None) => Family::Any,
                _ => return false,
            };
            // A defined type's null belongs to the functions' hierarchy or to that of structures and arrays.
            match expected {
                None => true,
                Some(HeapType::Abstract { .. }) => expected.as_ref().and_then(family) == Some(actual),
                Some(_) => matches!(actual, Family::Func | Family::Any),
            }
        }
        (Val::FuncRef(Some(_)), WastRetCore::RefFunc(_)) => true,
        (Val::ExternRef(Some(_)), WastRetCore::RefExtern(None)) => true,
        (Val::ExternRef(Some(actual)), WastRetCore::RefExtern(Some(expected))) => {
            is_host_reference(store, *actual, *expected)
        }
        (Val::AnyRef(Some(actual)), WastRetCore::RefHost(expected)) => {
            ExternRef::convert_any(store, *actual).is_ok_and(|actual| is_host_reference(store, actual, *expected))
        }
        (Val::AnyRef(Some(_)), WastRetCore::RefAny) => true,
        (Val::AnyRef(Some(actual)), WastRetCore::RefI31) => matches!(actual.as_i31(store), Ok(Some(_))),
        _ => false,
    }
}

fn is_host_reference(store: &Store<()>, reference: Rooted<ExternRef>, value: u32) -> bool {
    let Ok(Some(data)) = reference.data(store) else { return false };
    data.downcast_ref() == Some(&value)
}

/// An expected result, to be read.
struct Expected<'a>(&'a WastRetCore<'a>);

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn float<T: Bits>(f: &mut fmt::Formatter<'_>, pattern: &NanPattern<T>) -> fmt::Result {
            match pattern {
                NanPattern::CanonicalNan => f.write_str("nan:canonical"),
                NanPattern::ArithmeticNan => f.write_str("nan:arithmetic"),
                NanPattern::Value(value) => write!(f, "{:#x}", value.bits()),
            }
        }
        match self.0 {
            WastRetCore::I32(value) => write!(f, "i32 {value}"),
            WastRetCore::I64(value) => write!(f, "i64 {value}"),
            WastRetCore::F32(pattern) => {
                f.write_str("f32 ")?;
                float(f, pattern)
            }
            WastRetCore::F64(pattern) => {
                f.write_str("f64 ")?;
                float(f, pattern)
            }
            WastRetCore::V128(V128Pattern::F32x4(lanes)) => {
                f.write_str("f32x4")?;
                lanes.iter().try_for_each(|lane| {
                    f.write_str(" ")?;
                    float(f, lane)
                })
            }
            WastRetCore::V128(V128Pattern::F64x2(lanes)) => {
                f.write_str("f64x2")?;
                lanes.iter().try_for_each(|lane| {
                    f.write_str(" ")?;
                    float(f, lane)
                })
            }
            WastRetCore::V128(pattern) => write!(f, "v128 {pattern:x?}"),
            WastRetCore::Either(cases) => {
                f.write_str("either")?;
                cases.iter().try_for_each(|case| write!(f, " ({})", Expected(case)))
            }
            other => write!(f, "{other:?}"),
        }
    }
}

/// A result, to be read beside an expected one.
struct Actual<'a>(&'a Val);

impl fmt::Display for Actual<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Val::I32(value) => write!(f, "i32 {value}"),
            Val::I64(value) => write!(f, "i64 {value}"),
            Val::F32(bits) => write!(f, "f32 {bits:#x}"),
            Val::F64(bits) => write!(f, "f64 {bits:#x}"),
            Val::V128(value) => {
                let value: u128 = (*value).into();
                write!(f, "v128 {:x?}", value.to_le_bytes())
            }
            other => write!(f, "{other:?}"),
        }
    }
}

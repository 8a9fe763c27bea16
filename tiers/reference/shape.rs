//! The shapes of operators that compute: where operands lie in each form, once per shape.
//!
//! The meaning is a parameter whose signature names the operand types. Every function returns the pc to continue at.

use terrace_abi::{Form, TrapKind};

use crate::site::{Site, imm16, imm32};
use crate::value::{Outcome, Value};

/// The next pc, or why there is none.
pub(crate) type Step = Result<usize, TrapKind>;

#[inline(always)]
pub(crate) fn unary<A: Value, R: Outcome>(site: Site<'_>, meaning: impl Fn(A) -> R) -> Step {
    site.define(meaning(site.a()).outcome()?);
    Ok(site.next(0))
}

#[inline(always)]
pub(crate) fn binary<A: Value, B: Value, R: Outcome>(site: Site<'_>, meaning: impl Fn(A, B) -> R) -> Step {
    let (a, b, extensions) = if const { A::SCALAR && B::SCALAR } {
        match site.form() {
            Form::SLOTS => (site.a(), site.b(), 0),
            Form::IMM16 => (site.a(), imm16(site.word.b()), 0),
            Form::IMM64 => (site.a(), B::from_bits(site.extension(0).0), 1),
            Form::IMM64_LEFT => (A::from_bits(site.extension(0).0), site.b(), 1),
            _ => site.no_such_form(),
        }
    } else {
        (site.a(), site.b(), 0)
    };
    site.define(meaning(a, b).outcome()?);
    Ok(site.next(extensions))
}

#[inline(always)]
pub(crate) fn compare<V: Value>(site: Site<'_>, meaning: impl Fn(V, V) -> u32) -> Step {
    let holds = |a, b| meaning(a, b) != 0;
    let branch =
        |taken: bool, extensions| Ok(if taken { site.target(site.extension(0).high()) } else { site.next(extensions) });
    let against_immediate = || match V::INTEGER {
        true => (holds(site.a(), imm32(site.extension(0).low())), 1),
        false => (holds(site.a(), V::from_bits(site.extension(1).0)), 2),
    };
    match site.form() {
        Form::SELECT | Form::SELECT_IMM | Form::SELECT_V128 | Form::SELECT_V128_IMM => return select(site, holds),
        Form::BRANCH => return branch(holds(site.a(), site.b()), 1),
        Form::BRANCH_NOT => return branch(!holds(site.a(), site.b()), 1),
        Form::BRANCH_IMM => {
            let (holds, extensions) = against_immediate();
            return branch(holds, extensions);
        }
        Form::BRANCH_NOT_IMM => {
            let (holds, extensions) = against_immediate();
            return branch(!holds, extensions);
        }
        _ => {}
    }
    binary(site, meaning)
}

#[inline(always)]
fn select<V: Value>(site: Site<'_>, holds: impl Fn(V, V) -> bool) -> Step {
    let immediate = matches!(site.form(), Form::SELECT_IMM | Form::SELECT_V128_IMM);
    let y = if immediate { imm32(site.extension(0).high()) } else { site.quarter(1) };
    let chosen = if holds(site.quarter(0), y) { site.word.a() } else { site.word.b() };
    match site.form() {
        Form::SELECT | Form::SELECT_IMM => site.define(site.read::<u64>(chosen.into())),
        _ => site.define(site.read::<u128>(chosen.into())),
    }
    Ok(site.next(1))
}

#[inline(always)]
pub(crate) fn ternary(site: Site<'_>, meaning: impl Fn(u128, u128, u128) -> u128) -> Step {
    site.define(meaning(site.a(), site.b(), site.quarter(0)));
    Ok(site.next(1))
}

#[inline(always)]
pub(crate) fn extract_lane<R: Value>(site: Site<'_>, meaning: impl Fn(u128, u8) -> R) -> Step {
    site.define(meaning(site.a(), site.word.b() as u8));
    Ok(site.next(0))
}

#[inline(always)]
pub(crate) fn replace_lane<B: Value>(site: Site<'_>, meaning: impl Fn(u128, B, u8) -> u128) -> Step {
    site.define(meaning(site.a(), site.b(), site.extension(0).low() as u8));
    Ok(site.next(1))
}

#[inline(always)]
pub(crate) fn shuffle(site: Site<'_>, meaning: impl Fn(u128, u128, [u8; 16]) -> u128) -> Step {
    let lanes = u128::from(site.extension(0).0) | u128::from(site.extension(1).0) << 64;
    site.define(meaning(site.a(), site.b(), lanes.to_le_bytes()));
    Ok(site.next(2))
}

/// A meaning of the wide shape: it takes two 64-bit operands, or four.
pub(crate) trait Wide<Operands> {
    /// Reads the operands, computes, and gives the result with the number of extension words.
    fn apply(&self, site: Site<'_>) -> ((u64, u64), usize);
}

impl<F: Fn(u64, u64) -> (u64, u64)> Wide<(u64, u64)> for F {
    #[inline]
    fn apply(&self, site: Site<'_>) -> ((u64, u64), usize) {
        (self(site.a(), site.b()), 0)
    }
}

impl<F: Fn(u64, u64, u64, u64) -> (u64, u64)> Wide<(u64, u64, u64, u64)> for F {
    #[inline]
    fn apply(&self, site: Site<'_>) -> ((u64, u64), usize) {
        (self(site.a(), site.b(), site.quarter(0), site.quarter(1)), 1)
    }
}

#[inline(always)]
pub(crate) fn wide<Operands>(site: Site<'_>, meaning: impl Wide<Operands>) -> Step {
    let ((low, high), extensions) = meaning.apply(site);
    site.define(u128::from(low) | u128::from(high) << 64);
    Ok(site.next(extensions))
}

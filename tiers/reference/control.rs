//! Control flow within a frame.

use terrace_abi::TrapKind;

use crate::shape::Step;
use crate::site::Site;

/// The pc that `br_table` continues at; the last entry is the default.
#[inline]
pub(crate) fn br_table(site: Site<'_>) -> usize {
    let last = site.extension(0).low() - 1;
    let entry = site.a::<u32>().min(last) as usize;
    site.target(site.extension(1 + entry).low())
}

/// `ref.as_non_null`.
#[inline]
pub(crate) fn ref_as_non_null(site: Site<'_>) -> Step {
    match site.a::<u64>() {
        0 => Err(TrapKind::NullReference),
        _ => Ok(site.next(0)),
    }
}

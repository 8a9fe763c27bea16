//! The heap of references: how references, objects and the allocation cursor look to machine code.
//!
//! A reference is the low half of a value slot; what is stored is zero-extended. 0 is null, an odd value is an i31
//! (`value << 1 | 1`), everything else is an object's byte offset from the heap's base, a multiple of [`ALIGN`]. Any
//! safepoint may move objects: references and [`HeapCursor::top`] are read again after it, and so is the base after the
//! first allocation.
//!
//! An object begins with a header of two 32-bit words, info and aux:
//!
//! | object | info | aux | then |
//! |---|---|---|---|
//! | structure | type id | free | fields |
//! | array | type id | number of elements | elements |
//! | host value | [`KIND_EXTERN`] | index in the host's table | nothing |
//! | exception | [`KIND_EXCEPTION`] | number of slots | tag identity, bitmap of the slots that are references, slots |
//!
//! Type ids are below [`ENGINE_KIND`], so that casting to a final type is a load and a compare.

use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, AtomicU32};

/// Where the next object goes. Machine code allocates `size` bytes, a multiple of [`ALIGN`], if `limit - top >= size`: the
/// object is at `top`, which moves up by `size`. Otherwise it calls the runtime. New memory is not zero.
///
/// The fields are atomics only so that machine code may write what the runtime reads behind a shared reference: each has
/// the layout of the plain pointer or integer.
#[derive(Debug)]
#[repr(C)]
pub struct HeapCursor {
    /// The address that offsets count from; null until the first allocation, constant from then on.
    pub base: AtomicPtr<u8>,
    /// The offset of the next object.
    pub top: AtomicU32,
    /// The offset that objects must end at or before.
    pub limit: AtomicU32,
}

impl HeapCursor {
    /// The offset of [`HeapCursor::base`].
    pub const BASE: usize = offset_of!(HeapCursor, base);
    /// The offset of [`HeapCursor::top`].
    pub const TOP: usize = offset_of!(HeapCursor, top);
    /// The offset of [`HeapCursor::limit`].
    pub const LIMIT: usize = offset_of!(HeapCursor, limit);
}

/// The null reference.
pub const NULL: u32 = 0;
/// The bit that is set in an i31 and in no other reference.
pub const I31_TAG: u32 = 1;
/// The bits that an i31's value is shifted by.
pub const I31_SHIFT: u32 = 1;

/// The alignment of objects, and the unit of their sizes.
pub const ALIGN: u32 = 8;
/// The size of an object's header.
pub const HEADER_SIZE: u32 = 8;
/// The offset of a header's info word.
pub const INFO: u32 = 0;
/// The offset of a header's aux word: an array's length.
pub const AUX: u32 = 4;

/// Info words from here on are not type ids.
pub const ENGINE_KIND: u32 = 1 << 31;
/// The info word of a host value.
pub const KIND_EXTERN: u32 = ENGINE_KIND | 1;
/// The info word of an exception.
pub const KIND_EXCEPTION: u32 = ENGINE_KIND | 2;
/// The info word of an object that has moved during a collection; its aux word says where to.
pub const FORWARDED: u32 = u32::MAX;

/// The size of a host value's object.
pub const EXTERN_SIZE: u32 = HEADER_SIZE;

/// The offset of an exception's tag identity.
pub const EXCEPTION_TAG: u32 = HEADER_SIZE;
/// The offset of an exception's bitmap: bit `i % 64` of word `i / 64` says that slot `i` is a reference to trace.
pub const EXCEPTION_BITMAP: u32 = EXCEPTION_TAG + 8;

/// The 64-bit words in a bitmap over `slots` slots.
pub const fn bitmap_words(slots: u32) -> u32 {
    slots.div_ceil(64)
}

/// The offset of the first slot of an exception with `slots` slots.
pub const fn exception_slots(slots: u32) -> u32 {
    EXCEPTION_BITMAP + 8 * bitmap_words(slots)
}

/// The size of an exception with `slots` slots.
pub const fn exception_size(slots: u32) -> u64 {
    exception_slots(slots) as u64 + 8 * slots as u64
}

//! What machine code reads of a linear memory and of a table.
//!
//! A record keeps its address for the life of its object, so code may hold a pointer to it for good; the fields change
//! when the object grows. They are atomics only so that the host may update them behind a shared reference: each has
//! the layout of the plain pointer or integer, and a plain load reads it.

use core::sync::atomic::{AtomicPtr, AtomicU64};

use crate::vm::offsets;

/// A linear memory as machine code sees it.
#[derive(Debug)]
#[repr(C)]
pub struct MemoryRecord {
    /// The address of byte 0. It moves only where the memory's bounds mode lets it.
    pub base: AtomicPtr<u8>,
    /// The number of accessible bytes. It only grows.
    pub len: AtomicU64,
}

offsets!(MemoryRecord { BASE: base, LEN: len });

/// A table as machine code sees it.
#[derive(Debug)]
#[repr(C)]
pub struct TableRecord {
    /// The address of element 0. Elements are 8-byte slots: the address of a function record, or a heap reference
    /// zero-extended; 0 is null.
    pub elements: AtomicPtr<u64>,
    /// The number of elements. It only grows.
    pub len: AtomicU64,
}

offsets!(TableRecord { ELEMENTS: elements, LEN: len });

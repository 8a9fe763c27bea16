//! Reads and writes of bytes that other threads may touch at the same time.
//!
//! A wasm program may race on its shared memory as it likes and must only hurt itself, so every access is atomic:
//! relaxed and by the widest aligned unit, where wasm asks for no order, and sequentially consistent for its atomic
//! operations. An aligned access of 1, 2, 4 or 8 bytes is one unit and does not tear; everything else is bytes, or
//! words with a ragged edge.

use std::sync::atomic::{
    AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};

use super::atomic::Width;

/// Bytes that race.
pub(super) type Cells = [AtomicU8];

/// These cells as one wider atomic, if they are just that and aligned.
macro_rules! unit {
    ($name:ident, $atomic:ident) => {
        #[inline]
        fn $name(cells: &Cells) -> Option<&$atomic> {
            let unit = cells.as_ptr().cast::<$atomic>();
            (cells.len() == size_of::<$atomic>() && unit.is_aligned()).then(|| {
                // SAFETY: the cells are borrowed, as long and aligned as the unit, every bit pattern is valid, and
                // both types allow mutation behind a shared reference.
                unsafe { &*unit }
            })
        }
    };
}

unit!(unit16, AtomicU16);
unit!(unit32, AtomicU32);
unit!(unit64, AtomicU64);

/// The cells as aligned words, and the ragged edges.
fn words(cells: &Cells) -> (&Cells, &[AtomicU64], &Cells) {
    // SAFETY: any eight initialized bytes are a word, and both types allow mutation behind a shared reference.
    unsafe { cells.align_to::<AtomicU64>() }
}

/// Loads exactly `cells`.
#[inline]
pub(super) fn load<const N: usize>(cells: &Cells) -> [u8; N] {
    let mut value = [0; N];
    if let Some(unit) = unit64(cells) {
        value.copy_from_slice(&unit.load(Relaxed).to_ne_bytes());
    } else if let Some(unit) = unit32(cells) {
        value.copy_from_slice(&unit.load(Relaxed).to_ne_bytes());
    } else if let Some(unit) = unit16(cells) {
        value.copy_from_slice(&unit.load(Relaxed).to_ne_bytes());
    } else {
        read(cells, &mut value);
    }
    value
}

/// Stores exactly `cells`.
#[inline]
pub(super) fn store<const N: usize>(cells: &Cells, value: [u8; N]) {
    if let (Some(unit), Some(value)) = (unit64(cells), value.first_chunk()) {
        unit.store(u64::from_ne_bytes(*value), Relaxed);
    } else if let (Some(unit), Some(value)) = (unit32(cells), value.first_chunk()) {
        unit.store(u32::from_ne_bytes(*value), Relaxed);
    } else if let (Some(unit), Some(value)) = (unit16(cells), value.first_chunk()) {
        unit.store(u16::from_ne_bytes(*value), Relaxed);
    } else {
        write(cells, &value);
    }
}

fn read_bytes(src: &Cells, dst: &mut [u8]) {
    for (dst, src) in dst.iter_mut().zip(src) {
        *dst = src.load(Relaxed);
    }
}

fn write_bytes(dst: &Cells, src: &[u8]) {
    for (dst, src) in dst.iter().zip(src) {
        dst.store(*src, Relaxed);
    }
}

/// Reads `src` into `dst`, which is as long.
pub(super) fn read(src: &Cells, dst: &mut [u8]) {
    let (head, body, tail) = words(src);
    let (dst_head, dst) = dst.split_at_mut(head.len());
    let (dst_body, dst_tail) = dst.split_at_mut(size_of_val(body));
    read_bytes(head, dst_head);
    for (dst, src) in dst_body.as_chunks_mut().0.iter_mut().zip(body) {
        *dst = src.load(Relaxed).to_ne_bytes();
    }
    read_bytes(tail, dst_tail);
}

/// Writes `src`, which is as long, to `dst`.
pub(super) fn write(dst: &Cells, src: &[u8]) {
    let (head, body, tail) = words(dst);
    let (src_head, src) = src.split_at(head.len());
    let (src_body, src_tail) = src.split_at(size_of_val(body));
    write_bytes(head, src_head);
    for (dst, src) in body.iter().zip(src_body.as_chunks::<8>().0) {
        dst.store(u64::from_ne_bytes(*src), Relaxed);
    }
    write_bytes(tail, src_tail);
}

/// Sets every byte of `dst`.
pub(super) fn fill(dst: &Cells, byte: u8) {
    let (head, body, tail) = words(dst);
    head.iter().for_each(|cell| cell.store(byte, Relaxed));
    body.iter().for_each(|word| word.store(u64::from_ne_bytes([byte; 8]), Relaxed));
    tail.iter().for_each(|cell| cell.store(byte, Relaxed));
}

/// Copies `src` to `dst`, which is as long and may overlap it.
pub(super) fn copy(dst: &Cells, src: &Cells) {
    let forward = dst.as_ptr() <= src.as_ptr();
    let (dst_head, dst_body, dst_tail) = words(dst);
    let (src_head, src_body, src_tail) = words(src);
    let move_byte = |(dst, src): (&AtomicU8, &AtomicU8)| dst.store(src.load(Relaxed), Relaxed);
    let move_word = |(dst, src): (&AtomicU64, &AtomicU64)| dst.store(src.load(Relaxed), Relaxed);
    let aligned_alike = (dst_head.len(), dst_body.len()) == (src_head.len(), src_body.len());
    match (aligned_alike, forward) {
        (true, true) => {
            dst_head.iter().zip(src_head).for_each(move_byte);
            dst_body.iter().zip(src_body).for_each(move_word);
            dst_tail.iter().zip(src_tail).for_each(move_byte);
        }
        (true, false) => {
            dst_tail.iter().zip(src_tail).rev().for_each(move_byte);
            dst_body.iter().zip(src_body).rev().for_each(move_word);
            dst_head.iter().zip(src_head).rev().for_each(move_byte);
        }
        (false, true) => dst.iter().zip(src).for_each(move_byte),
        (false, false) => dst.iter().zip(src).rev().for_each(move_byte),
    }
}

/// An aligned unit with wasm's sequentially consistent operations on zero-extended, little-endian values.
pub(super) trait Unit {
    /// The value.
    fn load(&self) -> u64;
    /// Replaces the value by the low bits of `value`.
    fn store(&self, value: u64);
    /// Replaces the value by the low bits of what `update` makes of it, and returns the old one.
    fn update(&self, update: &dyn Fn(u64) -> u64) -> u64;
}

macro_rules! impl_unit {
    ($($atomic:ident $int:ident),*) => {$(
        impl Unit for $atomic {
            fn load(&self) -> u64 {
                u64::from($int::from_le($atomic::load(self, SeqCst)))
            }

            fn store(&self, value: u64) {
                $atomic::store(self, (value as $int).to_le(), SeqCst);
            }

            fn update(&self, update: &dyn Fn(u64) -> u64) -> u64 {
                let mut old = $atomic::load(self, SeqCst);
                loop {
                    let new = update(u64::from($int::from_le(old))) as $int;
                    match self.compare_exchange_weak(old, new.to_le(), SeqCst, SeqCst) {
                        Ok(_) => return u64::from($int::from_le(old)),
                        Err(seen) => old = seen,
                    }
                }
            }
        }
    )*};
}

impl_unit!(AtomicU8 u8, AtomicU16 u16, AtomicU32 u32, AtomicU64 u64);

/// These cells as an atomic of `width`, if they are just that and aligned.
pub(super) fn unit(cells: &Cells, width: Width) -> Option<&dyn Unit> {
    match (width, cells) {
        (Width::W8, [cell]) => Some(cell),
        (Width::W8, _) => None,
        (Width::W16, _) => unit16(cells).map(|unit| unit as &dyn Unit),
        (Width::W32, _) => unit32(cells).map(|unit| unit as &dyn Unit),
        (Width::W64, _) => unit64(cells).map(|unit| unit as &dyn Unit),
    }
}

//! The VM stack of a store: frames growing down, value slots growing up, in one mapping.
//!
//! The stack limit charges every activation for its slots and for more than a frame's size, so both halves are large
//! enough for whatever the limit admits; they check their own ends all the same, and inaccessible pages lie around and
//! between them. Pages cost memory when they are first touched.
//!
//! Wasm frames overlap: a callee's base lies inside its caller's slots. Slots are therefore read and written one by one
//! through raw pointers, and no reference to one is kept.

use std::ops::Range;
use std::ptr;

use terrace_abi::TrapKind;
use terrace_abi::vm::FRAME_CHARGE;

use super::instance::{Instance, InstanceRef};
use super::mmap::{MapError, Reservation, page_size};
use crate::bytecode::Function;

/// An activation of a wasm function.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame {
    /// What runs.
    pub function: *const Function,
    /// The instance that it runs in.
    pub instance: *const Instance,
    /// The function's index in its module.
    pub func_index: u32,
    /// The instruction that runs; in a caller, its call.
    pub pc: u32,
    /// Slot 0.
    pub base: *mut u64,
}

/// A [`Frame`] on the stack, with what it points to.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// What runs.
    pub function: &'a Function,
    /// The instance that it runs in.
    pub instance: InstanceRef,
    /// The function's index in its module.
    pub func_index: u32,
    /// The instruction that runs; in a caller, its call.
    pub pc: u32,
    /// The function's slots.
    pub slots: Slots,
}

/// The slots of one activation, valid while its frame is on the stack.
///
/// # Panics
///
/// Every access checks its index: one outside is a bug of the translator, and panics.
#[derive(Clone, Copy, Debug)]
pub struct Slots {
    base: *mut u64,
    len: u32,
}

impl Slots {
    /// The number of slots.
    pub fn len(self) -> u32 {
        self.len
    }

    /// Whether there are no slots.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Slot 0.
    pub fn base(self) -> *mut u64 {
        self.base
    }

    /// The address of slot `index`, which may be one past the last: where a callee's slots begin.
    #[inline]
    pub fn at(self, index: u32) -> *mut u64 {
        self.check(index, 0);
        self.base.wrapping_add(index as usize)
    }

    #[inline]
    fn check(self, index: u32, count: u32) {
        if index > self.len || count > self.len - index {
            out_of_frame(index, count, self.len);
        }
    }

    /// Slot `index`.
    #[inline]
    pub fn get64(self, index: u32) -> u64 {
        self.check(index, 1);
        // SAFETY: the index is checked, and whoever made the window vouched that it lies in a live stack.
        unsafe { self.base.add(index as usize).read() }
    }

    /// Writes slot `index`.
    #[inline]
    pub fn set64(self, index: u32, value: u64) {
        self.check(index, 1);
        // SAFETY: as for `get64`.
        unsafe { self.base.add(index as usize).write(value) }
    }

    /// Slots `index` and `index + 1`, low half first.
    #[inline]
    pub fn get128(self, index: u32) -> u128 {
        self.check(index, 2);
        u128::from(self.get64(index)) | u128::from(self.get64(index + 1)) << 64
    }

    /// Writes slots `index` and `index + 1`, low half first.
    #[inline]
    pub fn set128(self, index: u32, value: u128) {
        self.check(index, 2);
        self.set64(index, value as u64);
        self.set64(index + 1, (value >> 64) as u64);
    }

    /// Zeroes slots.
    pub fn zero(self, range: Range<u32>) {
        self.check(range.start, range.end.saturating_sub(range.start));
        let count = range.end.saturating_sub(range.start) as usize;
        // SAFETY: the range is checked; otherwise as for `get64`.
        unsafe { self.base.add(range.start as usize).write_bytes(0, count) }
    }

    /// Moves `count` slots; the ranges may overlap.
    pub fn copy_within(self, src: u32, dst: u32, count: u32) {
        self.check(src, count);
        self.check(dst, count);
        // SAFETY: both ranges are checked; otherwise as for `get64`.
        unsafe { ptr::copy(self.base.add(src as usize), self.base.add(dst as usize), count as usize) }
    }

    /// Reads slots from `index` on.
    pub fn read(self, index: u32, values: &mut [u64]) {
        self.check(index, u32::try_from(values.len()).unwrap_or(u32::MAX));
        // SAFETY: the range is checked, and `values` is elsewhere, since nobody has a reference to slots.
        unsafe { ptr::copy_nonoverlapping(self.base.add(index as usize), values.as_mut_ptr(), values.len()) }
    }

    /// Writes slots from `index` on.
    pub fn write(self, index: u32, values: &[u64]) {
        self.check(index, u32::try_from(values.len()).unwrap_or(u32::MAX));
        // SAFETY: as for `read`.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), self.base.add(index as usize), values.len()) }
    }
}

#[cold]
#[inline(never)]
fn out_of_frame(index: u32, count: u32, len: u32) -> ! {
    panic!("internal error: slots {index}..{index}+{count} of a frame of {len}")
}

/// A store's stack.
#[derive(Debug)]
pub struct VmStack {
    /// Guard, frames, guard, values, guard.
    mapping: Reservation,
    /// The first value slot.
    values: *mut u64,
    /// The number of value slots.
    value_count: usize,
    /// One past the oldest frame.
    frames: *mut Frame,
    /// The number of frames that there is room for.
    frame_limit: usize,
    depth: usize,
    /// Values below this belong to activations that the host's entries stand for.
    floor: *mut u64,
}

impl VmStack {
    /// Slots beyond the charged ones, for the arguments of a host function that is tail-called: at most 1000 values.
    const SPARE_SLOTS: usize = 4096;

    /// A stack for activations whose charges add up to `max_charge` bytes.
    pub fn new(max_charge: usize) -> Result<VmStack, MapError> {
        let page = page_size();
        let round = |bytes: usize| bytes.next_multiple_of(page);
        let frame_limit = max_charge / FRAME_CHARGE as usize + 1;
        let frame_bytes = round(frame_limit * size_of::<Frame>());
        let value_count = max_charge / 8 + VmStack::SPARE_SLOTS;
        let value_bytes = round(value_count * 8);
        let mapping = Reservation::new(3 * page + frame_bytes + value_bytes)?;
        let frames_end = page + frame_bytes;
        let values_start = frames_end + page;
        mapping.commit(page..frames_end)?;
        mapping.commit(values_start..values_start + value_bytes)?;
        let values: *mut u64 = mapping.base().wrapping_add(values_start).cast();
        Ok(VmStack {
            values,
            value_count,
            frames: mapping.base().wrapping_add(frames_end).cast(),
            frame_limit,
            depth: 0,
            floor: values,
            mapping,
        })
    }

    /// The window of `count` slots at `base`, if it lies in the stack.
    fn window(&self, base: *mut u64, count: u32) -> Option<Slots> {
        let offset = base.addr().checked_sub(self.values.addr())?;
        let first = offset / 8;
        let inside =
            offset.is_multiple_of(8) && first <= self.value_count && count as usize <= self.value_count - first;
        inside.then_some(Slots { base, len: count })
    }

    /// Slots at `base` outside of a frame: the arguments and results of a call.
    ///
    /// # Safety
    ///
    /// The stack must live as long as the slots are used.
    pub unsafe fn slots(&self, base: *mut u64, count: u32) -> Option<Slots> {
        self.window(base, count)
    }

    /// Begins an activation.
    ///
    /// # Safety
    ///
    /// Function and instance must live as long as the frame is on the stack, and the slots must not be used afterwards.
    #[inline]
    pub unsafe fn push_frame(&mut self, frame: Frame) -> Result<Slots, TrapKind> {
        // SAFETY: the caller's promise.
        let count = unsafe { &*frame.function }.frame_slots;
        let slots = self.window(frame.base, count).ok_or(TrapKind::StackOverflow)?;
        if self.depth == self.frame_limit {
            return Err(TrapKind::StackOverflow);
        }
        self.depth += 1;
        // SAFETY: there are fewer frames than the committed room has.
        unsafe { self.frames.sub(self.depth).write(frame) };
        Ok(slots)
    }

    /// Ends the newest activation.
    #[inline]
    pub fn pop_frame(&mut self) -> Option<Frame> {
        let frame = *self.top_frame()?;
        self.depth -= 1;
        Some(frame)
    }

    /// The newest frame.
    #[inline]
    pub fn top_frame(&self) -> Option<&Frame> {
        // SAFETY: frames up to `depth` are initialized, and written through `&mut self` alone.
        (self.depth != 0).then(|| unsafe { &*self.frames.sub(self.depth) })
    }

    /// Records which instruction the newest frame is at; traps, collections and calls need to know.
    #[inline]
    pub fn set_pc(&mut self, pc: u32) {
        if self.depth != 0 {
            // SAFETY: as for `top_frame`, and `self` is borrowed exclusively.
            unsafe { (*self.frames.sub(self.depth)).pc = pc };
        }
    }

    /// The newest frame with what it points to.
    #[inline]
    pub fn top(&self) -> Option<FrameView<'_>> {
        self.top_frame().map(|frame| self.view(frame))
    }

    /// The number of frames.
    #[inline]
    pub fn frame_depth(&self) -> usize {
        self.depth
    }

    /// The frames, newest first.
    pub fn frames(&self) -> impl Iterator<Item = FrameView<'_>> {
        (1..=self.depth).rev().map(|number| {
            // SAFETY: frames up to `depth` are initialized, and written through `&mut self` alone.
            self.view(unsafe { &*self.frames.sub(number) })
        })
    }

    /// A frame of this stack with what it points to.
    #[inline]
    fn view<'a>(&'a self, frame: &'a Frame) -> FrameView<'a> {
        // SAFETY: whoever pushed the frame vouched that both live as long as it is here.
        let (function, instance) = unsafe { (&*frame.function, InstanceRef::from_raw(frame.instance)) };
        FrameView {
            function,
            instance,
            func_index: frame.func_index,
            pc: frame.pc,
            slots: Slots { base: frame.base, len: function.frame_slots },
        }
    }

    /// Ends the newest activations until `depth` are left.
    pub(super) fn truncate(&mut self, depth: usize) {
        self.depth = self.depth.min(depth);
    }

    /// Where the host may put the arguments of a call: above everything in use.
    pub(super) fn free_base(&self) -> *mut u64 {
        let top = self.top().map(|frame| frame.slots.at(frame.slots.len()));
        top.map_or(self.floor, |top| if top.addr() > self.floor.addr() { top } else { self.floor })
    }

    /// Sets aside everything below `floor`; returns what was set aside before.
    pub(super) fn set_floor(&mut self, floor: *mut u64) -> *mut u64 {
        std::mem::replace(&mut self.floor, floor)
    }

    /// The addresses of the whole mapping.
    pub fn addresses(&self) -> Range<usize> {
        self.mapping.addresses()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn windows_are_bounded() {
        let stack = VmStack::new(64 << 10).unwrap();
        let window = |base: *mut u64, count| {
            // SAFETY: the stack lives until the end of the test.
            unsafe { stack.slots(base, count) }
        };
        let first = stack.free_base();
        let all = (stack.value_count) as u32;
        let slots = window(first, all).unwrap();
        slots.set64(all - 1, 7);
        slots.set128(0, 1 << 64 | 2);
        assert_eq!((slots.get64(all - 1), slots.get64(0), slots.get64(1)), (7, 2, 1));
        assert!(window(first, all + 1).is_none());
        assert!(window(first.wrapping_sub(1), 1).is_none());
        assert!(window(first.wrapping_byte_add(4), 1).is_none());
        assert!(window(slots.at(all), 0).is_some());
        assert!(window(slots.at(all), 1).is_none());
        assert!(window(first.wrapping_add(usize::MAX / 16), 0).is_none());

        let some = window(first, 4).unwrap();
        let outside: [fn(Slots); 7] = [
            |slots| slots.set64(4, 0),
            |slots| slots.set128(3, 0),
            |slots| _ = slots.get64(u32::MAX),
            |slots| slots.zero(3..5),
            |slots| slots.copy_within(0, 2, 3),
            |slots| slots.write(2, &[0; 3]),
            |slots| _ = slots.at(5),
        ];
        for access in outside {
            assert!(catch_unwind(std::panic::AssertUnwindSafe(|| access(some))).is_err());
        }
        some.write(0, &[1, 2, 3, 4]);
        some.copy_within(0, 1, 3);
        some.zero(0..1);
        let mut values = [9; 4];
        some.read(0, &mut values);
        assert_eq!(values, [0, 1, 2, 3]);
    }

    #[test]
    fn halves_lie_between_guards() {
        let stack = VmStack::new(1 << 20).unwrap();
        let (all, page) = (stack.addresses(), page_size());
        let frames = stack.frames.addr() - stack.frame_limit * size_of::<Frame>()..stack.frames.addr();
        let values = stack.values.addr()..stack.values.addr() + 8 * stack.value_count;
        assert!(frames.start >= all.start + page && values.start >= frames.end + page && values.end + page <= all.end);
        assert!(stack.value_count >= (1 << 20) / 8 && stack.frame_limit >= (1 << 20) / FRAME_CHARGE as usize);
    }
}

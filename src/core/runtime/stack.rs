//! The VM stack of a store: frames growing down, value slots growing up, in one mapping.
//!
//! The stack limit charges every activation for its slots and for more than a frame's size, so both halves are large
//! enough for whatever the limit admits; they check their own ends all the same, and inaccessible pages lie around and
//! between them. Pages cost memory when they are first touched.
//!
//! The frames of all tiers are here, so that backtraces, the collector and the unwinder know one kind. The address of the
//! newest is in the store's record, where machine code pushes and pops by itself; it only does so within the limit, and
//! each of its frames is preceded by at most one link.
//!
//! Compiled code runs with the native stack's pointer at its record (see [`FrameRecord`]), so signal handlers of others find room below
//! the last frame. A record's `return_address` belongs to the call that is in progress from the frame above it: nothing here writes it
//! but [`VmStack::compile`].
//!
//! Wasm frames overlap: a callee's base lies inside its caller's slots. Slots are therefore read and written one by one
//! through raw pointers, and no reference to one is kept.

use std::ops::Range;
use std::ptr;
use std::sync::atomic::Ordering;

use terrace_abi::vm::{FRAME_CHARGE, FRAME_LOOPS, FrameRecord, StoreRecord};
use terrace_abi::{TrapKind, Word};

use super::instance::{Instance, InstanceRef};
use super::mmap::{MapError, Reservation, page_size};
use super::pinned::Pinned;
use crate::bytecode::Function;
use crate::tier::code::Compiled;

/// An activation to begin.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// What runs.
    pub function: *const Function,
    /// The instance that it runs in.
    pub instance: *const Instance,
    /// Slot 0.
    pub base: *mut u64,
}

/// What is between two activations of machine code: returned through, and skipped by whoever looks at activations.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// What stands for its code.
    pub code: *const Word,
    /// Where a return continues.
    pub resume: *const Word,
    /// The instance that it leads to.
    pub instance: *const Instance,
    /// Slot 0 of the callee.
    pub base: *mut u64,
}

/// An activation on the stack, with what its record points to.
#[derive(Clone, Copy, Debug)]
pub struct FrameView<'a> {
    /// What runs.
    pub function: &'a Function,
    /// The instance that it runs in.
    pub instance: InstanceRef,
    /// The instruction that runs; in a caller, its call.
    pub pc: u32,
    /// The function's slots.
    pub slots: Slots,
}

impl<'a> FrameView<'a> {
    /// The machine code that calls of the function run, if there is any.
    pub fn machine_code(&self) -> Option<&'a Compiled> {
        // SAFETY: while its stack has frames, a store is active, and passes no safepoint while the view borrows its stack.
        unsafe { self.function.compiled() }
    }
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
    #[inline]
    pub fn zero(self, range: Range<u32>) {
        if range.is_empty() {
            return;
        }
        let count = range.end - range.start;
        self.check(range.start, count);
        // SAFETY: the range is checked; otherwise as for `get64`.
        unsafe { self.base.add(range.start as usize).write_bytes(0, count as usize) }
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
    frames: *mut FrameRecord,
    /// Where the last frame that there is room for goes, links included.
    frames_end: *mut FrameRecord,
    /// Holds the address of the newest frame and the charge that is left.
    record: Pinned<StoreRecord>,
    /// Values below this belong to activations that the host's entries stand for.
    floor: *mut u64,
}

impl VmStack {
    /// Slots beyond the charged ones, for the arguments of a host function that is tail-called: at most 1000 values.
    const SPARE_SLOTS: usize = 4096;

    /// Bytes below the last frame, for signal handlers that run on the stack that they interrupt.
    const SIGNAL_ROOM: usize = 64 << 10;

    /// A stack for activations whose charges add up to `max_charge` bytes. It keeps the record, and sets its fields that
    /// describe the stack.
    pub(super) fn new(max_charge: usize, record: Pinned<StoreRecord>) -> Result<VmStack, MapError> {
        let page = page_size();
        let round = |bytes: usize| bytes.next_multiple_of(page);
        // Every activation may have a link.
        let frame_limit = 2 * (max_charge / FRAME_CHARGE as usize + 1);
        let frame_bytes = round(frame_limit * size_of::<FrameRecord>() + VmStack::SIGNAL_ROOM);
        let value_count = max_charge / 8 + VmStack::SPARE_SLOTS;
        let value_bytes = round(value_count * 8);
        let mapping = Reservation::new(3 * page + frame_bytes + value_bytes)?;
        let frames_end = page + frame_bytes;
        let values_start = frames_end + page;
        mapping.commit(page..frames_end)?;
        mapping.commit(values_start..values_start + value_bytes)?;
        let values: *mut u64 = mapping.base().wrapping_add(values_start).cast();
        let frames: *mut FrameRecord = mapping.base().wrapping_add(frames_end).cast();
        record.frame.store(frames, Ordering::Relaxed);
        record.stack_left.store(i64::try_from(max_charge).unwrap_or(i64::MAX), Ordering::Relaxed);
        Ok(VmStack {
            values,
            value_count,
            frames,
            frames_end: frames.wrapping_sub(frame_limit),
            record,
            floor: values,
            mapping,
        })
    }

    /// What code reads of the store.
    #[inline]
    pub fn record(&self) -> &StoreRecord {
        &self.record
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

    /// The address of the newest frame.
    #[inline]
    fn newest(&self) -> *mut FrameRecord {
        self.record.frame.load(Ordering::Relaxed)
    }

    #[inline]
    fn set_newest(&mut self, frame: *mut FrameRecord) {
        self.record.frame.store(frame, Ordering::Relaxed);
    }

    #[inline]
    fn set_left(&mut self, left: i64) {
        self.record.stack_left.store(left, Ordering::Relaxed);
    }

    /// Begins an activation at the function's first instruction, and takes its charge; or changes nothing.
    ///
    /// # Safety
    ///
    /// Function and instance must live as long as the frame is on the stack, and the slots must not be used afterwards.
    #[inline]
    pub unsafe fn push_frame(&mut self, frame: Frame) -> Result<Slots, TrapKind> {
        let top = self.newest();
        if top.addr() <= self.frames_end.addr() {
            return Err(TrapKind::StackOverflow);
        }
        let left = self.record.stack_left.load(Ordering::Relaxed);
        // SAFETY: there are fewer frames than the committed room has; otherwise the caller's promise.
        unsafe { self.put(top.wrapping_sub(1), left, frame) }
    }

    /// Ends the newest activation and begins another in its place; or changes nothing.
    ///
    /// # Safety
    ///
    /// As for [`VmStack::push_frame`].
    #[inline]
    pub unsafe fn replace_frame(&mut self, frame: Frame) -> Result<Slots, TrapKind> {
        let top = self.newest();
        let Some(old) = self.top_frame() else { return Err(TrapKind::StackOverflow) };
        let left = self.left_before(old);
        // SAFETY: there is a frame at `top`; otherwise the caller's promise.
        unsafe { self.put(top, left, frame) }
    }

    /// Makes `at` the newest frame, an activation that takes its charge from `left`.
    ///
    /// # Safety
    ///
    /// `at` must be within the frames; otherwise as for [`VmStack::push_frame`].
    #[inline]
    unsafe fn put(&mut self, at: *mut FrameRecord, left: i64, frame: Frame) -> Result<Slots, TrapKind> {
        // SAFETY: the caller's promise.
        let function = unsafe { &*frame.function };
        let left = left - i64::from(function.charge);
        let slots = self.window(frame.base, function.frame_slots).filter(|_| left >= 0);
        let slots = slots.ok_or(TrapKind::StackOverflow)?;
        let code = function.code.as_ptr();
        // SAFETY: the caller's promise. All bytes of the room are initialized, by the system at first; the fields that are
        // left as they are belong to machine code.
        unsafe {
            (*at).code = code;
            (*at).pc = code;
            (*at).resume = ptr::null();
            (*at).base = frame.base;
            (*at).function = frame.function.cast();
            (*at).instance = frame.instance.cast();
            (*at).stack_left = left;
        }
        self.set_newest(at);
        self.set_left(left);
        Ok(slots)
    }

    /// The charge that was left before a frame of this stack took its own.
    #[inline]
    fn left_before(&self, frame: &FrameRecord) -> i64 {
        frame.stack_left + self.function(frame).map_or(0, |function| i64::from(function.charge))
    }

    /// What runs in a frame of this stack; `None` for a link.
    #[inline]
    fn function<'a>(&'a self, frame: &'a FrameRecord) -> Option<&'a Function> {
        match frame.compiled() {
            // SAFETY: whoever pushed the frame vouched that the function lives as long as it is here.
            None => unsafe { frame.function.cast::<Function>().as_ref() },
            Some(index) => {
                // SAFETY: likewise, of the instance.
                let instance = unsafe { &*frame.instance.cast::<Instance>() };
                match instance.code(index) {
                    Ok(function) => Some(function),
                    Err(_) => unreachable!("compiled code is made from bytecode"),
                }
            }
        }
    }

    /// Ends the newest activation and gives its charge back, or removes a link. `false`: there is none.
    #[inline]
    pub fn pop_frame(&mut self) -> bool {
        let top = self.newest();
        let Some(frame) = self.top_frame() else { return false };
        let left = self.left_before(frame);
        self.set_left(left);
        self.set_newest(top.wrapping_add(1));
        true
    }

    /// Puts a link in front of the newest frame. It is popped like a frame.
    ///
    /// # Safety
    ///
    /// What the link points to must live as long as it is on the stack.
    pub unsafe fn push_link(&mut self, link: Link) -> Result<(), TrapKind> {
        let top = self.newest();
        if top.addr() <= self.frames_end.addr() {
            return Err(TrapKind::StackOverflow);
        }
        let at = top.wrapping_sub(1);
        let stack_left = self.record.stack_left.load(Ordering::Relaxed);
        // SAFETY: there are fewer frames than the committed room has.
        unsafe {
            (*at).code = link.code;
            (*at).pc = link.code;
            (*at).resume = link.resume;
            (*at).base = link.base;
            (*at).function = ptr::null();
            (*at).instance = link.instance.cast();
            (*at).stack_left = stack_left;
        }
        self.set_newest(at);
        Ok(())
    }

    /// If the newest frame's caller is compiled code, lets others return to it by its record: at `resume`, in `code`.
    pub fn settle(&mut self, code: *const Word, resume: *const Word) {
        let caller = self.newest().wrapping_add(1);
        if caller.addr() >= self.frames.addr() {
            return;
        }
        // SAFETY: there is a frame at `caller`, and `self` is borrowed exclusively.
        unsafe {
            if (*caller).compiled().is_some() {
                (*caller).code = code;
                (*caller).resume = resume;
            }
        }
    }

    /// Makes the newest frame, if it is an activation, one of compiled code, at the instruction where it is. `code` is what others see
    /// of it. It returns to `return_address`, unless its caller is compiled code, too, which has left it another one.
    pub fn compile(&mut self, code: *const Word, return_address: u64) {
        let top = self.newest();
        let Some((index, pc)) = self.newest_view().map(|frame| (frame.function.index, frame.pc)) else { return };
        let caller = top.wrapping_add(1);
        // SAFETY: there is a frame at `top`, and one at `caller` if that is below the end; `self` is borrowed exclusively.
        unsafe {
            (*top).function = ptr::without_provenance(FrameRecord::tagged(index) as usize);
            (*top).code = code;
            (*top).pc = ptr::without_provenance(pc as usize);
            if caller == self.frames || (*caller).compiled().is_none() {
                (*top).return_address = return_address;
            }
        }
    }

    /// Makes the newest frame, if it is an activation, one of an interpreter, at the same instruction in `code`, with these pcs of loops.
    /// What it returns to has to be [settled](VmStack::settle).
    pub fn interpret(&mut self, code: *const Word, loops: [*const Word; FRAME_LOOPS]) {
        let top = self.newest();
        let Some((function, pc)) = self.newest_view().map(|frame| (ptr::from_ref(frame.function), frame.pc)) else {
            return;
        };
        // SAFETY: there is a frame at `top`, and `self` is borrowed exclusively.
        unsafe {
            (*top).function = function.cast();
            (*top).code = code;
            (*top).pc = code.wrapping_add(pc as usize);
            (*top).loops = loops;
        }
    }

    /// If the newest frame is a link, makes it lead to another instance.
    pub fn retarget_link(&mut self, instance: *const Instance) -> bool {
        let top = self.newest();
        let is_link = self.top_frame().is_some_and(|frame| frame.function.is_null());
        if is_link {
            // SAFETY: there is a frame at `top`.
            unsafe { (*top).instance = instance.cast() };
        }
        is_link
    }

    /// What was left of the charge before the newest frame took its own.
    pub fn left_below(&self) -> i64 {
        self.top_frame().map_or(0, |frame| self.left_before(frame))
    }

    /// Prepares the newest frame, which machine code runs, for a call by a helper: execution goes on so many words behind its
    /// pc, with pinned locals that are read from their slots.
    pub fn prepare_call(&mut self, words: usize, pinned: [u32; 3]) {
        let top = self.newest();
        let Some(slots) = self.newest_view().map(|frame| frame.slots) else { return };
        let values = pinned.map(|slot| if slot < slots.len() { slots.get64(slot) } else { 0 });
        // SAFETY: there is a frame at `top`.
        unsafe {
            (*top).resume = (*top).pc.wrapping_add(words);
            (*top).pinned = values;
        }
    }

    /// The newest frame, which may be a link.
    #[inline]
    pub fn top_frame(&self) -> Option<&FrameRecord> {
        let top = self.newest();
        // SAFETY: frames from the newest to the oldest are initialized; they are written through `&mut self`, or by machine
        // code, which does not run while `self` is borrowed.
        (top != self.frames).then(|| unsafe { &*top })
    }

    /// Records which instruction the newest frame is at; traps, collections and calls need to know.
    #[inline]
    pub fn set_pc(&mut self, pc: u32) {
        let top = self.newest();
        if top != self.frames {
            // SAFETY: as for `top_frame`, and `self` is borrowed exclusively.
            unsafe {
                (*top).pc = match (*top).compiled() {
                    Some(_) => ptr::without_provenance(pc as usize),
                    None => (*top).code.wrapping_add(pc as usize),
                };
            }
        }
    }

    /// The newest frame with what it points to; `None` if it is a link.
    #[inline]
    pub(super) fn newest_view(&self) -> Option<FrameView<'_>> {
        self.top_frame().and_then(|frame| self.view(frame))
    }

    /// The newest activation, behind any links.
    #[inline]
    pub fn top(&self) -> Option<FrameView<'_>> {
        self.newest_view().or_else(|| self.frames().next())
    }

    /// The number of frames, links included.
    #[inline]
    pub fn frame_depth(&self) -> usize {
        (self.frames.addr() - self.newest().addr()) / size_of::<FrameRecord>()
    }

    /// The frames above `depth`, newest first.
    #[inline]
    fn records_above(&self, depth: usize) -> impl Iterator<Item = &FrameRecord> {
        let mut next = self.newest();
        let end = self.frames.wrapping_sub(depth);
        std::iter::from_fn(move || {
            if next.addr() >= end.addr() {
                return None;
            }
            // SAFETY: as for `top_frame`.
            let frame = unsafe { &*next };
            next = next.wrapping_add(1);
            Some(frame)
        })
    }

    /// The activations above so many frames, newest first.
    #[inline]
    pub(super) fn frames_above(&self, depth: usize) -> impl Iterator<Item = FrameView<'_>> {
        self.records_above(depth).filter_map(|frame| self.view(frame))
    }

    /// The activations, newest first.
    #[inline]
    pub fn frames(&self) -> impl Iterator<Item = FrameView<'_>> {
        self.frames_above(0)
    }

    /// A frame of this stack with what it points to; `None` for a link.
    #[inline]
    fn view<'a>(&'a self, frame: &'a FrameRecord) -> Option<FrameView<'a>> {
        let function = self.function(frame)?;
        // SAFETY: whoever pushed the frame vouched that the instance lives as long as it is here.
        let instance = unsafe { InstanceRef::from_raw(frame.instance.cast::<Instance>()) };
        let pc = match frame.compiled() {
            Some(_) => frame.pc.addr(),
            None => frame.pc.addr().wrapping_sub(frame.code.addr()) / size_of::<Word>(),
        } as u32;
        Some(FrameView { function, instance, pc, slots: Slots { base: frame.base, len: function.frame_slots } })
    }

    /// Lists where machine code goes on when what its frames have called returns.
    pub(super) fn code_returns(&self, list: &mut Vec<usize>) {
        let mut frame = self.newest();
        while frame != self.frames {
            // SAFETY: frames from the newest to the oldest are initialized, and below the newest is room for another one.
            let (compiled, address) =
                unsafe { ((*frame).compiled(), (*frame.wrapping_sub(1)).return_address as usize) };
            // Recursion has the same ones.
            if compiled.is_some() && list.last() != Some(&address) {
                list.push(address);
            }
            frame = frame.wrapping_add(1);
        }
    }

    /// Ends the newest frames until `depth` are left, and gives their charges back.
    pub fn truncate(&mut self, depth: usize) {
        let last = self.frames.wrapping_sub(depth.saturating_add(1));
        if depth < self.frame_depth() {
            // SAFETY: as for `top_frame`: there are more frames than `depth`.
            let left = self.left_before(unsafe { &*last });
            self.set_left(left);
            self.set_newest(last.wrapping_add(1));
        }
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
    use std::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64};

    use super::*;

    fn stack(max_charge: usize) -> VmStack {
        let record = StoreRecord {
            stack_left: AtomicI64::new(0),
            fuel: AtomicI64::new(0),
            epoch: ptr::null(),
            epoch_deadline: AtomicU64::new(0),
            interrupt: ptr::null(),
            frame: AtomicPtr::new(ptr::null_mut()),
            probe: AtomicU64::new(0),
            native_stack: AtomicU64::new(0),
            stubs: AtomicU64::new(0),
            fault_pc: AtomicU64::new(0),
        };
        VmStack::new(max_charge, Pinned::new(record)).unwrap()
    }

    #[test]
    fn windows_are_bounded() {
        let stack = stack(64 << 10);
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
        let stack = stack(1 << 20);
        let (all, page) = (stack.addresses(), page_size());
        let frames = stack.frames_end.addr()..stack.frames.addr();
        let values = stack.values.addr()..stack.values.addr() + 8 * stack.value_count;
        assert!(frames.start >= all.start + page && values.start >= frames.end + page && values.end + page <= all.end);
        assert!(
            stack.value_count >= (1 << 20) / 8
                && frames.len() / size_of::<FrameRecord>() >= 2 * (1 << 20) / FRAME_CHARGE as usize
        );
    }
}

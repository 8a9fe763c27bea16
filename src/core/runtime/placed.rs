//! An instance where its code finds its globals.
//!
//! The globals that a module defines lie in one allocation with the instance, before it, at displacements that
//! [`InstanceRecord::own_global`] gives: code reaches them by one load from the instance's address. All of it stays where it is
//! until the owner is dropped.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use terrace_abi::vm::{GlobalRecord, InstanceRecord};

use super::instance::Instance;

// Nothing lies between the globals and the instance, whose record is at its start.
const _: () = assert!(align_of::<Instance>() <= align_of::<GlobalRecord>());
const _: () = assert!(InstanceRecord::own_global(0) == -(size_of::<GlobalRecord>() as i32));

/// An owned instance with its module's globals.
pub(crate) struct PlacedInstance {
    instance: NonNull<Instance>,
    globals: usize,
}

/// The layout of an instance with so many globals before it.
fn layout(globals: usize) -> Layout {
    let size = globals * size_of::<GlobalRecord>() + size_of::<Instance>();
    match Layout::from_size_align(size, align_of::<GlobalRecord>()) {
        Ok(layout) => layout,
        Err(_) => unreachable!("validation bounds the number of globals"),
    }
}

impl PlacedInstance {
    /// Places what `make` returns behind so many globals, which hold zeros and whose addresses it is given in order.
    pub(crate) fn new(globals: usize, make: impl FnOnce(&[NonNull<GlobalRecord>]) -> Instance) -> PlacedInstance {
        let layout = layout(globals);
        // SAFETY: an instance has a size.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        // SAFETY: the globals take the start of the allocation, in units of the alignment that it has.
        let instance: NonNull<Instance> = unsafe { start.cast::<GlobalRecord>().add(globals) }.cast();
        let place = |number| {
            // SAFETY: the displacements of the globals lead from the instance back to the allocation's start.
            unsafe { instance.byte_offset(InstanceRecord::own_global(number) as isize) }.cast::<GlobalRecord>()
        };
        let records: Vec<NonNull<GlobalRecord>> = (0..globals as u32).map(place).collect();
        for record in &records {
            // SAFETY: the place is within the allocation, aligned, and only its own.
            unsafe { record.write(GlobalRecord::default()) };
        }
        // If this panics, the allocation is never freed: somebody may have kept addresses of globals.
        let value = make(&records);
        // SAFETY: the instance takes the rest of the allocation, at an address of the globals' alignment, which is its own or more.
        unsafe { instance.write(value) };
        PlacedInstance { instance, globals }
    }

    /// The instance's address, valid as long as `self`.
    pub(crate) fn as_non_null(&self) -> NonNull<Instance> {
        self.instance
    }
}

impl Drop for PlacedInstance {
    fn drop(&mut self) {
        // SAFETY: `new` made all of this with the same layout, and nothing uses it after its owner; globals need no drop.
        unsafe {
            self.instance.drop_in_place();
            let start = self.instance.cast::<GlobalRecord>().sub(self.globals);
            dealloc(start.as_ptr().cast(), layout(self.globals));
        }
    }
}

// SAFETY: it owns its instance, like a box, and globals, which are atomics.
unsafe impl Send for PlacedInstance {}
// SAFETY: as above.
unsafe impl Sync for PlacedInstance {}

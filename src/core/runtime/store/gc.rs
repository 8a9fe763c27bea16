//! Collecting the heap of references.
//!
//! Roots are exact. A frame's are the slots that its bytecode names for the instruction it is at, so pcs are up to date
//! whenever something may collect. Others are elements of tables, globals, the exception that propagates, and what the host
//! has rooted. Arguments of a host function are rooted by it; see [`HostCall`](super::super::HostCall).

use std::any::Any;
use std::sync::atomic::Ordering;

use terrace_abi::TrapKind;
use terrace_abi::heap::{EXTERN_SIZE, bitmap_words, exception_slots};
use terrace_abi::vm::TagRecord;

use super::super::extern_::TagRef;
use super::super::heap::{HeapRef, NoLayouts, RootVisitor};
use super::super::types::{FuncType, TypeId, ValType};
use super::Store;

/// Calls `visit` with the first slot of each value that is a heap reference.
fn heap_refs(types: &[ValType], mut visit: impl FnMut(usize)) {
    let mut slot = 0;
    for ty in types {
        if ty.is_heap_ref() {
            visit(slot);
        }
        slot += ty.slots();
    }
}

impl Store {
    /// Frees the objects of the heap that nothing refers to, and moves the others.
    pub fn collect(&mut self) {
        let Store { heap, stack, tables, globals, exception, .. } = self;
        let mut roots = |visit: &mut RootVisitor<'_>| {
            for frame in stack.frames() {
                frame.function.reference_slots(frame.pc, &mut |slot| {
                    let mut value = frame.slots.get64(slot);
                    visit(&mut value);
                    frame.slots.set64(slot, value);
                });
            }
            for table in tables.iter_mut().filter(|table| table.ty.element.is_heap_ref()) {
                table.table.elements_mut().iter_mut().for_each(&mut *visit);
            }
            for global in globals.iter().filter(|global| global.ty.content.is_heap_ref()) {
                let slot = &global.record().value[0];
                let mut value = slot.load(Ordering::Relaxed);
                visit(&mut value);
                slot.store(value, Ordering::Relaxed);
            }
            visit(exception);
        };
        // Without memory for the survivors everything stays as it is, and the next allocation fails.
        if let Err(error) = heap.collect(&mut roots, &NoLayouts) {
            tracing::debug!(%error, "collection failed");
        }
    }

    /// Collects if `bytes` are better not allocated before. References in `values` are updated.
    fn make_room(&mut self, bytes: u32, types: &[ValType], values: &mut [u64]) {
        if !self.heap.should_collect(bytes) {
            return;
        }
        let roots = self.heap.roots_mut();
        let scope = roots.enter_scope();
        let mut rooted = Vec::new();
        heap_refs(types, |slot| rooted.push((slot, roots.root(HeapRef::from_slot(values[slot])))));
        self.collect();
        let roots = self.heap.roots_mut();
        for (slot, root) in rooted {
            values[slot] = roots.get(root).unwrap_or(HeapRef::NULL).to_slot();
        }
        roots.exit_scope(scope);
    }

    /// A safepoint between host and wasm: under stress it collects. References in `values` are updated.
    pub(in super::super) fn stress(&mut self, types: &[ValType], values: &mut [u64]) {
        self.make_room(0, types, values);
    }

    /// Makes an exception from the slots of a payload. Collects first if there is little room: pcs must be up to date, and
    /// references elsewhere are roots or lost.
    pub fn new_exception(&mut self, tag: &TagRecord, payload: &[u64]) -> Result<u64, TrapKind> {
        let ty = TypeId::from_bits(tag.type_id).and_then(|id| self.engine.types().func_type(id));
        let Some(ty): Option<FuncType> = ty else { unreachable!("a tag's type is registered") };
        let slots = ty.param_slots() as u32;
        let mut payload = payload.to_vec();
        payload.resize(slots as usize, 0);
        self.make_room(exception_slots(slots) + 8 * slots, ty.params(), &mut payload);
        let mut refs = vec![0; bitmap_words(slots) as usize];
        heap_refs(ty.params(), |slot| refs[slot / 64] |= 1 << (slot % 64));
        let identity = std::ptr::from_ref(tag).addr() as u64;
        let exception = self.heap.alloc_exception(identity, &payload, &refs);
        exception.map(HeapRef::to_slot).map_err(|_| TrapKind::HeapExhausted)
    }

    /// As [`Store::new_exception`], for a tag of this store.
    pub fn new_exception_of(&mut self, tag: TagRef, payload: &[u64]) -> Result<u64, TrapKind> {
        let tag: *const TagRecord = self.tag(tag);
        // SAFETY: a tag is immutable and stays where it is as long as its store.
        self.new_exception(unsafe { &*tag }, payload)
    }

    /// Puts a value of the host into the heap; the result is an `externref`, good until the next collection. Collects first if
    /// there is little room.
    pub fn new_extern(&mut self, value: Box<dyn Any + Send + Sync>) -> Result<HeapRef, TrapKind> {
        self.make_room(EXTERN_SIZE, &[], &mut []);
        self.heap.alloc_extern(value).map_err(|_| TrapKind::HeapExhausted)
    }
}

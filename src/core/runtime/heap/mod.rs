//! The heap of references: the objects that a store's `externref`s, `exnref`s and `anyref`s refer to.
//!
//! Objects are allocated by moving a cursor and freed by a moving collector, so a reference is only good until the next
//! safepoint unless it lies in a root. Memory is mapped at the first allocation. The heap cannot find roots by itself;
//! whoever allocates asks [`Heap::should_collect`] first, collects if so, and then allocates, which never moves anything:
//! it extends the heap within its capacity or fails.
//!
//! Whatever a reference holds, the accessors here touch no other memory than the heap's own: a wrong reference finds
//! nothing, or at worst another object.
//!
//! Under stress every safepoint collects and the memory of the old objects becomes inaccessible, so that a reference that
//! was in no root finds nothing, and faults when machine code follows it.

mod collect;
mod host;
mod roots;
mod space;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed};

use terrace_abi::heap::{
    ALIGN, AUX, EXCEPTION_TAG, EXTERN_SIZE, HEADER_SIZE, HeapCursor, I31_SHIFT, I31_TAG, INFO, KIND_EXCEPTION,
    KIND_EXTERN, NULL, bitmap_words, exception_size, exception_slots,
};

use super::mmap::MapError;
use super::types::TypeId;
use collect::Collection;
use host::HostValues;
use space::{GRANULE, Half, Space};

pub use collect::{Layout, Layouts, NoLayouts};
pub use host::HostValue;
pub use roots::{OwnedRooted, RootScope, RootTable, Rooted};

/// A reference into the heap, an i31, or null.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HeapRef(u32);

impl HeapRef {
    /// The null reference.
    pub const NULL: HeapRef = HeapRef(NULL);

    /// The reference in a value slot.
    pub const fn from_slot(slot: u64) -> HeapRef {
        HeapRef(slot as u32)
    }

    /// The reference as a value slot holds it.
    pub const fn to_slot(self) -> u64 {
        self.0 as u64
    }

    /// The reference's bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The i31 with the low 31 bits of `value`.
    pub const fn i31(value: u32) -> HeapRef {
        HeapRef(value << I31_SHIFT | I31_TAG)
    }

    /// Whether this is null.
    pub const fn is_null(self) -> bool {
        self.0 == NULL
    }

    /// Whether this is an i31.
    pub const fn is_i31(self) -> bool {
        self.0 & I31_TAG != 0
    }

    /// Whether this refers to an object.
    pub const fn is_object(self) -> bool {
        !self.is_null() && !self.is_i31()
    }

    /// The value of an i31, sign-extended; its low 31 bits are the unsigned value.
    pub const fn as_i31(self) -> Option<i32> {
        if self.is_i31() { Some(self.0 as i32 >> I31_SHIFT) } else { None }
    }
}

impl fmt::Debug for HeapRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_i31() {
            Some(value) => write!(f, "HeapRef(i31 {value})"),
            None if self.is_null() => f.write_str("HeapRef(null)"),
            None => write!(f, "HeapRef({:#x})", self.0),
        }
    }
}

/// What the collector does to each root: it updates the value slot.
pub type RootVisitor<'a> = dyn FnMut(&mut u64) + 'a;

/// What a store's heap may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeapConfig {
    /// The most bytes that objects can take, up to [`HeapConfig::MAX_CAPACITY`]; rounded up to 64 KiB. Twice as much address
    /// space is reserved, and during a collection memory for the survivors is needed a second time.
    pub capacity: u32,
    /// Whether every safepoint collects.
    pub stress: bool,
}

impl HeapConfig {
    /// The greatest capacity.
    pub const MAX_CAPACITY: u32 = (1 << 31) - GRANULE;
}

impl Default for HeapConfig {
    fn default() -> HeapConfig {
        HeapConfig { capacity: 512 << 20, stress: false }
    }
}

/// The heap has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeapError {
    /// The capacity is used up.
    #[error("heap of references exhausted: its capacity is {capacity} bytes")]
    Exhausted {
        /// The configured capacity.
        capacity: u32,
    },
    /// The system gives no memory.
    #[error("heap of references exhausted: {0}")]
    Map(#[from] MapError),
}

/// The size up to which the heap grows before its first collection: small enough for the inner caches.
const INITIAL_BUDGET: u32 = 256 * 1024;

/// A store's heap of references.
pub struct Heap {
    cursor: Box<HeapCursor>,
    space: Option<Space>,
    /// The half that objects are in.
    active: Half,
    capacity: u32,
    /// The offset that objects may reach before the next collection.
    end: u32,
    /// Whether the last collection found too little to go on: see [`Heap::reserve`].
    full: bool,
    stress: bool,
    hosts: HostValues,
    roots: RootTable,
    collections: u64,
}

impl Heap {
    /// An empty heap. Nothing is mapped yet.
    pub fn new(config: HeapConfig) -> Heap {
        let capacity = config.capacity.clamp(GRANULE, HeapConfig::MAX_CAPACITY);
        Heap {
            cursor: Box::new(HeapCursor {
                base: AtomicPtr::new(ptr::null_mut()),
                top: AtomicU32::new(0),
                limit: AtomicU32::new(0),
            }),
            space: None,
            active: Half::Low,
            capacity: capacity.next_multiple_of(GRANULE),
            end: 0,
            full: false,
            stress: config.stress,
            hosts: HostValues::default(),
            roots: RootTable::default(),
            collections: 0,
        }
    }

    /// The cursor that machine code allocates by. It stays where it is for the life of the heap.
    pub fn cursor(&self) -> &HeapCursor {
        &self.cursor
    }

    /// The references that the host holds.
    pub fn roots(&self) -> &RootTable {
        &self.roots
    }

    /// The references that the host holds.
    pub fn roots_mut(&mut self) -> &mut RootTable {
        &mut self.roots
    }

    /// The most bytes that objects can take.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// The bytes that objects take, dead ones included.
    pub fn used(&self) -> u32 {
        self.top() - self.first()
    }

    /// How often the heap has been collected.
    pub fn collections(&self) -> u64 {
        self.collections
    }

    /// The number of host values that are held.
    pub fn host_values(&self) -> usize {
        self.hosts.len()
    }

    /// Whether every safepoint collects.
    pub fn stress(&self) -> bool {
        self.stress
    }

    /// Turns collection at every safepoint on or off.
    pub fn set_stress(&mut self, stress: bool) {
        self.stress = stress;
        self.set_top(self.top());
    }

    /// Whether to collect before allocating `bytes`, or, with 0, at any other safepoint.
    pub fn should_collect(&self, bytes: u32) -> bool {
        self.space.is_some() && (self.stress || bytes > self.end - self.top())
    }

    /// Frees every object that no root leads to, and moves the others. `roots` hands each root outside the heap, a value
    /// slot that holds a reference, to its argument, which updates it; the same slot may be handed over again.
    ///
    /// # Panics
    ///
    /// If a root holds no reference of this heap, which is a bug of the engine; and if the destructor of a dead host value
    /// panics, which leaves the heap in order.
    pub fn collect(
        &mut self,
        roots: &mut dyn FnMut(&mut RootVisitor<'_>),
        layouts: &dyn Layouts,
    ) -> Result<(), HeapError> {
        let (from, used) = (self.first()..self.top(), self.used());
        let Some(space) = &mut self.space else {
            return Ok(());
        };
        let old = self.active;
        let new = old.other();
        space.commit(new, ALIGN + used)?;
        let first = space.start(new) + ALIGN;
        let mut collection =
            Collection { space, hosts: &mut self.hosts, layouts, from, to: first..first + used, top: first };
        roots(&mut |slot| collection.visit(slot));
        self.roots.trace(&mut |slot| collection.visit(slot));
        collection.trace();
        let top = collection.top;
        let dead = self.hosts.sweep();

        self.collections += 1;
        self.active = new;
        let live = top - first;
        self.full = live > self.capacity - self.capacity / 16;
        let budget = live.saturating_mul(2).clamp(INITIAL_BUDGET.min(self.capacity), self.capacity);
        self.end = if self.full || space.commit(new, budget).is_err() { top } else { space.start(new) + budget };
        if self.stress || space.committed(old) / 4 > budget {
            space.seal(old);
        }
        self.set_top(top);
        drop(dead);
        Ok(())
    }

    /// Puts a host value into the heap. It is dropped when no reference to it is left.
    pub fn alloc_extern(&mut self, value: HostValue) -> Result<HeapRef, HeapError> {
        let object = self.reserve(EXTERN_SIZE.into())?;
        let index = self.hosts.insert(value);
        let Ok(aux) = u32::try_from(index) else {
            self.hosts.remove(index);
            return Err(self.exhausted());
        };
        self.create(object, EXTERN_SIZE, KIND_EXTERN, aux)
    }

    /// The host value that a reference refers to.
    pub fn extern_data(&self, reference: HeapRef) -> Option<&(dyn Any + Send + Sync)> {
        match self.header(reference)? {
            (KIND_EXTERN, index) => self.hosts.get(index),
            _ => None,
        }
    }

    /// The host value that a reference refers to, to be changed.
    pub fn extern_data_mut(&mut self, reference: HeapRef) -> Option<&mut (dyn Any + Send + Sync)> {
        match self.header(reference)? {
            (KIND_EXTERN, index) => self.hosts.get_mut(index),
            _ => None,
        }
    }

    /// Makes an exception. Bit `i % 64` of word `i / 64` of `refs` says that slot `i` of the payload is a heap reference;
    /// missing words are 0. `tag` is the tag's identity.
    pub fn alloc_exception(&mut self, tag: u64, payload: &[u64], refs: &[u64]) -> Result<HeapRef, HeapError> {
        let slots = u32::try_from(payload.len()).map_err(|_| self.exhausted())?;
        let size = exception_size(slots);
        let object = self.reserve(size)?;
        let words = bitmap_words(slots) as usize;
        let content = self.words_mut(object + EXCEPTION_TAG, (size / 8) as usize - 1)?;
        content[0] = tag;
        let bitmap = refs.iter().copied().chain(std::iter::repeat(0));
        let bitmap_and_slots = bitmap.take(words).chain(payload.iter().copied());
        for (word, value) in content[1..].iter_mut().zip(bitmap_and_slots) {
            *word = value;
        }
        self.create(object, size as u32, KIND_EXCEPTION, slots)
    }

    /// The tag identity of the exception that a reference refers to.
    pub fn exn_tag(&self, reference: HeapRef) -> Option<u64> {
        self.exception_slot_count(reference)?;
        match self.space.as_ref()?.words(reference.0 + EXCEPTION_TAG, 1) {
            Some(&[tag]) => Some(tag),
            _ => None,
        }
    }

    /// The payload of the exception that a reference refers to.
    pub fn exn_payload(&self, reference: HeapRef) -> Option<&[u64]> {
        let slots = self.exception_slot_count(reference)?;
        let first = reference.0 + exception_slots(slots);
        self.space.as_ref()?.words(first, slots as usize)
    }

    /// The number of slots of an exception that lies within the objects as a whole.
    fn exception_slot_count(&self, reference: HeapRef) -> Option<u32> {
        let (KIND_EXCEPTION, slots) = self.header(reference)? else {
            return None;
        };
        let room = self.top() - reference.0;
        (exception_size(slots) <= room.into()).then_some(slots)
    }

    /// Makes an object of a defined type, `size` bytes with its header; everything after the header is 0. `aux` is the
    /// number of elements of an array.
    pub fn alloc_object(&mut self, ty: TypeId, aux: u32, size: u64) -> Result<HeapRef, HeapError> {
        let size = size.max(HEADER_SIZE.into()).checked_next_multiple_of(ALIGN.into()).ok_or(self.exhausted())?;
        let object = self.reserve(size)?;
        let content = self.words_mut(object + HEADER_SIZE, (size / 8) as usize - 1)?;
        content.fill(0);
        self.create(object, size as u32, ty.bits(), aux)
    }

    /// The defined type of the object that a reference refers to.
    pub fn object_type(&self, reference: HeapRef) -> Option<TypeId> {
        TypeId::from_bits(self.header(reference)?.0)
    }

    /// The aux word of the object that a reference refers to: the number of elements of an array.
    pub fn object_aux(&self, reference: HeapRef) -> Option<u32> {
        Some(self.header(reference)?.1)
    }

    /// `count` bytes, `offset` bytes into an object. That they belong to it is for the caller to know.
    pub fn bytes(&self, reference: HeapRef, offset: u32, count: usize) -> Option<&[u8]> {
        let at = self.interior(reference, offset, count)?;
        self.space.as_ref()?.bytes(at, count)
    }

    /// `count` bytes, `offset` bytes into an object, to be written. That they belong to it is for the caller to know.
    pub fn bytes_mut(&mut self, reference: HeapRef, offset: u32, count: usize) -> Option<&mut [u8]> {
        let at = self.interior(reference, offset, count)?;
        self.space.as_mut()?.bytes_mut(at, count)
    }

    fn interior(&self, reference: HeapRef, offset: u32, count: usize) -> Option<u32> {
        self.header(reference)?;
        let at = reference.0.checked_add(offset)?;
        let room = self.top().checked_sub(at)?;
        (count <= room as usize).then_some(at)
    }

    /// The header of an object, for a reference that lies among the objects.
    fn header(&self, reference: HeapRef) -> Option<(u32, u32)> {
        let at = reference.0;
        if !at.is_multiple_of(ALIGN) || !(self.first()..self.top()).contains(&at) {
            return None;
        }
        let space = self.space.as_ref()?;
        Some((space.load_u32(at + INFO)?, space.load_u32(at + AUX)?))
    }

    /// Where an object of `size` bytes, a multiple of [`ALIGN`], goes.
    ///
    /// A heap that was nearly full after its last collection refuses until a collection has freed enough: each collection
    /// is thus paid for by allocations of at least a sixteenth of the capacity.
    fn reserve(&mut self, size: u64) -> Result<u32, HeapError> {
        if self.space.is_none() {
            self.map()?;
        }
        let top = self.top();
        if size > u64::from(self.end - top) {
            let needed = u64::from(ALIGN + self.used()) + size;
            if self.full || needed > u64::from(self.capacity) {
                return Err(self.exhausted());
            }
            let Some(space) = &mut self.space else {
                return Err(self.exhausted());
            };
            let start = space.start(self.active);
            let doubled = (self.end - start).saturating_mul(2).min(self.capacity);
            let budget = doubled.max(needed as u32);
            space.commit(self.active, budget)?;
            self.end = start + budget;
            self.set_top(top);
        }
        Ok(top)
    }

    fn map(&mut self) -> Result<(), HeapError> {
        let mut space = Space::new(self.capacity)?;
        let budget = INITIAL_BUDGET.min(self.capacity);
        space.commit(self.active, budget)?;
        self.end = space.start(self.active) + budget;
        self.cursor.base.store(space.base(), Relaxed);
        let first = space.start(self.active) + ALIGN;
        self.space = Some(space);
        self.set_top(first);
        Ok(())
    }

    /// Completes an object in reserved room.
    fn create(&mut self, object: u32, size: u32, info: u32, aux: u32) -> Result<HeapRef, HeapError> {
        let header = self.words_mut(object, 1)?;
        header[0] = u64::from(aux) << (8 * AUX) | u64::from(info);
        self.set_top(object + size);
        Ok(HeapRef(object))
    }

    /// Words in reserved room, which is committed.
    fn words_mut(&mut self, offset: u32, count: usize) -> Result<&mut [u64], HeapError> {
        let exhausted = self.exhausted();
        let space = self.space.as_mut().ok_or(exhausted)?;
        space.words_mut(offset, count).ok_or(exhausted)
    }

    fn exhausted(&self) -> HeapError {
        HeapError::Exhausted { capacity: self.capacity }
    }

    /// The offset of the first object; nothing is at the beginning of a half, so that no object is at 0.
    fn first(&self) -> u32 {
        let first = |space: &Space| space.start(self.active) + ALIGN;
        self.space.as_ref().map_or(0, first)
    }

    fn top(&self) -> u32 {
        self.cursor.top.load(Relaxed)
    }

    /// Moves the cursor. Under stress it leaves no room, so that machine code calls the runtime for each object.
    fn set_top(&mut self, top: u32) {
        let limit = if self.stress { top } else { self.end };
        self.cursor.top.store(top, Relaxed);
        self.cursor.limit.store(limit, Relaxed);
    }
}

impl fmt::Debug for Heap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heap")
            .field("used", &self.used())
            .field("capacity", &self.capacity)
            .field("host_values", &self.hosts.len())
            .field("collections", &self.collections)
            .finish_non_exhaustive()
    }
}

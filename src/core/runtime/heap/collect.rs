//! The copying collector, after Cheney: objects that are reached move to the other half, where those that have moved but
//! whose references have not been looked at lie between two offsets, so it needs no stack of its own.
//!
//! A root or field that holds no reference is a bug of the engine. It is found as soon as it leads out of the objects or
//! to something without a layout, and stops the program: going on would hand wasm a wrong object.

use std::ops::Range;

use terrace_abi::heap::{
    ALIGN, AUX, EXCEPTION_BITMAP, EXTERN_SIZE, FORWARDED, HEADER_SIZE, INFO, KIND_EXCEPTION, KIND_EXTERN, bitmap_words,
    exception_size, exception_slots,
};

use super::super::types::TypeId;
use super::HeapRef;
use super::host::HostValues;
use super::space::Space;

/// Where the references lie in objects of a defined type. References in objects are 32-bit words.
#[derive(Clone, Copy, Debug)]
pub enum Layout<'a> {
    /// A structure.
    Struct {
        /// The size of the object in bytes, header included.
        size: u32,
        /// The offsets of the references from the object's start.
        refs: &'a [u32],
    },
    /// An array, whose elements follow its header.
    Array {
        /// The size of an element in bytes.
        element_size: u32,
        /// Whether an element begins with a reference.
        refs: bool,
    },
}

/// Says how objects of defined types are laid out.
pub trait Layouts {
    /// The layout of the objects whose header holds this type.
    fn layout(&self, ty: TypeId) -> Option<Layout<'_>>;
}

/// The layouts of a heap without structures and arrays.
#[derive(Clone, Copy, Debug)]
pub struct NoLayouts;

impl Layouts for NoLayouts {
    fn layout(&self, _: TypeId) -> Option<Layout<'_>> {
        None
    }
}

pub(super) struct Collection<'a> {
    pub(super) space: &'a mut Space,
    pub(super) hosts: &'a mut HostValues,
    pub(super) layouts: &'a dyn Layouts,
    /// The objects before the collection.
    pub(super) from: Range<u32>,
    /// The room for those that survive. It begins with the first one that has not been looked at.
    pub(super) to: Range<u32>,
    /// Where the next survivor goes.
    pub(super) top: u32,
}

/// What a header says of its object.
struct Shape<'a> {
    size: u64,
    refs: Refs<'a>,
}

enum Refs<'a> {
    None,
    At(&'a [u32]),
    Every { step: u32, count: u32 },
    Bitmap { slots: u32 },
}

fn shape<'a>(layouts: &'a dyn Layouts, info: u32, aux: u32) -> Option<Shape<'a>> {
    let (size, refs) = match info {
        KIND_EXTERN => (u64::from(EXTERN_SIZE), Refs::None),
        KIND_EXCEPTION => (exception_size(aux), Refs::Bitmap { slots: aux }),
        _ => match layouts.layout(TypeId::from_bits(info)?)? {
            Layout::Struct { size, refs } => (u64::from(size), Refs::At(refs)),
            Layout::Array { element_size, refs } => {
                let size = u64::from(HEADER_SIZE) + u64::from(element_size) * u64::from(aux);
                let (step, count) = (element_size, aux);
                let refs = if refs { Refs::Every { step, count } } else { Refs::None };
                (size, refs)
            }
        },
    };
    let size = size.max(HEADER_SIZE.into()).next_multiple_of(ALIGN.into());
    Some(Shape { size, refs })
}

impl Collection<'_> {
    /// Updates a root, unless it was updated before: slots of overlapping frames are visited once for each.
    pub(super) fn visit(&mut self, slot: &mut u64) {
        let reference = HeapRef::from_slot(*slot);
        if reference.is_object() && !(self.to.start..self.top).contains(&reference.bits()) {
            *slot = u64::from(self.forward(reference.bits()));
        }
    }

    /// Looks at every survivor, until there are no new ones.
    pub(super) fn trace(&mut self) {
        while self.to.start < self.top {
            let object = self.to.start;
            let (info, aux) = self.header(object);
            let shape = shape(self.layouts, info, aux).unwrap_or_else(|| corrupt(object));
            self.to.start += shape.size as u32;
            match shape.refs {
                Refs::None => {}
                Refs::At(offsets) => {
                    for offset in offsets {
                        self.field(object.saturating_add(*offset));
                    }
                }
                Refs::Every { step, count } => {
                    for index in 0..count {
                        self.field(object + HEADER_SIZE + step * index);
                    }
                }
                Refs::Bitmap { slots } => {
                    let first = object + exception_slots(slots);
                    for word in 0..bitmap_words(slots) {
                        let mut bits = self.bitmap_word(object, word);
                        while bits != 0 {
                            let slot = 64 * word + bits.trailing_zeros();
                            bits &= bits - 1;
                            if slot < slots {
                                self.field(first + 8 * slot);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Updates a field of a survivor. The targets are little-endian, so this also serves fields that are slots.
    fn field(&mut self, at: u32) {
        let reference = self.space.load_u32(at).unwrap_or_else(|| corrupt(at));
        if HeapRef::from_slot(reference.into()).is_object() {
            let moved = self.forward(reference);
            let stored = self.space.store_u32(at, moved);
            stored.unwrap_or_else(|| corrupt(at));
        }
    }

    /// Where an object is now; moves it if it has not been reached before.
    fn forward(&mut self, object: u32) -> u32 {
        if !self.from.contains(&object) || !object.is_multiple_of(ALIGN) {
            corrupt(object);
        }
        let (info, aux) = self.header(object);
        if info == FORWARDED {
            return aux;
        }
        let size = shape(self.layouts, info, aux)
            .map(|shape| shape.size)
            .filter(|&size| size <= u64::from(self.from.end - object))
            .filter(|&size| size <= u64::from(self.to.end - self.top))
            .unwrap_or_else(|| corrupt(object)) as u32;
        if info == KIND_EXTERN {
            self.hosts.reach(aux);
        }
        let moved = self.top;
        self.top += size;
        self.space
            .copy(object, moved, size)
            .and_then(|()| self.space.store_u32(object + INFO, FORWARDED))
            .and_then(|()| self.space.store_u32(object + AUX, moved))
            .unwrap_or_else(|| corrupt(object));
        moved
    }

    fn header(&self, object: u32) -> (u32, u32) {
        let word = |offset| {
            let word = self.space.load_u32(object + offset);
            word.unwrap_or_else(|| corrupt(object))
        };
        (word(INFO), word(AUX))
    }

    fn bitmap_word(&self, object: u32, word: u32) -> u64 {
        match self.space.words(object + EXCEPTION_BITMAP + 8 * word, 1) {
            Some(&[bits]) => bits,
            _ => corrupt(object),
        }
    }
}

#[cold]
fn corrupt(offset: u32) -> ! {
    panic!("internal error: the heap of references holds no object at {offset:#x}")
}

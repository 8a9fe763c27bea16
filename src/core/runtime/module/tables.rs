//! What a module's sections become: places in its bytes, and small values.

use std::ops::Range;

use wasmparser::{BinaryReader, WasmFeatures};

use super::super::extern_::ExternType;
use super::super::types::RefType;
use super::{Module, operators};

/// A range of the module's bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// A range of a binary whose length fits in 32 bits, which the loader has checked.
    pub(super) fn new(range: Range<u64>) -> Span {
        Span { start: range.start as u32, end: range.end as u32 }
    }

    /// Where `part` lies in `bytes`, which it is part of.
    pub(super) fn of(part: &[u8], bytes: &[u8]) -> Span {
        let start = part.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr()) as u64;
        Span::new(start..start + part.len() as u64)
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.range()]
    }

    /// The text of a name, which the parser has found to be UTF-8.
    pub(super) fn text(self, bytes: &[u8]) -> &str {
        std::str::from_utf8(self.bytes(bytes)).unwrap_or_default()
    }

    pub(super) fn reader(self, bytes: &[u8]) -> BinaryReader<'_> {
        BinaryReader::new(self.bytes(bytes), u64::from(self.start))
    }

    pub(super) fn reader_with(self, bytes: &[u8], features: WasmFeatures) -> BinaryReader<'_> {
        BinaryReader::new_features(self.bytes(bytes), u64::from(self.start), features)
    }
}

/// An index in one of a module's index spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExternIndex {
    /// Of a function.
    Func(u32),
    /// Of a table.
    Table(u32),
    /// Of a memory.
    Memory(u32),
    /// Of a global.
    Global(u32),
    /// Of a tag.
    Tag(u32),
}

/// An import.
#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    /// The first half of the name.
    pub module: &'a str,
    /// The second half of the name.
    pub name: &'a str,
    /// What it is to the module.
    pub index: ExternIndex,
    /// The type that is asked for.
    pub ty: ExternType,
}

/// An export.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// The name.
    pub name: &'a str,
    /// What it is to the module.
    pub index: ExternIndex,
    /// Its type.
    pub ty: ExternType,
}

/// How many of each index space are imports.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Imported {
    pub(crate) funcs: u32,
    pub(crate) tables: u32,
    pub(crate) memories: u32,
    pub(crate) globals: u32,
    pub(crate) tags: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ImportEntry {
    pub(super) module: Span,
    pub(super) name: Span,
    pub(super) index: ExternIndex,
}

/// The place of a constant expression, which is validated.
#[derive(Clone, Copy, Debug)]
pub struct ExprRange(pub(super) Span);

impl ExprRange {
    /// The value, if this is a single `i32.const`: most offsets of segments are.
    pub(super) fn i32_const(self, bytes: &[u8]) -> Option<i32> {
        operators::i32_const(self.0.bytes(bytes))
    }
}

/// What a table begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TableInit {
    Null,
    Expr(ExprRange),
}

/// When a segment is used.
#[derive(Clone, Copy, Debug)]
pub enum SegmentMode {
    /// At instantiation, in a memory or table at an offset.
    Active {
        /// The memory or table.
        index: u32,
        /// Where.
        offset: ExprRange,
    },
    /// By instructions.
    Passive,
    /// Never: it only declares that functions are referred to.
    Declared,
}

/// A data segment.
#[derive(Clone, Copy, Debug)]
pub struct DataSegment {
    /// When it is used.
    pub mode: SegmentMode,
    pub(super) data: Span,
}

impl DataSegment {
    /// The contents. `module` is the segment's.
    pub fn bytes<'a>(&self, module: &'a Module) -> &'a [u8] {
        self.data.bytes(&module.0.bytes)
    }
}

/// The contents of an element segment.
#[derive(Clone, Debug)]
pub enum Elements {
    /// Function indices.
    Funcs(Box<[u32]>),
    /// Constant expressions.
    Exprs(Box<[ExprRange]>),
}

impl Elements {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Elements::Funcs(funcs) => funcs.len(),
            Elements::Exprs(exprs) => exprs.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElementSegment {
    /// When it is used.
    pub mode: SegmentMode,
    /// The elements' type.
    pub ty: RefType,
    /// The elements. Constant expressions have no effects and depend on nothing that changes, so they are evaluated when
    /// they are used.
    pub elements: Elements,
}

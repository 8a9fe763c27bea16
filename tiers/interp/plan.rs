//! What the linker has to know of each op and form. The build script makes the table, so that a process has nothing to set up.

use crate::classes::{Dims, Role};

/// Where an instruction's branch displacement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// It has none.
    Nowhere,
    /// In the upper half of the first word.
    First,
    /// In the upper half of the extension word.
    Extension,
    /// In the words behind the extension word, as many as that says.
    Table,
}

/// The plan of an op in a form.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Index of the op in the table of ops.
    pub op: u16,
    /// Words, without a table's entries.
    pub words: u8,
    /// What the fields `d`, `a` and `b` are, if they are slots.
    pub roles: [Option<Role>; 3],
    /// What the handlers differ in.
    pub dims: Dims,
    /// [`Dims::with_explicit_bounds`]
    pub explicit: Dims,
    /// Index in the handler offsets of the first handler.
    pub first: u16,
    /// Where the displacement is.
    pub target: Target,
    /// Reads slots that the first word does not name, so that none of its operands may be in the accumulator alone.
    pub reads_more: bool,
}

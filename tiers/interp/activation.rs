//! What an entry into the interpreter hands to its handlers.

use std::mem::offset_of;

use terrace_abi::Word;
use terrace_abi::vm::StoreRecord;

/// One entry from the host or from another tier. Handlers find it at the native stack's pointer.
#[repr(C)]
#[derive(Debug)]
pub struct Activation {
    /// The store, as helpers need it.
    pub store: *mut (),
    /// The store's record.
    pub record: *const StoreRecord,
    /// Addresses of the helpers, in the order of [`Helper`].
    pub helpers: *const Helper,
    /// The base that handler offsets count from.
    pub handlers: *const u8,
    /// The words that links and compiled code continue at: [`EXIT`], [`RESTORE`], [`TO_COMPILED`] and [`LAND`].
    pub link: *const Word,
    /// What runs first.
    pub start: *const Word,
    /// The frame record of the entry's link, which stays below all frames of the activation.
    pub floor: usize,
    /// How the activation ended, as a `Status`.
    pub status: u64,
    /// The instruction that a helper has run again, and that its probes have seen.
    pub repeated: *const Word,
    /// Where [`LAND`] goes on in the newest frame's machine code.
    pub landing: *const u8,
    /// What handlers keep in registers, while a probe runs: four integers, two vectors.
    pub kept: [u64; 8],
}

/// A function that a handler calls: from the activation, the instruction that runs, and one operand more, it makes the word to go on
/// at, or null to leave the activation. [`HelperId::Probe`] is apart.
pub type Helper = unsafe extern "C" fn(*mut Activation, *const Word, u64) -> *const Word;

/// Index of the word in [`Activation::link`] that leaves the activation.
pub const EXIT: i32 = 0;
/// Index of the word in [`Activation::link`] that goes back to a frame of another instance.
pub const RESTORE: i32 = 1;
/// Index of the word in [`Activation::link`] that returns to compiled code, whose record is the newest.
pub const TO_COMPILED: i32 = 2;
/// Index of the word in [`Activation::link`] that goes on in compiled code, whose record is the newest, at [`Activation::landing`].
pub const LAND: i32 = 3;

/// Says in the first scratch register, beside a function's index, that compiled code tail-calls it: then the record below is still that of
/// the caller, at its call.
pub const TAIL: u32 = 1 << 31;

/// What compiled code calls or jumps to. Its pc is in its record, unless a stub says that it puts it there. A stub may destroy every
/// register but those that are named as kept.
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stub {
    /// Called: runs a helper for an instruction. The scratch registers hold the helper's number and the offsets, in bytes, of the
    /// instruction and of the next one in the function's bytecode; the temporaries hold the helper's operand and the address of the
    /// bytecode. The pc is put into the record. Returns if execution goes on with the next instruction: slots, instance and memory are
    /// kept.
    Help,
    /// Jumped to: traps. The first scratch register holds the kind.
    Trap,
    /// Jumped to by a function that has no room, before it has written into its record, to which the native stack's pointer points. The
    /// first scratch register is as it was at the function's entry. Traps in the caller.
    Overflow,
    /// Called in the place of a function without machine code, and jumped to likewise by a tail call. As at any function's entry, the
    /// first scratch register holds the function's index in its module's function space, with [`TAIL`] if so, `SLOTS` the arguments'
    /// address, and `INSTANCE` the function's instance. It returns with `INSTANCE` and `MEMORY` of the caller.
    ToInterp,
    /// Continued at when an instruction faults whose address is in the store's record.
    Fault,
}

impl Stub {
    /// The number of stubs.
    pub const COUNT: usize = Stub::Fault as usize + 1;
}

/// Offsets of the fields that handlers read.
pub mod offset {
    use super::{Activation, offset_of};

    /// [`Activation::record`]
    pub const RECORD: i32 = offset_of!(Activation, record) as i32;
    /// [`Activation::helpers`]
    pub const HELPERS: i32 = offset_of!(Activation, helpers) as i32;
    /// [`Activation::handlers`]
    pub const HANDLERS: i32 = offset_of!(Activation, handlers) as i32;
    /// [`Activation::link`]
    pub const LINK: i32 = offset_of!(Activation, link) as i32;
    /// [`Activation::start`]
    pub const START: i32 = offset_of!(Activation, start) as i32;
    /// [`Activation::status`]
    pub const STATUS: i32 = offset_of!(Activation, status) as i32;
    /// [`Activation::landing`]
    pub const LANDING: i32 = offset_of!(Activation, landing) as i32;
    /// [`Activation::kept`]
    pub const KEPT: i32 = offset_of!(Activation, kept) as i32;
}

/// Slots that `enter` zeroes, by variant: at most so many; one variant more zeroes any number.
pub const ZEROED: [u32; 4] = [0, 2, 4, 8];

/// The words in front of running code.
pub mod header {
    /// The number of words.
    pub const WORDS: usize = 4;
    /// Offset of the first word from the code: `enter`, with the pinned locals' slots in its fields.
    pub const ENTER: i32 = -32;
    /// Offset of the charge, 32 bits.
    pub const CHARGE: i32 = -24;
    /// Offset of the number of parameter slots, 32 bits.
    pub const PARAM_SLOTS: i32 = -20;
    /// Offset of the function's address.
    pub const FUNCTION: i32 = -16;
    /// Offset of the address of a function's machine code, which lies in the place of running code.
    pub const CODE: i32 = 0;
    /// Offset of the number of slots of parameters and locals, 32 bits.
    pub const LOCAL_SLOTS: i32 = -8;
}

macro_rules! helpers {
    ($($(#[$doc:meta])* $name:ident $snake:ident;)*) => {
        /// The helpers by number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum HelperId { $($(#[$doc])* $name,)* }

        /// Calls `$m!` with the helpers' names.
        #[allow(unused_macros, reason = "the build script includes this file, too")]
        macro_rules! for_each_helper {
            ($m:ident) => { $m! { $($name $snake)* } };
        }
        #[allow(unused_imports, reason = "the build script includes this file, too")]
        pub(crate) use for_each_helper;
    };
}

helpers! {
    /// Traps; the operand is the kind.
    Trap trap;
    /// Finds an exception's handler, for `throw`.
    Throw throw;
    /// As [`HelperId::Throw`], for `throw_ref`.
    ThrowRef throw_ref;
    /// Asks whether execution may go on.
    Poll poll;
    /// Tells the tier manager that the instruction's function has used up its budget.
    Hot hot;
    /// Makes the running form of the function whose entry cell is the operand, and repeats the instruction.
    Link link;
    /// Calls the function whose record is the operand; the call has one extension word.
    CallShort call_short;
    /// As [`HelperId::CallShort`], with two extension words.
    CallLong call_long;
    /// Tail-calls the function whose record is the operand.
    TailCall tail_call;
    /// Checks the type of the function whose record is the operand against the instruction's: goes on with it, or traps.
    SubtypeCall subtype_call;
    /// As [`HelperId::SubtypeCall`], for tail calls.
    SubtypeTailCall subtype_tail_call;
    /// `ref.func`
    RefFunc ref_func;
    /// `table.grow`
    TableGrow table_grow;
    /// `table.fill`
    TableFill table_fill;
    /// `table.copy`
    TableCopy table_copy;
    /// `table.init`
    TableInit table_init;
    /// `elem.drop`
    ElemDrop elem_drop;
    /// `memory.size`
    MemorySize memory_size;
    /// `memory.grow`
    MemoryGrow memory_grow;
    /// `memory.fill`
    MemoryFill memory_fill;
    /// `memory.copy`
    MemoryCopy memory_copy;
    /// `memory.init`
    MemoryInit memory_init;
    /// `data.drop`
    DataDrop data_drop;
    /// `memory.atomic.wait32`
    Wait32 wait32;
    /// `memory.atomic.wait64`
    Wait64 wait64;
    /// `memory.atomic.notify`
    Notify notify;
    /// Checks the callee of an indirect call: goes on with the next instruction, or traps.
    CheckIndirect check_indirect;
    /// Leaves machine code: goes on with the same instruction in the interpreter.
    Deopt deopt;
    /// Makes the running form of the function whose instance the instruction is in place of, and whose index is the operand; the result
    /// is the instance.
    Enter enter;
    /// Traps where compiled code has faulted.
    Fault fault;
    /// A probe, before the instruction runs; the operand is the handler's offset, and the result the address of the handler to go on
    /// in.
    Probe probe;
}

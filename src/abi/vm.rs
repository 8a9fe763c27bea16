//! The records that machine code, interpreters and the runtime share.
//!
//! Every structure is `repr(C)`, so that `core::mem::offset_of!` gives the same offsets on every 64-bit target. The runtime
//! allocates them at addresses that stay fixed for the life of their store.

use core::sync::atomic::{AtomicI64, AtomicPtr, AtomicU64};

use crate::Word;
use crate::memory::{MemoryRecord, TableRecord};

/// Defines a record's offsets as machine code wants them: displacements from the record's address.
macro_rules! offsets {
    ($record:ident { $($name:ident: $field:ident),* $(,)? }) => {
        impl $record {
            $(
                #[doc = concat!("The offset of [`", stringify!($record), "::", stringify!($field), "`].")]
                pub const $name: i32 = core::mem::offset_of!($record, $field) as i32;
            )*
        }
    };
}
pub(crate) use offsets;

/// Charged against the stack limit for every wasm frame, in bytes, in addition to its slots.
///
/// An upper bound for a native frame of any tier, so that one limit bounds both halves of the VM stack.
pub const FRAME_CHARGE: u32 = 128;

/// Charged against the stack limit when the host enters wasm, in bytes.
pub const ENTRY_CHARGE: u32 = 4096;

/// How a slot entry returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Results lie in the value slots at the base.
    Returned = 0,
    /// Execution stopped; the store holds the reason.
    Stopped = 1,
    /// An exception propagates; the store holds the exception reference.
    Thrown = 2,
    /// The callee made a tail call: the record to call is in the store, its arguments lie at the base.
    TailCall = 3,
}

/// A function as any tier and the host call it. Funcref values are addresses of function records; null is 0.
#[repr(C)]
#[derive(Debug)]
pub struct FuncRecord {
    /// Entry with arguments and results in value slots; a `SlotEntry` of the runtime.
    pub slot_entry: AtomicU64,
    /// Entry with arguments and results in registers, for compiled code; 0 if there is none.
    pub register_entry: AtomicU64,
    /// The defining instance; null for host functions.
    pub instance: *const InstanceRecord,
    /// Canonical type id.
    pub type_id: u32,
    /// Index in the defining module's function space; for host functions, in the store's table of host functions.
    pub index: u32,
    /// The function's cell in its module's entry table; null for host functions.
    pub entry_cell: *const AtomicPtr<Word>,
}

offsets!(FuncRecord {
    SLOT_ENTRY: slot_entry,
    REGISTER_ENTRY: register_entry,
    INSTANCE: instance,
    TYPE_ID: type_id,
    INDEX: index,
    ENTRY_CELL: entry_cell,
});

/// A global's value: one slot or, for v128, two.
#[repr(C, align(16))]
#[derive(Debug, Default)]
pub struct GlobalRecord {
    /// The value, low half first.
    pub value: [AtomicU64; 2],
}

offsets!(GlobalRecord { VALUE: value });

/// A tag; its address is its identity.
#[repr(C)]
#[derive(Debug)]
pub struct TagRecord {
    /// Canonical function type id, whose parameters are the payload.
    pub type_id: u32,
}

offsets!(TagRecord { TYPE_ID: type_id });

/// An instance as code sees it. Arrays are indexed by the module's index spaces, imports first.
#[repr(C)]
#[derive(Debug)]
pub struct InstanceRecord {
    /// The store's record.
    pub store: *const StoreRecord,
    /// Memory 0, if there is one.
    pub memory0: *const MemoryRecord,
    /// What accesses to memory 0 start from: its base where guard pages keep them inside, its record where they are checked
    /// explicitly; null without memories.
    pub memory_operand: *const u8,
    /// Memories.
    pub memories: *const *const MemoryRecord,
    /// Tables.
    pub tables: *const *const TableRecord,
    /// Globals.
    pub globals: *const *const GlobalRecord,
    /// Imported functions.
    pub imports: *const *const FuncRecord,
    /// Tags.
    pub tags: *const *const TagRecord,
    /// Canonical type id of each type index.
    pub types: *const u32,
}

offsets!(InstanceRecord {
    STORE: store,
    MEMORY0: memory0,
    MEMORY_OPERAND: memory_operand,
    MEMORIES: memories,
    TABLES: tables,
    GLOBALS: globals,
    IMPORTS: imports,
    TAGS: tags,
    TYPES: types,
});

/// A store as code sees it.
#[repr(C)]
#[derive(Debug)]
pub struct StoreRecord {
    /// Bytes of stack charge left.
    pub stack_left: AtomicI64,
    /// Fuel left.
    pub fuel: AtomicI64,
    /// The engine's epoch counter.
    pub epoch: *const AtomicU64,
    /// The epoch at which polls stop execution.
    pub epoch_deadline: AtomicU64,
    /// Set to a nonzero value from any thread to stop execution at the next poll.
    pub interrupt: *const AtomicU64,
    /// The newest frame; newer ones have lower addresses. One past the oldest if there is none.
    pub frame: AtomicPtr<FrameRecord>,
    /// Address of what a probe calls; 0 if there is none.
    pub probe: AtomicU64,
}

offsets!(StoreRecord {
    STACK_LEFT: stack_left,
    FUEL: fuel,
    EPOCH: epoch,
    EPOCH_DEADLINE: epoch_deadline,
    INTERRUPT: interrupt,
    FRAME: frame,
    PROBE: probe,
});

/// Loop pcs that a frame has room for.
pub const FRAME_LOOPS: usize = 3;

/// An activation of a wasm function, or a link between activations of different instances or entries.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FrameRecord {
    /// The words that run, which pcs point into; null in a link.
    pub code: *const Word,
    /// The instruction that runs; in a caller, its call.
    pub pc: *const Word,
    /// Where a callee's return continues, if machine code called.
    pub resume: *const Word,
    /// Slot 0.
    pub base: *mut u64,
    /// The function's description, a `Function` of the core; null in a link.
    pub function: *const (),
    /// The instance that it runs in.
    pub instance: *const InstanceRecord,
    /// What is left of the stack charge after this frame's own; a link copies its caller's.
    pub stack_left: i64,
    /// Pinned slots that machine code saves over a call: two integers, one float.
    pub pinned: [u64; 3],
    /// pcs of the loops that machine code is in, innermost first.
    pub loops: [*const Word; FRAME_LOOPS],
}

offsets!(FrameRecord {
    CODE: code,
    PC: pc,
    RESUME: resume,
    BASE: base,
    FUNCTION: function,
    INSTANCE: instance,
    STACK_LEFT: stack_left,
    PINNED: pinned,
    LOOPS: loops,
});

impl FrameRecord {
    /// The size of a frame: how far the newest frame's address moves at a call.
    pub const SIZE: i32 = size_of::<FrameRecord>() as i32;
}

const _: () = assert!(size_of::<FrameRecord>() <= FRAME_CHARGE as usize);

/// Bytes that a bulk memory operation moves for one unit of fuel, rounded up.
pub const FUEL_BYTES_PER_UNIT: u64 = 64;

/// Elements that a bulk table operation moves for one unit of fuel, rounded up.
pub const FUEL_ELEMENTS_PER_UNIT: u64 = 8;

//! The records that machine code, interpreters and the runtime share.
//!
//! Every structure is `repr(C)`, so that `core::mem::offset_of!` gives the same offsets on every 64-bit target. The runtime
//! allocates them at addresses that stay fixed for the life of their store.

use core::sync::atomic::{AtomicI64, AtomicU64};

use crate::memory::{MemoryRecord, TableRecord};

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
}

/// A global's value: one slot or, for v128, two.
#[repr(C, align(16))]
#[derive(Debug, Default)]
pub struct GlobalRecord {
    /// The value, low half first.
    pub value: [AtomicU64; 2],
}

/// A tag; its address is its identity.
#[repr(C)]
#[derive(Debug)]
pub struct TagRecord {
    /// Canonical function type id, whose parameters are the payload.
    pub type_id: u32,
}

/// An instance as code sees it. Arrays are indexed by the module's index spaces, imports first.
#[repr(C)]
#[derive(Debug)]
pub struct InstanceRecord {
    /// The store's record.
    pub store: *const StoreRecord,
    /// Memory 0, if there is one.
    pub memory0: *const MemoryRecord,
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
}

/// Bytes that a bulk memory operation moves for one unit of fuel, rounded up.
pub const FUEL_BYTES_PER_UNIT: u64 = 64;

/// Elements that a bulk table operation moves for one unit of fuel, rounded up.
pub const FUEL_ELEMENTS_PER_UNIT: u64 = 8;

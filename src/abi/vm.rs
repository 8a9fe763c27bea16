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
    /// The function's cell among [`InstanceRecord::code_entries`]; null for host functions, and without compiled code.
    pub code_cell: *const AtomicPtr<u8>,
}

offsets!(FuncRecord {
    SLOT_ENTRY: slot_entry,
    REGISTER_ENTRY: register_entry,
    INSTANCE: instance,
    TYPE_ID: type_id,
    INDEX: index,
    ENTRY_CELL: entry_cell,
    CODE_CELL: code_cell,
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
///
/// The globals that its module defines lie before it in memory, the first one next to it, so that code reaches them by a load at a
/// fixed displacement; see [`InstanceRecord::own_global`].
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
    /// Globals, imported or not.
    pub globals: *const *const GlobalRecord,
    /// Imported functions.
    pub imports: *const *const FuncRecord,
    /// Tags.
    pub tags: *const *const TagRecord,
    /// Canonical type id of each type index.
    pub types: *const u32,
    /// What the tier runs of each function, by its index: begins before its first element, which is that of the first function that is
    /// not imported.
    pub entries: *const AtomicPtr<Word>,
    /// Where compiled code calls each defined function; null if the module's tier compiles nothing.
    pub code_entries: *const AtomicPtr<u8>,
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
    ENTRIES: entries,
    CODE_ENTRIES: code_entries,
});

impl InstanceRecord {
    /// The displacement from an instance's record of a global that its module defines; `number` counts those, from 0.
    pub const fn own_global(number: u32) -> i32 {
        -(size_of::<GlobalRecord>() as i32) * (number as i32 + 1)
    }

    /// The number of the global at this displacement, if one can lie there.
    pub const fn own_global_number(displacement: i32) -> Option<u32> {
        let size = size_of::<GlobalRecord>() as i32;
        if displacement < 0 && displacement % size == 0 { Some((displacement / -size - 1) as u32) } else { None }
    }
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
    /// A nonzero value, set from any thread, makes the next poll ask the runtime.
    pub interrupt: *const AtomicU64,
    /// The newest frame; newer ones have lower addresses. One past the oldest if there is none.
    pub frame: AtomicPtr<FrameRecord>,
    /// Address of what a probe calls; 0 if there is none.
    pub probe: AtomicU64,
    /// The native stack's pointer in the newest activation of the assembled interpreter, where helpers run.
    pub native_stack: AtomicU64,
    /// Address of the table of stubs that compiled code calls; 0 without compiled code.
    pub stubs: AtomicU64,
    /// Where compiled code faulted.
    pub fault_pc: AtomicU64,
}

offsets!(StoreRecord {
    STACK_LEFT: stack_left,
    FUEL: fuel,
    EPOCH: epoch,
    EPOCH_DEADLINE: epoch_deadline,
    INTERRUPT: interrupt,
    FRAME: frame,
    PROBE: probe,
    NATIVE_STACK: native_stack,
    STUBS: stubs,
    FAULT_PC: fault_pc,
});

/// Loop pcs that a frame has room for.
pub const FRAME_LOOPS: usize = 3;

/// An activation of a wasm function, or a link between activations of different instances or entries.
///
/// Records of compiled code are *tagged*: their function is an index, times 2, plus 1, and their pc is a number. While such a function
/// runs, the native stack's pointer is its record's address, so that a native call from it leaves the return address in the last field of
/// the next record. There it stays while that call lasts, whatever becomes of the record: it may be popped and another one may take its
/// place, which leaves the field as it is. `code` and `resume` of a tagged record mean something only while somebody else runs who
/// returns to it.
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
    /// Where a compiled function returns to whose record this is: into its caller if that is compiled code, otherwise into the
    /// interpreter.
    pub return_address: u64,
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
    RETURN_ADDRESS: return_address,
});

impl FrameRecord {
    /// The size of a frame: how far the newest frame's address moves at a call.
    pub const SIZE: i32 = size_of::<FrameRecord>() as i32;

    /// The `function` of compiled code, by the index in its module's function space.
    pub const fn tagged(index: u32) -> u64 {
        (index as u64) << 1 | 1
    }

    /// The index of the function in its module's function space, if compiled code runs.
    #[inline]
    pub fn compiled(&self) -> Option<u32> {
        let function = self.function.addr();
        (function & 1 != 0).then_some((function >> 1) as u32)
    }
}

const _: () = assert!(
    size_of::<FrameRecord>() <= FRAME_CHARGE as usize
        && size_of::<FrameRecord>().is_multiple_of(16)
        && FrameRecord::RETURN_ADDRESS + 8 == FrameRecord::SIZE
);

/// Bytes that a bulk memory operation moves for one unit of fuel, rounded up.
pub const FUEL_BYTES_PER_UNIT: u64 = 64;

/// Elements that a bulk table operation moves for one unit of fuel, rounded up.
pub const FUEL_ELEMENTS_PER_UNIT: u64 = 8;

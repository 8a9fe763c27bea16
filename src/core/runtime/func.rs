//! Functions as anyone calls them: records with slot entries, and the entry behind which host functions run.
//!
//! A slot entry finds arguments in the value slots at its base and leaves results there. A record, and what it points to,
//! lives as long as its store.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use terrace_abi::vm::{FuncRecord, Status};

use super::engine::Engine;
use super::instance::{Instance, InstanceRef};
use super::store::Store;
use super::trap::HostError;
use super::types::{FuncType, RegisteredType, TypeError, TypeId};

/// How any function is called: arguments and results lie in the value slots at `base`, which is in the store's stack.
///
/// # Safety
///
/// `store` is a live store that is not otherwise borrowed, `func` a record of it, and `base` has room for the function's
/// arguments and results.
pub type SlotEntry = unsafe extern "C" fn(store: *mut Store, func: *const FuncRecord, base: *mut u64) -> Status;

/// The entry's address as a record holds it.
pub(super) fn entry_bits(entry: SlotEntry) -> u64 {
    entry as usize as u64
}

/// A function of a store. It must not be used after its store is gone, or with another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FuncRef(NonNull<FuncRecord>);

// SAFETY: a record is immutable but for atomics, and what it points to may be shared.
unsafe impl Send for FuncRef {}
// SAFETY: as above.
unsafe impl Sync for FuncRef {}

impl fmt::Debug for FuncRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FuncRef({:p})", self.0)
    }
}

impl FuncRef {
    pub(super) fn new(record: NonNull<FuncRecord>) -> FuncRef {
        FuncRef(record)
    }

    /// The function that a funcref slot holds; `None` if it is null.
    ///
    /// # Safety
    ///
    /// The slot must hold a funcref of a live store.
    #[inline]
    pub unsafe fn from_slot(slot: u64) -> Option<FuncRef> {
        NonNull::new(slot as usize as *mut FuncRecord).map(FuncRef)
    }

    /// The reference as a slot holds it.
    #[inline]
    pub fn to_slot(self) -> u64 {
        self.0.as_ptr() as usize as u64
    }

    /// The record.
    #[inline]
    pub fn record(&self) -> &FuncRecord {
        // SAFETY: records live as long as their store, and the type says that it is alive.
        unsafe { self.0.as_ref() }
    }

    /// The record's address.
    pub fn as_ptr(self) -> *const FuncRecord {
        self.0.as_ptr()
    }

    /// The canonical type as records hold it.
    #[inline]
    pub fn type_bits(self) -> u32 {
        self.record().type_id
    }

    /// The canonical type.
    pub fn type_id(self) -> TypeId {
        match TypeId::from_bits(self.record().type_id) {
            Some(id) => id,
            None => unreachable!("function records are made with type ids"),
        }
    }

    /// The defining instance; `None` for host functions.
    #[inline]
    pub fn instance(self) -> Option<InstanceRef> {
        // SAFETY: the pointer is null or the record of an instance of the same store.
        unsafe { InstanceRef::from_record(self.record().instance) }
    }

    /// As [`FuncRef::instance`], borrowed.
    pub(super) fn instance_ref(&self) -> Option<&Instance> {
        let instance = self.record().instance.cast::<Instance>();
        // SAFETY: the pointer is null or the record of an instance of the same store, which begins with it.
        unsafe { instance.as_ref() }
    }

    /// The index in the instance's module, or among the store's host functions.
    #[inline]
    pub fn index(self) -> u32 {
        self.record().index
    }

    /// The slot entry.
    #[inline]
    pub fn slot_entry(self) -> SlotEntry {
        let entry = self.record().slot_entry.load(Ordering::Relaxed) as usize;
        // SAFETY: `slot_entry` only ever holds what `entry_bits` made of a `SlotEntry`.
        unsafe { std::mem::transmute::<usize, SlotEntry>(entry) }
    }

    /// Calls the slot entry, and whatever it tail-calls. Never returns [`Status::TailCall`].
    ///
    /// # Safety
    ///
    /// As for [`SlotEntry`].
    pub unsafe fn call(self, store: *mut Store, base: *mut u64) -> Status {
        let mut func = self;
        loop {
            // SAFETY: the caller's promise; a tail call's arguments are at the same base, in the same store.
            let status = unsafe { func.slot_entry()(store, func.as_ptr(), base) };
            if status != Status::TailCall {
                return status;
            }
            // SAFETY: the caller's promise, and the entry has returned.
            match unsafe { &mut *store }.take_tail_call() {
                Some(next) => func = next,
                None => unreachable!("a tail call names its callee"),
            }
        }
    }
}

/// What a host function does: arguments first, then results in place, in the slots of the larger of both.
///
/// References among the arguments are good until the function first does anything that may collect, so it roots them
/// first; for results likewise, it stores references last.
pub type HostCall = dyn Fn(&mut Store, Option<InstanceRef>, &mut [u64]) -> Result<(), HostError> + Send + Sync;

/// A function of the host. It can be put into any number of stores of its engine.
pub struct HostFunc {
    ty: RegisteredType,
    func_type: FuncType,
    slots: usize,
    call: Box<HostCall>,
}

impl fmt::Debug for HostFunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HostFunc").field(&self.func_type).finish()
    }
}

impl HostFunc {
    /// A host function of type `ty`, which `call` must keep to.
    pub fn new(
        engine: &Engine,
        ty: FuncType,
        call: impl Fn(&mut Store, Option<InstanceRef>, &mut [u64]) -> Result<(), HostError> + Send + Sync + 'static,
    ) -> Result<Arc<HostFunc>, TypeError> {
        Ok(Arc::new(HostFunc {
            ty: engine.types().register_func_type(ty.clone())?,
            slots: ty.param_slots().max(ty.result_slots()),
            func_type: ty,
            call: Box::new(call),
        }))
    }

    /// The canonical type.
    pub fn type_id(&self) -> TypeId {
        self.ty.id()
    }

    /// The type.
    pub fn ty(&self) -> &FuncType {
        &self.func_type
    }

    /// The registered type.
    pub fn registered(&self) -> &RegisteredType {
        &self.ty
    }
}

/// The slot entry of every host function.
///
/// The function sees a copy of the slots, so that nothing it does to the store can touch them; a panic stops here, and goes
/// on when the frames below are gone.
pub(super) unsafe extern "C" fn host_entry(store: *mut Store, func: *const FuncRecord, base: *mut u64) -> Status {
    const INLINE: usize = 16;
    // SAFETY: what callers of a `SlotEntry` promise.
    let (store, index) = unsafe { (&mut *store, (*func).index) };
    // SAFETY: a store keeps its host functions, and they are immutable.
    let host = unsafe { &*Arc::as_ptr(store.host_func(index)) };
    let mut inline = [0; INLINE];
    let mut spilled = Vec::new();
    let values = match host.slots {
        count @ ..=INLINE => &mut inline[..count],
        count => {
            spilled.resize(count, 0);
            &mut spilled[..]
        }
    };
    // SAFETY: the store is alive during the call.
    let Some(slots) = (unsafe { store.stack().slots(base, values.len() as u32) }) else {
        return store.raise(terrace_abi::TrapKind::StackOverflow);
    };
    let params = host.func_type.param_slots();
    slots.read(0, &mut values[..params]);
    store.stress(host.func_type.params(), values);
    let caller = store.caller();
    // The host takes as long as it likes.
    store.safepoint();
    let outcome = catch_unwind(AssertUnwindSafe(|| (host.call)(store, caller, values)));
    match outcome {
        Ok(Ok(())) => {
            let results = host.func_type.result_slots();
            store.stress(host.func_type.results(), values);
            slots.write(0, &values[..results]);
            Status::Returned
        }
        Ok(Err(error)) => store.raise_error(error),
        Err(payload) => store.raise_panic(payload),
    }
}

//! Calls from the host, and the reasons why they stop.

use std::any::Any;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use terrace_abi::TrapKind;
use terrace_abi::vm::{ENTRY_CHARGE, Status};

use super::super::func::FuncRef;
use super::super::heap::HeapRef;
use super::super::instance::InstanceRef;
use super::super::stack::FrameView;
use super::super::trap::{Backtrace, FrameInfo, HostError, Stop, Trap};
use super::{Pending, Store};

/// Native stack that an entry needs at least, and how much is mapped when there is less.
const RED_ZONE: usize = 256 << 10;
const NATIVE_STACK: usize = 4 << 20;

impl Store {
    /// Calls a function of this store. `slots` holds the arguments, and then the results in their place.
    ///
    /// References in `slots` may be moved by a collection like any others: after the call, those among the results are good
    /// until the next one.
    ///
    /// # Panics
    ///
    /// If there are fewer slots than the function's arguments or results take. A panic of a host function goes on here, when
    /// all frames are gone.
    pub fn call(&mut self, func: FuncRef, slots: &mut [u64]) -> Result<(), Stop> {
        let ty = self.func_type_ref(&func);
        let (params, results) = (ty.param_slots(), ty.result_slots());
        let count = params.max(results);
        assert!(slots.len() >= count, "a call needs {count} slots, and has {}", slots.len());

        let left = self.record().stack_left.load(Ordering::Relaxed);
        let base = self.stack.free_base();
        // SAFETY: the area is used within this call.
        let area = unsafe { self.stack.slots(base, count as u32) };
        let (Some(area), true) = (area, left >= i64::from(ENTRY_CHARGE)) else {
            self.raise(TrapKind::StackOverflow);
            return Err(self.take_stop());
        };
        area.write(0, &slots[..params]);
        self.record().stack_left.store(left - i64::from(ENTRY_CHARGE), Ordering::Relaxed);
        let depth = self.stack.frame_depth();
        if depth == 0 {
            self.activity.enter();
        }
        let floor = self.stack.set_floor(area.at(count as u32));
        let entry_depth = std::mem::replace(&mut self.entry_depth, depth);

        let store: *mut Store = self;
        // SAFETY: the store is lent to the callee, the function is of this store, and the area is what it needs.
        let status = stacker::maybe_grow(RED_ZONE, NATIVE_STACK, || unsafe { func.call(store, base) });

        self.entry_depth = entry_depth;
        self.stack.set_floor(floor);
        self.stack.truncate(depth);
        if depth == 0 {
            self.activity.leave();
        }
        self.record().stack_left.store(left, Ordering::Relaxed);
        match status {
            Status::Returned => {
                area.read(0, &mut slots[..results]);
                Ok(())
            }
            Status::Stopped => Err(self.take_stop()),
            Status::Thrown => {
                let exception = HeapRef::from_slot(self.take_exception());
                Err(Stop::Exception(self.heap.roots_mut().root_owned(exception)))
            }
            Status::TailCall => unreachable!("`FuncRef::call` makes tail calls"),
        }
    }

    /// The reason that has been recorded. A panic goes on.
    pub fn take_stop(&mut self) -> Stop {
        match self.pending.take() {
            Some(Pending::Stop(stop)) => stop,
            Some(Pending::Panic(payload)) => resume_unwind(payload),
            None => unreachable!("whoever stops records why"),
        }
    }

    /// The instance that called the host function that runs, unless the host did.
    pub(in super::super) fn caller(&self) -> Option<InstanceRef> {
        self.stack.frames_above(self.entry_depth).next().map(|frame| frame.instance)
    }

    /// Records a trap where the newest frame is.
    #[cold]
    pub fn raise(&mut self, kind: TrapKind) -> Status {
        let trap = Trap { kind, backtrace: self.backtrace() };
        self.stop(Stop::Trap(Box::new(trap)))
    }

    /// Records what a host function failed with.
    #[cold]
    pub fn raise_error(&mut self, error: HostError) -> Status {
        match error {
            HostError::Trap(kind) => self.raise(kind),
            HostError::Exception => self.throw(self.exception),
            HostError::Stop(Stop::Exception(exception)) => {
                let exception = self.heap.roots().get_owned(&exception).unwrap_or(HeapRef::NULL);
                self.throw(exception.to_slot())
            }
            HostError::Stop(stop) => self.stop(stop),
            HostError::Error(error) => {
                let backtrace = self.backtrace();
                self.stop(Stop::Error { error, backtrace })
            }
        }
    }

    /// Records a panic of the host.
    pub(in super::super) fn raise_panic(&mut self, payload: Box<dyn Any + Send>) -> Status {
        self.pending = Some(Pending::Panic(payload));
        Status::Stopped
    }

    fn stop(&mut self, stop: Stop) -> Status {
        self.pending = Some(Pending::Stop(stop));
        Status::Stopped
    }

    /// Makes `exception` the one that propagates. Null traps.
    pub fn throw(&mut self, exception: u64) -> Status {
        if exception == 0 {
            return self.raise(TrapKind::NullExceptionReference);
        }
        self.exception = exception;
        Status::Thrown
    }

    /// Takes the exception that propagates, for whoever handles it; null if there is none.
    pub fn take_exception(&mut self) -> u64 {
        std::mem::take(&mut self.exception)
    }

    /// The exception that propagates, which stays recorded.
    pub fn exception(&self) -> u64 {
        self.exception
    }

    /// Names the function that an entry returning [`Status::TailCall`] wants called. Its arguments are at the entry's base.
    pub fn set_tail_call(&mut self, func: FuncRef) {
        self.tail_call = Some(func);
    }

    /// Takes the function of the last tail call.
    pub fn take_tail_call(&mut self) -> Option<FuncRef> {
        self.tail_call.take()
    }

    /// The wasm frames on the stack.
    pub fn backtrace(&self) -> Backtrace {
        let frames: Box<[FrameInfo]> =
            self.stack.frames().take(Backtrace::MAX_FRAMES).map(|frame| info(&frame)).collect();
        Backtrace { omitted: self.stack.frames().count() - frames.len(), frames }
    }
}

fn info(frame: &FrameView<'_>) -> FrameInfo {
    let module = frame.instance.module();
    FrameInfo {
        module: module.name().map(Arc::from),
        func_index: frame.function.index,
        func_name: module.function_name(frame.function.index).map(Arc::from),
        wasm_offset: frame.function.wasm_offset(frame.pc),
    }
}

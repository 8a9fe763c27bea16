//! Throwing and catching.
//!
//! The store holds the exception that propagates, so that a collection sees it. Handlers are looked for by the pc of each
//! frame's throw or call, in this machine's frames only: the frames below are searched by whoever runs them.

use std::ptr;

use terrace_abi::TrapKind;
use terrace_abi::vm::Status;
use terrace_core::bytecode::Handler;
use terrace_core::runtime::heap::HeapRef;
use terrace_core::runtime::types::TypeId;

use crate::machine::{Machine, Raise, Transfer};
use crate::site::Site;

impl Machine<'_> {
    /// `throw`
    pub fn throw(&mut self, site: Site<'_>) -> Transfer {
        let instance = self.instance;
        let tag = instance.tag(site.extension(0).low());
        let types = self.store.engine().types();
        let params = TypeId::from_bits(tag.type_id).and_then(|id| types.func_type(id));
        let mut payload = vec![0; params.map_or(0, |params| params.param_slots())];
        site.slots.read(site.word.high(), &mut payload);
        let exception = self.store.new_exception(tag, &payload)?;
        Err(self.store.throw(exception).into())
    }

    /// `throw_ref`
    pub fn throw_ref(&mut self, site: Site<'_>) -> Transfer {
        match site.a::<u64>() {
            0 => Err(TrapKind::NullExceptionReference.into()),
            exception => Err(self.store.throw(exception).into()),
        }
    }

    /// Handles what the newest instruction raised: continues at a handler, or leaves the machine with a status.
    #[cold]
    #[inline(never)]
    pub fn unwind(&mut self, raise: Raise) -> Option<Status> {
        let status = match raise {
            Raise::Trap(kind) => self.store.raise(kind),
            Raise::Stopped => Status::Stopped,
            Raise::Thrown if self.catch() => return None,
            Raise::Thrown => Status::Thrown,
        };
        self.abandon();
        Some(status)
    }

    /// Ends frames down to the one that handles the exception in the store, and goes to its handler. `false`: there is
    /// none, and the store still holds the exception.
    fn catch(&mut self) -> bool {
        let exception = self.store.take_exception();
        while self.store.stack().frame_depth() > self.floor {
            if let Some(handler) = self.handler(exception) {
                self.deliver(exception, handler);
                return true;
            }
            self.pop();
        }
        self.store.throw(exception);
        false
    }

    /// The innermost handler of the newest frame that takes the exception.
    fn handler(&self, exception: u64) -> Option<Handler> {
        let frame = self.store.stack().top()?;
        let thrown = self.store.heap().exn_tag(HeapRef::from_slot(exception));
        let takes = |handler: &&Handler| {
            let tag = |index| ptr::from_ref(frame.instance.tag(index)).addr() as u64;
            (handler.start..handler.end).contains(&frame.pc)
                && handler.tag.is_none_or(|index| thrown == Some(tag(index)))
        };
        frame.function.handlers.iter().find(takes).copied()
    }

    /// Leaves the newest frame at a handler, with what that gets of the exception.
    fn deliver(&mut self, exception: u64, handler: Handler) {
        let Some(frame) = self.store.stack().top() else { unreachable!("the handler's frame is the newest") };
        let mut slot = handler.slot;
        if handler.tag.is_some() {
            let payload = self.store.heap().exn_payload(HeapRef::from_slot(exception)).unwrap_or_default();
            frame.slots.write(slot, payload);
            slot += payload.len() as u32;
        }
        if handler.reference {
            frame.slots.set64(slot, exception);
        }
        self.sync(handler.target as usize);
    }
}

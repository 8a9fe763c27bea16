//! Unwinding: ending frames, of whatever tier, until one handles what was raised.
//!
//! The store holds the exception that propagates, so that a collection sees it. Handlers are looked for by the pc of each
//! frame's throw or call, and only above a floor: the frames below are searched by whoever runs them.

use std::ptr;

use terrace_abi::vm::Status;

use super::super::heap::HeapRef;
use super::super::stack::FrameView;
use super::super::trap::Raise;
use super::Store;
use crate::bytecode::Handler;

impl Store {
    /// Handles what the newest frame's instruction raised: the pc at which a frame above the `floor` oldest ones, the newest
    /// now, continues; or the status to leave with, when all of them have ended.
    #[cold]
    pub fn unwind(&mut self, raise: Raise, floor: usize) -> Result<u32, Status> {
        let status = match raise {
            Raise::Trap(kind) => self.raise(kind),
            Raise::Stopped => Status::Stopped,
            Raise::Thrown => match self.catch(floor) {
                Some(pc) => return Ok(pc),
                None => Status::Thrown,
            },
        };
        self.stack.truncate(floor);
        Err(status)
    }

    /// Ends frames above the `floor` oldest ones down to one that handles the exception in the store, delivers the payload
    /// to its slots, and returns the pc of its handler, where it is now. `None`: all have ended, and the store still holds
    /// the exception.
    pub fn catch(&mut self, floor: usize) -> Option<u32> {
        let exception = self.take_exception();
        while self.stack.frame_depth() > floor {
            let target = self.stack.newest_view().and_then(|frame| {
                let handler = self.handler(&frame, exception)?;
                self.deliver(&frame, exception, handler);
                Some(handler.target)
            });
            if let Some(pc) = target {
                self.stack.set_pc(pc);
                return Some(pc);
            }
            self.stack.pop_frame();
        }
        self.throw(exception);
        None
    }

    /// The innermost handler of a frame that takes the exception.
    fn handler<'a>(&self, frame: &FrameView<'a>, exception: u64) -> Option<&'a Handler> {
        let thrown = self.heap.exn_tag(HeapRef::from_slot(exception));
        let takes = |handler: &&Handler| {
            let tag = |index| ptr::from_ref(frame.instance.tag(index)).addr() as u64;
            (handler.start..handler.end).contains(&frame.pc)
                && handler.tag.is_none_or(|index| thrown == Some(tag(index)))
        };
        frame.function.handlers.iter().find(takes)
    }

    /// Gives a frame what its handler gets of the exception.
    fn deliver(&self, frame: &FrameView<'_>, exception: u64, handler: &Handler) {
        let mut slot = handler.slot;
        if handler.tag.is_some() {
            let payload = self.heap.exn_payload(HeapRef::from_slot(exception)).unwrap_or_default();
            frame.slots.write(slot, payload);
            slot += payload.len() as u32;
        }
        if handler.reference {
            frame.slots.set64(slot, exception);
        }
    }
}

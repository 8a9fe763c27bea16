//! Calls, tail calls and returns.
//!
//! A callee that this tier runs gets a frame, and the loop goes on there: wasm recursion is no recursion in Rust, whatever
//! instances it passes through. Everything else is called through its slot entry. A frame's pc stays at its call until the
//! callee has returned, since backtraces, handlers and the collector look there.

use std::ptr;

use terrace_abi::vm::Status;
use terrace_abi::{Form, TrapKind};
use terrace_core::bytecode::Function;
use terrace_core::runtime::{Frame, FuncRef, InstanceRef, Raise, libcalls};

use crate::machine::{Machine, Transfer, entry};
use crate::site::Site;

impl<'s> Machine<'s> {
    /// Begins an activation of a function that this tier runs.
    #[inline]
    pub fn enter(&mut self, instance: InstanceRef, index: u32, base: *mut u64) -> Result<(), Raise> {
        let function = self.function(instance, index)?;
        let frame = Frame { function, instance: instance.as_ptr(), base };
        // SAFETY: the store keeps function and instance alive, and slots are used in the loop alone, while the frame is
        // the newest.
        let slots = unsafe { self.store.stack_mut().push_frame(frame) }?;
        slots.zero(function.param_slots..function.local_slots);
        Ok(())
    }

    /// A function's bytecode, which its first call may have to make.
    #[inline]
    fn function(&mut self, instance: InstanceRef, index: u32) -> Result<&'s Function, Raise> {
        let function = libcalls::code(self.store, &instance, index)?;
        // SAFETY: a function lives as long as its module, which the instance, and so the store, keeps alive.
        Ok(unsafe { &*ptr::from_ref(function) })
    }

    /// Ends the newest activation.
    #[inline]
    pub fn pop(&mut self) {
        let popped = self.store.stack_mut().pop_frame();
        debug_assert!(popped, "only frames above the floor are popped");
    }

    /// The newest frame's call has returned: continues behind it, or leaves the machine.
    #[inline]
    fn returned(&mut self) -> Option<Status> {
        let stack = self.store.stack_mut();
        if stack.frame_depth() == self.floor {
            return Some(Status::Returned);
        }
        let Some(frame) = stack.top() else { unreachable!("there are frames above the floor") };
        let layout = frame.function.code[frame.pc as usize].op().and_then(|op| op.layout(Form::SLOTS));
        let Some(layout) = layout else { unreachable!("a caller is at its call") };
        let pc = frame.pc + 1 + u32::from(layout.extensions);
        stack.set_pc(pc);
        None
    }

    /// `return`, with the results in place.
    #[inline]
    pub fn leave(&mut self) -> Transfer {
        self.pop();
        Ok(self.returned())
    }

    /// The instance of a function that this tier runs.
    #[inline]
    fn interpreted(func: FuncRef) -> Option<InstanceRef> {
        if func.slot_entry() as usize == entry as *const () as usize { func.instance() } else { None }
    }

    /// Calls a function of the host or of another tier, and whatever it tail-calls.
    fn call_out(&mut self, func: FuncRef, base: *mut u64) -> Result<(), Raise> {
        // SAFETY: function references in wasm are of their own store, and frames have room for the arguments and results of
        // calls.
        unsafe { libcalls::call(self.store, func, base) }
    }

    fn call_func(&mut self, site: Site<'_>, func: FuncRef) -> Transfer {
        let base = site.slots.at(site.word.high());
        match Self::interpreted(func) {
            Some(instance) => self.enter(instance, func.index(), base).map(|()| None),
            None => {
                self.call_out(func, base)?;
                Ok(self.returned())
            }
        }
    }

    fn return_call_func(&mut self, site: Site<'_>, func: FuncRef) -> Transfer {
        if let Some(instance) = Self::interpreted(func) {
            return self.replace(site, instance, func.index());
        }
        let first = site.word.high();
        if func.instance().is_none() {
            return self.return_call_host(site, func, first);
        }
        // The callee says how many of these are arguments; more do no harm.
        site.slots.copy_within(first, 0, site.slots.len() - first);
        self.pop();
        if self.store.stack().frame_depth() == self.floor {
            self.store.set_tail_call(func);
            return Ok(Some(Status::TailCall));
        }
        self.call_out(func, site.slots.base())?;
        Ok(self.returned())
    }

    /// Tail-calls a function of the host. It may ask who calls, so the activation ends behind it; an exception finds none of
    /// its handlers.
    fn return_call_host(&mut self, site: Site<'_>, func: FuncRef, first: u32) -> Transfer {
        let results = self.store.stack().top().map_or(0, |frame| frame.function.result_slots);
        let called = self.call_out(func, site.slots.at(first));
        // SAFETY: the stack lives as long as the store, and nothing else runs while the results move.
        let slots = unsafe { self.store.stack().slots(site.slots.base(), first + results) };
        if let (Ok(()), Some(slots)) = (&called, slots) {
            slots.copy_within(first, 0, results);
        }
        self.pop();
        called?;
        Ok(self.returned())
    }

    /// Replaces the newest activation by one of another function.
    fn replace(&mut self, site: Site<'_>, instance: InstanceRef, index: u32) -> Transfer {
        let function = self.function(instance, index)?;
        let frame = Frame { function, instance: instance.as_ptr(), base: site.slots.base() };
        // SAFETY: as for `enter`; the old frame's slots stay part of the stack while the arguments move.
        let slots = unsafe { self.store.stack_mut().replace_frame(frame) }?;
        site.slots.copy_within(site.word.high(), 0, function.param_slots);
        slots.zero(function.param_slots..function.local_slots);
        Ok(None)
    }

    /// `call`
    #[inline]
    pub fn call(&mut self, site: Site<'_>) -> Transfer {
        let base = site.slots.at(site.word.high());
        self.enter(self.instance, site.extension(0).low(), base)?;
        Ok(None)
    }

    /// `call.import`
    pub fn call_import(&mut self, site: Site<'_>) -> Transfer {
        self.call_func(site, self.instance.import(site.extension(0).low()))
    }

    /// `call_indirect`
    pub fn call_indirect(&mut self, site: Site<'_>) -> Transfer {
        let func = self.element(site)?;
        self.call_func(site, func)
    }

    /// `call_ref`
    pub fn call_ref(&mut self, site: Site<'_>) -> Transfer {
        let func = reference(site)?;
        self.call_func(site, func)
    }

    /// `return_call`
    pub fn return_call(&mut self, site: Site<'_>) -> Transfer {
        self.replace(site, self.instance, site.extension(0).low())
    }

    /// `return_call.import`
    pub fn return_call_import(&mut self, site: Site<'_>) -> Transfer {
        self.return_call_func(site, self.instance.import(site.extension(0).low()))
    }

    /// `return_call_indirect`
    pub fn return_call_indirect(&mut self, site: Site<'_>) -> Transfer {
        let func = self.element(site)?;
        self.return_call_func(site, func)
    }

    /// `return_call_ref`
    pub fn return_call_ref(&mut self, site: Site<'_>) -> Transfer {
        let func = reference(site)?;
        self.return_call_func(site, func)
    }

    /// The function that an indirect call names.
    fn element(&mut self, site: Site<'_>) -> Result<FuncRef, TrapKind> {
        let (ty, table) = (site.extension(0).low(), site.extension(0).high());
        let index = site.read(site.extension(1).low());
        libcalls::indirect_callee(self.store, self.instance, table, index, self.instance.type_id(ty))
    }
}

/// The function that a call through a reference names.
fn reference(site: Site<'_>) -> Result<FuncRef, TrapKind> {
    // SAFETY: validation lets only function references be called.
    unsafe { libcalls::reference_callee(site.read(site.extension(1).low())) }
}

//! What handlers leave to Rust.
//!
//! A helper finds the newest frame's pc and the store's record up to date. It gives the word to go on at, or null when the activation is
//! over; everything that handlers keep in registers is read again afterwards.
//!
//! Compiled code calls the same helpers. The instruction is in the function's bytecode then, whose extension words have no addresses
//! in them but are otherwise those of a running form, and to go on behind it means to return. A helper that wants the instruction to be
//! repeated makes the frame the interpreter's.

use std::sync::atomic::Ordering;

use terrace_abi::vm::Status;
use terrace_abi::{TrapKind, Word};
use terrace_core::runtime::memory::Width;
use terrace_core::runtime::{FuncRef, InstanceRef, Link, Raise, Slots, Store, TierDown, libcalls};
use terrace_core::tier::{code, policy};

use crate::activation::{Activation, Helper, RESTORE, for_each_helper, header};
use crate::entry::running;
use crate::{probe, text, transition};

/// An instruction that a helper runs.
struct Site<'s> {
    activation: &'s mut Activation,
    store: &'s mut Store,
    instance: InstanceRef,
    slots: Slots,
    words: *const Word,
    /// The third argument.
    operand: u64,
}

/// The words to go on at.
type Outcome = Result<*const Word, Raise>;

impl Site<'_> {
    fn word(&self) -> Word {
        self.extension(0)
    }

    /// Word `index` of the instruction.
    fn extension(&self, index: usize) -> Word {
        // SAFETY: a helper reads only words that its instruction's layout has.
        unsafe { *self.words.add(index) }
    }

    fn a(&self) -> u64 {
        self.slots.get64(self.word().a().into())
    }

    fn b(&self) -> u64 {
        self.slots.get64(self.word().b().into())
    }

    fn d(&self) -> u64 {
        self.slots.get64(self.word().d().into())
    }

    fn define(&self, value: u64) {
        self.slots.set64(self.word().d().into(), value);
    }

    /// Goes on behind the instruction, or with it in machine code, if there is some for it by now.
    fn next_or_compiled(self, extensions: usize) -> Outcome {
        match transition::osr(self.store) {
            Some(address) => Ok(transition::land(self.activation, self.store, address)),
            None => self.next(extensions),
        }
    }

    /// Tells the tier manager that a `profile` instruction's function is hot, and goes on as that says.
    fn hot(self) -> Outcome {
        self.store.safepoint();
        let Some(frame) = self.store.stack().top() else { unreachable!("an instruction has a frame") };
        let module = self.instance.module();
        let at = policy::Site::from_field(frame.function.code[frame.pc as usize].high());
        let defined = frame.function.index - module.imported_funcs();
        match module.tiering().is_some_and(|tiering| tiering.hot(module, defined, at)) {
            true => self.next_or_compiled(1),
            false => self.next(1),
        }
    }

    /// Goes on behind a poll of compiled code, in the interpreter.
    fn leave(self) -> Outcome {
        if let TierDown::After(_) = self.store.engine().config().tier_down
            && let Some(frame) = self.store.stack().top()
        {
            let module = self.instance.module();
            code::uninstall(module, frame.function.index - module.imported_funcs());
        }
        Ok(transition::interpret(self.store).wrapping_add(1))
    }

    /// Runs the instruction again, in the interpreter.
    fn again(self) -> Outcome {
        if transition::is_compiled(self.store) {
            return Ok(transition::interpret(self.store));
        }
        Ok(self.words)
    }

    /// Goes on behind the instruction.
    fn next(&self, extensions: usize) -> Outcome {
        Ok(self.words.wrapping_add(1 + extensions))
    }

    /// The effective address of an atomic op, and its memory.
    fn place(&self) -> Result<(u32, u64), TrapKind> {
        let address = self.a().checked_add(self.extension(1).0).ok_or(TrapKind::MemoryOutOfBounds)?;
        Ok((self.extension(2).low(), address))
    }

    /// The function whose record is the operand.
    fn callee(&self) -> FuncRef {
        // SAFETY: handlers pass records, which they have checked for null.
        match unsafe { FuncRef::from_slot(self.operand) } {
            Some(func) => func,
            None => unreachable!("a callee is not null"),
        }
    }

    /// The arguments of the call.
    fn arguments(&self) -> *mut u64 {
        self.slots.at(self.word().high())
    }

    /// Calls the callee if it is the host's; otherwise sees to it that it can run.
    fn call(self, extensions: usize) -> Outcome {
        let callee = self.callee();
        match callee.instance() {
            Some(instance) => {
                running(self.store, instance, callee.index())?;
                self.again()
            }
            None => {
                // SAFETY: the record is of this store, and the frame has room for arguments and results.
                unsafe { libcalls::call(self.store, callee, self.arguments())? };
                self.next(extensions)
            }
        }
    }

    /// Begins the function behind `header` in `instance`, with its arguments at `base`, through a link.
    fn begin(self, header: *const Word, instance: InstanceRef, base: *mut u64) -> Outcome {
        let code = text::link();
        let link = Link { code, resume: code.wrapping_add(RESTORE as usize), instance: instance.as_ptr(), base };
        // SAFETY: the words of links are static, the instance lives as long as the store.
        unsafe { self.store.stack_mut().push_link(link)? };
        Ok(header)
    }

    fn tail_call(self) -> Outcome {
        let callee = self.callee();
        transition::settle(self.store);
        let Some(instance) = callee.instance() else {
            // The host's function sees this frame as its caller, but its exceptions find none of this frame's handlers.
            // SAFETY: as for `call`.
            let called = unsafe { libcalls::call(self.store, callee, self.arguments()) };
            if called.is_ok() {
                let (first, results) = (self.word().high(), self.store.func_result_slots(callee));
                // Results may take more room than the frame has.
                // SAFETY: the stack lives as long as the store, and nothing else runs while the results move.
                if let Some(slots) = unsafe { self.store.stack().slots(self.slots.base(), first + results) } {
                    slots.copy_within(first, 0, results);
                }
            }
            let stack = self.store.stack_mut();
            stack.pop_frame();
            called?;
            let Some(caller) = stack.top_frame() else { unreachable!("an activation has a link below its frames") };
            return Ok(caller.resume);
        };
        let header = running(self.store, instance, callee.index())?;
        // SAFETY: running code has a header, whose second word has charge and parameters.
        let limits = unsafe { *header.add(1) };
        if self.store.stack().left_below() < i64::from(limits.low()) {
            return Err(TrapKind::StackOverflow.into());
        }
        self.slots.copy_within(self.word().high(), 0, limits.high());
        let base = self.slots.base();
        let stack = self.store.stack_mut();
        stack.pop_frame();
        if stack.retarget_link(instance.as_ptr()) {
            return Ok(header);
        }
        self.begin(header, instance, base)
    }

    /// The operand's function if the instruction's type admits it.
    fn checked_callee(&self) -> Result<FuncRef, TrapKind> {
        let (types, index) = (self.extension(1), self.slots.get64(self.extension(2).low()));
        let expected = self.instance.type_id(types.low());
        libcalls::indirect_callee(self.store, self.instance, types.high(), index, expected)
    }
}

/// Runs a helper's work.
///
/// # Safety
///
/// `activation` and its store are alive and not otherwise borrowed, and `words` is the newest frame's instruction.
unsafe fn run(
    activation: *mut Activation,
    words: *const Word,
    operand: u64,
    work: impl FnOnce(Site<'_>) -> Outcome,
) -> *const Word {
    // SAFETY: the caller's promise.
    let store = unsafe { &mut *(*activation).store.cast::<Store>() };
    let raise = match store.stack().top() {
        Some(frame) => {
            let (instance, slots) = (frame.instance, frame.slots);
            let depth = store.stack().frame_depth();
            // SAFETY: the caller's promise; the store is elsewhere.
            let activation = unsafe { &mut *activation };
            match work(Site { activation, store: &mut *store, instance, slots, words, operand }) {
                Ok(next) => {
                    if next == words && store.stack().frame_depth() == depth {
                        activation.repeated = words;
                    }
                    return next;
                }
                Err(raise) => raise,
            }
        }
        // A stack that has no room for the first frame.
        None => match TrapKind::from_code(operand as u8) {
            Some(kind) => Raise::Trap(kind),
            None => unreachable!("only traps happen outside of frames"),
        },
    };
    // SAFETY: the caller's promise; `work` is over.
    unsafe { fail(&mut *activation, raise) }
}

/// Ends frames of an activation down to one that handles what was raised: the word to go on at, or null if there is none.
///
/// # Safety
///
/// The activation's store is alive and not otherwise borrowed.
unsafe fn fail(activation: &mut Activation, raise: Raise) -> *const Word {
    // SAFETY: the caller's promise.
    let store = unsafe { &mut *activation.store.cast::<Store>() };
    match store.unwind(raise, activation.floor) {
        Ok(pc) => transition::go_on(activation, store, pc),
        Err(status) => {
            debug_assert_ne!(status, Status::Returned);
            activation.status = status as u64;
            std::ptr::null()
        }
    }
}

macro_rules! define {
    ($($(#[$attr:meta])* $name:ident = |$site:ident| $work:expr;)*) => {$(
        $(#[$attr])*
        unsafe extern "C" fn $name(activation: *mut Activation, words: *const Word, operand: u64) -> *const Word {
            // SAFETY: handlers pass their activation and instruction.
            unsafe { run(activation, words, operand, |$site| $work) }
        }
    )*};
}

define! {
    trap = |site| Err(TrapKind::from_code(site.operand as u8).unwrap_or(TrapKind::Unreachable).into());
    throw = |site| Err(libcalls::throw(site.store, site.extension(1).low(), site.word().high()));
    throw_ref = |site| Err(libcalls::throw_ref(site.store, site.a()));
    poll = |site| {
        site.store.poll()?;
        if transition::is_compiled(site.store) && site.store.leaves_compiled() {
            return site.leave();
        }
        site.next_or_compiled(0)
    };
    hot = |site| site.hot();
    link = |site| {
        let module = site.instance.module();
        // The operand is the address of one of the module's cells.
        let first = module.entries().as_ptr().addr();
        let defined = (site.operand as usize - first) / size_of::<u64>();
        running(site.store, site.instance, module.imported_funcs() + defined as u32)?;
        site.again()
    };
    call_short = |site| site.call(1);
    call_long = |site| site.call(2);
    tail_call = |site| site.tail_call();
    subtype_call = |site| {
        let callee = site.checked_callee()?;
        let Some(instance) = callee.instance() else { return site.call(2) };
        if transition::is_compiled(site.store) {
            return site.again();
        }
        let header = running(site.store, instance, callee.index())?;
        let base = site.arguments();
        let pinned = pinned_slots(site.store);
        site.store.stack_mut().prepare_call(3, pinned);
        site.begin(header, instance, base)
    };
    subtype_tail_call = |site| {
        site.checked_callee()?;
        site.tail_call()
    };
    ref_func = |site| {
        site.define(site.instance.func_ref(site.word().high()).to_slot());
        site.next(0)
    };
    table_grow = |site| {
        let value = libcalls::table_grow(site.store, site.instance, site.extension(1).low(), site.b(), site.a())?;
        site.define(value);
        site.next(1)
    };
    table_fill = |site| {
        libcalls::table_fill(site.store, site.instance, site.extension(1).low(), site.d(), site.a(), site.b())?;
        site.next(1)
    };
    table_copy = |site| {
        let tables = (site.extension(1).low(), site.extension(1).high());
        libcalls::table_copy(site.store, site.instance, tables, site.d(), site.a(), site.b())?;
        site.next(1)
    };
    table_init = |site| {
        let names = (site.extension(1).low(), site.extension(1).high());
        libcalls::table_init(site.store, site.instance, names, site.d(), site.a() as u32, site.b() as u32)?;
        site.next(1)
    };
    elem_drop = |site| {
        site.instance.elem_drop(site.word().high());
        site.next(0)
    };
    memory_size = |site| {
        site.define(libcalls::memory_size(site.store, site.instance, site.word().high()));
        site.next(0)
    };
    memory_grow = |site| {
        let value = libcalls::memory_grow(site.store, site.instance, site.extension(1).low(), site.a())?;
        site.define(value);
        site.next(1)
    };
    memory_fill = |site| {
        let memory = site.extension(1).low();
        libcalls::memory_fill(site.store, site.instance, memory, site.d(), site.a() as u8, site.b())?;
        site.next(1)
    };
    memory_copy = |site| {
        let memories = (site.extension(1).low(), site.extension(1).high());
        libcalls::memory_copy(site.store, site.instance, memories, site.d(), site.a(), site.b())?;
        site.next(1)
    };
    memory_init = |site| {
        let names = (site.extension(1).low(), site.extension(1).high());
        libcalls::memory_init(site.store, site.instance, names, site.d(), site.a() as u32, site.b() as u32)?;
        site.next(1)
    };
    data_drop = |site| {
        site.instance.data_drop(site.word().high());
        site.next(0)
    };
    wait32 = |site| wait(site, Width::W32);
    wait64 = |site| wait(site, Width::W64);
    check_indirect = |site| {
        site.checked_callee()?;
        site.next(2)
    };
    deopt = |site| site.again();
    fault = |site| {
        let address = site.store.record().fault_pc.load(Ordering::Relaxed) as usize;
        match code::find(address).and_then(|code| code.compiled().trap(address)) {
            Some((pc, kind)) => {
                site.store.stack_mut().set_pc(pc);
                Err(kind.into())
            }
            // The state is unknown, and what has faulted is a bug.
            None => std::process::abort(),
        }
    };
    notify = |site| {
        let (memory, address) = site.place()?;
        let woken = libcalls::memory_notify(site.store, site.instance, memory, address, site.b() as u32)?;
        site.define(woken.into());
        site.next(2)
    };
}

fn wait(site: Site<'_>, width: Width) -> Outcome {
    let (memory, address) = site.place()?;
    let timeout = site.slots.get64(site.extension(2).high()).cast_signed();
    let outcome = libcalls::memory_wait(site.store, site.instance, memory, address, width, site.b(), timeout)?;
    site.define(outcome);
    site.next(2)
}

/// Makes the running form of the function with this index in the instance whose record is passed, which is also the result.
unsafe extern "C" fn enter(activation: *mut Activation, record: *const Word, index: u64) -> *const Word {
    // SAFETY: the stub passes its activation, whose store is alive and not otherwise borrowed, and the record of an instance of it.
    let (activation, instance) = unsafe { (&mut *activation, InstanceRef::from_record(record.cast())) };
    let Some(instance) = instance else { unreachable!("compiled code names instances by their records") };
    // SAFETY: as above.
    let store = unsafe { &mut *activation.store.cast::<Store>() };
    match running(store, instance, index as u32) {
        Ok(_) => record,
        // SAFETY: as above; the borrow is over.
        Err(raise) => unsafe { fail(activation, raise) },
    }
}

/// The slots of the newest frame's pinned locals.
fn pinned_slots(store: &Store) -> [u32; 3] {
    let Some(frame) = store.stack().top_frame() else { return [0; 3] };
    // SAFETY: the frame's code is running code, with a header in front.
    let enter = unsafe { *frame.code.sub(header::WORDS) };
    [enter.d().into(), enter.a().into(), enter.b().into()]
}

/// Calls the instruction's probes; the operand is its handler's offset, and the result the address of the handler to go on in.
unsafe extern "C" fn probe(activation: *mut Activation, words: *const Word, operand: u64) -> *const Word {
    // SAFETY: handlers pass their activation, whose store is alive and not otherwise borrowed.
    let (store, seen) = unsafe { (&mut *(*activation).store.cast::<Store>(), &mut (*activation).repeated) };
    let seen = std::mem::replace(seen, std::ptr::null()) == words;
    probe::address(probe::run(store, words, operand as usize / text::UNIT_BYTES, seen)).cast()
}

macro_rules! table {
    ($($name:ident $snake:ident)*) => {
        /// The helpers, in the order of their numbers.
        pub(crate) static HELPERS: &[Helper] = &[$($snake),*];
    };
}
for_each_helper!(table);

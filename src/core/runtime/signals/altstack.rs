//! Alternate stacks: a handler must not need room on the stack that it interrupted.

use std::cell::Cell;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr;

use crate::runtime::mmap::{Reservation, page_size};

/// Room for a signal frame with all vector state, and for handlers that ours chains to.
const SIZE: usize = 64 << 10;

/// A thread's alternate stack above a guard page, until the thread ends.
struct AltStack {
    mapping: ManuallyDrop<Reservation>,
    base: *mut libc::c_void,
}

/// What is known of a thread.
enum State {
    Unknown,
    /// It has a stack that is large enough, from elsewhere.
    Foreign,
    /// It has ours.
    Ours(#[expect(dead_code, reason = "kept for its drop")] AltStack),
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State::Unknown) };
    static READY: Cell<bool> = const { Cell::new(false) };
}

/// Makes sure that this thread has an alternate stack; cheap when it has. Where the system has no memory for one, handlers
/// run on the stack that they interrupt.
#[inline]
pub fn enter_thread() {
    if !READY.get() {
        prepare();
    }
}

#[cold]
fn prepare() {
    let state = match current() {
        Some(stack) if stack.ss_flags & libc::SS_DISABLE == 0 && stack.ss_size >= SIZE => State::Foreign,
        _ => match AltStack::new() {
            Some(stack) => State::Ours(stack),
            None => return,
        },
    };
    // A thread that is about to end keeps nothing: the stack goes away at once, and the next call tries again.
    if STATE.try_with(|kept| kept.set(state)).is_ok() {
        READY.set(true);
    }
}

/// The thread's alternate stack.
fn current() -> Option<libc::stack_t> {
    let mut stack = MaybeUninit::uninit();
    // SAFETY: the call writes the stack if it succeeds.
    unsafe { (libc::sigaltstack(ptr::null(), stack.as_mut_ptr()) == 0).then(|| stack.assume_init()) }
}

impl AltStack {
    /// Maps a stack and makes it this thread's.
    fn new() -> Option<AltStack> {
        let mapping = Reservation::new(page_size() + SIZE).ok()?;
        mapping.commit(page_size()..mapping.len()).ok()?;
        let base = mapping.base().wrapping_add(page_size()).cast();
        let stack = libc::stack_t { ss_sp: base, ss_flags: 0, ss_size: SIZE };
        // SAFETY: the stack is mapped until `drop`, which takes it away from the thread first.
        (unsafe { libc::sigaltstack(&stack, ptr::null_mut()) } == 0)
            .then_some(AltStack { mapping: ManuallyDrop::new(mapping), base })
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        READY.set(false);
        if current().is_some_and(|stack| stack.ss_sp == self.base) {
            let none = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: SIZE };
            // SAFETY: a thread may go without an alternate stack.
            if unsafe { libc::sigaltstack(&none, ptr::null_mut()) } != 0 {
                // It is in use, and stays mapped.
                return;
            }
        }
        // SAFETY: this is the last use, and the thread has another stack now, or none.
        unsafe { ManuallyDrop::drop(&mut self.mapping) };
    }
}

//! Passing on signals that are not ours, as the system would have delivered them without us.

use std::ffi::{c_int, c_void};
use std::mem::{MaybeUninit, transmute};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::{SIGNALS, is_fault};

/// The actions before ours, null for the default. They are never freed, so that a handler can read them at any time.
static PREVIOUS: [AtomicPtr<libc::sigaction>; SIGNALS.len()] =
    [const { AtomicPtr::new(ptr::null_mut()) }; SIGNALS.len()];

fn previous(signal: c_int) -> Option<&'static AtomicPtr<libc::sigaction>> {
    SIGNALS.iter().position(|&other| other == signal).map(|index| &PREVIOUS[index])
}

pub(super) fn set_previous(signal: c_int, action: libc::sigaction) {
    if let Some(previous) = previous(signal) {
        previous.store(Box::leak(Box::new(action)), Ordering::Release);
    }
}

/// Does what the action before ours would have done.
///
/// # Safety
///
/// The arguments must be those of a signal handler that runs under the mask of what it interrupted.
pub(super) unsafe fn forward(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(cell) = previous(signal) else { return };
    // SAFETY: the pointer is null or leads to an action that stays.
    let action = unsafe { cell.load(Ordering::Acquire).as_ref() };
    // SAFETY: the info is null or the system's.
    let fault = unsafe { info.as_ref() }.is_none_or(is_fault);
    match action {
        Some(action) if action.sa_sigaction == libc::SIG_IGN && !fault => {}
        // Nobody can ignore a fault.
        Some(action) if !matches!(action.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) => {
            if action.sa_flags & libc::SA_RESETHAND != 0 {
                cell.store(ptr::null_mut(), Ordering::Release);
            }
            // SAFETY: the arguments are passed on.
            unsafe { call(action, signal, info, context) };
        }
        _ => default(signal, fault),
    }
}

/// The default action ends the process: a fault comes again when the handler returns, and finds the default.
fn default(signal: c_int, fault: bool) {
    // SAFETY: all bytes zero are the default action; the functions are async-signal-safe.
    unsafe {
        let action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, &action, ptr::null_mut());
        if !fault {
            libc::raise(signal);
        }
    }
}

/// Calls another handler under the mask that its action asks for.
///
/// # Safety
///
/// As for [`forward`]; the action must have a handler.
unsafe fn call(action: &libc::sigaction, signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let mut mask = action.sa_mask;
    let mut before = MaybeUninit::uninit();
    // SAFETY: these are async-signal-safe, and `before` is written before it is read. Flags say which signature a handler
    // has; whoever installed it vouched that it may be called with a signal's arguments.
    unsafe {
        if action.sa_flags & libc::SA_NODEFER == 0 {
            libc::sigaddset(&mut mask, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &mask, before.as_mut_ptr());
        if action.sa_flags & libc::SA_SIGINFO != 0 {
            type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
            transmute::<usize, Handler>(action.sa_sigaction)(signal, info, context);
        } else {
            transmute::<usize, unsafe extern "C" fn(c_int)>(action.sa_sigaction)(signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
    }
}

//! Faults of machine code as traps.
//!
//! The handler takes no lock and allocates nothing: it looks the faulting pc up in a list of ranges that only grows, asks the
//! range where to continue, and writes that into the interrupted context. What is not ours goes to the action that was
//! there before, as the system would have done it, so an embedder's own handlers keep working on either side of ours.

use std::ffi::{c_int, c_void};
use std::io;
use std::ptr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicPtr, Ordering};

mod altstack;
mod context;
mod forward;

pub use altstack::enter_thread;
pub use context::Registers;

/// Where a fault continues: from its pc, the address that was accessed, and the registers. `None`: it is none of ours.
///
/// It is called in a signal handler, so it may only do what is async-signal-safe: no locks, no allocation, no panics.
pub type Resolve = fn(pc: usize, fault_address: usize, registers: &Registers) -> Option<usize>;

/// A range of machine code whose faults are traps.
#[derive(Debug)]
pub struct CodeRange {
    /// The first address.
    pub start: usize,
    /// The first address behind it.
    pub end: usize,
    /// Where a fault continues.
    pub resolve: Resolve,
}

/// An entry of the list of ranges. It is never freed, so that a handler can read it at any time.
struct Node {
    range: &'static CodeRange,
    next: *const Node,
}

/// The newest entry.
static RANGES: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

/// The signals that faults raise.
const SIGNALS: [c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL];

/// Makes faults in `range` continue where it says.
///
/// # Safety
///
/// `range.resolve` must be async-signal-safe, and what it returns must be a place in machine code where execution may
/// continue with the registers and memory that the fault left.
pub unsafe fn register(range: &'static CodeRange) {
    let node = Box::leak(Box::new(Node { range, next: ptr::null() }));
    let mut newest = RANGES.load(Ordering::Relaxed);
    loop {
        node.next = newest;
        match RANGES.compare_exchange_weak(newest, node, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => newest = now,
        }
    }
}

/// Where a fault at `pc` continues.
fn resolve(pc: usize, fault_address: usize, registers: &Registers) -> Option<usize> {
    let mut next: *const Node = RANGES.load(Ordering::Acquire);
    // SAFETY: entries are complete before they are published, immutable since, and never freed.
    while let Some(node) = unsafe { next.as_ref() } {
        if (node.range.start..node.range.end).contains(&pc) {
            return (node.range.resolve)(pc, fault_address, registers);
        }
        next = node.next;
    }
    None
}

/// Installs the handlers in this process, once; later calls do nothing.
pub fn install() -> io::Result<()> {
    static INSTALLED: Mutex<usize> = Mutex::new(0);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    for &signal in &SIGNALS[*installed..] {
        // SAFETY: all bytes zero are a valid action: the default one, with no flags and an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as *const () as usize;
        // Without a mask of its own, the handler runs under the interrupted one, from which `forward` starts.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        // A fault may come in the very moment of installation, so the action before is known ahead of it.
        forward::set_previous(signal, exchange(signal, None)?);
        let previous = exchange(signal, Some(&action))?;
        forward::set_previous(signal, previous);
        *installed += 1;
    }
    Ok(())
}

/// The action of a signal, which a new one replaces.
fn exchange(signal: c_int, action: Option<&libc::sigaction>) -> io::Result<libc::sigaction> {
    // SAFETY: as in `install`.
    let mut previous: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: both are actions or null, and the only handler that is installed keeps to what its flags demand.
    match unsafe { libc::sigaction(signal, action.map_or(ptr::null(), ptr::from_ref), &mut previous) } {
        0 => Ok(previous),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether the system raised the signal because of what the thread did, rather than somebody sending it.
fn is_fault(info: &libc::siginfo_t) -> bool {
    (1..0x1_0000).contains(&info.si_code)
}

/// Handles a fault.
///
/// # Safety
///
/// The arguments must be those of a signal handler; the system, or a handler that chains to this one, passes them.
unsafe extern "C" fn handler(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system's pointers are good while the handler runs. A handler that chains without them passes null.
    if let (Some(about), Some(registers)) = unsafe { (info.as_ref(), Registers::from_context(context)) }
        && is_fault(about)
    {
        // SAFETY: these signals carry an address when the system raises them.
        let address = unsafe { about.si_addr() }.addr();
        if let Some(pc) = resolve(registers.pc(), address, registers) {
            // SAFETY: the context is the interrupted one, and whoever registered the range vouched for the place.
            unsafe { context::continue_at(context, pc) };
            return;
        }
    }
    // SAFETY: the arguments are passed on as they came.
    unsafe { forward::forward(signal, info, context) };
}

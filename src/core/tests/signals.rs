//! Faults in registered code are redirected, and everything else reaches the handlers that were there before. One test
//! alone in its process, since signal handlers belong to the whole of it.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::collections::HashSet;
use std::ffi::{c_int, c_void};
use std::mem::{MaybeUninit, zeroed};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
use terrace_core::runtime::mmap::page_size;
use terrace_core::runtime::signals::{CodeRange, Registers, enter_thread, install, register};

/// Code of one argument, in which the second instruction returns.
struct Snippet {
    bytes: &'static [u8],
    /// The bytes of the first instruction, which faults.
    first: usize,
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use super::Snippet;

    /// `mov rax, [rdi]; ret`
    pub const LOAD: Snippet = Snippet { bytes: &[0x48, 0x8b, 0x07, 0xc3], first: 3 };
    /// `ud2; ret`
    pub const UNDEFINED: Snippet = Snippet { bytes: &[0x0f, 0x0b, 0xc3], first: 2 };
    /// The hardware numbers of the argument and of the stack pointer.
    pub const ARGUMENT: u8 = 7;
    pub const STACK: u8 = 4;

    pub fn skip(context: &mut libc::ucontext_t, bytes: usize) {
        context.uc_mcontext.gregs[libc::REG_RIP as usize] += bytes as i64;
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use super::Snippet;

    /// `ldr x1, [x0]; ret`
    pub const LOAD: Snippet = Snippet { bytes: &[0x01, 0, 0x40, 0xf9, 0xc0, 0x03, 0x5f, 0xd6], first: 4 };
    /// `udf #0; ret`
    pub const UNDEFINED: Snippet = Snippet { bytes: &[0, 0, 0, 0, 0xc0, 0x03, 0x5f, 0xd6], first: 4 };
    /// The hardware numbers of the argument and of the stack pointer.
    pub const ARGUMENT: u8 = 0;
    pub const STACK: u8 = 31;

    pub fn skip(context: &mut libc::ucontext_t, bytes: usize) {
        context.uc_mcontext.pc += bytes as u64;
    }
}

use machine::{LOAD, UNDEFINED};

/// A page of code that is never unmapped.
struct Page(usize);

impl Page {
    fn new(snippet: &Snippet) -> Page {
        let (len, write) = (page_size(), ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: the page is new, written before it is executable, and the caches are flushed by the change.
        unsafe {
            let page = mmap_anonymous(ptr::null_mut(), len, write, MapFlags::PRIVATE).unwrap();
            ptr::copy_nonoverlapping(snippet.bytes.as_ptr(), page.cast(), snippet.bytes.len());
            mprotect(page, len, MprotectFlags::READ | MprotectFlags::EXEC).unwrap();
            Page(page.addr())
        }
    }

    fn run(&self, argument: usize) {
        // SAFETY: the page holds a function that touches no more than a register and what its argument names.
        unsafe { std::mem::transmute::<usize, extern "C" fn(usize)>(self.0)(argument) }
    }

    fn register(&self, resolve: terrace_core::runtime::signals::Resolve) {
        let range = Box::leak(Box::new(CodeRange { start: self.0, end: self.0 + page_size(), resolve }));
        // SAFETY: resolvers here only do arithmetic and atomics, and name the return of a snippet.
        unsafe { register(range) };
    }
}

/// The only address whose faults are resolved.
const NOWHERE: usize = 0x40;

fn resolve_load(pc: usize, address: usize, registers: &Registers) -> Option<usize> {
    let read = registers.pc() == pc && registers.get(machine::ARGUMENT) == address && registers.get(99) == 0;
    (read && address == NOWHERE && registers.get(machine::STACK) > address).then_some(pc + LOAD.first)
}

fn resolve_undefined(pc: usize, _: usize, _: &Registers) -> Option<usize> {
    Some(pc + UNDEFINED.first)
}

/// How often the handlers that are not ours have run.
static FOREIGN: AtomicUsize = AtomicUsize::new(0);
static PLAIN: AtomicUsize = AtomicUsize::new(0);
static OUTER: AtomicUsize = AtomicUsize::new(0);
/// Whether the foreign handler runs under the mask that it asked for.
static MASKED: AtomicBool = AtomicBool::new(true);
/// The foreign handler's address of the last fault.
static ADDRESS: AtomicUsize = AtomicUsize::new(0);
/// What was there before the outer handler.
static mut BEFORE_OUTER: MaybeUninit<libc::sigaction> = MaybeUninit::uninit();

fn blocked(signal: c_int) -> bool {
    // SAFETY: the call writes the mask.
    unsafe {
        let mut mask = zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &mut mask);
        libc::sigismember(&mask, signal) == 1
    }
}

/// Skips a load that faults.
unsafe extern "C" fn foreign(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    FOREIGN.fetch_add(1, Relaxed);
    MASKED.fetch_and(blocked(signal) && blocked(libc::SIGUSR1) && !blocked(libc::SIGUSR2), Relaxed);
    // SAFETY: a signal handler's arguments.
    unsafe {
        ADDRESS.store((*info).si_addr().addr(), Relaxed);
        if (*info).si_code > 0 {
            machine::skip(&mut *context.cast(), LOAD.first);
        }
    }
}

unsafe extern "C" fn plain(_: c_int) {
    PLAIN.fetch_add(1, Relaxed);
}

/// Passes everything on to ours.
unsafe extern "C" fn outer(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    OUTER.fetch_add(1, Relaxed);
    // SAFETY: the action was written before this handler was installed, and has a handler of this type.
    unsafe {
        let handler = (*(&raw const BEFORE_OUTER).cast::<libc::sigaction>()).sa_sigaction;
        type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
        std::mem::transmute::<usize, Handler>(handler)(signal, info, context);
    }
}

fn set(signal: c_int, handler: usize, flags: c_int) -> libc::sigaction {
    // SAFETY: the handlers here match their flags.
    unsafe {
        let (mut action, mut before): (libc::sigaction, libc::sigaction) = (zeroed(), zeroed());
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        libc::sigaddset(&mut action.sa_mask, libc::SIGUSR1);
        assert_eq!(libc::sigaction(signal, &action, &mut before), 0);
        before
    }
}

fn raise(signal: c_int) {
    // SAFETY: raising a signal that is handled or ignored is safe.
    unsafe { libc::raise(signal) };
}

/// The signal that ends a child which does `work`.
fn death(work: impl FnOnce()) -> c_int {
    // SAFETY: the child does nothing but what is async-signal-safe, and never returns.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            work();
            libc::_exit(0);
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 }
    }
}

/// The alternate stack of this thread.
fn alternate() -> (usize, usize) {
    // SAFETY: the call writes the stack.
    unsafe {
        let mut stack: libc::stack_t = zeroed();
        libc::sigaltstack(ptr::null(), &mut stack);
        assert_eq!(stack.ss_flags & libc::SS_DISABLE, 0);
        (stack.ss_sp.addr(), stack.ss_size)
    }
}

fn loads_are_redirected_in_many_threads(ours: &Page) {
    let before = FOREIGN.load(Relaxed);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                enter_thread();
                (0..1000).for_each(|_| ours.run(NOWHERE));
            });
        }
    });
    assert_eq!(FOREIGN.load(Relaxed), before);
}

fn other_faults_reach_the_handler_before(ours: &Page, theirs: &Page) {
    let before = FOREIGN.load(Relaxed);
    theirs.run(NOWHERE);
    ours.run(0x80);
    assert_eq!((FOREIGN.load(Relaxed), ADDRESS.load(Relaxed)), (before + 2, 0x80));
    raise(libc::SIGSEGV);
    assert_eq!(FOREIGN.load(Relaxed), before + 3);
    assert!(MASKED.load(Relaxed) && !blocked(libc::SIGSEGV) && !blocked(libc::SIGUSR1));
    raise(libc::SIGFPE);
    raise(libc::SIGFPE);
    assert_eq!(PLAIN.load(Relaxed), 2);
}

fn defaults_end_the_process(ours: &Page, theirs: &Page) {
    assert_eq!(death(|| ours.run(0)), 0);
    assert_eq!(death(|| theirs.run(0)), libc::SIGILL);
    assert_eq!(death(|| raise(libc::SIGILL)), libc::SIGILL);
    assert_eq!(death(|| raise(libc::SIGBUS)), 0, "what is ignored stays ignored");
}

fn handlers_may_chain_to_ours(ours: &Page, theirs: &Page) {
    let before = set(libc::SIGSEGV, outer as *const () as usize, libc::SA_SIGINFO);
    // SAFETY: no signal has reached the outer handler yet.
    unsafe { (&raw mut BEFORE_OUTER).cast::<libc::sigaction>().write(before) };
    let foreign = FOREIGN.load(Relaxed);
    ours.run(NOWHERE);
    assert_eq!((OUTER.load(Relaxed), FOREIGN.load(Relaxed)), (1, foreign));
    theirs.run(NOWHERE);
    assert_eq!((OUTER.load(Relaxed), FOREIGN.load(Relaxed)), (2, foreign + 1));
    install().unwrap();
    ours.run(NOWHERE);
    assert_eq!(OUTER.load(Relaxed), 3, "a second installation changes nothing");
}

fn threads_have_alternate_stacks_while_they_live() {
    let stack = || {
        enter_thread();
        let stack = alternate();
        enter_thread();
        assert_eq!(stack, alternate());
        assert!(stack.1 >= 64 << 10);
        stack.0
    };
    let stacks: HashSet<_> = (0..64).map(|_| std::thread::spawn(stack).join().unwrap()).collect();
    assert!(stacks.len() < 32, "stacks of {} threads are never unmapped", stacks.len());
}

#[test]
fn faults_go_where_they_belong() {
    set(libc::SIGSEGV, foreign as *const () as usize, libc::SA_SIGINFO);
    set(libc::SIGFPE, plain as *const () as usize, 0);
    set(libc::SIGBUS, libc::SIG_IGN, 0);
    install().unwrap();
    install().unwrap();
    let [ours, theirs] = [Page::new(&LOAD), Page::new(&LOAD)];
    let [undefined, bad] = [Page::new(&UNDEFINED), Page::new(&UNDEFINED)];
    ours.register(resolve_load);
    undefined.register(resolve_undefined);
    loads_are_redirected_in_many_threads(&ours);
    other_faults_reach_the_handler_before(&ours, &theirs);
    defaults_end_the_process(&undefined, &bad);
    handlers_may_chain_to_ours(&ours, &theirs);
    threads_have_alternate_stacks_while_they_live();
}

//! Faults of wasm are traps, and all others reach the handler that was there before: in processes of their own, since signal handlers
//! belong to the whole process.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::ffi::{c_int, c_void};
use std::mem::zeroed;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::thread;

use terrace::{Caller, Engine, Linker, Module, Store, Trap};

/// Pages that are inaccessible until the handler sees a fault, one for each thread that faults.
const PAGES: usize = 8;
const PAGE: usize = 4096;
static AREA: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
/// How often the foreign handler has run.
static FOREIGN: AtomicUsize = AtomicUsize::new(0);

/// Makes the pages accessible, so that the access that faulted succeeds.
fn repair() {
    FOREIGN.fetch_add(1, Ordering::Relaxed);
    // SAFETY: the area is a mapping of this size, and the function is async-signal-safe.
    unsafe {
        libc::mprotect(AREA.load(Ordering::Relaxed).cast(), PAGES * PAGE, libc::PROT_READ | libc::PROT_WRITE);
    }
}

unsafe extern "C" fn plain(_: c_int) {
    repair();
}

unsafe extern "C" fn detailed(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the system's information of a fault.
    let address = unsafe { (*info).si_addr() }.addr();
    let area = AREA.load(Ordering::Relaxed).addr();
    if (area..area + PAGES * PAGE).contains(&address) {
        return repair();
    }
    // SAFETY: the function is async-signal-safe.
    unsafe { libc::_exit(99) };
}

/// Installs the foreign handler.
fn install(flags: c_int) {
    // SAFETY: the mapping is new; the action is complete and its handler has the signature that the flags say.
    unsafe {
        let access = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let area = libc::mmap(ptr::null_mut(), PAGES * PAGE, libc::PROT_NONE, access, -1, 0);
        assert_ne!(area, libc::MAP_FAILED);
        AREA.store(area.cast(), Ordering::Relaxed);
        let mut action: libc::sigaction = zeroed();
        action.sa_flags = flags;
        action.sa_sigaction =
            if flags & libc::SA_SIGINFO != 0 { detailed as *const () } else { plain as *const () } as usize;
        assert_eq!(libc::sigaction(libc::SIGSEGV, &action, ptr::null_mut()), 0);
    }
}

/// Touches inaccessible memory, which the foreign handler repairs.
fn fault() {
    let area = AREA.load(Ordering::Relaxed);
    let before = FOREIGN.load(Ordering::Relaxed);
    // SAFETY: the area is mapped; the handler makes the write good.
    unsafe {
        assert_eq!(libc::mprotect(area.cast(), PAGES * PAGE, libc::PROT_NONE), 0);
        area.add(PAGE + 8).write_volatile(7);
        assert_eq!(area.add(PAGE + 8).read_volatile(), 7);
    }
    assert_eq!(FOREIGN.load(Ordering::Relaxed), before + 1);
}

const PROGRAM: &str = r#"(module
    (import "" "fault" (func $fault))
    (memory (export "memory") 1)
    (func (export "load") (param i32) (result i64) (i64.add (i64.load offset=65000 (local.get 0)) (i64.const 1)))
    (func (export "store") (param i32) (f64.store (i32.add (local.get 0) (i32.const 64)) (f64.const 1)))
    (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 0x80000000) (local.get 0)))
    (func (export "both") (param i32) (call $fault) (i32.store8 (local.get 0) (i32.const 1)) (call $fault))
    (func $deep (export "deep") (param i32) (call $deep (local.get 0)))
    (func (export "sum") (param i32) (result i64) (local i64)
        (loop
            (i64.store (i32.const 8) (local.get 1))
            (local.set 1 (i64.add (i64.load (i32.const 8)) (i64.extend_i32_u (local.get 0))))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1)))"#;

fn trap<R: terrace::WasmResults + std::fmt::Debug>(
    store: &mut Store<()>,
    instance: terrace::Instance,
    name: &str,
    param: i32,
) -> Option<Trap> {
    let func = instance.get_typed_func::<i32, R>(&mut *store, name).unwrap();
    func.call(store, param).err().and_then(|error| error.trap())
}

/// What a process of its own does, after the foreign handler is there.
fn child(flags: c_int) {
    install(flags);
    fault();
    for tier in Engine::tiers() {
        let mut config = terrace::Config::new();
        let engine = Engine::new(config.tier(tier).unwrap()).unwrap();
        let module = Module::new(&engine, PROGRAM).unwrap();
        let mut linker = Linker::new(&engine);
        linker.func_wrap("", "fault", |_: Caller<'_, ()>| fault()).unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let busy = || {
                let mut store = Store::new(&engine, ());
                let instance = linker.instantiate(&mut store, &module).unwrap();
                let sum = instance.get_typed_func::<i32, i64>(&mut store, "sum").unwrap();
                let mut rounds = 0;
                while !stop.load(Ordering::Relaxed) || rounds < 10 {
                    assert_eq!(sum.call(&mut store, 1000).unwrap(), 500_500);
                    assert_eq!(trap::<i64>(&mut store, instance, "load", 529), Some(Trap::MemoryOutOfBounds));
                    rounds += 1;
                }
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(busy)).collect();
            let mut store = Store::new(&engine, ());
            let instance = linker.instantiate(&mut store, &module).unwrap();
            let before = FOREIGN.load(Ordering::Relaxed);
            for _ in 0..10 {
                assert_eq!(trap::<i64>(&mut store, instance, "load", 528), None);
                assert_eq!(trap::<i64>(&mut store, instance, "load", 529), Some(Trap::MemoryOutOfBounds));
                assert_eq!(trap::<i64>(&mut store, instance, "load", -1), Some(Trap::MemoryOutOfBounds));
                assert_eq!(trap::<()>(&mut store, instance, "store", 65465), Some(Trap::MemoryOutOfBounds));
                assert_eq!(trap::<i32>(&mut store, instance, "divide", 0), Some(Trap::IntegerDivideByZero));
                assert_eq!(trap::<i32>(&mut store, instance, "divide", -1), Some(Trap::IntegerOverflow));
                assert_eq!(trap::<()>(&mut store, instance, "deep", 0), Some(Trap::StackOverflow));
                fault();
                // A fault of the host below wasm frames, then one of wasm, which the second fault does not follow.
                assert_eq!(trap::<()>(&mut store, instance, "both", 65536), Some(Trap::MemoryOutOfBounds));
                assert_eq!(trap::<()>(&mut store, instance, "both", 65535), None);
            }
            assert_eq!(FOREIGN.load(Ordering::Relaxed), before + 10 * 4);
            stop.store(true, Ordering::Relaxed);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
    fault();
}

const FLAGS: &str = "TERRACE_TEST_FLAGS";

#[test]
fn foreign_handlers_keep_their_faults() {
    if let Ok(flags) = std::env::var(FLAGS) {
        return child(flags.parse().unwrap());
    }
    for flags in [0, libc::SA_ONSTACK, libc::SA_SIGINFO, libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER] {
        let mut test = Command::new(std::env::current_exe().unwrap());
        let output = test.env(FLAGS, flags.to_string()).output().unwrap();
        let text = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
        assert!(output.status.success(), "flags {flags:#x}: {}\n{text}", output.status);
        assert!(text.contains("1 passed"), "{text}");
    }
}

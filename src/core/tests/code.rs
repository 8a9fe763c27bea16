//! Machine code is installed, published, found by its addresses, taken out, and freed with its module.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use terrace_abi::vm::{FuncRecord, Status};
use terrace_abi::{TrapKind, Word};
use terrace_core::bytecode::Function;
use terrace_core::runtime::mmap::page_size;
use terrace_core::runtime::signals::{self, Registers};
use terrace_core::runtime::types::{FuncType, ValType};
use terrace_core::runtime::{Config, Engine, Extern, HostFunc, InstanceRef, Module, Store};
use terrace_core::tier::code::{self, CodeError, Compiled, MachineCode, Place, TrapPlace};
use terrace_core::tier::{self, CompileRequest, Support, Tier, TierId, Unsupported};
use wasmparser::WasmFeatures;

/// Machine code of C functions.
#[cfg(target_arch = "x86_64")]
mod machine {
    /// Returns a number: `mov eax, number; ret`
    pub fn number(number: u16) -> Vec<u8> {
        let [low, high] = number.to_le_bytes();
        vec![0xb8, low, high, 0, 0, 0xc3]
    }

    /// Returns the 8 bytes behind it: `mov rax, [rip + 1]; ret`
    pub const WORDS: &[u8] = &[0x48, 0x8b, 0x05, 1, 0, 0, 0, 0xc3];
    /// Returns what its argument points to: `mov rax, [rdi]; ret`
    pub const LOAD: &[u8] = &[0x48, 0x8b, 0x07, 0xc3];
    /// Bytes of the load.
    pub const FAULT: usize = 3;
}

/// Machine code of C functions.
#[cfg(target_arch = "aarch64")]
mod machine {
    const RET: u32 = 0xd65f_03c0;

    /// Returns a number: `movz w0, #number; ret`
    pub fn number(number: u16) -> Vec<u8> {
        [0x5280_0000 | u32::from(number) << 5, RET].map(u32::to_le_bytes).concat()
    }

    /// Returns the 8 bytes behind it: `ldr x0, . + 8; ret`
    pub const WORDS: &[u8] = &[0x40, 0, 0, 0x58, 0xc0, 0x03, 0x5f, 0xd6];
    /// Returns what its argument points to: `ldr x0, [x0]; ret`
    pub const LOAD: &[u8] = &[0, 0, 0x40, 0xf9, 0xc0, 0x03, 0x5f, 0xd6];
    /// Bytes of the load.
    pub const FAULT: usize = 4;
}

/// What compiled callers call of functions without code.
extern "C" fn without() -> u64 {
    WITHOUT
}

const WITHOUT: u64 = 77_777;

struct Compiling;

impl Tier for Compiling {
    fn id(&self) -> TierId {
        TierId("compiling")
    }

    fn support(&self, _: WasmFeatures) -> Support {
        Support::Full
    }

    fn compile(&self, request: &CompileRequest<'_>) -> Result<tier::Code, Unsupported> {
        if !request.module.custom_sections().any(|(name, _)| name == "interpret") {
            code::prepare(request.module, without as *const u8);
        }
        Ok(tier::Code { entry })
    }
}

unsafe extern "C" fn entry(_: *mut Store, _: *const FuncRecord, _: *mut u64) -> Status {
    unreachable!("these tests call machine code directly")
}

/// The arena belongs to the process, and the tests ask which parts of it are free.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn module_with(configure: impl FnOnce(&mut Config), text: &str) -> Module {
    let mut config = Config::default();
    configure(&mut config);
    let engine = Engine::new(config, Arc::new(Compiling)).unwrap();
    Module::new(&engine, wat::parse_str(text).unwrap()).unwrap()
}

const TEXT: &str = r#"(module (import "" "" (func)) (func) (func (export "f")) (func))"#;

fn module() -> Module {
    module_with(|_| {}, TEXT)
}

/// Code with the words at its end.
fn machine_code(bytes: &[u8]) -> MachineCode {
    let words_at = bytes.len() as u32;
    MachineCode { bytes: [bytes, &[0; 8]].concat(), words_at, time: Duration::from_nanos(1), ..MachineCode::default() }
}

fn number(number: u16) -> MachineCode {
    machine_code(&machine::number(number))
}

fn shim(function: &Function, entry: *const u8) -> Box<[Word]> {
    Box::new([Word(function.index.into()), Word(entry.addr() as u64)])
}

fn install(module: &Module, functions: Vec<(u32, MachineCode)>) -> Result<(), CodeError> {
    // SAFETY: the code consists of C functions, which only these tests call; nobody enters the shims.
    unsafe { code::install(module, functions, &shim) }
}

fn call(entry: *const u8, argument: usize) -> u64 {
    // SAFETY: entries here are those of C functions that read at most what their argument points to.
    unsafe { std::mem::transmute::<*const u8, extern "C" fn(usize) -> u64>(entry)(argument) }
}

/// As compiled callers do.
fn call_cell(cell: &AtomicPtr<u8>) -> u64 {
    call(cell.load(Ordering::Acquire), 0)
}

fn compiled(module: &Module, defined: u32) -> &Compiled {
    // SAFETY: tests do not use the result when they have taken the function's code out.
    unsafe { module.code(defined).unwrap().compiled() }.unwrap()
}

fn calls(module: &Module) -> Vec<u64> {
    module.code_entries().iter().map(call_cell).collect()
}

#[test]
fn installed_code_is_called() {
    let _alone = alone();
    let module = module();
    assert_eq!(calls(&module), [WITHOUT; 3]);
    install(&module, vec![(2, number(5)), (0, machine_code(machine::WORDS))]).unwrap();
    let words = module.code(0).unwrap().code.as_ptr().addr() as u64;
    assert_eq!(calls(&module), [words, WITHOUT, 5]);
    for defined in [0, 2] {
        let compiled = compiled(&module, defined);
        let cell = module.entries()[defined as usize].load(Ordering::Acquire);
        // SAFETY: shims here have two words.
        let shim = unsafe { [*cell, *cell.add(1)] };
        assert_eq!(shim, [Word(1 + u64::from(defined)), Word(compiled.entry().addr() as u64)]);
        assert_eq!((compiled.defined(), compiled.entry().addr() % 32), (defined, 0));
        assert_eq!(compiled.addresses().len(), compiled.bytes().len());
    }
    assert_eq!(compiled(&module, 2).bytes()[..machine::number(5).len()], machine::number(5));
    assert!(!module.code(1).unwrap().is_compiled());
    assert!(module.entries()[1].load(Ordering::Acquire).is_null());
    let stats = module.compile_stats();
    assert_eq!((stats.functions, stats.time), (2, Duration::from_nanos(2)));
    assert_eq!(stats.code_bytes as usize, machine::WORDS.len() + machine::number(5).len() + 16);
    assert_eq!(stats.memory_bytes as usize, page_size());
}

#[test]
fn places_are_found() {
    let _alone = alone();
    let module = module();
    let place = |pc, offset| Place { pc, offset };
    let trap = |offset, pc, kind| TrapPlace { offset, pc, kind };
    let code = MachineCode {
        entry: 1,
        osr: vec![place(3, 2), place(9, 5)],
        landings: vec![place(4, 6)],
        traps: vec![trap(0, 1, TrapKind::MemoryOutOfBounds), trap(7, 2, TrapKind::IntegerDivideByZero)],
        ..number(0)
    };
    install(&module, vec![(1, number(3)), (0, code)]).unwrap();
    let compiled = compiled(&module, 0);
    let start = compiled.bytes().as_ptr();
    assert_eq!(compiled.entry(), start.wrapping_add(1));
    let places = [3, 9, 4].map(|pc| compiled.osr(pc));
    assert_eq!(places, [Some(start.wrapping_add(2)), Some(start.wrapping_add(5)), None]);
    assert_eq!([4, 3].map(|pc| compiled.landing(pc)), [Some(start.wrapping_add(6)), None]);
    let traps = [0, 7, 6, usize::MAX].map(|offset| compiled.trap(start.addr().wrapping_add(offset)));
    let expected = [Some((1, TrapKind::MemoryOutOfBounds)), Some((2, TrapKind::IntegerDivideByZero)), None, None];
    assert_eq!(traps, expected);
}

#[test]
#[should_panic(expected = "offsets lie in the code")]
fn offsets_are_checked() {
    let osr = vec![Place { pc: 0, offset: 1000 }];
    let _ = install(&module(), vec![(0, MachineCode { osr, ..number(0) })]);
}

#[test]
fn records_lead_to_code_entries() {
    let _alone = alone();
    let instantiate = |text: &str| {
        let module = module_with(|_| {}, text);
        let mut store = Store::new(module.engine()).unwrap();
        let instance: InstanceRef = store.instantiate(&module, &[]).unwrap();
        (store, module, instance)
    };
    let record = |instance: InstanceRef| match instance.export("f") {
        Some(Extern::Func(func)) => func,
        other => panic!("{other:?}"),
    };
    let (_store, module, instance) = instantiate(r#"(module (func) (func (export "f")))"#);
    let entries = module.code_entries();
    assert!(ptr::eq(instance.record().code_entries, entries.as_ptr()));
    assert!(ptr::eq(record(instance).record().code_cell, &entries[1]));
    let (_store, module, instance) = instantiate(r#"(module (@custom "interpret") (func) (func (export "f")))"#);
    assert!(module.code_entries().is_empty());
    assert!(instance.record().code_entries.is_null() && record(instance).record().code_cell.is_null());
}

#[test]
fn code_is_found_by_address_while_its_module_lives() {
    let _alone = alone();
    let (module, other) = (module(), module());
    install(&module, vec![(1, number(1)), (2, number(2))]).unwrap();
    install(&other, vec![(0, number(3))]).unwrap();
    for (module, defined) in [(&module, 1), (&module, 2), (&other, 0)] {
        let addresses = compiled(module, defined).addresses();
        for address in [addresses.start, addresses.end - 1] {
            let found = code::find(address).unwrap();
            assert!(found.module().is_same(module) && ptr::eq(found.compiled(), compiled(module, defined)));
            assert!(ptr::eq(found.function(), module.code(defined).unwrap()));
        }
        let between = code::find(addresses.end);
        assert!(between.is_none(), "{between:?}");
    }
    assert!(code::find(0).is_none() && code::find(without as *const () as usize).is_none());
    let address = compiled(&module, 1).addresses().start;
    let found = code::find(address).unwrap();
    drop(module);
    assert_eq!(call(found.compiled().entry(), 0), 1);
    drop(found);
    assert!(code::find(address).is_none());
    assert!(code::find(compiled(&other, 0).addresses().start).is_some());
}

#[test]
fn memory_is_freed_and_used_again() {
    let _alone = alone();
    let before = code::memory_bytes();
    let first = module();
    install(&first, vec![(0, machine_code(&vec![0; page_size()]))]).unwrap();
    assert_eq!(code::memory_bytes(), before + 2 * page_size());
    let start = compiled(&first, 0).addresses().start;
    drop(first);
    assert_eq!(code::memory_bytes(), before);
    for round in 0..3 {
        let next = module();
        install(&next, vec![(0, number(round))]).unwrap();
        assert_eq!(compiled(&next, 0).addresses().start, start);
        assert_eq!(call_cell(&next.code_entries()[0]), u64::from(round));
    }
    assert_eq!(code::memory_bytes(), before);
}

/// The protection of the page at an address.
fn protection(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    assert!(!maps.contains(" rwx"), "{maps}");
    let mut regions = maps.lines().map(|line| {
        let (range, rest) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let parse = |hex| usize::from_str_radix(hex, 16).unwrap();
        (parse(start)..parse(end), &rest[..4])
    });
    regions.find(|(range, _)| range.contains(&address)).unwrap().1.to_owned()
}

#[test]
fn pages_are_never_writable_and_executable() {
    let _alone = alone();
    let module = module();
    let writing = AtomicUsize::new(0);
    let memory = code::CodeMemory::new(1, |_, base| {
        assert_eq!(protection(base.addr()), "rw-p");
        writing.store(base.addr(), Ordering::Relaxed);
    });
    let memory = memory.unwrap();
    assert_eq!(memory.addresses().start, writing.load(Ordering::Relaxed));
    assert_eq!(protection(memory.addresses().start), "r-xp");
    install(&module, vec![(0, number(1))]).unwrap();
    let start = compiled(&module, 0).addresses().start;
    assert_eq!(protection(start), "r-xp");
    drop((module, memory));
    assert_eq!(protection(start), "---p");
}

#[test]
fn the_limit_is_an_error() {
    let _alone = alone();
    let module = module_with(|config| config.max_code = 2 * page_size(), TEXT);
    install(&module, vec![(0, number(1))]).unwrap();
    let large = machine_code(&vec![0; page_size()]);
    let limit = CodeError::Limit { bytes: 3 * page_size(), limit: 2 * page_size() };
    let before = (module.compile_stats(), code::memory_bytes());
    assert_eq!(install(&module, vec![(1, large.clone())]), Err(limit));
    assert_eq!(before, (module.compile_stats(), code::memory_bytes()));
    install(&module, vec![(2, number(2))]).unwrap();
    assert_eq!(calls(&module), [1, WITHOUT, 2]);
}

#[test]
fn uninstalled_code_is_not_called() {
    let _alone = alone();
    let module = module();
    let cell = &module.entries()[1];
    install(&module, vec![(1, number(1))]).unwrap();
    assert!(code::uninstall(&module, 1) && !code::uninstall(&module, 1) && !code::uninstall(&module, 0));
    assert_eq!(calls(&module), [WITHOUT; 3]);
    assert!(cell.load(Ordering::Acquire).is_null() && !module.code(1).unwrap().is_compiled());

    let running = module.code(1).unwrap().running.get_or_init(|| Box::new([Word(0)])).as_ptr();
    install(&module, vec![(1, number(2))]).unwrap();
    install(&module, vec![(1, number(3))]).unwrap();
    assert_eq!(calls(&module), [WITHOUT, 3, WITHOUT]);
    assert!(code::uninstall(&module, 1));
    assert!(ptr::eq(cell.load(Ordering::Acquire), running));
    assert_eq!(module.compile_stats().functions, 3);
}

#[test]
fn batches_are_freed_with_their_last_function() {
    let _alone = alone();
    let module = module();
    let before = code::memory_bytes();
    let used = || (module.compile_stats().memory_bytes as usize, code::memory_bytes() - before);
    let pages = |count| (count * page_size(), count * page_size());
    install(&module, vec![(0, number(1)), (1, number(2))]).unwrap();
    let start = compiled(&module, 0).addresses().start;
    assert!(code::uninstall(&module, 0));
    assert_eq!((used(), calls(&module)), (pages(1), vec![WITHOUT, 2, WITHOUT]));
    // Whoever has found it may look at it.
    let found = code::find(start).unwrap();
    install(&module, vec![(1, number(3)), (2, number(4))]).unwrap();
    install(&module, vec![(2, number(5))]).unwrap();
    assert_eq!(used(), (2 * page_size(), 3 * page_size()));
    assert_eq!(call(found.compiled().entry(), 0), 1);
    drop(found);
    assert_eq!(used(), pages(2));
    assert!(code::find(start).is_none());
    assert!(code::uninstall(&module, 1) && code::uninstall(&module, 2));
    assert_eq!(used(), pages(0));
}

#[test]
fn active_stores_keep_code_until_a_safepoint() {
    let _alone = alone();
    let module = module();
    let mut store = Store::new(module.engine()).unwrap();
    let idle = Store::new(module.engine()).unwrap();
    let shared = module.clone();
    let ty = FuncType::new([], []);
    let host = HostFunc::new(module.engine(), ty, move |store, _, _| {
        let memory = || {
            code::reclaim(&shared);
            shared.compile_stats().memory_bytes as usize
        };
        install(&shared, vec![(0, number(1))]).unwrap();
        assert!(code::uninstall(&shared, 0));
        assert_eq!(memory(), page_size());
        // Other stores have nothing to do with it, unless they run.
        let mut other = Store::new(shared.engine()).unwrap();
        other.safepoint();
        assert_eq!(memory(), page_size());
        store.safepoint();
        assert_eq!(memory(), 0);
        install(&shared, vec![(1, number(1))]).unwrap();
        assert!(code::uninstall(&shared, 1));
        assert_eq!(memory(), page_size());
        Ok(())
    });
    let host = store.add_host_func(host.unwrap()).unwrap();
    store.call(host, &mut []).unwrap();
    code::reclaim(&module);
    assert_eq!(module.compile_stats().memory_bytes, 0);
    drop(idle);
}

#[test]
fn probed_functions_are_left_alone() {
    let _alone = alone();
    let module = module();
    let mut probed = [Word(0)];
    let cell = &module.entries()[0];
    cell.store(probed.as_mut_ptr(), Ordering::Release);
    install(&module, vec![(0, number(1)), (1, number(2))]).unwrap();
    assert_eq!(calls(&module), [WITHOUT, 2, WITHOUT]);
    assert!(ptr::eq(cell.load(Ordering::Acquire), probed.as_ptr()) && !module.code(0).unwrap().is_compiled());

    let cell = &module.entries()[1];
    cell.store(probed.as_mut_ptr(), Ordering::Release);
    assert!(code::uninstall(&module, 1));
    assert!(ptr::eq(cell.load(Ordering::Acquire), probed.as_ptr()));
}

/// Where the last fault was.
static FAULT: AtomicUsize = AtomicUsize::new(0);

fn resolve(pc: usize, address: usize, _: &Registers) -> Option<usize> {
    FAULT.store(pc, Ordering::Relaxed);
    (address == NOWHERE).then_some(pc + machine::FAULT)
}

/// An address that is not mapped.
const NOWHERE: usize = 0x40;

#[test]
fn faults_are_looked_up() {
    let _alone = alone();
    // SAFETY: the resolver goes on at the return behind a load, and uses one atomic.
    unsafe { code::init(resolve) }.unwrap();
    signals::install().unwrap();
    let module = module();
    let traps = vec![TrapPlace { offset: 0, pc: 6, kind: TrapKind::MemoryOutOfBounds }];
    install(&module, vec![(0, number(1)), (1, MachineCode { traps, ..machine_code(machine::LOAD) })]).unwrap();
    let entry = compiled(&module, 1).entry();
    assert_eq!(call(entry, (&raw const WITHOUT_WORD).addr()), WITHOUT);
    call(entry, NOWHERE);
    let fault = FAULT.load(Ordering::Relaxed);
    let found = code::find(fault).unwrap();
    assert!(ptr::eq(found.function(), module.code(1).unwrap()));
    assert_eq!(found.compiled().trap(fault), Some((6, TrapKind::MemoryOutOfBounds)));
}

static WITHOUT_WORD: u64 = WITHOUT;

#[test]
fn threads_call_what_is_installed_meanwhile() {
    let _alone = alone();
    const VERSIONS: u16 = 300;
    let module = module();
    let before = code::memory_bytes();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut store = Store::new(module.engine()).unwrap();
                let mut newest = 0;
                let shared = module.clone();
                let results = move |store: &mut Store, _, slots: &mut [u64]| {
                    for _ in 0..10 {
                        slots[0] = call_cell(&shared.code_entries()[0]);
                        // SAFETY: the store is active, and its next safepoint is behind this.
                        if let Some(compiled) = unsafe { shared.code(0).unwrap().compiled() } {
                            assert!(code::find(compiled.entry().addr()).is_some());
                        }
                        store.safepoint();
                    }
                    Ok(())
                };
                let host = HostFunc::new(module.engine(), FuncType::new([], [ValType::I64]), results).unwrap();
                let host = store.add_host_func(host).unwrap();
                while !done.load(Ordering::Relaxed) {
                    let mut results = [0];
                    store.call(host, &mut results).unwrap();
                    let [result] = results;
                    assert!(result == WITHOUT || (newest..=VERSIONS.into()).contains(&result), "{result}");
                    newest = if result == WITHOUT { newest } else { result };
                }
            });
        }
        for version in 1..=VERSIONS {
            install(&module, vec![(0, number(version))]).unwrap();
            if version % 3 == 0 {
                assert!(code::uninstall(&module, 0));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(module.compile_stats().functions, u64::from(VERSIONS));
    code::reclaim(&module);
    assert_eq!((module.compile_stats().memory_bytes, code::memory_bytes()), (0, before));
}

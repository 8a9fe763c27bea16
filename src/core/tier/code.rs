//! Machine code of wasm functions beside the interpreter.
//!
//! What a compiler makes is installed by batches, each in pages of its own. A function's code is published at three places,
//! which other threads read without locks: the function's description, the cell that compiled callers call through, and
//! the entry cell of the interpreter. Taking a function's code out again restores those, but does not free it: activations
//! may be in it, and threads may be on their way there. A batch of which no function is published any more is retired, and
//! freed when no store can have it in use (module `reclaim`); whether that is so is looked at whenever code of the
//! module comes or goes. Everybody who runs a function keeps its module alive, which keeps the rest.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use terrace_abi::{TrapKind, Word};

#[cfg(all(any(target_os = "linux", target_os = "macos"), any(target_arch = "x86_64", target_arch = "aarch64")))]
pub use super::code_memory::init;
pub use super::code_memory::{CodeError, CodeMemory, memory_bytes};
use super::listener::{CodeListener, InstalledCode};
use super::reclaim::Reclaimer;
use crate::bytecode::Function;
use crate::runtime::{Module, WeakModule};

/// Functions begin at multiples of this.
const ALIGNMENT: usize = 32;

/// Machine code of one function as a compiler makes it: position-independent data.
#[derive(Clone, Debug, Default)]
pub struct MachineCode {
    /// The code, and the constants that it refers to.
    pub bytes: Vec<u8>,
    /// Offset of the entry.
    pub entry: u32,
    /// Where activations of other tiers are taken over, in order of pcs.
    pub osr: Vec<Place>,
    /// Where handlers of exceptions go on, in order of pcs.
    pub landings: Vec<Place>,
    /// Instructions whose faults are traps, in order of offsets.
    pub traps: Vec<TrapPlace>,
    /// What each piece of the code is for, in order of offsets: an instruction, or nothing in particular if the pc is [`Place::NO_PC`].
    /// What is in front of the first is the entry's. Empty unless it is asked for: only tools need it.
    pub pcs: Vec<Place>,
    /// Offset of 8 bytes that get the address of the function's bytecode.
    pub words_at: u32,
    /// How long compilation took.
    pub time: Duration,
}

/// Where machine code for an instruction of the bytecode begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The instruction.
    pub pc: u32,
    /// Offset in the machine code.
    pub offset: u32,
}

impl Place {
    /// The pc of what belongs to no instruction.
    pub const NO_PC: u32 = u32::MAX;
}

/// A machine instruction whose fault is a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrapPlace {
    /// Offset in the machine code.
    pub offset: u32,
    /// The instruction of the bytecode.
    pub pc: u32,
    /// The trap.
    pub kind: TrapKind,
}

/// An address of machine code.
#[derive(Clone, Copy, Debug)]
struct Address(*const u8);

// SAFETY: code is immutable while it can be reached.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

/// Installed machine code of one function.
pub struct Compiled {
    defined: u32,
    /// The number of its batch among those of its module.
    batch: u64,
    start: Address,
    len: usize,
    entry: u32,
    osr: Box<[Place]>,
    landings: Box<[Place]>,
    traps: Box<[TrapPlace]>,
    /// What the interpreter runs of the function.
    shim: Box<[Word]>,
    time: Duration,
}

impl Compiled {
    fn at(&self, offset: u32) -> *const u8 {
        self.start.0.wrapping_add(offset as usize)
    }

    fn place(&self, places: &[Place], pc: u32) -> Option<*const u8> {
        let found = places.binary_search_by_key(&pc, |place| place.pc).ok()?;
        Some(self.at(places[found].offset))
    }

    /// The index of the function among those that its module defines.
    pub fn defined(&self) -> u32 {
        self.defined
    }

    /// Where calls begin.
    #[inline]
    pub fn entry(&self) -> *const u8 {
        self.at(self.entry)
    }

    /// Where an activation of another tier goes on that is at `pc`.
    pub fn osr(&self, pc: u32) -> Option<*const u8> {
        self.place(&self.osr, pc)
    }

    /// Where an exception goes on that is caught by the handler at `pc`.
    pub fn landing(&self, pc: u32) -> Option<*const u8> {
        self.place(&self.landings, pc)
    }

    /// The instruction of the bytecode, and the trap, that a fault of the machine instruction at `address` stands for.
    pub fn trap(&self, address: usize) -> Option<(u32, TrapKind)> {
        let offset = u32::try_from(address.checked_sub(self.start.0.addr())?).ok()?;
        let found = self.traps.binary_search_by_key(&offset, |place| place.offset).ok()?;
        let TrapPlace { pc, kind, .. } = self.traps[found];
        Some((pc, kind))
    }

    /// The addresses of the code and its constants.
    pub fn addresses(&self) -> Range<usize> {
        let start = self.start.0.addr();
        start..start + self.len
    }

    /// The code and its constants.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the batch that this belongs to keeps the memory, which is readable and does not change.
        unsafe { std::slice::from_raw_parts(self.start.0, self.len) }
    }

    /// How long compilation took.
    pub fn time(&self) -> Duration {
        self.time
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled")
            .field("defined", &self.defined)
            .field("start", &self.start.0)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

/// A function's installed code.
#[derive(Debug, Default)]
pub(crate) struct CompiledCell(AtomicPtr<Compiled>);

impl CompiledCell {
    /// # Safety
    ///
    /// As for [`Function::compiled`].
    #[inline]
    pub(crate) unsafe fn get(&self) -> Option<&Compiled> {
        // SAFETY: only `install` puts code here; the caller's promise is that it is not freed meanwhile.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    pub(crate) fn is_set(&self) -> bool {
        !self.0.load(Ordering::Relaxed).is_null()
    }
}

/// What was installed at once: pages, and the functions in them in order of their addresses.
struct Batch {
    functions: Box<[Compiled]>,
    memory: CodeMemory,
    module: WeakModule,
    listeners: Vec<Arc<dyn CodeListener>>,
}

/// The batches of the process by their addresses.
static BATCHES: RwLock<BTreeMap<usize, Weak<Batch>>> = RwLock::new(BTreeMap::new());

impl Drop for Batch {
    fn drop(&mut self) {
        // The memory goes behind this, so nobody else can have the address yet.
        BATCHES.write().unwrap_or_else(PoisonError::into_inner).remove(&self.memory.addresses().start);
        for listener in &self.listeners {
            listener.removed(self.addresses());
        }
    }
}

impl Batch {
    /// From the first function's first byte to the last one's last.
    fn addresses(&self) -> Range<usize> {
        let start = self.functions.first().map_or(0, |first| first.addresses().start);
        start..self.functions.last().map_or(0, |last| last.addresses().end)
    }

    /// Tells who wants to know that the functions will run.
    fn announce(&self, module: &Module) {
        if self.listeners.is_empty() {
            return;
        }
        let installed = |compiled| {
            let &Compiled { defined, .. } = compiled;
            let index = module.imported_funcs() + defined;
            let (module, function) = (module.name(), module.function_name(index));
            InstalledCode { module, function, index, code: Compiled::bytes(compiled) }
        };
        let functions: Vec<_> = self.functions.iter().map(installed).collect();
        for listener in &self.listeners {
            listener.installed(&functions);
        }
    }
}

/// What compilation has done for a module so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompileStats {
    /// Functions compiled, each as often as it was.
    pub functions: u64,
    /// Bytes of machine code, constants included.
    pub code_bytes: u64,
    /// Bytes of memory that the code takes, as far as it is not freed yet.
    pub memory_bytes: u64,
    /// Time spent, over all threads.
    pub time: Duration,
}

/// The machine code of a module's functions.
pub(crate) struct ModuleCode {
    entries: Box<[AtomicPtr<u8>]>,
    /// What entries of functions without code hold.
    without: Address,
    installed: Mutex<Installed>,
}

#[derive(Default)]
struct Installed {
    /// Batches that have a published function, by their numbers, and so in the order in which they came.
    live: BTreeMap<u64, Live>,
    retired: Vec<Retired>,
    /// The number of the next batch.
    next: u64,
    stats: CompileStats,
}

struct Live {
    batch: Arc<Batch>,
    /// How many of its functions are published.
    functions: usize,
}

struct Retired {
    batch: Arc<Batch>,
    generation: u64,
}

impl Installed {
    /// A function of a batch is no longer published anywhere.
    fn unpublished(&mut self, reclaimer: &Reclaimer, batch: u64) {
        let Some(live) = self.live.get_mut(&batch) else { return };
        live.functions -= 1;
        if live.functions == 0
            && let Some(Live { batch, .. }) = self.live.remove(&batch)
        {
            self.retired.push(Retired { batch, generation: reclaimer.retire() });
        }
    }

    /// Frees what nobody has in use.
    fn reclaim(&mut self, reclaimer: &Reclaimer) {
        let memory_bytes = &mut self.stats.memory_bytes;
        self.retired.retain(|Retired { batch, generation }| {
            let addresses = batch.memory.addresses();
            let free = reclaimer.is_free(*generation, &addresses);
            if free {
                *memory_bytes -= addresses.len() as u64;
            }
            !free
        });
    }
}

impl ModuleCode {
    pub(crate) fn entries(&self) -> &[AtomicPtr<u8>] {
        &self.entries
    }

    pub(crate) fn stats(&self) -> CompileStats {
        self.installed().stats
    }

    fn installed(&self) -> MutexGuard<'_, Installed> {
        self.installed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room for compiled code beside a module's functions. Compiled callers of functions without code call `without`,
/// which must be good as long as the process. A tier does this while it loads the module; later calls change nothing.
pub fn prepare(module: &Module, without: *const u8) {
    module.compiled().get_or_init(|| ModuleCode {
        entries: (0..module.defined_funcs()).map(|_| AtomicPtr::new(without.cast_mut())).collect(),
        without: Address(without),
        installed: Mutex::default(),
    });
}

fn module_code(module: &Module) -> &ModuleCode {
    match module.compiled().get() {
        Some(code) => code,
        None => panic!("the module's tier compiles nothing"),
    }
}

fn function(module: &Module, defined: u32) -> &Function {
    match module.code(defined) {
        Ok(function) => function,
        Err(error) => panic!("machine code of a function without bytecode: {error}"),
    }
}

/// Makes the header, and what is behind it, that the interpreter enters a function by whose machine code has this entry.
pub type Shim<'a> = dyn Fn(&Function, *const u8) -> Box<[Word]> + 'a;

/// Installs machine code of functions that `module` defines, and publishes it: calls run it from now on. Code that a function
/// had before is taken out. A function whose entry cell holds neither its running form nor
/// code, because it is probed, is left as it is.
///
/// # Panics
///
/// If the module is not prepared, defines no such function, or a function's offsets lie outside its code.
///
/// # Safety
///
/// The code must do what the function does, by the rules of the tier that has prepared the module; words that `shim` makes
/// must be what the tier's interpreter can enter.
pub unsafe fn install(module: &Module, functions: Vec<(u32, MachineCode)>, shim: &Shim<'_>) -> Result<(), CodeError> {
    let module_code = module_code(module);
    let mut len = 0;
    let starts: Vec<usize> = functions.iter().map(|(_, code)| place(&mut len, code)).collect();
    let reclaimer = module.engine().reclaimer();
    let mut installed = module_code.installed();
    installed.reclaim(reclaimer);
    let memory_bytes = installed.stats.memory_bytes as usize + CodeMemory::size_of(len);
    let limit = module.engine().config().max_code;
    if memory_bytes > limit {
        return Err(CodeError::Limit { bytes: memory_bytes, limit });
    }
    let memory = CodeMemory::new(len, |bytes, _| {
        for (&start, (defined, code)) in starts.iter().zip(&functions) {
            let bytes = &mut bytes[start..start + code.bytes.len()];
            bytes.copy_from_slice(&code.bytes);
            let words = function(module, *defined).code.as_ptr().expose_provenance() as u64;
            bytes[code.words_at as usize..][..8].copy_from_slice(&words.to_ne_bytes());
        }
    })?;
    let number = installed.next;
    let compiled = |(start, (defined, code)): (usize, (u32, MachineCode))| {
        let start = memory.base().wrapping_add(start);
        let entry = start.wrapping_add(code.entry as usize);
        Compiled {
            defined,
            batch: number,
            start: Address(start),
            len: code.bytes.len(),
            entry: code.entry,
            osr: code.osr.into(),
            landings: code.landings.into(),
            traps: code.traps.into(),
            shim: shim(function(module, defined), entry),
            time: code.time,
        }
    };
    let functions: Box<[Compiled]> = starts.into_iter().zip(functions).map(compiled).collect();
    let listeners = module.engine().config().code_listeners.clone();
    let batch = Arc::new(Batch { functions, memory, module: module.downgrade(), listeners });
    let start = batch.memory.addresses().start;
    BATCHES.write().unwrap_or_else(PoisonError::into_inner).insert(start, Arc::downgrade(&batch));
    batch.announce(module);
    installed.next += 1;
    installed.stats.memory_bytes = memory_bytes as u64;
    installed.live.insert(number, Live { batch: Arc::clone(&batch), functions: batch.functions.len() });
    for compiled in &batch.functions {
        let stats = &mut installed.stats;
        stats.functions += 1;
        stats.code_bytes += compiled.len as u64;
        stats.time += compiled.time;
        if let Some(unpublished) = publish(module, module_code, compiled) {
            installed.unpublished(reclaimer, unpublished);
        }
    }
    Ok(())
}

/// Where a function's code goes, behind what is there.
fn place(len: &mut usize, code: &MachineCode) -> usize {
    let inside = |offset: u32| (offset as usize) < code.bytes.len();
    let places = code.osr.iter().chain(&code.landings).map(|place| place.offset);
    assert!(places.chain([code.entry]).all(inside), "offsets lie in the code");
    let start = len.next_multiple_of(ALIGNMENT);
    *len = start + code.bytes.len();
    start
}

/// What the entry cell of a function without machine code holds.
fn running(function: &Function) -> *mut Word {
    function.running.get().map_or(ptr::null_mut(), |words| words.as_ptr().cast_mut())
}

/// Publishes a function's code. Gives the batch that has one published function less thereby, if any.
fn publish(module: &Module, module_code: &ModuleCode, compiled: &Compiled) -> Option<u64> {
    let function = function(module, compiled.defined);
    let defined = compiled.defined as usize;
    let shim = compiled.shim.as_ptr().cast_mut();
    // SAFETY: code is only taken out under the lock that the caller has.
    let before = unsafe { function.compiled() };
    let (before, replaced) = before.map(|before| (before.shim.as_ptr().cast_mut(), before.batch)).unzip();
    // The description comes first: from code, its tables are found.
    let cell = &module.entries()[defined];
    let replaceable = |now: *mut Word| now.is_null() || now == running(function) || Some(now) == before;
    if !replaceable(cell.load(Ordering::Relaxed)) {
        return Some(compiled.batch);
    }
    function.compiled.0.store(ptr::from_ref(compiled).cast_mut(), Ordering::Release);
    module_code.entries[defined].store(compiled.entry().cast_mut(), Ordering::Release);
    // Meanwhile, the interpreter may have made its running form.
    let _ = cell.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| replaceable(now).then_some(shim));
    replaced
}

/// Makes calls of a function run in the interpreter again. `false`: it has no machine code.
///
/// Activations in the code, and threads on their way to it, are not stopped; what they need stays as long as they do.
///
/// # Panics
///
/// If the module is not prepared, or defines no such function.
pub fn uninstall(module: &Module, defined: u32) -> bool {
    let module_code = module_code(module);
    let mut installed = module_code.installed();
    let Some(Ok(function)) = module.translated(defined) else { return false };
    // SAFETY: code is only taken out under this lock, below, and freed behind that.
    let Some(compiled) = (unsafe { function.compiled() }) else { return false };
    let (shim, batch) = (compiled.shim.as_ptr().cast_mut(), compiled.batch);
    let cell = &module.entries()[defined as usize];
    // A probed form stays.
    let _ = cell.compare_exchange(shim, running(function), Ordering::AcqRel, Ordering::Relaxed);
    module_code.entries[defined as usize].store(module_code.without.0.cast_mut(), Ordering::Release);
    function.compiled.0.store(ptr::null_mut(), Ordering::Release);
    let reclaimer = module.engine().reclaimer();
    installed.unpublished(reclaimer, batch);
    installed.reclaim(reclaimer);
    true
}

/// Frees code that was taken out, as far as nobody has it in use any more.
pub fn reclaim(module: &Module) {
    if let Some(code) = module.compiled().get() {
        code.installed().reclaim(module.engine().reclaimer());
    }
}

/// This part of the limit is kept free of published code, so that new code has room while that whose place it takes is still in use.
const SLACK: usize = 8;

/// How many of the first functions are to be installed together: one, or more that fit into the slack.
pub(crate) fn batch_len(module: &Module, functions: &[(u32, MachineCode)]) -> usize {
    let (mut len, slack) = (0, module.engine().config().max_code / SLACK);
    let fitting = functions.iter().take_while(|(_, code)| {
        place(&mut len, code);
        CodeMemory::size_of(len) <= slack
    });
    fitting.count().max(1)
}

/// Bytes of memory that these functions take if they are installed together.
pub(crate) fn batch_bytes(functions: &[(u32, MachineCode)]) -> usize {
    let mut len = 0;
    for (_, code) in functions {
        place(&mut len, code);
    }
    CodeMemory::size_of(len)
}

/// The functions to take out so that there is room for so many bytes more: of those that were compiled the longest ago.
pub(crate) fn oldest(module: &Module, bytes: usize) -> Vec<u32> {
    let Some(code) = module.compiled().get() else { return Vec::new() };
    let limit = module.engine().config().max_code;
    let room = (limit - limit / SLACK).saturating_sub(bytes);
    let installed = code.installed();
    let retired: usize = installed.retired.iter().map(|retired| retired.batch.memory.addresses().len()).sum();
    let mut live = installed.stats.memory_bytes as usize - retired;
    let mut functions = Vec::new();
    for (&number, Live { batch, .. }) in &installed.live {
        if live <= room {
            break;
        }
        live -= batch.memory.addresses().len();
        let published = |compiled: &&Compiled| match module.translated(compiled.defined) {
            // SAFETY: code is only taken out under the lock that is held.
            Some(Ok(function)) => unsafe { function.compiled() }.is_some_and(|now| now.batch == number),
            _ => false,
        };
        functions.extend(batch.functions.iter().filter(published).map(|compiled| compiled.defined));
    }
    functions
}

/// Installed code, found by an address in it. It keeps the code's memory and its module.
pub struct CodeRef {
    module: Module,
    batch: Arc<Batch>,
    index: usize,
}

impl CodeRef {
    /// The module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// The function.
    pub fn function(&self) -> &Function {
        function(&self.module, self.compiled().defined)
    }

    /// Its code: the one that has the address, which calls may not run any more.
    pub fn compiled(&self) -> &Compiled {
        &self.batch.functions[self.index]
    }
}

impl fmt::Debug for CodeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CodeRef").field(self.compiled()).finish()
    }
}

/// The code that has this address. It takes a lock, so signal handlers cannot ask.
pub fn find(address: usize) -> Option<CodeRef> {
    let batch = {
        let batches = BATCHES.read().unwrap_or_else(PoisonError::into_inner);
        batches.range(..=address).next_back()?.1.upgrade()?
    };
    let behind = batch.functions.partition_point(|compiled| compiled.start.0.addr() <= address);
    let index = behind.checked_sub(1)?;
    if !batch.functions[index].addresses().contains(&address) {
        return None;
    }
    Some(CodeRef { module: batch.module.upgrade()?, batch, index })
}

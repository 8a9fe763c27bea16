//! One forward walk over bytecode that emits machine code.
//!
//! Code is cut into blocks that end where control leaves or another branch may arrive. Inside of a block, values stay in registers as
//! [`regs`] says; at a branch target, registers hold what the first branch to it left there, and every later one does what is missing
//! to come to the same state. The targets of loops' back edges are fixed when the walk gets there: the region's locals are in their
//! registers, all else is at home, which is also what on-stack replacement finds.

pub(crate) mod block;
mod call;
mod cold;
mod control;
mod edge;
mod memory;
mod regs;
mod shaped;
mod special;

use std::cell::Cell;

use terrace_abi::layout::Field;
use terrace_abi::vm::{FrameRecord, InstanceRecord, StoreRecord};
use terrace_abi::{Op, TrapKind, Word};
use terrace_core::bytecode::Function;
use terrace_core::runtime::Module;
use terrace_core::runtime::memory::BoundsMode;
use terrace_core::tier::code::{MachineCode, Place, TrapPlace};
use terrace_interp::activation::{HelperId, Stub};
use terrace_masm::{Buffer, Gpr, Label, Load, Mem, Rhs, Store, Width};
use terrace_templates::Machine;

use crate::analyze::{self, Analysis, LocalKind, NO_REG, NO_SLOT, Pools, REGS, RegId};
use block::Item;
use cold::Cold;
use edge::Join;
use regs::{Fix, Fixes, Held, Regs};

/// A helper's call.
#[derive(Clone, Copy)]
struct HelpSite {
    helper: HelperId,
    pc: u32,
    next: u32,
}

/// What the code of one function is emitted with.
pub(crate) struct Emitter<'f, M> {
    m: M,
    module: &'f Module,
    function: &'f Function,
    /// Whether memory 0 is checked explicitly.
    explicit: bool,
    region: usize,
    /// Where the address of the function's words is.
    words: Label,
    /// The instruction that is being emitted.
    item: Item,
    /// Where the code of each instruction begins, if that is asked for.
    pcs: Option<Pcs>,
    items: Vec<Item>,
    analysis: Analysis,
    /// The register that the current region gives to each slot.
    given: Vec<RegId>,
    regs: Regs,
    joins: Vec<Join>,
    /// What registers hold at branch targets.
    states: Vec<(RegId, Held)>,
    live: block::Liveness,
    fixes: Fixes,
    cold: Vec<Cold>,
    /// What cold code has to do about registers.
    cold_fixes: Vec<Fix>,
    traps: Vec<TrapPlace>,
    osr: Vec<(u32, Label)>,
    landings: Vec<(u32, Label)>,
    /// The entries of the `br_table` at hand.
    labels: Vec<Label>,
}

/// The tables of an [`Emitter`] between functions: they keep their memory.
#[derive(Default)]
struct Tables {
    buffer: Buffer,
    items: Vec<Item>,
    analysis: Analysis,
    given: Vec<RegId>,
    regs: Regs,
    joins: Vec<Join>,
    states: Vec<(RegId, Held)>,
    live: block::Liveness,
    fixes: Fixes,
    cold: Vec<Cold>,
    cold_fixes: Vec<Fix>,
    traps: Vec<TrapPlace>,
    osr: Vec<(u32, Label)>,
    landings: Vec<(u32, Label)>,
    labels: Vec<Label>,
}

thread_local! {
    static TABLES: Cell<Tables> = Cell::default();
}

/// Tables that served functions of more words than this are not kept.
const KEPT: usize = 1 << 16;

/// Part of a list.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn of<T>(self, list: &[T]) -> &[T] {
        &list[self.start as usize..self.end as usize]
    }

    /// Appends to a list.
    fn append<T>(list: &mut Vec<T>, more: impl Iterator<Item = T>) -> Span {
        let start = list.len() as u32;
        list.extend(more);
        Span { start, end: list.len() as u32 }
    }
}

/// A map from code to instructions.
#[derive(Default)]
struct Pcs {
    places: Vec<Place>,
    /// How much cold code there was when each instruction began, so that what came later is known to be its.
    cold: Vec<(usize, u32)>,
}

impl Pcs {
    /// The instruction that the cold code of this number belongs to.
    fn of_cold(&self, number: usize) -> u32 {
        let behind = self.cold.partition_point(|&(first, _)| first <= number);
        behind.checked_sub(1).map_or(Place::NO_PC, |last| self.cold[last].1)
    }
}

/// Emits the code of a function, with a map of its instructions if `pcs` says so.
pub(crate) fn emit<M: Machine>(module: &Module, function: &Function, pcs: bool) -> MachineCode {
    let start = std::time::Instant::now();
    let mut emitter = Emitter::<M>::new(module, function, pcs, TABLES.take());
    emitter.enter_region(0);
    emitter.landings();
    emitter.prologue();
    emitter.place_behind_prologue();
    emitter.body();
    emitter.cold_code();
    emitter.finish(start)
}

impl<'f, M: Machine> Emitter<'f, M> {
    fn new(module: &'f Module, function: &'f Function, pcs: bool, tables: Tables) -> Emitter<'f, M> {
        let mut m = M::new();
        *m.buffer_mut() = tables.buffer;
        m.buffer_mut().clear();
        let mut emitter = Emitter {
            words: m.label(),
            m,
            module,
            function,
            explicit: module.memory0_bounds().is_some_and(|bounds| bounds != BoundsMode::Guard),
            region: 0,
            item: Item::default(),
            pcs: pcs.then(Pcs::default),
            items: tables.items,
            analysis: tables.analysis,
            given: tables.given,
            regs: tables.regs,
            joins: tables.joins,
            states: tables.states,
            live: tables.live,
            fixes: tables.fixes,
            cold: tables.cold,
            cold_fixes: tables.cold_fixes,
            traps: tables.traps,
            osr: tables.osr,
            landings: tables.landings,
            labels: tables.labels,
        };
        block::read(function, &mut emitter.items);
        let pools = Pools { ints: M::POOL.len(), floats: M::FLOAT_POOL.len() };
        emitter.analysis.run(function, &emitter.items, pools);
        let slots = function.frame_slots as usize + 2;
        emitter.given.clear();
        emitter.given.resize(slots, NO_REG);
        emitter.regs.reset(slots);
        emitter.live.reset(slots);
        emitter.states.clear();
        emitter.cold.clear();
        emitter.cold_fixes.clear();
        emitter.traps.clear();
        emitter.osr.clear();
        emitter.landings.clear();
        emitter.make_joins();
        emitter
    }

    fn into_tables(mut self) -> Tables {
        Tables {
            buffer: std::mem::take(self.m.buffer_mut()),
            items: self.items,
            analysis: self.analysis,
            given: self.given,
            regs: self.regs,
            joins: self.joins,
            states: self.states,
            live: self.live,
            fixes: self.fixes,
            cold: self.cold,
            cold_fixes: self.cold_fixes,
            traps: self.traps,
            osr: self.osr,
            landings: self.landings,
            labels: self.labels,
        }
    }
}

impl<M: Machine> Emitter<'_, M> {
    fn prologue(&mut self) {
        self.m.push_frame(FrameRecord::SIZE);
        let left = M::SCRATCH[1];
        let overflow = self.m.label();
        self.m.load(Load::W64, left, Mem::at(M::STACK, FrameRecord::SIZE + FrameRecord::STACK_LEFT));
        self.m.sub(Width::W64, left, left, Rhs::Imm(self.function.charge as i32));
        self.m.jump_if(terrace_masm::Cond::Negative, overflow);
        self.m.store(Store::W64, Mem::at(M::STACK, FrameRecord::STACK_LEFT), left);
        self.m.store(Store::W64, Mem::at(M::STACK, FrameRecord::BASE), M::SLOTS);
        self.m.store(Store::W64, Mem::at(M::STACK, FrameRecord::INSTANCE), M::INSTANCE);
        let tag = (self.function.index << 1 | 1) as i32;
        self.m.store_imm(Store::W64, Mem::at(M::STACK, FrameRecord::FUNCTION), tag);
        self.zero_locals();
        self.cold.push(Cold::Trap { label: overflow, kind: TrapKind::StackOverflow, pc: u32::MAX });
    }

    /// What counts or polls at the function's entry may find that an interpreter runs it: then it goes over here.
    fn place_behind_prologue(&mut self) {
        if !self.items.first().is_some_and(|item| matches!(item.op, Op::Profile | Op::Poll)) {
            return;
        }
        let (label, target) = (self.m.label(), self.m.label());
        self.m.bind(target);
        let loads = self.regs.state().map(|(reg, held)| Fix::Load(reg, held));
        let fixes = Span::append(&mut self.cold_fixes, loads);
        self.cold.push(Cold::Edge { label, fixes, target });
        self.osr.push((0, label));
    }

    /// Locals that are no parameters are zero.
    fn zero_locals(&mut self) {
        const UNROLLED: u32 = 16;
        let (first, end) = (self.function.param_slots, self.function.local_slots);
        if first >= end {
            return;
        }
        let zero = self.float_temp();
        self.m.vector_const(zero, 0);
        if end - first <= UNROLLED {
            let mut slot = first;
            while slot < end {
                if end - slot >= 2 {
                    self.m.store_vector(regs::home::<M>(slot), zero);
                    slot += 2;
                } else {
                    self.m.store_float(terrace_masm::FloatWidth::F64, regs::home::<M>(slot), zero);
                    slot += 1;
                }
            }
        } else {
            // An odd one at the end is written twice.
            let (at, last) = (self.temp(), self.temp());
            let again = self.m.label();
            self.m.store_float(terrace_masm::FloatWidth::F64, regs::home::<M>(end - 1), zero);
            self.m.lea(Width::W64, at, regs::home::<M>(first));
            self.m.lea(Width::W64, last, regs::home::<M>(first + (end - first) / 2 * 2));
            self.m.bind(again);
            self.m.store_vector(Mem::at(at, 0), zero);
            self.m.add(Width::W64, at, at, Rhs::Imm(16));
            self.m.compare(Width::W64, at, last.into());
            self.m.jump_if_near(terrace_masm::Cond::LtU, again);
        }
        self.regs.unlock_all();
        // The region's own registers start with the value.
        for reg in 0..REGS as RegId {
            let slot = self.analysis.regions[0].slots[usize::from(reg)];
            if slot != NO_SLOT && (first..end).contains(&slot) {
                let wide = self.is_vector_local(slot);
                if reg < analyze::FLOATS {
                    self.m.mov_imm(Width::W32, regs::gpr::<M>(reg), 0);
                } else {
                    self.m.vector_const(regs::fpr::<M>(reg), 0);
                }
                self.regs.set(reg, Held { slot, dirty: false, wide });
            }
        }
    }

    fn is_vector_local(&self, slot: u32) -> bool {
        self.analysis.kinds.get(slot as usize) == Some(&LocalKind::Vector)
    }

    fn body(&mut self) {
        let joins = &self.function.joins;
        let (mut at, mut next_join, mut reachable) = (0, 0, true);
        while let Some(&Item { pc, .. }) = self.items.get(at) {
            let join = joins.get(next_join).filter(|join| join.pc == pc).map(|_| next_join);
            next_join += usize::from(join.is_some());
            self.arrive(pc, join, reachable);
            let limit = joins.get(next_join).map_or(u32::MAX, |join| join.pc);
            let rest = &self.items[at..];
            let len = 1 + rest.iter().take_while(|item| item.next < limit && !item.leaves()).count();
            let end = at + len.min(rest.len());
            let last = self.items[end - 1];
            let height = match joins.get(next_join) {
                _ if last.leaves() => 0,
                Some(join) if join.pc == last.next => join.height,
                _ => u32::MAX,
            };
            self.live.mark(self.function, &mut self.items[at..end], height);
            for index in at..end {
                reachable = self.emit_item(self.items[index]);
            }
            at = end;
        }
    }

    fn emit_item(&mut self, item: Item) -> bool {
        self.item = item;
        self.map(item.pc);
        if let Some(pcs) = &mut self.pcs {
            pcs.cold.push((self.cold.len(), item.pc));
        }
        let reachable = self.instruction();
        self.regs.unlock_all();
        if self.m.buffer().has_trap_sites() {
            for site in self.m.buffer_mut().drain_trap_sites() {
                self.cold.push(Cold::Trap { label: site.label, kind: site.kind, pc: item.pc });
            }
        }
        reachable
    }

    /// The words of the instruction that is being emitted.
    fn instruction_words(&self) -> &[Word] {
        self.item.words(&self.function.code)
    }

    /// A field that names a slot or a small number.
    fn field(&self, field: Field) -> u32 {
        field.of(self.instruction_words()) as u32
    }

    /// An extension word.
    fn extension(&self, index: usize) -> Word {
        self.instruction_words()[1 + index]
    }

    /// Releases the operands that are used for the last time: those whose bits are in `dies`, by operand.
    fn release_dying(&mut self) {
        let (item, mut dies) = (self.item, self.item.dies);
        while dies != 0 {
            let slot = item.slot(&self.function.code, dies.trailing_zeros() as usize);
            dies &= dies - 1;
            self.release(slot);
        }
    }

    /// Loads the address of the table of stubs.
    fn stubs(&mut self) -> Gpr {
        let table = M::STORE;
        self.m.load(Load::W64, table, Mem::at(M::INSTANCE, InstanceRecord::STORE));
        self.m.load(Load::W64, table, Mem::at(table, StoreRecord::STUBS));
        table
    }

    fn stub(&mut self, stub: Stub) -> Mem {
        let table = self.stubs();
        Mem::at(table, 8 * stub as i32)
    }

    fn jump_to_stub(&mut self, stub: Stub) {
        let at = self.stub(stub);
        self.m.load(Load::W64, M::STORE, at);
        self.m.jump_to(M::STORE);
    }

    /// Remembers which instruction runs, where whoever looks at the frame finds it.
    fn store_pc(&mut self, pc: u32) {
        self.m.store_imm(Store::W64, Mem::at(M::STACK, FrameRecord::PC), pc as i32);
    }

    /// Calls a helper, with nothing in registers; its operand is in the first temporary.
    fn call_helper(&mut self, site: HelpSite) {
        self.store_pc(site.pc);
        self.m.mov_imm(Width::W32, M::SCRATCH[0], site.helper as i64);
        self.m.mov_imm(Width::W32, M::SCRATCH[1], 8 * i64::from(site.pc));
        self.m.mov_imm(Width::W32, M::SCRATCH[2], 8 * i64::from(site.next));
        self.m.address_of(M::TEMPS[1], self.words);
        self.m.load(Load::W64, M::TEMPS[1], Mem::at(M::TEMPS[1], 0));
        let at = self.stub(Stub::Help);
        self.m.call_mem(at);
    }

    /// Lets a helper do this instruction's work.
    fn help(&mut self, helper: HelperId) {
        self.flush();
        self.call_helper(self.site(helper));
    }

    fn site(&self, helper: HelperId) -> HelpSite {
        HelpSite { helper, pc: self.item.pc, next: self.item.next }
    }

    /// Notes that what comes next is for the instruction at `pc`.
    fn map(&mut self, pc: u32) {
        if let Some(pcs) = &mut self.pcs {
            pcs.places.push(Place { pc, offset: self.m.offset() as u32 });
        }
    }

    fn finish(mut self, start: std::time::Instant) -> MachineCode {
        self.m.align(8);
        self.m.bind(self.words);
        let words_at = self.m.offset();
        self.m.buffer_mut().data(&[0; 8]);
        self.m.finish();
        let buffer = self.m.buffer();
        let position = |label| match buffer.position(label) {
            Some(position) => position as u32,
            None => unreachable!("every label is bound"),
        };
        let places = |list: &[(u32, Label)]| -> Vec<Place> {
            list.iter().map(|&(pc, label)| Place { pc, offset: position(label) }).collect()
        };
        let code = MachineCode {
            entry: 0,
            osr: places(&self.osr),
            landings: places(&self.landings),
            traps: self.traps.clone(),
            pcs: self.pcs.take().map(|pcs| pcs.places).unwrap_or_default(),
            words_at: words_at as u32,
            bytes: buffer.bytes().to_vec(),
            time: start.elapsed(),
        };
        if self.function.code.len() <= KEPT {
            TABLES.set(self.into_tables());
        }
        code
    }

    /// Emits the current instruction; `false` if control never continues behind it.
    fn instruction(&mut self) -> bool {
        use terrace_abi::Shape;
        match self.item.op.info().shape {
            Shape::unary => self.unary(),
            Shape::binary => self.binary(),
            Shape::compare => self.compare(),
            Shape::ternary => self.ternary(),
            Shape::extract_lane => self.extract_lane(),
            Shape::replace_lane => self.replace_lane(),
            Shape::shuffle => self.shuffle(),
            Shape::wide => self.wide(),
            Shape::load => self.load(),
            Shape::store => self.store(),
            Shape::load_lane => self.load_lane(),
            Shape::store_lane => self.store_lane(),
            Shape::atomic_load | Shape::atomic_store | Shape::atomic_rmw => self.atomic(),
            Shape::atomic_cmpxchg => self.cmpxchg(),
            Shape::atomic_wait if self.item.op == Op::MemoryAtomicWait32 => self.help(HelperId::Wait32),
            Shape::atomic_wait => self.help(HelperId::Wait64),
            Shape::atomic_notify => self.help(HelperId::Notify),
            Shape::special => return self.special(),
        }
        true
    }
}

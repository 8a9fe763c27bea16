//! One forward walk over bytecode that emits machine code.
//!
//! Code is cut into blocks that end where control leaves or another branch may arrive. Inside of a block, values stay in registers as
//! [`regs`] says; at a branch target, registers hold what the first branch to it left there, and every later one does what is missing
//! to come to the same state. The targets of loops' back edges are fixed when the walk gets there: the region's locals are in their
//! registers, all else is at home, which is also what on-stack replacement finds.

mod block;
mod call;
mod control;
mod memory;
mod regs;
mod shaped;
mod special;

use terrace_abi::layout::Field;
use terrace_abi::vm::{FrameRecord, InstanceRecord, StoreRecord};
use terrace_abi::{Op, TrapKind, Word};
use terrace_core::bytecode::{Function, Instruction};
use terrace_core::runtime::Module;
use terrace_core::runtime::memory::BoundsMode;
use terrace_core::tier::code::{MachineCode, Place, TrapPlace};
use terrace_interp::activation::{HelperId, Stub};
use terrace_masm::{Gpr, Label, Load, Mem, Rhs, Store, Width};
use terrace_templates::Machine;

use crate::analyze::{self, NO_REG, NO_SLOT, Pools, REGS, RegId, Region};
use block::Item;
use regs::{Fix, Held, Regs, State};

/// A branch target while code is emitted.
struct Join {
    label: Label,
    /// What registers hold there, once it is known.
    state: Option<State>,
    /// The region that it is in.
    region: usize,
}

/// Code that is seldom run, behind the rest.
enum Cold {
    /// A branch that has something to do before it arrives.
    Edge { label: Label, fixes: Vec<Fix>, target: Label },
    /// A trap of the instruction at `pc`.
    Trap { label: Label, kind: TrapKind, pc: u32 },
    /// A helper does the instruction's work; execution goes on at `back` with nothing in registers.
    Help { label: Label, site: HelpSite, operand: Option<Gpr>, back: Label },
    /// A poll that has to ask: registers go home before, and come back behind.
    Poll { label: Label, site: HelpSite, before: Vec<Fix>, behind: Vec<Fix>, back: Label },
    /// A call into another instance, whose function record is in the third scratch register.
    Cross { label: Label, base: u32, back: Label },
    /// An indirect call to a function of another type: goes on at `back` if the type admits it.
    Subtype { label: Label, site: HelpSite, item: Item, back: Label },
    /// Entry into a loop, or a landing pad: registers get what they hold at a branch target.
    Entry { label: Label, join: usize },
}

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
    regions: Vec<Region>,
    region: usize,
    /// The register that the current region gives to each slot.
    given: Vec<RegId>,
    regs: Regs,
    joins: Vec<Join>,
    live: block::Liveness,
    cold: Vec<Cold>,
    traps: Vec<TrapPlace>,
    /// Where the address of the function's words is.
    words: Label,
    /// The instruction that is being emitted.
    item: Item,
    osr: Vec<(u32, Label)>,
    landings: Vec<(u32, Label)>,
    fixes: Vec<Fix>,
    /// Where the code of each instruction begins, if that is asked for.
    pcs: Option<Pcs>,
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
    let pools = Pools { ints: M::POOL.len(), floats: M::FLOAT_POOL.len() };
    let mut m = M::new();
    let regions = analyze::regions(function, pools);
    let words = m.label();
    let joins = joins(&mut m, function);
    let slots = function.frame_slots as usize + 2;
    let mut emitter = Emitter {
        m,
        module,
        function,
        explicit: module.memory0_bounds().is_some_and(|bounds| bounds != BoundsMode::Guard),
        regions,
        region: 0,
        given: vec![NO_REG; slots],
        regs: Regs::new(slots),
        joins,
        live: block::Liveness::new(slots),
        cold: Vec::new(),
        traps: Vec::new(),
        words,
        item: Item::default(),
        osr: Vec::new(),
        landings: Vec::new(),
        fixes: Vec::new(),
        pcs: pcs.then(Pcs::default),
    };
    emitter.enter_region(0);
    emitter.landings();
    emitter.prologue();
    emitter.place_behind_prologue();
    emitter.body();
    emitter.cold_code();
    emitter.finish(start)
}

/// The branch targets, each with its region.
fn joins<M: Machine>(m: &mut M, function: &Function) -> Vec<Join> {
    let (mut region, mut next) = (0, 0);
    let mut joins = Vec::with_capacity(function.joins.len());
    for join in &function.joins {
        // Regions nest: those that have ended by here are left, those that have begun are entered.
        loop {
            if region != 0 && join.pc >= function.loops[region - 1].end {
                region = function.loops[region - 1].parent.map_or(0, |parent| parent as usize + 1);
            } else if function.loops.get(next).is_some_and(|next| next.head < join.pc) {
                next += 1;
                region = next;
            } else {
                break;
            }
        }
        joins.push(Join { label: m.label(), state: None, region });
    }
    joins
}

impl<M: Machine> Emitter<'_, M> {
    /// The number of the branch target at `pc`.
    fn join_at(&self, pc: u32) -> Option<usize> {
        self.function.joins.binary_search_by_key(&pc, |join| join.pc).ok()
    }

    /// Makes `region` the current one.
    fn enter_region(&mut self, region: usize) {
        for old in self.regions[self.region].slots {
            if let Some(given) = self.given.get_mut(old as usize) {
                *given = NO_REG;
            }
        }
        self.region = region;
        for (reg, slot) in self.regions[region].slots.into_iter().enumerate() {
            if let Some(given) = self.given.get_mut(slot as usize) {
                *given = reg as RegId;
            }
        }
    }

    /// Exception handlers find everything at home.
    fn landings(&mut self) {
        for handler in &self.function.handlers {
            let Some(join) = self.join_at(handler.target) else { unreachable!("handlers are at branch targets") };
            if self.landings.iter().any(|&(pc, _)| pc == handler.target) {
                continue;
            }
            let is_loop = self.function.loops.iter().any(|loop_| loop_.head + 1 == handler.target);
            let label = if is_loop {
                let label = self.m.label();
                self.cold.push(Cold::Entry { label, join });
                label
            } else {
                self.joins[join].state = Some(State::new());
                self.joins[join].label
            };
            self.landings.push((handler.target, label));
        }
        self.landings.sort_unstable_by_key(|&(pc, _)| pc);
    }

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
        if !matches!(self.decoded().op, Op::Profile | Op::Poll) {
            return;
        }
        let (label, target) = (self.m.label(), self.m.label());
        self.m.bind(target);
        let fixes = self.regs.state().map(|(reg, held)| Fix::Load(reg, held)).collect();
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
            let slot = self.regions[0].slots[usize::from(reg)];
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
        let locals = &self.function.local_uses;
        locals.iter().any(|local| local.slot == slot && local.ty == terrace_abi::Ty::V128)
    }

    fn body(&mut self) {
        let mut items = Vec::new();
        let (mut pc, mut reachable) = (0, true);
        while (pc as usize) < self.function.code.len() {
            self.arrive(pc, reachable);
            let end = block::read(self.function, pc, &mut items);
            let height = self.join_at(end).map_or(u32::MAX, |join| self.function.joins[join].height);
            let last_ends = items.last().is_some_and(|item: &Item| block::leaves(item.op));
            self.live.mark(self.function, &mut items, if last_ends { 0 } else { height });
            reachable = true;
            for &item in &items {
                self.item = item;
                self.map(item.pc);
                if let Some(pcs) = &mut self.pcs {
                    pcs.cold.push((self.cold.len(), item.pc));
                }
                reachable = self.instruction();
                self.regs.unlock_all();
                for site in self.m.buffer_mut().take_trap_sites() {
                    self.cold.push(Cold::Trap { label: site.label, kind: site.kind, pc: item.pc });
                }
            }
            pc = end;
        }
    }

    /// A block begins at `pc`; `reachable` says whether the one before runs into it.
    fn arrive(&mut self, pc: u32, reachable: bool) {
        let mut region = self.region;
        while region != 0 && pc >= self.regions[region].end {
            region = self.regions[region].parent;
        }
        let join = self.join_at(pc);
        if region != self.region {
            let height = join.map_or(u32::MAX, |join| self.function.joins[join].height);
            if reachable && join.is_none_or(|join| self.joins[join].state.is_none()) {
                let state = self.admitted(region, height);
                self.conform(&state, height);
            }
            if reachable && let Some(state) = join.and_then(|join| self.joins[join].state.clone()) {
                self.conform(&state, height);
            }
            if !reachable {
                self.regs.clear();
            }
            // What the region gives away holds nothing else by now.
            self.enter_region(region);
        }
        let Some(join) = join else {
            if !reachable {
                self.regs.clear();
            }
            return;
        };
        let height = self.function.joins[join].height;
        match (reachable, self.joins[join].state.clone()) {
            (true, Some(state)) => self.conform(&state, height),
            (true, None) => {}
            (false, Some(state)) => self.regs.replace(&state),
            (false, None) => self.regs.clear(),
        }
        self.m.bind(self.joins[join].label);
    }

    /// Does what is missing so that registers hold what `state` says.
    fn conform(&mut self, state: &[(RegId, Held)], height: u32) {
        let mut fixes = std::mem::take(&mut self.fixes);
        regs::fixes(&self.regs, state, height, &mut fixes);
        self.emit_fixes(&fixes);
        self.fixes = fixes;
        self.regs.replace(state);
    }

    /// What registers may keep at a branch target in a region.
    fn admitted(&self, region: usize, height: u32) -> State {
        let slots = &self.regions[region].slots;
        let admits = |&(reg, held): &(RegId, Held)| {
            let given = slots[usize::from(reg)];
            held.slot < height
                && (given == held.slot || (given == NO_SLOT && held.dirty && !slots.contains(&held.slot)))
        };
        self.regs.state().filter(admits).collect()
    }

    /// Where a branch to `pc` goes, from here: the label of the target, or of code that does what is missing.
    fn edge(&mut self, pc: u32) -> Label {
        let Some(join) = self.join_at(pc) else { unreachable!("every branch target is a join") };
        let height = self.function.joins[join].height;
        if self.joins[join].state.is_none() {
            self.joins[join].state = Some(self.admitted(self.joins[join].region, height));
        }
        let Some(state) = &self.joins[join].state else { unreachable!("it was set") };
        let mut fixes = std::mem::take(&mut self.fixes);
        regs::fixes(&self.regs, state, height, &mut fixes);
        let target = self.joins[join].label;
        let label = if fixes.is_empty() {
            target
        } else {
            let label = self.m.label();
            self.cold.push(Cold::Edge { label, fixes: fixes.clone(), target });
            label
        };
        self.fixes = fixes;
        label
    }

    /// Goes to `pc`, and nowhere else.
    fn go(&mut self, pc: u32) {
        let Some(join) = self.join_at(pc) else { unreachable!("every branch target is a join") };
        let height = self.function.joins[join].height;
        let state = match &self.joins[join].state {
            Some(state) => state.clone(),
            None => {
                let state = self.admitted(self.joins[join].region, height);
                self.joins[join].state = Some(state.clone());
                state
            }
        };
        self.conform(&state, height);
        self.m.jump(self.joins[join].label);
    }

    /// The words of the instruction that is being emitted.
    fn instruction_words(&self) -> &[Word] {
        &self.function.code[self.item.pc as usize..self.item.next as usize]
    }

    fn decoded(&self) -> Instruction<'_> {
        match Instruction::at(&self.function.code, self.item.pc) {
            Ok(instruction) => instruction,
            Err(error) => unreachable!("{error}"),
        }
    }

    /// A field that names a slot or a small number.
    fn field(&self, field: Field) -> u32 {
        self.decoded().field(field) as u32
    }

    /// An extension word.
    fn extension(&self, index: usize) -> Word {
        self.instruction_words()[1 + index]
    }

    /// Releases the operands that are used for the last time: those whose bits are in `dies`, by operand.
    fn release_dying(&mut self) {
        let item = self.item;
        if item.dies == 0 {
            return;
        }
        let Some(layout) = item.op.layout(item.form) else { return };
        for (i, operand) in layout.operands.iter().enumerate() {
            if item.dies & (1 << i) != 0 {
                let slot = self.decoded().field(operand.field) as u32;
                self.release(slot);
            }
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

    fn map_cold(&mut self, number: usize, cold: &Cold) {
        let Some(pcs) = &self.pcs else { return };
        let pc = match *cold {
            Cold::Entry { join, .. } => self.function.joins[join].pc,
            Cold::Trap { pc, .. } => pc,
            _ => pcs.of_cold(number),
        };
        self.map(pc);
    }

    fn cold_code(&mut self) {
        // Entries need every target's state, so they come when all are known.
        for index in 0..self.function.loops.len() {
            let pc = self.function.loops[index].head + 1;
            let Some(join) = self.join_at(pc) else { continue };
            let label = self.m.label();
            self.cold.push(Cold::Entry { label, join });
            self.osr.push((pc, label));
        }
        let trap = self.m.label();
        let mut traps = false;
        for (number, cold) in std::mem::take(&mut self.cold).into_iter().enumerate() {
            self.map_cold(number, &cold);
            match cold {
                Cold::Edge { label, fixes, target } => {
                    self.m.bind(label);
                    self.emit_fixes(&fixes);
                    self.m.jump(target);
                }
                Cold::Trap { label, pc: u32::MAX, .. } => {
                    self.m.bind(label);
                    self.jump_to_stub(Stub::Overflow);
                }
                Cold::Trap { label, kind, pc } => {
                    traps = true;
                    self.m.bind(label);
                    self.store_pc(pc);
                    self.m.mov_imm(Width::W32, M::SCRATCH[0], kind as i64);
                    self.m.jump(trap);
                }
                Cold::Help { label, site, operand, back } => {
                    self.m.bind(label);
                    if let Some(operand) = operand {
                        self.m.mov(Width::W64, M::TEMPS[0], operand);
                    }
                    self.call_helper(site);
                    self.m.jump(back);
                }
                Cold::Poll { label, site, before, behind, back } => {
                    self.m.bind(label);
                    self.emit_fixes(&before);
                    self.call_helper(site);
                    self.emit_fixes(&behind);
                    self.m.jump(back);
                }
                Cold::Cross { label, base, back } => self.cross(label, base, back),
                Cold::Subtype { label, site, item, back } => self.subtype(label, site, item, back),
                Cold::Entry { label, join } => {
                    self.m.bind(label);
                    let state = self.joins[join].state.clone().unwrap_or_default();
                    let fixes: Vec<Fix> = state.iter().map(|&(reg, held)| Fix::Load(reg, held)).collect();
                    self.emit_fixes(&fixes);
                    self.m.jump(self.joins[join].label);
                }
            }
        }
        if traps {
            self.map(Place::NO_PC);
            self.m.bind(trap);
            self.jump_to_stub(Stub::Trap);
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
        MachineCode {
            entry: 0,
            osr: places(&self.osr),
            landings: places(&self.landings),
            traps: self.traps,
            pcs: self.pcs.map(|pcs| pcs.places).unwrap_or_default(),
            words_at: words_at as u32,
            bytes: buffer.bytes().to_vec(),
            time: start.elapsed(),
        }
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

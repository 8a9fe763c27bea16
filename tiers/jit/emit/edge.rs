//! Branch targets, and what has to be done to get there.

use terrace_core::bytecode::Function;
use terrace_masm::Label;
use terrace_templates::Machine;

use super::block::{Item, join_at};
use super::regs::{Fix, Held};
use super::{Cold, Emitter, Span};
use crate::analyze::{NO_REG, NO_SLOT, RegId};

/// A branch target while code is emitted.
#[derive(Clone, Copy)]
pub(super) struct Join {
    pub label: Label,
    /// What registers hold there, once it is known.
    pub state: Option<Span>,
    /// The region that it is in.
    region: u32,
    /// An exception handler begins there.
    landing: bool,
    /// The last `br_table` that goes there, if one does, and where its entries for it go.
    table: Option<(u32, Label)>,
}

impl<M: Machine> Emitter<'_, M> {
    /// Lists the branch targets, each with its region.
    pub(super) fn make_joins(&mut self) {
        let Function { joins, loops, .. } = self.function;
        let (mut region, mut next) = (0, 0);
        self.joins.clear();
        self.joins.reserve(joins.len());
        for join in joins {
            // Regions nest: those that have ended by here are left, those that have begun are entered.
            loop {
                if region != 0 && join.pc >= loops[region - 1].end {
                    region = loops[region - 1].parent.map_or(0, |parent| parent as usize + 1);
                } else if loops.get(next).is_some_and(|next| next.head < join.pc) {
                    next += 1;
                    region = next;
                } else {
                    break;
                }
            }
            let label = self.m.label();
            self.joins.push(Join { label, state: None, region: region as u32, landing: false, table: None });
        }
    }

    /// The number of the branch target at `pc`.
    pub(super) fn join_at(&self, pc: u32) -> Option<usize> {
        join_at(self.function, pc)
    }

    /// The number of the target of the branch that is being emitted.
    pub(super) fn target(&self) -> usize {
        match self.item.join() {
            Some(join) => join,
            None => unreachable!("every branch target is a join"),
        }
    }

    /// Makes `region` the current one.
    pub(super) fn enter_region(&mut self, region: usize) {
        for old in self.analysis.regions[self.region].slots {
            if let Some(given) = self.given.get_mut(old as usize) {
                *given = NO_REG;
            }
        }
        self.region = region;
        for (reg, slot) in self.analysis.regions[region].slots.into_iter().enumerate() {
            if let Some(given) = self.given.get_mut(slot as usize) {
                *given = reg as RegId;
            }
        }
    }

    /// Exception handlers find everything at home.
    pub(super) fn landings(&mut self) {
        let Function { handlers, loops, .. } = self.function;
        for handler in handlers {
            let Some(join) = self.join_at(handler.target) else { unreachable!("handlers are at branch targets") };
            if std::mem::replace(&mut self.joins[join].landing, true) {
                continue;
            }
            let is_loop = loops.binary_search_by_key(&handler.target, |loop_| loop_.head + 1).is_ok();
            let label = if is_loop {
                let label = self.m.label();
                self.cold.push(Cold::Entry { label, join });
                label
            } else {
                self.joins[join].state = Some(Span { start: 0, end: 0 });
                self.joins[join].label
            };
            self.landings.push((handler.target, label));
        }
        self.landings.sort_unstable_by_key(|&(pc, _)| pc);
    }

    /// A block begins at `pc`, which is the branch target `join` or none; `reachable` says whether the one before runs into it.
    pub(super) fn arrive(&mut self, pc: u32, join: Option<usize>, reachable: bool) {
        let mut region = self.region;
        while region != 0 && pc >= self.analysis.regions[region].end {
            region = self.analysis.regions[region].parent;
        }
        let height = join.map_or(u32::MAX, |join| self.function.joins[join].height);
        let state = join.and_then(|join| self.joins[join].state);
        if region != self.region {
            if !reachable {
                self.regs.clear();
            } else {
                let state = match state {
                    Some(state) => state,
                    None => self.admitted(region, height),
                };
                self.conform(state, height);
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
        match (reachable, state) {
            (true, Some(state)) => self.conform(state, height),
            (true, None) => {}
            (false, Some(state)) => self.regs.replace(state.of(&self.states)),
            (false, None) => self.regs.clear(),
        }
        self.m.bind(self.joins[join].label);
    }

    /// Does what is missing so that registers hold what `state` says.
    pub(super) fn conform(&mut self, state: Span, height: u32) {
        self.fixes.find(&self.regs, state.of(&self.states), height);
        if !self.fixes.list.is_empty() {
            let fixes = std::mem::take(&mut self.fixes.list);
            self.emit_fixes(&fixes);
            self.fixes.list = fixes;
        }
        self.regs.replace(state.of(&self.states));
    }

    /// What registers may keep at a branch target in a region.
    fn admitted(&mut self, region: usize, height: u32) -> Span {
        let slots = &self.analysis.regions[region].slots;
        let admits = |&(reg, held): &(RegId, Held)| {
            let given = slots[usize::from(reg)];
            held.slot < height
                && (given == held.slot || (given == NO_SLOT && held.dirty && !slots.contains(&held.slot)))
        };
        Span::append(&mut self.states, self.regs.state().filter(admits))
    }

    /// What registers hold at a branch target, to which a branch from here is the first if it is not known.
    fn state_at(&mut self, join: usize) -> Span {
        if let Some(state) = self.joins[join].state {
            return state;
        }
        let state = self.admitted(self.joins[join].region as usize, self.function.joins[join].height);
        self.joins[join].state = Some(state);
        state
    }

    /// Where a branch goes, from here: the label of the target, or of code that does what is missing.
    pub(super) fn edge(&mut self, join: usize) -> Label {
        let state = self.state_at(join);
        self.fixes.find(&self.regs, state.of(&self.states), self.function.joins[join].height);
        let target = self.joins[join].label;
        if self.fixes.list.is_empty() {
            return target;
        }
        let label = self.m.label();
        let fixes = Span::append(&mut self.cold_fixes, self.fixes.list.iter().copied());
        self.cold.push(Cold::Edge { label, fixes, target });
        label
    }

    /// Where an entry of the `br_table` that is being emitted goes: all that have a target in common share what is missing.
    pub(super) fn table_edge(&mut self, relative: u32) -> Label {
        let Item { pc, .. } = self.item;
        let Some(join) = self.join_at(pc.wrapping_add(relative)) else { unreachable!("every branch target is a join") };
        if let Some((table, label)) = self.joins[join].table
            && table == pc
        {
            return label;
        }
        let label = self.edge(join);
        self.joins[join].table = Some((pc, label));
        label
    }

    /// Goes to a branch target, and nowhere else.
    pub(super) fn go(&mut self, join: usize) {
        let state = self.state_at(join);
        self.conform(state, self.function.joins[join].height);
        self.m.jump(self.joins[join].label);
    }

    /// Loads what registers hold at a branch target from home.
    pub(super) fn load_state(&mut self, join: usize) {
        let Some(state) = self.joins[join].state else { return };
        self.fixes.list.clear();
        self.fixes.list.extend(state.of(&self.states).iter().map(|&(reg, held)| Fix::Load(reg, held)));
        let fixes = std::mem::take(&mut self.fixes.list);
        self.emit_fixes(&fixes);
        self.fixes.list = fixes;
    }
}

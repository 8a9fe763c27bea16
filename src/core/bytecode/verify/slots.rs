//! Dataflow, forward: what each slot holds, on every path.
//!
//! The states of a slot form a lattice: `Zero` (which every type has) above the kinds of values, and below them `Unset`, which
//! also stands for "different things on different paths". States only go down, so the iteration ends.

use std::collections::BTreeSet;

use terrace_abi::Op;

use super::effects::{Effects, Written, slots, width};
use super::liveness::Liveness;
use super::types::{CodeTypes, Signature, SlotKind};
use super::{Budget, Expected, Problem, Stop};
use crate::bytecode::{Function, Handler, Instruction, Instructions};

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing that may be read.
    Unset,
    /// 0: a number or null.
    Zero,
    /// A number.
    Word,
    /// A heap reference.
    HeapRef,
    /// The address of a function record.
    FuncRef,
    /// The low half of a vector.
    Low,
    /// The high half of a vector.
    High,
}

impl State {
    /// What is known where two paths meet.
    fn meet(self, other: State) -> State {
        match (self, other) {
            (a, b) if a == b => a,
            (State::Zero, x @ (State::Word | State::HeapRef | State::FuncRef)) => x,
            (x @ (State::Word | State::HeapRef | State::FuncRef), State::Zero) => x,
            _ => State::Unset,
        }
    }

    fn is_reference(self) -> bool {
        matches!(self, State::Zero | State::HeapRef | State::FuncRef)
    }
}

/// The states of a frame's slots.
type Slots = Box<[State]>;

fn set(slots: &mut [State], slot: u32, kind: SlotKind) {
    let slot = slot as usize;
    match kind {
        SlotKind::Word => slots[slot] = State::Word,
        SlotKind::HeapRef => slots[slot] = State::HeapRef,
        SlotKind::FuncRef => slots[slot] = State::FuncRef,
        SlotKind::V128 => slots[slot..slot + 2].copy_from_slice(&[State::Low, State::High]),
    }
}

/// What a written slot holds, from the states before; a known kind is up to the caller.
fn value(written: Written, states: &[State]) -> State {
    match written {
        Written::Is(_) | Written::Zero => State::Zero,
        Written::Like(slot) => states[slot as usize],
        Written::Either(a, b) => states[a as usize].meet(states[b as usize]),
    }
}

fn fits(slots: &[State], slot: u32, expected: Expected) -> bool {
    let state = slots[slot as usize];
    match expected {
        Expected::Value => matches!(state, State::Zero | State::Word | State::HeapRef | State::FuncRef),
        Expected::Reference => state.is_reference(),
        Expected::Anything => state != State::Unset,
        Expected::Is(SlotKind::Word) => matches!(state, State::Zero | State::Word),
        Expected::Is(SlotKind::HeapRef) => matches!(state, State::Zero | State::HeapRef),
        Expected::Is(SlotKind::FuncRef) => matches!(state, State::Zero | State::FuncRef),
        Expected::Is(SlotKind::V128) => slots[slot as usize..][..2] == [State::Low, State::High],
    }
}

/// A function whose slots were followed to the fixpoint.
pub(super) struct Flow<'a> {
    pub(super) function: &'a Function,
    pub(super) types: &'a dyn CodeTypes,
    pub(super) own: &'a Signature,
    pub(super) budget: &'a mut Budget,
    /// First pcs of the basic blocks, in order.
    pub(super) blocks: Vec<u32>,
    /// States at the start of each block; `None` where control never comes.
    entry: Vec<Option<Slots>>,
    /// Does any slot ever hold a heap reference?
    references: bool,
}

impl<'a> Flow<'a> {
    /// Follows the slots of a function whose structure has been checked.
    pub(super) fn new(
        function: &'a Function,
        types: &'a dyn CodeTypes,
        own: &'a Signature,
        budget: &'a mut Budget,
    ) -> Result<Flow<'a>, Stop> {
        let mut leaders = BTreeSet::from([0]);
        for instruction in Instructions::new(&function.code).flatten() {
            let mut branches = instruction.info().traits.ends;
            for target in instruction.targets() {
                leaders.insert(target.pc);
                branches = true;
            }
            if branches {
                leaders.insert(instruction.next_pc());
            }
        }
        leaders.extend(function.handlers.iter().map(|handler| handler.target));
        leaders.remove(&(function.code.len() as u32));
        let blocks: Vec<u32> = leaders.into_iter().collect();
        budget.spend(blocks.len() as u64 * u64::from(function.frame_slots))?;
        let entry = vec![None; blocks.len()];
        let mut flow = Flow { function, types, own, budget, blocks, entry, references: false };
        flow.run()?;
        Ok(flow)
    }

    /// The states when the function is entered.
    fn initial(&self) -> Slots {
        let mut states = vec![State::Unset; self.function.frame_slots as usize].into_boxed_slice();
        states[..self.function.local_slots as usize].fill(State::Zero);
        let locals = self.types.locals();
        // Scratch slots lie between parameters and declared locals.
        for (first, kinds) in [(0, &self.own.params), (self.function.local_slots - slots(&locals), &locals)] {
            let mut slot = first;
            for &kind in kinds {
                set(&mut states, slot, kind);
                slot += kind.slots();
            }
        }
        states
    }

    /// The block that starts at `pc`.
    pub(super) fn block(&self, pc: u32) -> Option<usize> {
        self.blocks.binary_search(&pc).ok()
    }

    /// The instructions of a block.
    pub(super) fn instructions(&self, block: usize) -> impl Iterator<Item = Instruction<'a>> + use<'a> {
        let code = &self.function.code;
        let end = self.blocks.get(block + 1).copied().unwrap_or(code.len() as u32);
        let mut pc = self.blocks[block];
        std::iter::from_fn(move || {
            let instruction = (pc < end).then(|| Instruction::at(code, pc).ok())??;
            pc = instruction.next_pc();
            Some(instruction)
        })
    }

    /// The blocks to which control may go behind an instruction, exceptions apart.
    pub(super) fn successors(&self, instruction: &Instruction<'_>) -> impl Iterator<Item = usize> {
        let next = (!instruction.info().traits.ends).then(|| instruction.next_pc());
        instruction.targets().map(|target| target.pc).chain(next).filter_map(|pc| self.block(pc))
    }

    /// The handlers that an exception at `pc` may reach.
    pub(super) fn handlers(&self, pc: u32) -> impl Iterator<Item = &'a Handler> + use<'a> {
        let covers = move |handler: &&Handler| (handler.start..handler.end).contains(&pc);
        self.function.handlers.iter().filter(covers)
    }

    /// The payload that a handler writes.
    pub(super) fn payload(&self, handler: &Handler) -> Vec<SlotKind> {
        let mut payload = handler.tag.and_then(|tag| self.types.tag(tag)).unwrap_or_default();
        payload.extend(handler.reference.then_some(SlotKind::HeapRef));
        payload
    }

    /// The effects of an instruction whose effects the structural part has seen.
    pub(super) fn effects(&mut self, instruction: &Instruction<'_>, effects: &mut Effects) -> Result<(), Stop> {
        effects.set(instruction, self.types, self.own).map_err(|problem| problem.at(instruction.pc))?;
        let moved = effects.moves.map_or(0, |(_, _, count)| count as usize);
        let handlers = if effects.throws { self.function.handlers.len() } else { 0 };
        self.budget.spend((1 + effects.reads.len() + effects.writes.len() + moved + handlers) as u64)
    }

    fn run(&mut self) -> Result<(), Stop> {
        let mut work = BTreeSet::from([0]);
        let initial = self.initial();
        self.references = initial.contains(&State::HeapRef);
        self.entry[0] = Some(initial);
        let mut effects = Effects::default();
        while let Some(block) = work.pop_first() {
            let Some(mut states) = self.entry[block].clone() else { continue };
            self.budget.spend(states.len() as u64)?;
            for instruction in self.instructions(block) {
                self.effects(&instruction, &mut effects)?;
                self.step(&instruction, &effects, &mut states, &mut work)?;
                let successors: Vec<usize> = self.successors(&instruction).collect();
                for successor in successors {
                    self.enter(successor, &states, &mut work)?;
                }
            }
        }
        Ok(())
    }

    /// Applies an instruction to the states, and passes them on to handlers.
    fn step(
        &mut self,
        instruction: &Instruction<'_>,
        effects: &Effects,
        states: &mut [State],
        work: &mut BTreeSet<usize>,
    ) -> Result<(), Stop> {
        let values: Vec<_> = effects.writes.iter().map(|&(_, written)| value(written, states)).collect();
        if let Some(base) = effects.callee {
            states[base as usize..].fill(State::Unset);
        }
        if effects.throws {
            for handler in self.handlers(instruction.pc) {
                let mut states = states.to_vec();
                let mut slot = handler.slot;
                for kind in self.payload(handler) {
                    self.references |= kind == SlotKind::HeapRef;
                    set(&mut states, slot, kind);
                    slot += kind.slots();
                }
                if let Some(target) = self.block(handler.target) {
                    self.enter(target, &states, work)?;
                }
            }
        }
        if let Some((to, from, count)) = effects.moves {
            states.copy_within(from as usize..(from + count) as usize, to as usize);
        }
        for (&(slot, written), value) in effects.writes.iter().zip(values) {
            match written {
                Written::Is(kind) => set(states, slot, kind),
                _ => states[slot as usize] = value,
            }
            self.references |= states[slot as usize] == State::HeapRef;
        }
        Ok(())
    }

    /// Control may enter this block with these states.
    fn enter(&mut self, block: usize, states: &[State], work: &mut BTreeSet<usize>) -> Result<(), Stop> {
        self.budget.spend(states.len() as u64)?;
        match &mut self.entry[block] {
            None => {
                self.entry[block] = Some(states.into());
                work.insert(block);
            }
            Some(known) => {
                for (known, &state) in known.iter_mut().zip(states) {
                    let met = known.meet(state);
                    if met != *known {
                        *known = met;
                        work.insert(block);
                    }
                }
            }
        }
        Ok(())
    }

    /// Checks every reachable instruction against the states before it.
    pub(super) fn check(mut self) -> Result<(), Stop> {
        let liveness = if self.references { Some(Liveness::new(&mut self)?) } else { None };
        let mut effects = Effects::default();
        for block in 0..self.blocks.len() {
            let Some(mut states) = self.entry[block].clone() else { continue };
            let needed = match &liveness {
                Some(liveness) => liveness.safepoints(&mut self, block)?,
                None => vec![],
            };
            let mut needed = needed.iter();
            for instruction in self.instructions(block) {
                self.effects(&instruction, &mut effects)?;
                self.check_reads(&instruction, &effects, &states)?;
                if instruction.info().traits.calls {
                    let needed = needed.next().map_or(&[][..], |needed| needed);
                    self.check_safepoint(&instruction, &effects, &states, needed)?;
                }
                // The states are final: nothing is left to do for the blocks that they reach.
                self.step(&instruction, &effects, &mut states, &mut BTreeSet::new())?;
            }
        }
        Ok(())
    }

    fn check_reads(&self, instruction: &Instruction<'_>, effects: &Effects, states: &[State]) -> Result<(), Stop> {
        let moved = effects.moves.into_iter().flat_map(|(_, from, count)| from..from + count);
        let moved = moved.map(|slot| (slot, Expected::Anything));
        for (slot, expected) in effects.reads.iter().copied().chain(moved) {
            if !fits(states, slot, expected) {
                return Err(Problem::Kind { slot, expected }.at(instruction.pc).into());
            }
        }
        Ok(())
    }

    /// Checks that the recorded references are references, and that no needed one is missing. `needed` are the slots that are
    /// read behind the safepoint.
    fn check_safepoint(
        &mut self,
        instruction: &Instruction<'_>,
        effects: &Effects,
        states: &[State],
        needed: &[u32],
    ) -> Result<(), Stop> {
        let mut recorded = BTreeSet::new();
        self.function.reference_slots(instruction.pc, &mut |slot| {
            recorded.insert(slot);
        });
        self.budget.spend((recorded.len() + needed.len()) as u64)?;
        // Slots of the callee are its own to declare.
        let end = effects.callee.unwrap_or(states.len() as u32);
        for &slot in &recorded {
            let state = states[..end as usize].get(slot as usize);
            if !matches!(state, Some(State::HeapRef | State::Zero)) {
                return Err(Problem::StrayReference(slot).at(instruction.pc).into());
            }
        }
        // The payload is still in its slots while the exception is allocated.
        let payload = match instruction.op {
            Op::Throw => &effects.reads[..],
            _ => &[],
        };
        let payload = payload.iter().flat_map(|&(slot, expected)| slot..slot + width(expected));
        for slot in needed.iter().copied().chain(payload) {
            if states[slot as usize] == State::HeapRef && !recorded.contains(&slot) {
                return Err(Problem::MissingReference(slot).at(instruction.pc).into());
            }
        }
        Ok(())
    }
}

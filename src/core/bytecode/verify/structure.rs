//! The structural part: instructions, slots, targets, loops, handlers and positions.

use terrace_abi::Op;
use terrace_abi::layout::Kind;
use terrace_abi::vm::FRAME_CHARGE;

use super::effects::{Effects, slots};
use super::types::{CodeTypes, Signature};
use super::{Problem, VerifyError};
use crate::bytecode::{Function, Handler, Instruction, Instructions, Loop, Target};

const NO_LOOP: u32 = u32::MAX;

/// Scratch slots that a frame may have.
const MAX_SCRATCH: u32 = 64;

struct Structure<'a> {
    function: &'a Function,
    /// Is an instruction's first word at this pc?
    starts: Vec<bool>,
    /// The innermost loop around each word.
    innermost: Vec<u32>,
}

/// Checks everything about a function that takes no knowledge of what its slots hold.
pub(super) fn check(function: &Function, types: &dyn CodeTypes, own: &Signature) -> Result<(), VerifyError> {
    check_frame(function, types, own).map_err(|problem| problem.at(0))?;
    let mut structure =
        Structure { function, starts: vec![false; function.code.len()], innermost: vec![NO_LOOP; function.code.len()] };
    structure.check_instructions(types, own)?;
    structure.check_loops()?;
    for instruction in Instructions::new(&function.code).flatten() {
        structure.check_targets(&instruction).map_err(|problem| problem.at(instruction.pc))?;
    }
    structure.check_handlers(types)?;
    structure.check_positions()
}

fn check_frame(function: &Function, types: &dyn CodeTypes, own: &Signature) -> Result<(), Problem> {
    let &Function { param_slots, result_slots, local_slots, frame_slots, charge, .. } = function;
    // Slots of no local, which only frames beyond the reach of 16-bit fields have.
    let scratch = param_slots.checked_add(slots(&types.locals())).and_then(|named| local_slots.checked_sub(named));
    let scratch = scratch.ok_or(Problem::Frame)?;
    let consistent = param_slots == slots(&own.params)
        && result_slots == slots(&own.results)
        && (scratch == 0 || scratch <= MAX_SCRATCH && frame_slots > 1 << 16)
        && local_slots <= frame_slots
        && result_slots <= frame_slots;
    if !consistent {
        return Err(Problem::Frame);
    }
    // Scratch slots are free of charge, so that every level charges the same.
    if u64::from(charge) < u64::from(FRAME_CHARGE) + 8 * u64::from(frame_slots - scratch) {
        return Err(Problem::Charge);
    }
    // Displacements are signed 32-bit numbers, and so every displacement leads to exactly one pc.
    if function.code.len() > i32::MAX as usize { Err(Problem::TooLong) } else { Ok(()) }
}

impl Structure<'_> {
    fn is_start(&self, pc: u32) -> bool {
        self.starts.get(pc as usize).copied().unwrap_or(false)
    }

    /// Is it the pc of an instruction, or the end of the code?
    fn is_border(&self, pc: u32) -> bool {
        pc as usize == self.function.code.len() || self.is_start(pc)
    }

    fn check_instructions(&mut self, types: &dyn CodeTypes, own: &Signature) -> Result<(), VerifyError> {
        let mut effects = Effects::default();
        let mut ends = false;
        let mut pc = 0;
        for instruction in Instructions::new(&self.function.code) {
            let instruction = instruction.map_err(|error| Problem::from(error).at(pc))?;
            pc = instruction.pc;
            self.starts[pc as usize] = true;
            effects.set(&instruction, types, own).map_err(|problem| problem.at(pc))?;
            for (slot, count) in effects.extents() {
                if slot.checked_add(count).is_none_or(|end| end > self.function.frame_slots) {
                    return Err(Problem::OutsideFrame(slot).at(pc));
                }
            }
            if effects.callee.is_some_and(|base| base > self.function.frame_slots) {
                return Err(Problem::OutsideFrame(effects.callee.unwrap_or_default()).at(pc));
            }
            if instruction.op == Op::BrTable && instruction.entries().is_empty() {
                return Err(Problem::Range(Kind::Count, 0).at(pc));
            }
            ends = instruction.info().traits.ends;
            pc = instruction.next_pc();
        }
        if ends { Ok(()) } else { Err(Problem::NoEnd.at(pc)) }
    }

    /// Checks the table of loops against the loop heads and fills `innermost`.
    fn check_loops(&mut self) -> Result<(), VerifyError> {
        let loops = &self.function.loops;
        let mut open: Vec<u32> = vec![];
        let mut next = 0;
        for (pc, innermost) in self.innermost.iter_mut().enumerate() {
            let pc = pc as u32;
            while open.last().is_some_and(|&top| loops[top as usize].end <= pc) {
                open.pop();
            }
            if let Some(entry) = loops.get(next as usize)
                && entry.head == pc
            {
                open.push(next);
                next += 1;
            }
            *innermost = open.last().copied().unwrap_or(NO_LOOP);
        }
        if (next as usize) < loops.len() {
            return Err(Problem::Loop(next).at(0));
        }
        let mut last: Option<u32> = None;
        for (id, entry) in (0..).zip(loops.iter()) {
            let malformed = Err(Problem::Loop(id).at(entry.head));
            // The innermost loop around the word before the head may have ended; its parents may not.
            let mut parent = last;
            while let Some(above) = parent.filter(|&above| loops[above as usize].end <= entry.head) {
                parent = loops[above as usize].parent;
            }
            let depth = parent.map_or(0, |parent| loops[parent as usize].depth);
            let inside = parent.is_none_or(|parent| entry.end <= loops[parent as usize].end);
            let sound = entry.parent == parent
                && Some(entry.depth) == depth.checked_add(1)
                && inside
                && entry.head < entry.end
                && self.is_start(entry.head)
                && self.is_border(entry.end);
            if !sound {
                return malformed;
            }
            match Instruction::at(&self.function.code, entry.head) {
                Ok(head) if head.op == Op::LoopHead && head.find(Kind::LoopId) == Some(id.into()) => {}
                _ => return malformed,
            }
            last = Some(id);
        }
        Ok(())
    }

    fn check_targets(&self, instruction: &Instruction<'_>) -> Result<(), Problem> {
        let loops = &self.function.loops;
        if instruction.op == Op::LoopHead {
            let entry = instruction.find(Kind::LoopId).and_then(|id| loops.get(id as usize));
            let entry = entry.filter(|entry| entry.head == instruction.pc).ok_or(Problem::LoopHead)?;
            check_depth(instruction.find(Kind::Loop).unwrap_or_default() as u16, entry.depth)?;
        }
        if instruction.op == Op::Profile {
            let site = instruction.find(Kind::Site).unwrap_or_default();
            let place = match site.checked_sub(1) {
                None => Some(0),
                Some(id) => loops.get(id as usize).map(|entry| entry.head + 1),
            };
            if place != Some(instruction.pc) || instruction.find(Kind::Cell) != Some(0) {
                return Err(Problem::Profile);
            }
        }
        for Target { pc: target, loop_depth } in instruction.targets() {
            if !self.is_start(target) {
                return Err(Problem::Target(target));
            }
            if target > instruction.pc {
                check_depth(loop_depth, 0)?;
                self.check_entry(target, instruction.pc)?;
            } else {
                let head = target.checked_sub(1);
                let found = loops.binary_search_by_key(&head, |entry| Some(entry.head));
                let entry = found.ok().map(|found| loops[found]).filter(|entry| instruction.pc < entry.end);
                check_depth(loop_depth, entry.ok_or(Problem::NotBackEdge(target))?.depth)?;
            }
        }
        Ok(())
    }

    /// A way from `from` to `target` may enter loops only at their heads.
    fn check_entry(&self, target: u32, from: u32) -> Result<(), Problem> {
        let loops = &self.function.loops;
        let mut around = loops.get(self.innermost[target as usize] as usize);
        if let Some(&Loop { head, parent, .. }) = around
            && head == target
        {
            around = parent.and_then(|parent| loops.get(parent as usize));
        }
        match around {
            Some(around) if !(around.head..around.end).contains(&from) => Err(Problem::IntoLoop(target)),
            _ => Ok(()),
        }
    }

    fn check_handlers(&self, types: &dyn CodeTypes) -> Result<(), VerifyError> {
        let handlers = &self.function.handlers;
        for (index, handler) in (0..).zip(handlers.iter()) {
            let &Handler { start, end, tag, reference, target, slot } = handler;
            if start > end || !self.is_start(start) || !self.is_border(end) {
                return Err(Problem::HandlerRange(index).at(start));
            }
            if !self.is_start(target) {
                return Err(Problem::Target(target).at(start));
            }
            self.check_entry(target, start).map_err(|problem| problem.at(start))?;
            let payload = match tag {
                Some(tag) => types.tag(tag).ok_or(Problem::Index(Kind::Tag, tag.into()).at(start))?,
                None => vec![],
            };
            let count = slots(&payload).saturating_add(reference.into());
            if slot.checked_add(count).is_none_or(|end| end > self.function.frame_slots) {
                return Err(Problem::OutsideFrame(slot).at(start));
            }
        }
        // From outer to inner: ranges nest, and inner ones have lower indices.
        let mut order: Vec<usize> = (0..handlers.len()).collect();
        order.sort_by_key(|&i| (handlers[i].start, u32::MAX - handlers[i].end, usize::MAX - i));
        let mut open: Vec<usize> = vec![];
        for i in order {
            while open.last().is_some_and(|&outer| handlers[outer].end <= handlers[i].start) {
                open.pop();
            }
            if open.last().is_some_and(|&outer| handlers[i].end > handlers[outer].end || i > outer) {
                return Err(Problem::HandlerOrder(i as u32).at(handlers[i].start));
            }
            open.push(i);
        }
        Ok(())
    }

    fn check_positions(&self) -> Result<(), VerifyError> {
        let mut positions = self.function.positions.iter().peekable();
        for instruction in Instructions::new(&self.function.code).flatten() {
            let pc = instruction.pc;
            let traits = instruction.info().traits;
            let here = positions.next_if(|entry| entry.0 <= pc);
            if let Some((stray, _)) = here.filter(|entry| entry.0 != pc) {
                return Err(Problem::StrayPosition.at(stray));
            }
            if here.is_none() && (traits.traps || traits.calls) {
                return Err(Problem::NoPosition.at(pc));
            }
        }
        match positions.next() {
            Some((stray, _)) => Err(Problem::StrayPosition.at(stray)),
            None => Ok(()),
        }
    }
}

fn check_depth(found: u16, expected: u16) -> Result<(), Problem> {
    if found == expected { Ok(()) } else { Err(Problem::LoopDepth { found, expected }) }
}

//! Blocks, labels and branches.

use terrace_abi::{Form, Op, Ty, Word};
use wasmparser::{BlockType, BrTable, Catch, TryTable, WasmModuleResources};

use super::TranslateError;
use super::control::{BlockKind, Frame, Kinds};
use super::emit::{Displacement, Fixups};
use super::stack::{Entry, Kind, Value};
use super::translator::{Clause, Translator};
use crate::bytecode::{Handler, Loop};

/// The most slots that values pushed by calls and blocks may reach: 64 MiB of a frame.
const MAX_SLOTS: u32 = 8 << 20;

/// Branches take up to this many values along one by one; more go home first, and then in one move.
const FEW: u32 = 3;

/// A condition that a branch or select tests.
#[derive(Clone, Copy, Debug)]
pub(super) enum Condition {
    /// `op(a, b)`, both in near slots.
    Slots(Op, u16, u16),
    /// `op(a, imm)`.
    Immediate(Op, u16, i32),
    /// `op(a, imm)` of floats, whose bits these are. Selects have no such form.
    Float(Op, u16, u64),
}

impl Translator<'_> {
    // ---- Frames ----

    pub(super) fn push_frame(&mut self, block: BlockKind, params: Kinds, results: Kinds) {
        let stack = &self.buffers.stack;
        let height = stack.len() - if self.reachable { params.len as usize } else { 0 };
        let slot = match stack.entries.get(height) {
            Some(first) => first.slot,
            None => stack.next_slot(),
        };
        self.buffers.control.push(Frame {
            block,
            dead: !self.reachable,
            height,
            slot,
            params,
            results,
            end: Fixups::NONE,
            stub: (0, 0),
            catches: 0,
        });
    }

    fn block_kinds(&mut self, ty: BlockType) -> (Kinds, Kinds) {
        match ty {
            BlockType::Empty => (Kinds::default(), Kinds::default()),
            BlockType::Type(ty) => {
                let kind = self.kind(ty);
                (Kinds::default(), self.buffers.kinds.add(std::iter::once(kind)))
            }
            BlockType::FuncType(index) => self.type_kinds(index),
        }
    }

    /// Parameter and result kinds of a function type.
    pub(super) fn type_kinds(&mut self, index: u32) -> (Kinds, Kinds) {
        if let Some(&known) = self.buffers.kinds.types.get(&index) {
            return known;
        }
        let Some(ty) = self.validator.resources().sub_type_at(index) else { unreachable!("validated type index") };
        let ty = ty.unwrap_func();
        let params: Vec<Kind> = ty.params().iter().map(|&ty| self.kind(ty)).collect();
        let results: Vec<Kind> = ty.results().iter().map(|&ty| self.kind(ty)).collect();
        let pool = &mut self.buffers.kinds;
        let kinds = (pool.add(params.into_iter()), pool.add(results.into_iter()));
        pool.types.insert(index, kinds);
        kinds
    }

    fn frame_index(&self, depth: u32) -> usize {
        self.buffers.control.len() - 1 - depth as usize
    }

    /// Pushes values that lie in their home slots. Two bytes of wasm may push a thousand, so this bounds the frame: one that is
    /// too large ends translation, as an unreachable operator ends its block.
    pub(super) fn push_temps(&mut self, kinds: Kinds) {
        if self.buffers.stack.next_slot().saturating_add(kinds.slots) > MAX_SLOTS {
            self.fail(TranslateError::TooLarge { limit: MAX_SLOTS, offset: self.offset as usize });
            self.reachable = false;
            return;
        }
        for i in 0..kinds.len {
            let kind = self.buffers.kinds.get(kinds, i);
            self.push_temp(kind);
        }
    }

    /// Pops `count` values.
    pub(super) fn drop_values(&mut self, count: u32) {
        let height = self.buffers.stack.len() - count as usize;
        self.buffers.stack.truncate(height);
    }

    /// A block begins: what it may change or merge must be at home.
    fn open(&mut self, block: BlockKind, params: Kinds, results: Kinds) {
        if self.reachable {
            self.settle_locals();
            self.settle(params.len as usize);
        }
        self.push_frame(block, params, results);
    }

    pub(super) fn visit_block(&mut self, ty: BlockType) {
        let (params, results) = self.block_kinds(ty);
        self.open(BlockKind::Block, params, results);
    }

    pub(super) fn visit_loop(&mut self, ty: BlockType) {
        let (params, results) = self.block_kinds(ty);
        let id = self.buffers.loops.len() as u32;
        self.open(BlockKind::Loop(id), params, results);
        if !self.reachable {
            return;
        }
        self.start_block();
        self.loop_depth += 1;
        let depth = u16::try_from(self.loop_depth).unwrap_or(u16::MAX);
        let head = self.emit_wide(Op::LoopHead, depth, id);
        self.buffers.loops.push(Loop { head, end: 0, parent: self.current_loop, depth });
        self.current_loop = Some(id);
        self.join();
        self.count(id + 1);
        if self.config.polls {
            self.emit(Op::Poll, Form::SLOTS, 0, 0, 0, &[]);
        }
    }

    pub(super) fn visit_if(&mut self, ty: BlockType) {
        let (params, results) = self.block_kinds(ty);
        if !self.reachable {
            self.push_frame(BlockKind::If(Fixups::NONE), params, results);
            return;
        }
        let condition = self.pop();
        let condition = self.condition(condition);
        // Moves between a condition and its branch write only homes of operands below it, which it does not read.
        self.settle_locals();
        self.settle(params.len as usize);
        let mut second = Fixups::NONE;
        self.branch_if(condition, false, &mut |this, at| this.buffers.emit.add_fixup(&mut second, at));
        self.push_frame(BlockKind::If(second), params, results);
        self.start_block();
    }

    pub(super) fn visit_else(&mut self) {
        let Some(frame) = self.buffers.control.last().copied() else { return };
        if frame.dead {
            if let Some(frame) = self.buffers.control.last_mut() {
                frame.block = BlockKind::Else;
            }
            return;
        }
        let mut end = frame.end;
        if self.reachable {
            self.settle(frame.results.len as usize);
            let at = self.emit_jump();
            self.buffers.emit.add_fixup(&mut end, at);
        }
        if let BlockKind::If(second) = frame.block {
            self.buffers.emit.bind(second);
        }
        self.buffers.stack.truncate(frame.height);
        self.reachable = true;
        self.push_temps(frame.params);
        if let Some(frame) = self.buffers.control.last_mut() {
            frame.block = BlockKind::Else;
            frame.end = end;
        }
        self.join();
    }

    pub(super) fn visit_end(&mut self) {
        let Some(frame) = self.buffers.control.pop() else { return };
        if frame.dead {
            return;
        }
        if frame.block == BlockKind::Function {
            self.end_function(&frame);
            return;
        }
        let mut reachable = self.reachable;
        if reachable {
            self.settle(frame.results.len as usize);
        }
        match frame.block {
            BlockKind::If(second) => {
                // Without a second arm, the parameters are the results, and they lie where both arms leave them.
                self.buffers.emit.bind(second);
                reachable = true;
            }
            BlockKind::Loop(id) => {
                let end = self.buffers.emit.pc();
                let open = &mut self.buffers.loops[id as usize];
                open.end = end;
                self.current_loop = open.parent;
                self.loop_depth -= 1;
            }
            BlockKind::Try { start, clauses } => self.close_try(start, clauses),
            _ => {}
        }
        reachable |= self.buffers.emit.bind(frame.end);
        reachable |= self.bind_handlers(&frame);
        self.buffers.stack.truncate(frame.height);
        self.reachable = reachable;
        if self.reachable {
            self.push_temps(frame.results);
        }
        self.join();
    }

    fn end_function(&mut self, frame: &Frame) {
        let entered = frame.end != Fixups::NONE || frame.catches != 0;
        if entered {
            if self.reachable {
                self.settle(frame.results.len as usize);
            }
            self.buffers.emit.bind(frame.end);
            self.bind_handlers(frame);
            self.buffers.stack.truncate(frame.height);
            self.reachable = true;
            self.push_temps(frame.results);
            self.join();
        }
        if self.reachable {
            self.emit_return(frame.results);
        }
        self.reachable = false;
    }

    // ---- Branches ----

    fn emit_jump(&mut self) -> Displacement {
        let pc = self.emit_wide(Op::Jump, 0, 0);
        Displacement { word: pc, base: pc, high: true }
    }

    /// Lets a branch go to the label of the frame at `index`.
    fn aim(&mut self, index: usize, at: Displacement) {
        let frame = self.buffers.control[index];
        match frame.block {
            BlockKind::Loop(id) => {
                let Loop { head, depth, .. } = self.buffers.loops[id as usize];
                self.buffers.emit.patch(at, head + 1);
                let code = &mut self.buffers.emit.code;
                if at.high {
                    code[at.base as usize] = code[at.base as usize].with_d(depth);
                } else {
                    code[at.word as usize] = code[at.word as usize].with_high(u32::from(depth));
                }
            }
            _ => {
                let mut end = frame.end;
                self.buffers.emit.add_fixup(&mut end, at);
                self.buffers.control[index].end = end;
            }
        }
    }

    /// Do the label's values, the topmost operands, already lie where the label wants them?
    fn in_place(&self, frame: &Frame, label: Kinds) -> bool {
        let stack = &self.buffers.stack;
        let first = stack.len() - label.len as usize;
        stack.entries[first..].iter().all(|entry| entry.value == Value::Temp)
            && stack.entries.get(first).is_none_or(|entry| entry.slot == frame.slot)
    }

    /// Jumps to a frame's label with the topmost operands, which die.
    fn jump_with_values(&mut self, index: usize) {
        let frame = self.buffers.control[index];
        let label = frame.label();
        if frame.block == BlockKind::Function {
            self.emit_return(label);
            return;
        }
        if label.len > FEW {
            self.settle(label.len as usize);
            self.move_settled(&frame, label);
        } else {
            let first = self.buffers.stack.len() - label.len as usize;
            let mut to = frame.slot;
            // Ascending: a value's destination is never above its home, so it hides no value that is still to be moved.
            for i in 0..label.len as usize {
                let entry = self.buffers.stack.entries[first + i];
                if label.len == 1 {
                    self.move_to(to, &entry);
                } else {
                    let from = self.slot_of(&entry);
                    self.copy(to, from, entry.kind);
                }
                to += entry.kind.slots();
            }
        }
        let at = self.emit_jump();
        self.aim(index, at);
    }

    /// Moves the topmost operands, which are at home, to where a label wants them.
    fn move_settled(&mut self, frame: &Frame, label: Kinds) {
        let first = self.buffers.stack.len() - label.len as usize;
        let Some(&entry) = self.buffers.stack.entries.get(first) else { return };
        if entry.slot == frame.slot {
        } else if label.len == 1 {
            self.copy(frame.slot, entry.slot, entry.kind);
        } else {
            self.copy_range(frame.slot, entry.slot, label.slots);
        }
    }

    pub(super) fn visit_br(&mut self, depth: u32) {
        self.jump_with_values(self.frame_index(depth));
        self.reachable = false;
    }

    pub(super) fn visit_br_if(&mut self, depth: u32) {
        let condition = self.pop();
        let condition = self.condition(condition);
        self.branch_to_frame(condition, self.frame_index(depth));
    }

    /// Branches to a frame's label with the topmost operands, which stay.
    fn branch_to_frame(&mut self, condition: Condition, index: usize) {
        let frame = self.buffers.control[index];
        let label = frame.label();
        self.settle(label.len as usize);
        if self.in_place(&frame, label) {
            self.branch_if(condition, true, &mut |this, at| this.aim(index, at));
        } else {
            let mut skip = Fixups::NONE;
            self.branch_if(condition, false, &mut |this, at| this.buffers.emit.add_fixup(&mut skip, at));
            self.buffers.emit.barrier();
            if frame.block == BlockKind::Function {
                self.emit_return(label);
            } else {
                self.move_settled(&frame, label);
                let at = self.emit_jump();
                self.aim(index, at);
            }
            self.buffers.emit.bind(skip);
        }
        self.join();
    }

    pub(super) fn visit_br_table(&mut self, targets: &BrTable<'_>) {
        let index = self.pop();
        let arity = self.buffers.control[self.frame_index(targets.default())].label().len;
        let a = self.read(&index);
        // The index may not be overwritten: it was read from above the values, or from a local.
        self.settle(arity as usize);
        self.br_tables += 1;
        let count = targets.len() + 1;
        let table = self.emit(Op::BrTable, Form::SLOTS, 0, a, 0, &[Word::pair(count, 0)]);
        let first = self.buffers.emit.pc();
        for _ in 0..count {
            self.buffers.emit.code.push(Word(0));
        }
        let depths = targets.targets().map_while(Result::ok).chain([targets.default()]);
        for (i, depth) in depths.enumerate() {
            let at = Displacement { word: first + i as u32, base: table, high: false };
            let index = self.frame_index(depth);
            let frame = self.buffers.control[index];
            if self.in_place(&frame, frame.label()) {
                self.aim(index, at);
                continue;
            }
            if frame.stub.0 != self.br_tables {
                let pc = self.buffers.emit.pc();
                self.buffers.control[index].stub = (self.br_tables, pc);
                self.join();
                if frame.block == BlockKind::Function {
                    self.emit_return(frame.label());
                } else {
                    self.move_settled(&frame, frame.label());
                    let at = self.emit_jump();
                    self.aim(index, at);
                }
            }
            let stub = self.buffers.control[index].stub.1;
            self.buffers.emit.patch(at, stub);
        }
        self.buffers.emit.barrier();
        self.reachable = false;
    }

    // ---- Conditions ----

    /// The condition that a popped i32 is not zero; fused with the compare that made it, if that is the last instruction.
    pub(super) fn condition(&mut self, entry: Entry) -> Condition {
        self.condition_for(entry, true)
    }

    fn condition_for(&mut self, entry: Entry, branch: bool) -> Condition {
        if let Some(condition) = self.take_compare(&entry, branch) {
            return condition;
        }
        let a = self.read(&entry);
        Condition::Immediate(Op::I32Ne, a, 0)
    }

    fn take_compare(&mut self, entry: &Entry, branch: bool) -> Option<Condition> {
        if !self.folded() || entry.value != Value::Temp {
            return None;
        }
        let (pc, op, form, word) = self.buffers.emit.last_def_op(entry.slot)?;
        if !op.is_compare() {
            return None;
        }
        let condition = match form {
            Form::SLOTS => Condition::Slots(op, word.a(), word.b()),
            Form::IMM16 => Condition::Immediate(op, word.a(), i32::from(word.b() as i16)),
            Form::IMM64 => {
                let bits = self.buffers.emit.code[pc as usize + 1].0;
                match op.info().params[0] {
                    Ty::I32 => Condition::Immediate(op, word.a(), bits as i32),
                    Ty::I64 => Condition::Immediate(op, word.a(), i32::try_from(bits as i64).ok()?),
                    _ if !branch => return None,
                    _ => Condition::Float(op, word.a(), bits),
                }
            }
            _ => return None,
        };
        self.buffers.emit.remove_last(pc);
        Some(condition)
    }

    /// Emits a branch that is taken if the condition is `when`; `aim` gives it a target.
    fn branch_if(&mut self, condition: Condition, when: bool, aim: &mut dyn FnMut(&mut Self, Displacement)) {
        let (op, form, a, b, imm) = match condition {
            Condition::Slots(op, a, b) => (op, Form::BRANCH, a, b, 0),
            Condition::Immediate(op, a, imm) => (op, Form::BRANCH_IMM, a, 0, imm as u32),
            Condition::Float(op, a, _) => (op, Form::BRANCH_IMM, a, 0, 0),
        };
        let (op, form) = match op.negated() {
            _ if when => (op, form),
            Some(negated) => (negated, form),
            None => (op, form.opposite_branch()),
        };
        let extensions = match condition {
            Condition::Float(_, _, bits) => &[Word::pair(imm, 0), Word(bits)][..],
            _ => &[Word::pair(imm, 0)][..],
        };
        let pc = self.emit(op, form, 0, a, b, extensions);
        aim(self, Displacement { word: pc + 1, base: pc, high: true });
    }

    pub(super) fn visit_select(&mut self) {
        let condition = self.pop();
        let b = self.pop();
        let a = self.pop();
        let condition = self.condition_for(condition, false);
        let v128 = a.kind == Kind::V128;
        let read_a = self.read(&a);
        let read_b = self.read(&b);
        let slot = self.push_temp(a.kind);
        let (op, form, word) = match condition {
            Condition::Float(..) => unreachable!("only branches compare floats with immediates"),
            Condition::Slots(op, x, y) => {
                (op, if v128 { Form::SELECT_V128 } else { Form::SELECT }, Word::quad([x, y, 0, 0]))
            }
            Condition::Immediate(op, x, imm) => {
                (op, if v128 { Form::SELECT_V128_IMM } else { Form::SELECT_IMM }, Word::pair(x.into(), imm as u32))
            }
        };
        self.emit_def(op, form, slot, a.kind, read_a, read_b, &[word]);
    }

    // ---- Null tests ----

    pub(super) fn visit_br_on_null(&mut self, depth: u32) {
        let reference = self.pop();
        let a = self.read(&reference);
        let index = self.frame_index(depth);
        // The reference goes back before the values are settled, so that it keeps its home.
        let label = self.buffers.control[index].label();
        self.settle(label.len as usize);
        self.branch_to_frame(Condition::Immediate(Op::I64Eq, a, 0), index);
        match reference.value {
            // A constant null never gets here.
            Value::Temp | Value::Const(_) => {
                self.push_temp(reference.kind);
            }
            value @ Value::Local(_) => self.push_value(value, reference.kind),
        }
    }

    pub(super) fn visit_br_on_non_null(&mut self, depth: u32) {
        let index = self.frame_index(depth);
        self.settle(1);
        let Some(&reference) = self.buffers.stack.entries.last() else { return };
        let a = self.near(reference.slot, reference.kind);
        self.branch_to_frame(Condition::Immediate(Op::I64Ne, a, 0), index);
        self.pop();
    }

    // ---- Returns ----

    /// Returns the topmost operands.
    pub(super) fn emit_return(&mut self, results: Kinds) {
        match results.len {
            0 => {
                self.emit(Op::Return, Form::SLOTS, 0, 0, 0, &[]);
            }
            1 => {
                let Some(&entry) = self.buffers.stack.entries.last() else { return };
                match entry.value {
                    Value::Const(bits) => {
                        self.emit(Op::ReturnConst, Form::SLOTS, 0, 0, 0, &[Word(bits)]);
                    }
                    _ => {
                        let a = self.read(&entry);
                        let op = if entry.kind == Kind::V128 { Op::ReturnV128 } else { Op::ReturnOne };
                        self.emit(op, Form::SLOTS, 0, a, 0, &[]);
                    }
                }
            }
            count => {
                self.settle(count as usize);
                let first = self.buffers.stack.len() - count as usize;
                let from = self.buffers.stack.entries[first].slot;
                let w = results.slots;
                self.emit(Op::ReturnRange, Form::SLOTS, 0, w as u16, (w >> 16) as u16, &[Word::pair(from, 0)]);
            }
        }
    }

    pub(super) fn visit_return(&mut self) {
        let results = self.buffers.control[0].results;
        self.emit_return(results);
        self.reachable = false;
    }

    // ---- Exceptions ----

    pub(super) fn visit_try_table(&mut self, table: &TryTable) {
        let (params, results) = self.block_kinds(table.ty);
        let clauses = self.buffers.clauses.len();
        if self.reachable {
            for catch in &table.catches {
                let (tag, reference, label) = match *catch {
                    Catch::One { tag, label } => (Some(tag), false, label),
                    Catch::OneRef { tag, label } => (Some(tag), true, label),
                    Catch::All { label } => (None, false, label),
                    Catch::AllRef { label } => (None, true, label),
                };
                let frame = self.frame_index(label);
                self.buffers.clauses.push(Clause { tag, reference, frame });
            }
            self.settle_locals();
            self.settle(params.len as usize);
            self.buffers.emit.barrier();
        }
        let start = self.buffers.emit.pc();
        self.push_frame(BlockKind::Try { start, clauses }, params, results);
        if self.reachable {
            self.start_block();
        }
    }

    /// Turns the clauses of a `try_table` into handlers for its body.
    fn close_try(&mut self, start: u32, clauses: usize) {
        let end = self.buffers.emit.pc();
        if start == end {
            // Nothing in the body can throw.
            self.buffers.clauses.truncate(clauses);
        }
        for i in clauses..self.buffers.clauses.len() {
            let Clause { tag, reference, frame: index } = self.buffers.clauses[i];
            let frame = self.buffers.control[index];
            let number = self.buffers.handlers.len() as u32;
            let mut handler = Handler { start, end, tag, reference, target: u32::MAX, slot: frame.slot };
            match frame.block {
                BlockKind::Loop(id) => handler.target = self.buffers.loops[id as usize].head + 1,
                _ => {
                    self.buffers.targets.push((frame.catches, number));
                    self.buffers.control[index].catches = self.buffers.targets.len() as u32;
                }
            }
            self.buffers.handlers.push(handler);
            self.reserve(frame.slot + frame.label().slots);
        }
        self.buffers.clauses.truncate(clauses);
        self.buffers.emit.barrier();
    }

    /// Lets the handlers whose clauses name this frame's label continue here.
    fn bind_handlers(&mut self, frame: &Frame) -> bool {
        let target = self.buffers.emit.pc();
        let mut next = frame.catches;
        while let Some(at) = next.checked_sub(1) {
            let (after, handler) = self.buffers.targets[at as usize];
            self.buffers.handlers[handler as usize].target = target;
            next = after;
        }
        frame.catches != 0
    }
}

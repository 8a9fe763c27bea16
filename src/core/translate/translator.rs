//! The translator's state, and the few ways in which it emits code.

use std::mem;

use terrace_abi::{Form, Op, Ty, Word, vm::FRAME_CHARGE};
use wasmparser::{
    AbstractHeapType, FuncValidator, HeapType, RefType, UnpackedIndex, ValType, ValidatorResources, WasmModuleResources,
};

use super::TranslateError;
use super::control::{Frame, KindPool};
use super::emit::Emitter;
use super::stack::{Entry, Kind, Local, Operands, Value};
use crate::bytecode::{CodeConfig, Function, Handler, ImportCounts, Join, Level, LocalUse, Loop, ReferencesBuilder};

/// Near slots that functions with far slots keep free, in pairs, for bringing far operands within reach of 16-bit fields.
///
/// The last pair is for results, which are copied out at once. Operands take the others in turn: no instruction needs as many.
const SCRATCH: u32 = 32;

/// What translation allocates, kept from one function to the next.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) emit: Emitter,
    pub(super) stack: Operands,
    pub(super) control: Vec<Frame>,
    pub(super) kinds: KindPool,
    pub(super) references: ReferencesBuilder,
    pub(super) loops: Vec<Loop>,
    pub(super) joins: Vec<Join>,
    pub(super) handlers: Vec<Handler>,
    /// Clauses of the `try_table`s that are open.
    pub(super) clauses: Vec<Clause>,
    /// Handlers whose target is not bound yet, linked per frame: (index + 1 of the next, handler).
    pub(super) targets: Vec<(u32, u32)>,
}

/// A `catch` clause of an open `try_table`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause {
    pub(super) tag: Option<u32>,
    pub(super) reference: bool,
    /// Index of the target's frame on the control stack.
    pub(super) frame: usize,
}

pub(super) struct Translator<'b> {
    pub(super) validator: FuncValidator<ValidatorResources>,
    pub(super) config: CodeConfig,
    /// Byte offset of the current operator.
    pub(super) offset: u64,
    /// Can control reach the current operator?
    pub(super) reachable: bool,
    pub(super) buffers: &'b mut Buffers,
    /// The first error that is not one of validation.
    pub(super) error: Option<TranslateError>,
    /// Are slots beyond 16 bits allowed for, at the cost of scratch slots?
    far: bool,
    /// Did one turn up unexpectedly? Then the code is useless, and translation starts again.
    pub(super) needs_far: bool,
    scratch: u32,
    scratch_turn: u32,
    /// The current block's `fuel` instruction.
    fuel: Option<u32>,
    pub(super) loop_depth: u32,
    /// The innermost open loop.
    pub(super) current_loop: Option<u32>,
    pub(super) br_tables: u32,
    param_slots: u32,
    local_slots: u32,
    result_slots: u32,
    pub(super) imports: ImportCounts,
    /// Is memory 0 one that the short forms of loads and stores may name?
    pub(super) short_memory0: bool,
}

impl<'b> Translator<'b> {
    pub(super) fn new(
        validator: FuncValidator<ValidatorResources>,
        config: CodeConfig,
        buffers: &'b mut Buffers,
        imports: ImportCounts,
        far: bool,
    ) -> Translator<'b> {
        let Buffers { emit, stack, control, kinds, references, loops, joins, handlers, clauses, targets } =
            &mut *buffers;
        emit.clear();
        stack.clear();
        control.clear();
        kinds.clear();
        references.clear();
        loops.clear();
        joins.clear();
        handlers.clear();
        clauses.clear();
        targets.clear();
        let short_memory0 = validator
            .resources()
            .memory_at(0)
            .is_some_and(|memory| !memory.memory64 && memory.page_size_log2.is_none_or(|log2| log2 == 16));
        Translator {
            validator,
            config,
            offset: 0,
            reachable: true,
            buffers,
            error: None,
            far,
            needs_far: false,
            scratch: 0,
            scratch_turn: 0,
            fuel: None,
            loop_depth: 0,
            current_loop: None,
            br_tables: 0,
            param_slots: 0,
            local_slots: 0,
            result_slots: 0,
            imports,
            short_memory0,
        }
    }

    pub(super) fn folded(&self) -> bool {
        self.config.level == Level::Folded
    }

    pub(super) fn kind(&self, ty: ValType) -> Kind {
        match ty {
            ValType::V128 => Kind::V128,
            ValType::Ref(ty) if self.is_heap_reference(ty) => Kind::HeapRef,
            _ => Kind::Word,
        }
    }

    /// Does the collector trace this type? Funcrefs are addresses of records that live as long as their store.
    fn is_heap_reference(&self, ty: RefType) -> bool {
        let resources = self.validator.resources();
        let mut heap_type = ty.heap_type();
        // Types read from a body name module indices, which the validator has checked; others are canonical already.
        if let HeapType::Concrete(UnpackedIndex::Module(_)) | HeapType::Exact(UnpackedIndex::Module(_)) = heap_type
            && resources.check_heap_type(&mut heap_type, self.offset).is_err()
        {
            unreachable!("validated type index");
        }
        !matches!(resources.top_type(&heap_type), HeapType::Abstract { ty: AbstractHeapType::Func, .. })
    }

    /// Adds locals of one type from `slot` on; returns the slot behind them.
    fn add_locals(&mut self, slot: u32, count: u32, ty: ValType) -> u32 {
        let kind = self.kind(ty);
        let value_ty = match ty {
            ValType::I32 => Ty::I32,
            ValType::I64 => Ty::I64,
            ValType::F32 => Ty::F32,
            ValType::F64 => Ty::F64,
            ValType::V128 => Ty::V128,
            ValType::Ref(_) => Ty::Ref,
        };
        let end = slot + count * kind.slots();
        if kind == Kind::HeapRef {
            self.buffers.references.locals(slot..end);
        }
        let slots = (slot..end).step_by(kind.slots() as usize);
        self.buffers.stack.locals.extend(slots.map(|slot| Local { slot, kind, ty: value_ty, pending: 0, uses: 0 }));
        end
    }

    /// Lays out parameters, scratch slots and locals, and opens the function's frame. `locals` are groups of one type: a few
    /// bytes may declare tens of thousands.
    pub(super) fn start(
        &mut self,
        params: &[ValType],
        results: impl Iterator<Item = ValType>,
        locals: impl Iterator<Item = (u32, ValType)>,
    ) {
        let mut slot = 0;
        for &ty in params {
            slot = self.add_locals(slot, 1, ty);
        }
        self.param_slots = slot;
        if self.far {
            self.scratch = slot;
            slot += SCRATCH;
        }
        for (count, ty) in locals {
            slot = self.add_locals(slot, count, ty);
        }
        self.local_slots = slot;
        self.buffers.stack.base = slot;
        self.buffers.stack.high_water = slot;
        let results: Vec<Kind> = results.map(|ty| self.kind(ty)).collect();
        let results = self.buffers.kinds.add(results.into_iter());
        self.result_slots = results.slots;
        self.push_frame(super::control::BlockKind::Function, super::control::Kinds::default(), results);
        self.count(0);
        if self.config.polls {
            self.emit(Op::Poll, Form::SLOTS, 0, 0, 0, &[]);
        }
        self.start_block();
    }

    /// The finished function.
    pub(super) fn finish(&mut self) -> Function {
        let stack = &self.buffers.stack;
        let frame_slots = stack.high_water.max(self.result_slots);
        // Levels agree on the slots without scratch, and so on the charge; which of them needs scratch may differ.
        let slots = frame_slots - if self.far { SCRATCH } else { 0 };
        let charged = slots + if slots > u32::from(u16::MAX) + 1 { SCRATCH } else { 0 };
        let used = stack.locals.iter().filter(|local| local.uses != 0);
        Function {
            code: self.buffers.emit.code.as_slice().into(),
            param_slots: self.param_slots,
            result_slots: self.result_slots,
            local_slots: self.local_slots,
            frame_slots,
            charge: FRAME_CHARGE.saturating_add(charged.saturating_mul(8)),
            handlers: self.buffers.handlers.as_slice().into(),
            loops: self.buffers.loops.as_slice().into(),
            joins: self.buffers.joins.as_slice().into(),
            positions: self.buffers.emit.positions.finish(),
            references: self.buffers.references.finish(),
            local_uses: used.map(|local| LocalUse { slot: local.slot, uses: local.uses, ty: local.ty }).collect(),
            ..Function::default()
        }
    }

    /// Records an error that stops translation of this function.
    pub(super) fn fail(&mut self, error: TranslateError) {
        self.error.get_or_insert(error);
    }

    // ---- Blocks of straight-line code ----

    /// A block of straight-line code begins: charge it on its own, and fold nothing across its start.
    pub(super) fn start_block(&mut self) {
        self.buffers.emit.barrier();
        self.fuel = None;
    }

    /// As [`Translator::start_block`], where branches may lead. Without one, the join is of no consequence.
    pub(super) fn join(&mut self) {
        self.start_block();
        if !self.reachable {
            return;
        }
        let join = Join { pc: self.buffers.emit.pc(), height: self.buffers.stack.next_slot() };
        match self.buffers.joins.last_mut() {
            Some(last) if last.pc == join.pc => last.height = last.height.max(join.height),
            _ => self.buffers.joins.push(join),
        }
    }

    /// Charges the current operator to its block.
    pub(super) fn count_operator(&mut self) {
        let pc = match self.fuel {
            Some(pc) => pc,
            None => {
                let pc = self.emit_wide(Op::Fuel, 0, 0);
                self.fuel = Some(pc);
                pc
            }
        };
        let word = &mut self.buffers.emit.code[pc as usize];
        *word = word.with_high(word.high().saturating_add(1));
    }

    /// Counts how often control comes by, at a [`Site`](terrace_abi::layout::Kind::Site).
    pub(super) fn count(&mut self, site: u32) {
        if self.config.profile {
            self.emit(Op::Profile, Form::SLOTS, 0, site as u16, (site >> 16) as u16, &[Word(0)]);
        }
    }

    // ---- Emission ----

    /// Bookkeeping that an instruction at the current pc needs.
    fn note(&mut self, op: Op) {
        let traits = op.info().traits;
        if traits.traps || traits.calls {
            let pc = self.buffers.emit.pc();
            self.buffers.emit.positions.push(pc, self.offset as u32);
            if traits.calls {
                let top = self.buffers.stack.top_refs();
                self.buffers.references.safepoint(pc, top);
            }
        }
    }

    /// Emits an instruction that defines no slot.
    pub(super) fn emit(&mut self, op: Op, form: Form, d: u16, a: u16, b: u16, extensions: &[Word]) -> u32 {
        self.note(op);
        self.buffers.emit.emit(Word::new(op, form, d, a, b), extensions)
    }

    /// Emits an instruction of one word whose fields `a` and `b` hold one value.
    pub(super) fn emit_wide(&mut self, op: Op, d: u16, w: u32) -> u32 {
        self.emit(op, Form::SLOTS, d, w as u16, (w >> 16) as u16, &[])
    }

    /// Emits an instruction that defines `slot` through its field `d`.
    #[allow(clippy::too_many_arguments, reason = "an instruction has as many parts")]
    pub(super) fn emit_def(&mut self, op: Op, form: Form, slot: u32, kind: Kind, a: u16, b: u16, extensions: &[Word]) {
        self.note(op);
        match u16::try_from(slot) {
            Ok(d) => {
                self.buffers.emit.emit_def(Word::new(op, form, d, a, b), extensions);
            }
            Err(_) => {
                let d = self.scratch(SCRATCH / 2 - 1);
                self.buffers.emit.emit(Word::new(op, form, d, a, b), extensions);
                self.copy_range(slot, d.into(), kind.slots());
            }
        }
        if self.config.canonicalize_nans && op.info().traits.nan {
            self.canonicalize(op, slot, kind);
        }
    }

    /// Emits an instruction that defines `slot` and the one after it, as two values.
    pub(super) fn emit_pair(&mut self, op: Op, slot: u32, a: u16, b: u16, extensions: &[Word]) {
        self.note(op);
        let near = u16::try_from(slot + 1).is_ok();
        let d = if near { slot as u16 } else { self.scratch(SCRATCH / 2 - 1) };
        self.buffers.emit.emit(Word::new(op, Form::SLOTS, d, a, b), extensions);
        if !near {
            self.copy_range(slot, d.into(), 2);
        }
    }

    fn canonicalize(&mut self, op: Op, slot: u32, kind: Kind) {
        let text = op.text();
        let canon = match text.split('.').next() {
            Some("f32") => Op::CanonF32,
            Some("f64") => Op::CanonF64,
            Some("f32x4") => Op::CanonF32x4,
            _ => Op::CanonF64x2,
        };
        let a = self.near(slot, kind);
        self.emit_def(canon, Form::SLOTS, slot, kind, a, 0, &[]);
    }

    /// A near slot that holds what `slot` holds: itself, or a scratch slot.
    pub(super) fn near(&mut self, slot: u32, kind: Kind) -> u16 {
        match u16::try_from(slot) {
            Ok(near) => near,
            Err(_) => {
                let scratch = self.scratch(self.scratch_turn % (SCRATCH / 2 - 1));
                self.scratch_turn = self.scratch_turn.wrapping_add(1);
                self.copy_range(scratch.into(), slot, kind.slots());
                scratch
            }
        }
    }

    fn scratch(&mut self, pair: u32) -> u16 {
        self.needs_far |= !self.far;
        (self.scratch + 2 * pair) as u16
    }

    /// Emits a move of `count` slots, whatever their distance.
    pub(super) fn copy_range(&mut self, to: u32, from: u32, count: u32) {
        let word = Word::wide(Op::CopyRange, 0, count);
        self.buffers.emit.emit(word, &[Word::pair(to, from)]);
    }

    /// Emits a move of one value.
    pub(super) fn copy(&mut self, to: u32, from: u32, kind: Kind) {
        if to == from {
            return;
        }
        match (u16::try_from(to), u16::try_from(from)) {
            (Ok(_), Ok(a)) => {
                let op = if kind == Kind::V128 { Op::CopyV128 } else { Op::Copy };
                self.emit_def(op, Form::SLOTS, to, kind, a, 0, &[]);
            }
            _ => self.copy_range(to, from, kind.slots()),
        }
    }

    /// Emits a constant into a slot.
    pub(super) fn constant(&mut self, to: u32, bits: u64) {
        match u32::try_from(bits) {
            Ok(w) => self.emit_def(Op::Const32, Form::SLOTS, to, Kind::Word, w as u16, (w >> 16) as u16, &[]),
            Err(_) => self.emit_def(Op::Const, Form::SLOTS, to, Kind::Word, 0, 0, &[Word(bits)]),
        }
    }

    // ---- Operands ----

    /// The frame has at least this many slots.
    pub(super) fn reserve(&mut self, slots: u32) {
        let high_water = &mut self.buffers.stack.high_water;
        *high_water = (*high_water).max(slots);
    }

    /// Pushes a result that its instruction writes home; returns the home slot.
    pub(super) fn push_temp(&mut self, kind: Kind) -> u32 {
        let below = self.buffers.stack.top_refs();
        let slot = self.buffers.stack.next_slot();
        let refs = if kind == Kind::HeapRef { self.buffers.references.push(slot, below) } else { below };
        self.buffers.stack.push(Value::Temp, kind, refs)
    }

    /// Pushes a value that lives elsewhere. On level `plain`, it is brought home at once.
    pub(super) fn push_value(&mut self, value: Value, kind: Kind) {
        if self.folded() {
            let refs = self.buffers.stack.top_refs();
            self.buffers.stack.push(value, kind, refs);
        } else {
            let slot = self.push_temp(kind);
            self.write(slot, value, kind);
        }
    }

    pub(super) fn pop(&mut self) -> Entry {
        self.buffers.stack.pop()
    }

    /// Writes a value that is not a temporary into a slot.
    fn write(&mut self, slot: u32, value: Value, kind: Kind) {
        match value {
            Value::Temp => {}
            Value::Const(bits) => self.constant(slot, bits),
            Value::Local(local) => {
                let from = self.use_local(local);
                self.copy(slot, from, kind);
            }
        }
    }

    /// Counts a use of a local; returns its slot.
    pub(super) fn use_local(&mut self, local: u32) -> u32 {
        let weight = 1u32 << (3 * self.loop_depth).min(24);
        let local = &mut self.buffers.stack.locals[local as usize];
        local.uses = local.uses.saturating_add(weight);
        local.slot
    }

    /// The slot from which an instruction reads a popped operand.
    pub(super) fn slot_of(&mut self, entry: &Entry) -> u32 {
        match entry.value {
            Value::Temp => entry.slot,
            Value::Local(local) => self.use_local(local),
            Value::Const(bits) => {
                self.constant(entry.slot, bits);
                entry.slot
            }
        }
    }

    /// Like [`slot_of`](Self::slot_of), within reach of a 16-bit field.
    pub(super) fn read(&mut self, entry: &Entry) -> u16 {
        let slot = self.slot_of(entry);
        self.near(slot, entry.kind)
    }

    /// Moves a popped operand's value into `slot`.
    pub(super) fn move_to(&mut self, slot: u32, entry: &Entry) {
        match entry.value {
            Value::Temp if entry.slot == slot => {}
            Value::Temp => match (self.folded(), self.buffers.emit.last_def(entry.slot), u16::try_from(slot)) {
                (true, Some(pc), Ok(d)) => {
                    let word = &mut self.buffers.emit.code[pc as usize];
                    *word = word.with_d(d);
                }
                _ => self.copy(slot, entry.slot, entry.kind),
            },
            value => self.write(slot, value, entry.kind),
        }
    }

    /// Brings the topmost `count` operands home.
    pub(super) fn settle(&mut self, count: usize) {
        let len = self.buffers.stack.len();
        let start = len - count;
        if self.buffers.stack.entries[start..].iter().any(|entry| entry.value != Value::Temp) {
            self.settle_from(start, |_| true);
        }
    }

    /// Brings every operand home that means a local: control splits or merges here.
    pub(super) fn settle_locals(&mut self) {
        let start = self.buffers.stack.settled;
        self.settle_from(start, |value| matches!(value, Value::Local(_)));
        self.buffers.stack.settled = self.buffers.stack.len();
    }

    /// Brings operands from index `start` up home where `which` says so. The list of reference temporaries is made anew from
    /// there.
    fn settle_from(&mut self, start: usize, which: impl Fn(Value) -> bool) {
        let len = self.buffers.stack.len();
        // Entries of one local are unlinked from the top down, as they were linked.
        for index in (start..len).rev() {
            let entry = self.buffers.stack.entries[index];
            if let Value::Local(local) = entry.value
                && which(entry.value)
            {
                let stack = &mut self.buffers.stack;
                stack.locals[local as usize].pending = mem::take(&mut stack.entries[index].link);
            }
        }
        let mut refs = match start.checked_sub(1) {
            Some(below) => self.buffers.stack.entries[below].refs,
            None => ReferencesBuilder::EMPTY,
        };
        let mut renew = false;
        for index in start..len {
            let entry = self.buffers.stack.entries[index];
            let mut home = entry.value == Value::Temp;
            if !home && which(entry.value) {
                self.write(entry.slot, entry.value, entry.kind);
                self.buffers.stack.entries[index].value = Value::Temp;
                home = true;
                renew |= entry.kind == Kind::HeapRef;
            }
            if !renew {
                refs = entry.refs;
                continue;
            }
            if home && entry.kind == Kind::HeapRef {
                refs = self.buffers.references.push(entry.slot, refs);
            }
            self.buffers.stack.entries[index].refs = refs;
        }
    }

    /// Brings operands home that mean this local, which is about to be assigned.
    pub(super) fn preserve(&mut self, local: u32) {
        let Some(mut at) = self.buffers.stack.locals[local as usize].pending.checked_sub(1) else { return };
        if self.buffers.stack.locals[local as usize].kind == Kind::HeapRef {
            // One node list for all: settling every local keeps the cost of renewing it linear.
            self.settle_locals();
            return;
        }
        self.buffers.stack.locals[local as usize].pending = 0;
        loop {
            let entry = self.buffers.stack.entries[at as usize];
            self.write(entry.slot, entry.value, entry.kind);
            let entry = &mut self.buffers.stack.entries[at as usize];
            entry.value = Value::Temp;
            match mem::take(&mut entry.link).checked_sub(1) {
                Some(next) => at = next,
                None => break,
            }
        }
    }
}

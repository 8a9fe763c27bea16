//! Operators that compute: one method per shape of the op table, and the special rows.

use terrace_abi::vm::InstanceRecord;
use terrace_abi::{Form, Op, Ty, Word};
use wasmparser::{MemArg, MemArgTarget, WasmModuleResources};

use super::control::Kinds;
use super::stack::{Entry, Kind, Value};
use super::translator::Translator;

/// An address as a load or store takes it, with folded arithmetic.
enum Address {
    /// `[slot + offset]`
    Slot(u16, u64),
    /// `[u32(slot + (index << shift)) + offset]`
    Index(u16, u16, u32, u32),
    /// `[u32(slot + imm) + offset]`
    AddImm(u16, u32, u32),
    /// A constant address.
    Absolute(u64),
    /// `[slot + offset]` in the memory with this index, whatever its kind.
    Any(u16, u64, u32),
}

/// The kind of an op's result.
fn result_kind(op: Op) -> Kind {
    match op.info().result {
        Some(Ty::V128) => Kind::V128,
        _ => Kind::Word,
    }
}

/// The immediate for the 16-bit field of an integer op, if the constant fits.
fn imm16(op: Op, bits: u64) -> Option<u16> {
    let value = match op.info().params.last() {
        Some(Ty::I32) => i64::from(bits as i32),
        Some(Ty::I64) => bits as i64,
        _ => return None,
    };
    i16::try_from(value).ok().map(|value| value as u16)
}

impl Translator<'_> {
    // ---- Shapes ----

    pub(super) fn unary(&mut self, op: Op) {
        let a = self.pop();
        if self.folded() && matches!(op, Op::I32Eqz | Op::I64Eqz) {
            self.eqz(op, a);
            return;
        }
        let a = self.read(&a);
        let kind = result_kind(op);
        let slot = self.push_temp(kind);
        self.emit_def(op, Form::SLOTS, slot, kind, a, 0, &[]);
    }

    /// A test for zero is a compare that branches can absorb; of a compare's result, it is the opposite compare.
    fn eqz(&mut self, op: Op, a: Entry) {
        if op == Op::I32Eqz
            && a.value == Value::Temp
            && let Some((pc, compare, form, word)) = self.buffers.emit.last_def_op(a.slot)
            && form <= Form::IMM64_LEFT
            && let Some(negated) = compare.negated()
        {
            self.buffers.emit.code[pc as usize] = word.with_op(negated, form);
            self.push_temp(Kind::Word);
            return;
        }
        let a = self.read(&a);
        let slot = self.push_temp(Kind::Word);
        let compare = if op == Op::I32Eqz { Op::I32Eq } else { Op::I64Eq };
        self.emit_def(compare, Form::IMM16, slot, Kind::Word, a, 0, &[]);
    }

    pub(super) fn binary(&mut self, op: Op) {
        let b = self.pop();
        let a = self.pop();
        self.binary_of(op, a, b);
    }

    fn binary_of(&mut self, op: Op, a: Entry, b: Entry) {
        let kind = result_kind(op);
        let scalar = op.info().params.iter().all(|&ty| ty != Ty::V128);
        let (op, a, b) = match (a.value, b.value) {
            (Value::Const(_), Value::Temp | Value::Local(_)) if op.info().traits.commutative => (op, b, a),
            (Value::Const(_), Value::Temp | Value::Local(_)) => match op.swapped() {
                Some(swapped) => (swapped, b, a),
                None => (op, a, b),
            },
            _ => (op, a, b),
        };
        let home = a.slot.min(b.slot);
        match (a.value, b.value) {
            (_, Value::Const(bits)) if scalar => {
                let a = self.read(&a);
                self.push_result(kind, home);
                match imm16(op, bits) {
                    Some(imm) => self.emit_def(op, Form::IMM16, home, kind, a, imm, &[]),
                    None => self.emit_def(op, Form::IMM64, home, kind, a, 0, &[Word(bits)]),
                }
            }
            (Value::Const(bits), _) if scalar => {
                let b = self.read(&b);
                self.push_result(kind, home);
                self.emit_def(op, Form::IMM64_LEFT, home, kind, 0, b, &[Word(bits)]);
            }
            _ => {
                let a = self.read(&a);
                let b = self.read(&b);
                self.push_result(kind, home);
                self.emit_def(op, Form::SLOTS, home, kind, a, b, &[]);
            }
        }
    }

    fn push_result(&mut self, kind: Kind, home: u32) {
        let slot = self.push_temp(kind);
        debug_assert_eq!(slot, home);
    }

    pub(super) fn ternary(&mut self, op: Op) {
        let c = self.pop();
        let b = self.pop();
        let a = self.pop();
        let (a, b, c) = (self.read(&a), self.read(&b), self.read(&c));
        let slot = self.push_temp(Kind::V128);
        self.emit_def(op, Form::SLOTS, slot, Kind::V128, a, b, &[Word::quad([c, 0, 0, 0])]);
    }

    pub(super) fn extract_lane(&mut self, op: Op, lane: u8) {
        let a = self.pop();
        let a = self.read(&a);
        let slot = self.push_temp(Kind::Word);
        self.emit_def(op, Form::SLOTS, slot, Kind::Word, a, lane.into(), &[]);
    }

    pub(super) fn replace_lane(&mut self, op: Op, lane: u8) {
        let b = self.pop();
        let a = self.pop();
        let (a, b) = (self.read(&a), self.read(&b));
        let slot = self.push_temp(Kind::V128);
        self.emit_def(op, Form::SLOTS, slot, Kind::V128, a, b, &[Word(lane.into())]);
    }

    pub(super) fn shuffle(&mut self, op: Op, lanes: [u8; 16]) {
        let b = self.pop();
        let a = self.pop();
        let (a, b) = (self.read(&a), self.read(&b));
        let slot = self.push_temp(Kind::V128);
        let lanes = u128::from_le_bytes(lanes);
        let words = [Word(lanes as u64), Word((lanes >> 64) as u64)];
        self.emit_def(op, Form::SLOTS, slot, Kind::V128, a, b, &words);
    }

    pub(super) fn wide(&mut self, op: Op) {
        let mut operands = [0u16; 4];
        let count = op.info().params.len();
        let mut popped = [None; 4];
        for i in (0..count).rev() {
            popped[i] = Some(self.pop());
        }
        for (operand, entry) in operands.iter_mut().zip(popped.iter().flatten()) {
            *operand = self.read(entry);
        }
        let [a, b, c, d] = operands;
        let slot = self.push_temp(Kind::Word);
        self.push_temp(Kind::Word);
        let extension = [Word::quad([c, d, 0, 0])];
        self.emit_pair(op, slot, a, b, if count == 4 { &extension } else { &[] });
    }

    // ---- Memory ----

    fn memory_index(memarg: &MemArg) -> u32 {
        match memarg.target {
            MemArgTarget::Memory(index) => index,
            MemArgTarget::Array(_) => unreachable!("array accesses are refused by the validator"),
        }
    }

    /// Pops an address and folds what computed it. A folded address reads the operands of what it absorbed, which may lie in
    /// the home of the operand above; `keep` names that slot if it is still to be written.
    fn address(&mut self, memarg: &MemArg, keep: Option<u32>) -> Address {
        let entry = self.pop();
        let memory = Self::memory_index(memarg);
        let offset = memarg.offset;
        if memory != 0 || !self.short_memory0 {
            return Address::Any(self.read(&entry), offset, memory);
        }
        if !self.folded() {
            return Address::Slot(self.read(&entry), offset);
        }
        if let Value::Const(address) = entry.value {
            return Address::Absolute(address + offset);
        }
        self.folded_address(&entry, offset, keep).unwrap_or_else(|| Address::Slot(self.read(&entry), offset))
    }

    /// The address arithmetic that the last instructions did, if they did it only for this address.
    fn folded_address(&mut self, entry: &Entry, offset: u64, keep: Option<u32>) -> Option<Address> {
        let offset32 = u32::try_from(offset).ok()?;
        if entry.value != Value::Temp {
            return None;
        }
        let (pc, op, form, word) = self.buffers.emit.last_def_op(entry.slot)?;
        if op != Op::I32Add {
            return None;
        }
        let (a, b) = (word.a(), word.b());
        let reads_kept = |slot: u16| keep == Some(slot.into());
        match form {
            _ if reads_kept(a) => None,
            Form::SLOTS if reads_kept(b) => None,
            Form::IMM16 => {
                self.buffers.emit.remove_last(pc);
                Some(Address::AddImm(a, i32::from(b as i16) as u32, offset32))
            }
            Form::IMM64 => {
                let imm = self.buffers.emit.code[pc as usize + 1].low();
                self.buffers.emit.remove_last(pc);
                Some(Address::AddImm(a, imm, offset32))
            }
            Form::SLOTS => {
                self.buffers.emit.remove_last(pc);
                // `base + (index << shift)`: the shift is folded if its result was a temporary of this sum alone.
                for (base, shifted) in [(a, b), (b, a)] {
                    if u32::from(shifted) >= entry.slot
                        && let Some((pc, Op::I32Shl, Form::IMM16, shift)) =
                            self.buffers.emit.last_def_op(shifted.into())
                        && base != shifted
                    {
                        self.buffers.emit.remove_last(pc);
                        return Some(Address::Index(base, shift.a(), u32::from(shift.b()) & 31, offset32));
                    }
                }
                Some(Address::Index(a, b, 0, offset32))
            }
            _ => None,
        }
    }

    pub(super) fn load(&mut self, op: Op, memarg: MemArg) {
        let kind = result_kind(op);
        let address = self.address(&memarg, None);
        let slot = self.push_temp(kind);
        let def = |this: &mut Self, form, a, b, words: &[Word]| this.emit_def(op, form, slot, kind, a, b, words);
        match address {
            Address::Slot(a, offset) => match u16::try_from(offset) {
                Ok(offset) => def(self, Form::OFFSET16, a, offset, &[]),
                Err(_) => def(self, Form::OFFSET, a, 0, &[Word(offset)]),
            },
            Address::Index(a, b, shift, offset) => def(self, Form::INDEX, a, b, &[Word::pair(offset, shift)]),
            Address::AddImm(a, imm, offset) => def(self, Form::ADD_IMM, a, 0, &[Word::pair(offset, imm)]),
            Address::Absolute(address) => def(self, Form::ABSOLUTE, 0, 0, &[Word(address)]),
            Address::Any(a, offset, memory) => def(self, Form::ANY, a, 0, &[Word(offset), Word(memory.into())]),
        }
    }

    pub(super) fn store(&mut self, op: Op, memarg: MemArg) {
        let value = self.pop();
        if self.folded()
            && let Value::Const(bits) = value.value
            && let (Some(imm), Ok(offset)) = (imm16(op, bits), u16::try_from(memarg.offset))
            && self.short_memory0
            && Self::memory_index(&memarg) == 0
            && self.buffers.stack.entries.last().is_some_and(|address| !matches!(address.value, Value::Const(_)))
        {
            let address = self.pop();
            let a = self.read(&address);
            self.emit(op, Form::OFFSET16_VALUE, offset, a, imm, &[]);
            return;
        }
        // The address was computed before the value, so its arithmetic is the last only where the value was free.
        let keep = matches!(value.value, Value::Const(_)).then_some(value.slot);
        let address = self.address(&memarg, keep);
        let b = self.read(&value);
        match address {
            Address::Slot(a, offset) => match u16::try_from(offset) {
                Ok(offset) => self.emit(op, Form::OFFSET16, offset, a, b, &[]),
                Err(_) => self.emit(op, Form::OFFSET, 0, a, b, &[Word(offset)]),
            },
            Address::Index(a, d, shift, offset) => self.emit(op, Form::INDEX, d, a, b, &[Word::pair(offset, shift)]),
            Address::AddImm(a, imm, offset) => self.emit(op, Form::ADD_IMM, 0, a, b, &[Word::pair(offset, imm)]),
            Address::Absolute(address) => self.emit(op, Form::ABSOLUTE, 0, 0, b, &[Word(address)]),
            Address::Any(a, offset, memory) => self.emit(op, Form::ANY, 0, a, b, &[Word(offset), Word(memory.into())]),
        };
    }

    /// The extension words of an access that may name any memory.
    fn access(memarg: &MemArg, high: u32) -> [Word; 2] {
        [Word(memarg.offset), Word::pair(Self::memory_index(memarg), high)]
    }

    pub(super) fn load_lane(&mut self, op: Op, memarg: MemArg, lane: u8) {
        let vector = self.pop();
        let address = self.pop();
        let (a, b) = (self.read(&address), self.read(&vector));
        let slot = self.push_temp(Kind::V128);
        self.emit_def(op, Form::SLOTS, slot, Kind::V128, a, b, &Self::access(&memarg, lane.into()));
    }

    pub(super) fn store_lane(&mut self, op: Op, memarg: MemArg, lane: u8) {
        let vector = self.pop();
        let address = self.pop();
        let (a, b) = (self.read(&address), self.read(&vector));
        self.emit(op, Form::SLOTS, 0, a, b, &Self::access(&memarg, lane.into()));
    }

    pub(super) fn atomic_load(&mut self, op: Op, memarg: MemArg) {
        let address = self.pop();
        let a = self.read(&address);
        let slot = self.push_temp(Kind::Word);
        self.emit_def(op, Form::SLOTS, slot, Kind::Word, a, 0, &Self::access(&memarg, 0));
    }

    pub(super) fn atomic_store(&mut self, op: Op, memarg: MemArg) {
        let value = self.pop();
        let address = self.pop();
        let (a, b) = (self.read(&address), self.read(&value));
        self.emit(op, Form::SLOTS, 0, a, b, &Self::access(&memarg, 0));
    }

    pub(super) fn atomic_rmw(&mut self, op: Op, memarg: MemArg) {
        let value = self.pop();
        let address = self.pop();
        let (a, b) = (self.read(&address), self.read(&value));
        let slot = self.push_temp(Kind::Word);
        self.emit_def(op, Form::SLOTS, slot, Kind::Word, a, b, &Self::access(&memarg, 0));
    }

    pub(super) fn atomic_notify(&mut self, op: Op, memarg: MemArg) {
        self.atomic_rmw(op, memarg);
    }

    pub(super) fn atomic_cmpxchg(&mut self, op: Op, memarg: MemArg) {
        let third = self.pop();
        let second = self.pop();
        let address = self.pop();
        let (a, b) = (self.read(&address), self.read(&second));
        let c = self.slot_of(&third);
        let slot = self.push_temp(Kind::Word);
        self.emit_def(op, Form::SLOTS, slot, Kind::Word, a, b, &Self::access(&memarg, c));
    }

    pub(super) fn atomic_wait(&mut self, op: Op, memarg: MemArg) {
        self.atomic_cmpxchg(op, memarg);
    }

    pub(super) fn visit_atomic_fence(&mut self) {
        self.emit(Op::AtomicFence, Form::SLOTS, 0, 0, 0, &[]);
    }

    /// An op that pops operands into fields `d`, `a`, `b` as it has them, in that order, and names `words`.
    fn effect<const N: usize>(&mut self, op: Op, words: &[Word]) {
        let mut entries = [None; N];
        for entry in entries.iter_mut().rev() {
            *entry = Some(self.pop());
        }
        let mut fields = [0u16; N];
        for (field, entry) in fields.iter_mut().zip(entries.iter().flatten()) {
            *field = self.read(entry);
        }
        match fields[..] {
            [d, a, b] => self.emit(op, Form::SLOTS, d, a, b, words),
            [a, b] => self.emit(op, Form::SLOTS, 0, a, b, words),
            [a] => self.emit(op, Form::SLOTS, 0, a, 0, words),
            _ => self.emit(op, Form::SLOTS, 0, 0, 0, words),
        };
    }

    /// An op without operands that names an index in its high half and defines a value.
    fn define_indexed(&mut self, op: Op, kind: Kind, index: u32) {
        let slot = self.push_temp(kind);
        self.emit_def(op, Form::SLOTS, slot, kind, index as u16, (index >> 16) as u16, &[]);
    }

    pub(super) fn visit_memory_size(&mut self, memory: u32) {
        self.define_indexed(Op::MemorySize, Kind::Word, memory);
    }

    pub(super) fn visit_memory_grow(&mut self, memory: u32) {
        let delta = self.pop();
        let a = self.read(&delta);
        let slot = self.push_temp(Kind::Word);
        self.emit_def(Op::MemoryGrow, Form::SLOTS, slot, Kind::Word, a, 0, &[Word(memory.into())]);
    }

    pub(super) fn visit_memory_fill(&mut self, memory: u32) {
        self.effect::<3>(Op::MemoryFill, &[Word(memory.into())]);
    }

    pub(super) fn visit_memory_copy(&mut self, to: u32, from: u32) {
        self.effect::<3>(Op::MemoryCopy, &[Word::pair(to, from)]);
    }

    pub(super) fn visit_memory_init(&mut self, data: u32, memory: u32) {
        self.effect::<3>(Op::MemoryInit, &[Word::pair(memory, data)]);
    }

    pub(super) fn visit_data_drop(&mut self, data: u32) {
        self.emit_wide(Op::DataDrop, 0, data);
    }

    // ---- Tables and references ----

    pub(super) fn visit_table_get(&mut self, table: u32) {
        let index = self.pop();
        let a = self.read(&index);
        let kind = match self.validator.resources().table_at(table) {
            Some(ty) => self.kind(ty.element_type.into()),
            None => Kind::Word,
        };
        let slot = self.push_temp(kind);
        self.emit_def(Op::TableGet, Form::SLOTS, slot, kind, a, 0, &[Word(table.into())]);
    }

    pub(super) fn visit_table_set(&mut self, table: u32) {
        self.effect::<2>(Op::TableSet, &[Word(table.into())]);
    }

    pub(super) fn visit_table_size(&mut self, table: u32) {
        self.define_indexed(Op::TableSize, Kind::Word, table);
    }

    pub(super) fn visit_table_grow(&mut self, table: u32) {
        // The initial value has to be a root while the host is asked: it stays on the stack until then.
        self.settle(2);
        let len = self.buffers.stack.len();
        let (init, delta) = (self.buffers.stack.entries[len - 2], self.buffers.stack.entries[len - 1]);
        let (a, b) = (self.near(init.slot, init.kind), self.near(delta.slot, delta.kind));
        self.emit_def(Op::TableGrow, Form::SLOTS, init.slot, Kind::Word, a, b, &[Word(table.into())]);
        self.drop_values(2);
        self.push_temp(Kind::Word);
    }

    pub(super) fn visit_table_fill(&mut self, table: u32) {
        self.effect::<3>(Op::TableFill, &[Word(table.into())]);
    }

    pub(super) fn visit_table_copy(&mut self, to: u32, from: u32) {
        self.effect::<3>(Op::TableCopy, &[Word::pair(to, from)]);
    }

    pub(super) fn visit_table_init(&mut self, elem: u32, table: u32) {
        self.effect::<3>(Op::TableInit, &[Word::pair(table, elem)]);
    }

    pub(super) fn visit_elem_drop(&mut self, elem: u32) {
        self.emit_wide(Op::ElemDrop, 0, elem);
    }

    pub(super) fn visit_ref_null(&mut self, kind: Kind) {
        self.push_value(Value::Const(0), kind);
    }

    pub(super) fn visit_ref_is_null(&mut self) {
        let reference = self.pop();
        let a = self.read(&reference);
        let slot = self.push_temp(Kind::Word);
        self.emit_def(Op::I64Eq, Form::IMM16, slot, Kind::Word, a, 0, &[]);
    }

    pub(super) fn visit_ref_eq(&mut self) {
        self.binary(Op::I64Eq);
    }

    pub(super) fn visit_ref_func(&mut self, function: u32) {
        self.define_indexed(Op::RefFunc, Kind::Word, function);
    }

    pub(super) fn visit_ref_as_non_null(&mut self) {
        self.settle(1);
        if let Some(&reference) = self.buffers.stack.entries.last() {
            let a = self.near(reference.slot, reference.kind);
            self.emit(Op::RefAsNonNull, Form::SLOTS, 0, a, 0, &[]);
        }
    }

    // ---- Locals, globals, constants ----

    pub(super) fn visit_drop(&mut self) {
        self.pop();
    }

    pub(super) fn visit_local_get(&mut self, index: u32) {
        let kind = self.buffers.stack.locals[index as usize].kind;
        self.push_value(Value::Local(index), kind);
    }

    pub(super) fn visit_local_set(&mut self, index: u32) {
        let value = self.pop();
        self.assign(index, &value);
    }

    fn assign(&mut self, index: u32, value: &Entry) {
        if value.value == Value::Local(index) {
            return;
        }
        self.preserve(index);
        let slot = self.use_local(index);
        self.move_to(slot, value);
    }

    pub(super) fn visit_local_tee(&mut self, index: u32) {
        let value = self.pop();
        self.assign(index, &value);
        match value.value {
            Value::Temp if !self.folded() => {
                self.push_temp(value.kind);
            }
            // The value has moved into the local, or is there as well.
            Value::Temp => self.push_value(Value::Local(index), value.kind),
            other => self.push_value(other, value.kind),
        }
    }

    pub(super) fn visit_global_get(&mut self, index: u32) {
        let kind = match self.validator.resources().global_at(index) {
            Some(ty) => self.kind(ty.content_type),
            None => Kind::Word,
        };
        let (operand, own) = self.own_global(index);
        let op = match (kind, own) {
            (Kind::V128, true) => Op::GlobalGetOwnV128,
            (Kind::V128, false) => Op::GlobalGetV128,
            (_, true) => Op::GlobalGetOwn,
            (_, false) => Op::GlobalGet,
        };
        self.define_indexed(op, kind, operand);
    }

    pub(super) fn visit_global_set(&mut self, index: u32) {
        let value = self.pop();
        let d = self.read(&value);
        let (operand, own) = self.own_global(index);
        let op = match (value.kind, own) {
            (Kind::V128, true) => Op::GlobalSetOwnV128,
            (Kind::V128, false) => Op::GlobalSetV128,
            (_, true) => Op::GlobalSetOwn,
            (_, false) => Op::GlobalSet,
        };
        self.emit_wide(op, d, operand);
    }

    /// A global as an operand: where it lies, if it is the instance's own, or its index.
    fn own_global(&self, index: u32) -> (u32, bool) {
        match index.checked_sub(self.imports.globals) {
            Some(number) => (InstanceRecord::own_global(number) as u32, true),
            None => (index, false),
        }
    }

    pub(super) fn visit_const(&mut self, bits: u64) {
        self.push_value(Value::Const(bits), Kind::Word);
    }

    pub(super) fn visit_v128_const(&mut self, value: wasmparser::V128) {
        let bits = value.i128() as u128;
        let slot = self.push_temp(Kind::V128);
        let words = [Word(bits as u64), Word((bits >> 64) as u64)];
        self.emit_def(Op::ConstV128, Form::SLOTS, slot, Kind::V128, 0, 0, &words);
    }

    // ---- Calls ----

    /// Brings a callee's arguments home, pops them, and returns the slot where its frame starts.
    fn arguments(&mut self, params: Kinds) -> u32 {
        self.settle(params.len as usize);
        self.drop_values(params.len);
        self.buffers.stack.next_slot()
    }

    fn call(&mut self, op: Op, base: u32, results: Kinds, words: &[Word]) {
        self.emit(op, Form::SLOTS, 0, base as u16, (base >> 16) as u16, words);
        if op.info().traits.ends {
            self.reachable = false;
        } else {
            self.push_temps(results);
        }
    }

    fn is_import(&self, function: u32) -> bool {
        function < self.imports.functions
    }

    fn call_function(&mut self, function: u32, direct: Op, import: Op) {
        let Some(ty) = self.validator.resources().type_index_of_function(function) else { return };
        let (params, results) = self.type_kinds(ty);
        let base = self.arguments(params);
        let op = if self.is_import(function) { import } else { direct };
        self.call(op, base, results, &[Word(function.into())]);
    }

    pub(super) fn visit_call(&mut self, function: u32) {
        self.call_function(function, Op::Call, Op::CallImport);
    }

    pub(super) fn visit_return_call(&mut self, function: u32) {
        self.call_function(function, Op::ReturnCall, Op::ReturnCallImport);
    }

    /// A call through a popped operand: a table index, or a function reference.
    fn call_through(&mut self, op: Op, ty: u32, table: u32) {
        let (params, results) = self.type_kinds(ty);
        let callee = self.pop();
        let slot = self.slot_of(&callee);
        let base = self.arguments(params);
        self.call(op, base, results, &[Word::pair(ty, table), Word(slot.into())]);
    }

    pub(super) fn visit_call_indirect(&mut self, ty: u32, table: u32) {
        self.call_through(Op::CallIndirect, ty, table);
    }

    pub(super) fn visit_return_call_indirect(&mut self, ty: u32, table: u32) {
        self.call_through(Op::ReturnCallIndirect, ty, table);
    }

    pub(super) fn visit_call_ref(&mut self, ty: u32) {
        self.call_through(Op::CallRef, ty, 0);
    }

    pub(super) fn visit_return_call_ref(&mut self, ty: u32) {
        self.call_through(Op::ReturnCallRef, ty, 0);
    }

    // ---- Exceptions ----

    pub(super) fn visit_throw(&mut self, tag: u32) {
        let count = self.validator.resources().tag_at(tag).map_or(0, |ty| ty.params().len());
        // The payload stays on the stack until the exception holds it, so that it is a root meanwhile.
        self.settle(count);
        let stack = &self.buffers.stack;
        let base = match stack.entries.get(stack.len() - count) {
            Some(first) => first.slot,
            None => stack.next_slot(),
        };
        self.emit(Op::Throw, Form::SLOTS, 0, base as u16, (base >> 16) as u16, &[Word(tag.into())]);
        self.reachable = false;
    }

    pub(super) fn visit_throw_ref(&mut self) {
        self.settle(1);
        if let Some(&exception) = self.buffers.stack.entries.last() {
            let a = self.near(exception.slot, exception.kind);
            self.emit(Op::ThrowRef, Form::SLOTS, 0, a, 0, &[]);
        }
        self.reachable = false;
    }

    pub(super) fn visit_unreachable(&mut self) {
        self.emit(Op::Unreachable, Form::SLOTS, 0, 0, 0, &[]);
        self.reachable = false;
    }
}

//! Calls and tail calls.
//!
//! Arguments and results are at home, and no register holds anything over a call. Functions of the same module are called through the
//! module's table of entries, others through their records. A callee in another instance gets its own instance and memory, and the
//! caller's are read from its frame again.

use terrace_abi::memory::TableRecord;
use terrace_abi::vm::{FrameRecord, FuncRecord, InstanceRecord};
use terrace_abi::{Op, TrapKind};
use terrace_interp::activation::HelperId;
use terrace_masm::{Cond, Gpr, Label, Load, Mem, Rhs, Width};
use terrace_templates::Machine;

use super::block::Item;
use super::{Cold, Emitter, HelpSite, regs};

/// Says in the register of the function's index that a tail call enters.
const TAIL: i64 = 1 << 31;

/// Holds a function's record.
fn record<M: Machine>() -> Gpr {
    M::SCRATCH[2]
}

impl<M: Machine> Emitter<'_, M> {
    fn base(&self) -> u32 {
        self.instruction_words()[0].high()
    }

    fn cell(&self, func: u32) -> Mem {
        Mem::at(M::SCRATCH[1], 8 * (func - self.module.imported_funcs()) as i32)
    }

    /// `call` of a function of the same module.
    pub(super) fn call(&mut self) {
        let func = self.extension(0).low();
        self.flush();
        self.store_pc(self.item.pc);
        self.m.load(Load::W64, M::SCRATCH[1], Mem::at(M::INSTANCE, InstanceRecord::CODE_ENTRIES));
        self.m.mov_imm(Width::W32, M::SCRATCH[0], func.into());
        self.enter_arguments(self.base());
        let cell = self.cell(func);
        self.m.call_mem(cell);
        self.leave_arguments();
    }

    /// Moves `SLOTS` to the callee's.
    fn enter_arguments(&mut self, base: u32) {
        self.m.add(Width::W64, M::SLOTS, M::SLOTS, Rhs::Imm(8 * base as i32));
    }

    /// Moves `SLOTS` back.
    fn leave_arguments(&mut self) {
        self.m.load(Load::W64, M::SLOTS, Mem::at(M::STACK, FrameRecord::BASE));
    }

    /// Every call that goes through a record.
    pub(super) fn record_call(&mut self) {
        let (again, resumed) = (self.m.label(), self.m.label());
        self.flush();
        self.store_pc(self.item.pc);
        self.callee(Some(again));
        self.m.bind(again);
        if self.item.op.info().traits.ends {
            return self.tail_call_record();
        }
        let (host, cross) = (self.m.label(), self.m.label());
        let cell = M::SCRATCH[1];
        self.m.load(Load::W64, cell, Mem::at(record::<M>(), FuncRecord::CODE_CELL));
        self.m.test(Width::W64, cell, cell.into());
        self.m.jump_if(Cond::Eq, host);
        self.m.compare_mem(Width::W64, Mem::at(record::<M>(), FuncRecord::INSTANCE), M::INSTANCE.into());
        self.m.jump_if(Cond::Ne, cross);
        self.m.load(Load::U32, M::SCRATCH[0], Mem::at(record::<M>(), FuncRecord::INDEX));
        self.enter_arguments(self.base());
        self.m.call_mem(Mem::at(cell, 0));
        self.leave_arguments();
        self.m.bind(resumed);
        let words = self.item.next - self.item.pc;
        let helper = if words == 2 { HelperId::CallShort } else { HelperId::CallLong };
        self.cold.push(Cold::Help {
            label: host,
            site: self.site(helper),
            operand: Some(record::<M>()),
            back: resumed,
        });
        self.cold.push(Cold::Cross { label: cross, base: self.base(), back: resumed });
    }

    /// Emits a call of a function of another instance.
    pub(super) fn cross(&mut self, label: Label, base: u32, back: Label) {
        let cell = M::SCRATCH[1];
        self.m.bind(label);
        self.m.load(Load::W64, M::INSTANCE, Mem::at(record::<M>(), FuncRecord::INSTANCE));
        self.m.load(Load::W64, M::MEMORY, Mem::at(M::INSTANCE, InstanceRecord::MEMORY_OPERAND));
        self.m.load(Load::U32, M::SCRATCH[0], Mem::at(record::<M>(), FuncRecord::INDEX));
        self.enter_arguments(base);
        self.m.call_mem(Mem::at(cell, 0));
        self.leave_arguments();
        self.m.load(Load::W64, M::INSTANCE, Mem::at(M::STACK, FrameRecord::INSTANCE));
        self.m.load(Load::W64, M::MEMORY, Mem::at(M::INSTANCE, InstanceRecord::MEMORY_OPERAND));
        self.m.jump(back);
    }

    /// Gets the record that is called. An indirect callee of another type goes on at `admitted` if the type admits it.
    fn callee(&mut self, admitted: Option<Label>) {
        match self.item.op {
            Op::CallImport | Op::ReturnCallImport => {
                let import = self.extension(0).low();
                self.m.load(Load::W64, record::<M>(), Mem::at(M::INSTANCE, InstanceRecord::IMPORTS));
                self.m.load(Load::W64, record::<M>(), Mem::at(record::<M>(), 8 * import as i32));
            }
            Op::CallRef | Op::ReturnCallRef => {
                let null = self.m.trap(TrapKind::NullFunctionReference);
                let slot = self.extension(1).low();
                self.m.load(Load::W64, record::<M>(), regs::home::<M>(slot));
                self.m.test(Width::W64, record::<M>(), record::<M>().into());
                self.m.jump_if(Cond::Eq, null);
            }
            _ => self.indirect(admitted),
        }
    }

    /// The table element that the instruction at `item` names; with `checks`, or a trap.
    fn element(&mut self, item: Item, checks: bool) {
        let words = &self.function.code[item.pc as usize..];
        let (table_index, slot) = (words[1].high(), words[2].low());
        let (table, index) = (M::SCRATCH[0], M::SCRATCH[1]);
        self.m.load(Load::W64, table, Mem::at(M::INSTANCE, InstanceRecord::TABLES));
        self.m.load(Load::W64, table, Mem::at(table, 8 * table_index as i32));
        self.m.load(Load::W64, index, regs::home::<M>(slot));
        if checks {
            let undefined = self.m.trap(TrapKind::UndefinedElement);
            self.m.compare_mem(Width::W64, Mem::at(table, TableRecord::LEN), index.into());
            self.m.jump_if(Cond::LeU, undefined);
        }
        self.m.load(Load::W64, table, Mem::at(table, TableRecord::ELEMENTS));
        self.m.load(Load::W64, record::<M>(), Mem::indexed(table, index, 3, 0));
        if checks {
            let uninitialized = self.m.trap(TrapKind::UninitializedElement);
            self.m.test(Width::W64, record::<M>(), record::<M>().into());
            self.m.jump_if(Cond::Eq, uninitialized);
        }
    }

    fn indirect(&mut self, admitted: Option<Label>) {
        self.element(self.item, true);
        let expected = self.extension(0).low();
        let types = M::SCRATCH[0];
        self.m.load(Load::W64, types, Mem::at(M::INSTANCE, InstanceRecord::TYPES));
        self.m.load(Load::U32, types, Mem::at(types, 4 * expected as i32));
        self.m.compare_mem(Width::W32, Mem::at(record::<M>(), FuncRecord::TYPE_ID), types.into());
        let other = self.m.label();
        self.m.jump_if(Cond::Ne, other);
        if let Some(back) = admitted {
            let site = self.site(HelperId::CheckIndirect);
            self.cold.push(Cold::Subtype { label: other, site, item: self.item, back });
        }
    }

    /// Emits the rest of a call of a function whose type is another one: it may be a subtype.
    pub(super) fn subtype(&mut self, label: Label, site: HelpSite, item: Item, back: Label) {
        self.m.bind(label);
        self.call_helper(site);
        self.element(item, false);
        self.m.jump(back);
    }

    /// The number of parameter slots of the callee.
    fn param_slots(&self) -> u32 {
        let operand = self.extension(0).low();
        let ty = match self.item.op {
            Op::ReturnCall | Op::ReturnCallImport => self.module.func_type(operand),
            _ => self.module.types().func_type(operand),
        };
        match ty {
            Some(ty) => ty.param_slots() as u32,
            None => unreachable!("validated types"),
        }
    }

    /// Moves the arguments to where this frame's parameters are, and leaves it for the callee whose cell is in `cell`.
    fn replace(&mut self, cell: Mem) {
        let count = self.param_slots();
        let target = M::TEMPS[0];
        self.m.load(Load::W64, target, cell);
        self.m.mov(Width::W64, M::TEMPS[1], M::SCRATCH[0]);
        self.copy_slots(0, self.base(), count);
        self.m.mov(Width::W64, M::SCRATCH[0], M::TEMPS[1]);
        self.m.drop_frame(FrameRecord::SIZE);
        self.m.jump_to(target);
    }

    /// `return_call` of a function of the same module.
    pub(super) fn return_call(&mut self) {
        let func = self.extension(0).low();
        self.flush();
        self.store_pc(self.item.pc);
        self.m.load(Load::W64, M::SCRATCH[1], Mem::at(M::INSTANCE, InstanceRecord::CODE_ENTRIES));
        self.m.mov_imm(Width::W32, M::SCRATCH[0], i64::from(func) | TAIL);
        let cell = self.cell(func);
        self.replace(cell);
    }

    fn tail_call_record(&mut self) {
        let slow = self.m.label();
        let cell = M::SCRATCH[1];
        self.m.load(Load::W64, cell, Mem::at(record::<M>(), FuncRecord::CODE_CELL));
        self.m.test(Width::W64, cell, cell.into());
        self.m.jump_if(Cond::Eq, slow);
        self.m.compare_mem(Width::W64, Mem::at(record::<M>(), FuncRecord::INSTANCE), M::INSTANCE.into());
        self.m.jump_if(Cond::Ne, slow);
        self.m.load(Load::U32, M::SCRATCH[0], Mem::at(record::<M>(), FuncRecord::INDEX));
        self.m.mov_imm(Width::W32, M::TEMPS[0], TAIL);
        self.m.or(Width::W32, M::SCRATCH[0], M::SCRATCH[0], M::TEMPS[0].into());
        self.replace(Mem::at(cell, 0));
        let site = self.site(HelperId::TailCall);
        self.cold.push(Cold::Help { label: slow, site, operand: Some(record::<M>()), back: slow });
    }

    /// Exceptions are thrown by helpers.
    pub(super) fn throw(&mut self, helper: HelperId) {
        self.help(helper);
        // A throw never comes back.
        self.m.undefined();
    }
}

//! Calls, tail calls, and the first instruction of every function.
//!
//! A call saves the caller's pc, where it goes on, and its pinned locals in its frame; the callee's `enter` pushes the callee's
//! frame. A call into another instance puts a link between the two, whose only purpose is to be returned through.

use terrace_abi::memory::TableRecord;
use terrace_abi::vm::{FrameRecord, FuncRecord, InstanceRecord};
use terrace_abi::{Op, TrapKind};
use terrace_masm::{Cond, FloatWidth, Gpr, Label, Load, Mem, Rhs, Store, Width};
use terrace_templates::Machine;

use super::{Generator, Variant, s0, s1, unit};
use crate::activation::{HelperId, ZEROED, header};
use crate::classes::Class;

/// Holds a function record or an entry cell; kept for helpers, whose third argument it is.
fn callee<M: Machine>() -> Gpr {
    M::SCRATCH[2]
}

fn at_frame<M: Machine>(offset: i32) -> Mem {
    Mem::at(M::FRAME, offset)
}

/// A field of the header that `PC` points to.
fn at_header<M: Machine>(offset: i32) -> Mem {
    Mem::at(M::PC, offset - header::ENTER)
}

impl<M: Machine> Generator<M> {
    /// The variants of `enter`: for each of [`ZEROED`] and for any number.
    pub(super) fn enters(&mut self) -> Vec<u16> {
        let mut enters = Vec::new();
        for zeroed in ZEROED.into_iter().map(Some).chain([None]) {
            let at = self.begin();
            self.enter(zeroed);
            self.end(at, zeroed.map_or("enter_any".to_owned(), |count| format!("enter_{count}")));
            enters.push(unit(at));
        }
        enters
    }

    fn enter(&mut self, zeroed: Option<u32>) {
        let (left, value) = (M::TEMPS[0], s1::<M>());
        self.m.load(Load::U32, value, at_header::<M>(header::CHARGE));
        self.m.load(Load::W64, left, at_frame::<M>(FrameRecord::STACK_LEFT));
        self.m.sub(Width::W64, left, left, value.into());
        self.m.jump_if(Cond::Negative, self.stubs.overflow);
        self.m.sub(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::STACK_LEFT), left);
        self.m.load(Load::W64, value, at_header::<M>(header::FUNCTION));
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::FUNCTION), value);
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::BASE), M::SLOTS);
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::INSTANCE), M::INSTANCE);
        self.zero(zeroed);
        self.m.add(Width::W64, M::PC, M::PC, Rhs::Imm(-header::ENTER));
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::CODE), M::PC);
        self.pinned(M::PC);
        self.dispatch();
    }

    /// Zeroes the locals that are no parameters. Slots behind them may be zeroed, too: nothing is there yet.
    fn zero(&mut self, zeroed: Option<u32>) {
        let (to, zero) = (M::TEMPS[0], M::FLOAT_TEMPS[0]);
        match zeroed {
            Some(0) => {}
            Some(count) => {
                self.m.load(Load::U32, to, at_header::<M>(header::PARAM_SLOTS));
                self.m.lea(Width::W64, to, Mem::indexed(M::SLOTS, to, 3, 0));
                self.m.vector_const(zero, 0);
                for pair in 0..count as i32 / 2 {
                    self.m.store_vector(Mem::at(to, 16 * pair), zero);
                }
            }
            None => {
                let (end, again) = (M::TEMPS[1], self.m.label());
                self.m.load(Load::U32, to, at_header::<M>(header::PARAM_SLOTS));
                self.m.lea(Width::W64, to, Mem::indexed(M::SLOTS, to, 3, 0));
                self.m.load(Load::U32, end, at_header::<M>(header::LOCAL_SLOTS));
                self.m.lea(Width::W64, end, Mem::indexed(M::SLOTS, end, 3, 0));
                self.m.vector_const(zero, 0);
                self.m.bind(again);
                self.m.store_vector(Mem::at(to, 0), zero);
                self.m.add(Width::W64, to, to, Rhs::Imm(16));
                self.m.compare(Width::W64, to, end.into());
                self.m.jump_if_near(Cond::LtU, again);
            }
        }
    }

    /// Reads the pinned locals of the function whose code begins at `code`.
    pub(super) fn pinned(&mut self, code: Gpr) {
        let index = s1::<M>();
        for (field, local) in [2, 4].into_iter().zip(M::LOCALS) {
            self.m.load(Load::U16, index, Mem::at(code, header::ENTER + field));
            self.m.load(Load::W64, local, Mem::indexed(M::SLOTS, index, 3, 0));
        }
        self.m.load(Load::U16, index, Mem::at(code, header::ENTER + 6));
        self.m.load_float(FloatWidth::F64, M::FLOAT_LOCAL, Mem::indexed(M::SLOTS, index, 3, 0));
    }

    /// The caller's side: saves what it goes on with, and moves `SLOTS` to the arguments.
    fn prepare(&mut self, v: Variant) {
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::PC), M::PC);
        self.m.lea(Width::W64, M::TEMPS[0], Mem::at(M::PC, 8 * v.words));
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::RESUME), M::TEMPS[0]);
        if v.d == Class::Reload {
            self.m.store(Store::W64, at_frame::<M>(FrameRecord::PINNED), M::LOCALS[0]);
            self.m.store(Store::W64, at_frame::<M>(FrameRecord::PINNED + 8), M::LOCALS[1]);
            self.m.store_float(FloatWidth::F64, at_frame::<M>(FrameRecord::PINNED + 16), M::FLOAT_LOCAL);
        }
        self.m.load(Load::U32, s0::<M>(), Mem::at(M::PC, 4));
        self.m.lea(Width::W64, M::SLOTS, Mem::indexed(M::SLOTS, s0::<M>(), 3, 0));
    }

    /// `call` of a function of the same module: the extension word is its entry cell's address.
    pub(super) fn call(&mut self, v: Variant) {
        let (code, cell) = (s1::<M>(), callee::<M>());
        let link = self.m.label();
        self.m.load(Load::W64, cell, Mem::at(M::PC, 8));
        self.m.load(Load::W64, code, Mem::at(cell, 0));
        self.m.test(Width::W64, code, code.into());
        self.m.jump_if(Cond::Eq, link);
        self.prepare(v);
        self.m.mov(Width::W64, M::PC, code);
        self.dispatch();
        self.m.bind(link);
        self.helper(HelperId::Link);
    }

    /// Loads the running code of the record's function; goes to `slow` if it has none yet, or is the host's.
    fn running(&mut self, slow: Label) {
        let (code, record) = (s1::<M>(), callee::<M>());
        self.m.load(Load::W64, code, Mem::at(record, FuncRecord::ENTRY_CELL));
        self.m.test(Width::W64, code, code.into());
        self.m.jump_if(Cond::Eq, slow);
        self.m.load(Load::W64, code, Mem::at(code, 0));
        self.m.test(Width::W64, code, code.into());
        self.m.jump_if(Cond::Eq, slow);
    }

    /// Calls the function whose record is in the callee register.
    fn call_record(&mut self, v: Variant, resumed: Label) {
        let (code, instance) = (s1::<M>(), M::TEMPS[1]);
        let slow = self.m.label();
        self.m.bind(resumed);
        self.running(slow);
        self.m.load(Load::W64, instance, Mem::at(callee::<M>(), FuncRecord::INSTANCE));
        self.prepare(v);
        self.m.mov(Width::W64, M::PC, code);
        self.m.compare(Width::W64, instance, M::INSTANCE.into());
        self.m.jump_if(Cond::Ne, self.stubs.cross);
        self.dispatch();
        self.m.bind(slow);
        self.helper(if v.words == 2 { HelperId::CallShort } else { HelperId::CallLong });
    }

    /// Tail-calls the function whose record is in the callee register.
    fn tail_call_record(&mut self, resumed: Label) {
        let slow = self.m.label();
        self.m.bind(resumed);
        self.running(slow);
        self.m.compare_mem(Width::W64, Mem::at(callee::<M>(), FuncRecord::INSTANCE), M::INSTANCE.into());
        self.m.jump_if(Cond::Ne, slow);
        self.replace();
        self.m.bind(slow);
        self.helper(HelperId::TailCall);
    }

    /// `return_call` of a function of the same module.
    pub(super) fn return_call(&mut self) {
        let (code, cell) = (s1::<M>(), callee::<M>());
        let link = self.m.label();
        self.m.load(Load::W64, cell, Mem::at(M::PC, 8));
        self.m.load(Load::W64, code, Mem::at(cell, 0));
        self.m.test(Width::W64, code, code.into());
        self.m.jump_if(Cond::Eq, link);
        self.replace();
        self.m.bind(link);
        self.helper(HelperId::Link);
    }

    /// Replaces the frame by that of the function whose header is in the second scratch register.
    fn replace(&mut self) {
        let [count, from] = M::TEMPS;
        let code = callee::<M>();
        self.m.mov(Width::W64, code, s1::<M>());
        // The callee must fit where this frame was, or this frame is the one that overflows.
        let field = |offset: i32| Mem::at(callee::<M>(), offset - header::ENTER);
        let overflow = self.m.trap(TrapKind::StackOverflow);
        self.m.load(Load::U32, s1::<M>(), field(header::CHARGE));
        self.m.load(Load::W64, count, at_frame::<M>(FrameRecord::SIZE + FrameRecord::STACK_LEFT));
        self.m.sub(Width::W64, count, count, s1::<M>().into());
        self.m.jump_if(Cond::Negative, overflow);
        self.m.load(Load::U32, from, Mem::at(M::PC, 4));
        self.m.lea(Width::W64, from, Mem::indexed(M::SLOTS, from, 3, 0));
        self.m.load(Load::U32, count, field(header::PARAM_SLOTS));
        self.move_up(count, from, M::SLOTS);
        self.m.add(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
        self.m.mov(Width::W64, M::PC, code);
        self.dispatch();
    }

    /// The record of an imported function.
    fn import(&mut self) {
        let (record, index) = (callee::<M>(), s1::<M>());
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::IMPORTS));
        self.m.load(Load::U32, index, Mem::at(M::PC, 8));
        self.m.load(Load::W64, record, Mem::indexed(record, index, 3, 0));
    }

    /// The record that an indirect call names, with the type that it expects, or a trap. `other` is where a function of another
    /// type goes, which may be a subtype.
    fn indirect(&mut self, other: Label) {
        let (record, index) = (callee::<M>(), s1::<M>());
        let table = M::TEMPS[0];
        let undefined = self.m.trap(TrapKind::UndefinedElement);
        let uninitialized = self.m.trap(TrapKind::UninitializedElement);
        self.m.load(Load::W64, table, Mem::at(M::INSTANCE, InstanceRecord::TABLES));
        self.m.load(Load::U32, index, Mem::at(M::PC, 12));
        self.m.load(Load::W64, table, Mem::indexed(table, index, 3, 0));
        self.m.load(Load::U32, index, Mem::at(M::PC, 16));
        self.m.load(Load::W64, index, Mem::indexed(M::SLOTS, index, 3, 0));
        self.m.compare_mem(Width::W64, Mem::at(table, TableRecord::LEN), index.into());
        self.m.jump_if(Cond::LeU, undefined);
        self.m.load(Load::W64, record, Mem::at(table, TableRecord::ELEMENTS));
        self.m.load(Load::W64, record, Mem::indexed(record, index, 3, 0));
        self.m.test(Width::W64, record, record.into());
        self.m.jump_if(Cond::Eq, uninitialized);
        let types = M::TEMPS[0];
        self.m.load(Load::W64, types, Mem::at(M::INSTANCE, InstanceRecord::TYPES));
        self.m.load(Load::U32, index, Mem::at(M::PC, 8));
        self.m.load(Load::U32, types, Mem::indexed(types, index, 2, 0));
        self.m.compare_mem(Width::W32, Mem::at(record, FuncRecord::TYPE_ID), types.into());
        self.m.jump_if(Cond::Ne, other);
    }

    /// The record that a reference names, or a trap.
    fn reference(&mut self) {
        let (record, index) = (callee::<M>(), s1::<M>());
        let null = self.m.trap(TrapKind::NullFunctionReference);
        self.m.load(Load::U32, index, Mem::at(M::PC, 16));
        self.m.load(Load::W64, record, Mem::indexed(M::SLOTS, index, 3, 0));
        self.m.test(Width::W64, record, record.into());
        self.m.jump_if(Cond::Eq, null);
    }

    /// Every call that goes through a record.
    pub(super) fn record_call(&mut self, v: Variant) {
        let (other, resumed) = (self.m.label(), self.m.label());
        let tail = v.op.info().traits.ends;
        let indirect = matches!(v.op, Op::CallIndirect | Op::ReturnCallIndirect);
        match v.op {
            Op::CallImport | Op::ReturnCallImport => self.import(),
            Op::CallRef | Op::ReturnCallRef => self.reference(),
            _ => self.indirect(other),
        }
        if tail {
            self.tail_call_record(resumed);
        } else {
            self.call_record(v, resumed);
        }
        if indirect {
            self.m.bind(other);
            self.helper(if tail { HelperId::SubtypeTailCall } else { HelperId::SubtypeCall });
        }
    }
}

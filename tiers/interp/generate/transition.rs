//! Passing control between the interpreter and compiled code.
//!
//! Compiled code runs with the native stack's pointer at its frame's record, and so with the native stack out of reach; handlers,
//! stubs and helpers run on the native stack, whose pointer the store's record has. Every passage switches between the two.
//!
//! Whoever begins a function finds the caller's record in `FRAME`, or above the return address, and makes the next one itself. Where
//! its return goes is the caller's choice: a native return address if the caller is compiled code, its `resume` if not. A return that
//! meets the other kind of caller goes through one of two bridges, of which each has one end for all functions:
//!
//! * the end of [`Generator::compiled`] is what the return address of compiled code leads to, if its caller is none;
//! * the word [`TO_COMPILED`](crate::activation::TO_COMPILED) is what the `resume` of compiled code leads to. It is put there only
//!   when it is needed: by the stub [`Stub::ToInterp`], or by a helper that settles a frame.
//!
//! A tail call out of a frame leaves both as they are.
//!
//! Stubs are entered from compiled code with its record, or the return address below it, as the native stack's pointer. They rely on
//! `INSTANCE` and what [`Stub`] says, and read the store's record again.

use terrace_abi::vm::{FrameRecord, InstanceRecord, StoreRecord};
use terrace_masm::{Cond, Gpr, Label, Load, Mem, Rhs, Store, Width};
use terrace_templates::Machine;

use super::stub::activation;
use super::{Generator, s0, s1, unit};
use crate::activation::{HelperId, Stub, TAIL, TO_COMPILED, header, offset};

fn at_frame<M: Machine>(offset: i32) -> Mem {
    Mem::at(M::FRAME, offset)
}

impl<M: Machine> Generator<M> {
    /// The handler that begins a function which has machine code: the word that stands in its header, with the code's address
    /// behind it. The result is its offset in units, and where compiled code returns to.
    pub(super) fn compiled(&mut self) -> (u16, usize) {
        let at = self.begin();
        let (value, replace) = (s1::<M>(), self.m.label());
        self.m.load(Load::W64, value, at_frame::<M>(FrameRecord::FUNCTION));
        self.m.test(Width::W64, value, Rhs::Imm(1));
        self.m.jump_if_near(Cond::Ne, replace);
        self.m.set_stack(M::FRAME);
        self.m.mov_imm(Width::W32, s0::<M>(), 0);
        self.m.call_mem(Mem::at(M::PC, header::CODE - header::ENTER));
        let returned = self.m.offset();
        self.m.get_stack(M::FRAME);
        self.native_stack();
        self.m.load(Load::W64, value, activation::<M>());
        self.m.load(Load::W64, M::HANDLERS, Mem::at(value, offset::HANDLERS));
        self.frame_instance();
        self.resume_frame();
        // The caller is compiled code: its call, of a function that has been replaced by this one, is still in progress.
        self.m.bind(replace);
        self.m.load(Load::W64, value, Mem::at(M::PC, header::CODE - header::ENTER));
        self.below_frame();
        self.m.mov_imm(Width::W32, s0::<M>(), 0);
        self.m.jump_to(value);
        self.end(at, "compiled".to_owned());
        (unit(at), returned)
    }

    /// Takes up the instance of the newest frame.
    fn frame_instance(&mut self) {
        self.m.load(Load::W64, M::INSTANCE, at_frame::<M>(FrameRecord::INSTANCE));
        self.m.load(Load::W64, M::MEMORY, Mem::at(M::INSTANCE, InstanceRecord::MEMORY_OPERAND));
    }

    /// Switches to the native stack. The second scratch register is lost.
    fn native_stack(&mut self) {
        self.m.load(Load::W64, M::STORE, Mem::at(M::INSTANCE, InstanceRecord::STORE));
        self.m.load(Load::W64, s1::<M>(), Mem::at(M::STORE, StoreRecord::NATIVE_STACK));
        self.m.set_stack(s1::<M>());
    }

    /// Switches from the native stack to where a callee of the frame returns from, or where another one begins in its place.
    fn below_frame(&mut self) {
        self.m.sub(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
        self.m.set_stack(M::FRAME);
        self.m.drop_frame(FrameRecord::SIZE);
    }

    /// The caller's record, in a stub that was called.
    fn caller(&mut self) {
        self.m.push_frame(FrameRecord::SIZE);
        self.m.get_stack(M::FRAME);
        self.m.add(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
    }

    /// Says in the store's record which frame is the newest, for a helper. `value` is lost.
    fn publish_frame(&mut self, value: Gpr) {
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::FRAME), M::FRAME);
        self.m.load(Load::W64, value, at_frame::<M>(FrameRecord::STACK_LEFT));
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::STACK_LEFT), value);
    }

    /// The handler of the word that compiled callers are returned to by.
    pub(super) fn return_to_compiled(&mut self) -> u16 {
        let at = self.begin();
        self.frame_instance();
        self.below_frame();
        self.m.ret();
        self.end(at, "to_compiled".to_owned());
        unit(at)
    }

    /// The handler of the word that goes on in the newest frame's machine code, where the activation says.
    pub(super) fn land(&mut self) -> u16 {
        let at = self.begin();
        let target = s0::<M>();
        self.m.load(Load::W64, target, activation::<M>());
        self.m.load(Load::W64, target, Mem::at(target, offset::LANDING));
        self.m.set_stack(M::FRAME);
        self.m.jump_to(target);
        self.end(at, "land".to_owned());
        unit(at)
    }

    /// Emits the stubs of compiled code, which go on at `helped` with what a helper says; the result is their offsets by number.
    pub(super) fn compiled_stubs(&mut self, helped: Label) -> Vec<usize> {
        let mut offsets = vec![0; Stub::COUNT];
        for stub in [Stub::Help, Stub::Trap, Stub::Overflow, Stub::ToInterp, Stub::Fault] {
            let at = self.begin();
            match stub {
                Stub::Help => self.help(helped),
                Stub::Trap => self.trap(),
                Stub::Overflow => self.overflow(),
                Stub::ToInterp => self.enter_interp(helped),
                Stub::Fault => self.fault(),
            }
            self.end(at, format!("stub_{stub:?}"));
            offsets[stub as usize] = at;
        }
        offsets
    }

    fn help(&mut self, helped: Label) {
        let [operand, words] = M::TEMPS;
        let [number, pc, next] = M::SCRATCH;
        let [helper, value] = M::LOCALS;
        // Kept by helpers.
        let (instruction, expected) = (M::PC, M::ACC);
        let other = self.m.label();
        self.caller();
        self.m.add(Width::W64, instruction, words, pc.into());
        self.m.add(Width::W64, expected, words, next.into());
        self.m.mov(Width::W64, helper, number);
        self.m.mov(Width::W64, value, pc);
        self.m.shr_u(Width::W64, value, value, Rhs::Imm(3));
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::PC), value);
        self.native_stack();
        self.publish_frame(value);
        self.m.mov(Width::W64, M::ARGS[2], operand);
        self.m.mov(Width::W64, M::ARGS[1], instruction);
        self.m.load(Load::W64, M::ARGS[0], activation::<M>());
        self.m.load(Load::W64, value, Mem::at(M::ARGS[0], offset::HELPERS));
        self.m.call_mem(Mem::indexed(value, helper, 3, 0));
        self.m.compare(Width::W64, M::RESULT, expected.into());
        self.m.jump_if_near(Cond::Ne, other);
        self.m.load(Load::W64, M::FRAME, Mem::at(M::STORE, StoreRecord::FRAME));
        self.below_frame();
        self.m.ret();
        self.m.bind(other);
        self.m.jump(helped);
    }

    fn trap(&mut self) {
        self.m.mov(Width::W64, M::ARGS[2], s0::<M>());
        self.m.get_stack(M::FRAME);
        self.native_stack();
        self.m.load(Load::W64, M::PC, at_frame::<M>(FrameRecord::PC));
        self.helper(HelperId::Trap);
    }

    /// The frame is not there yet: the trap is that of the caller's, or of the one that it takes the place of, which is still intact.
    fn overflow(&mut self) {
        let replaced = self.m.label();
        self.m.get_stack(M::FRAME);
        self.m.test(Width::W32, s0::<M>(), Rhs::Imm(TAIL as i32));
        self.m.jump_if_near(Cond::Ne, replaced);
        self.m.add(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
        self.m.bind(replaced);
        self.native_stack();
        self.m.jump(self.stubs.overflow);
    }

    fn fault(&mut self) {
        self.m.get_stack(M::FRAME);
        self.native_stack();
        self.m.load(Load::W64, M::PC, at_frame::<M>(FrameRecord::PC));
        self.helper(HelperId::Fault);
    }

    fn enter_interp(&mut self, helped: Label) {
        let (index, value, record) = (M::ACC, s1::<M>(), s0::<M>());
        let [own, begin, make, overflow, failed] = std::array::from_fn(|_| self.m.label());
        self.caller();
        self.m.mov(Width::W64, index, M::SCRATCH[0]);
        self.native_stack();
        self.m.load(Load::W64, record, activation::<M>());
        self.m.load(Load::W64, value, at_frame::<M>(FrameRecord::FUNCTION));
        self.m.test(Width::W64, value, Rhs::Imm(1));
        self.m.jump_if_near(Cond::Eq, own);
        // What returns to compiled code sees the words of links in the place of its own.
        self.m.load(Load::W64, value, Mem::at(record, offset::LINK));
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::CODE), value);
        self.m.add(Width::W64, value, value, Rhs::Imm(8 * TO_COMPILED));
        self.m.store(Store::W64, at_frame::<M>(FrameRecord::RESUME), value);
        self.m.bind(own);
        self.m.load(Load::W64, M::HANDLERS, Mem::at(record, offset::HANDLERS));
        self.m.load(Load::W64, M::MEMORY, Mem::at(M::INSTANCE, InstanceRecord::MEMORY_OPERAND));
        self.m.load(Load::W64, record, Mem::at(M::INSTANCE, InstanceRecord::ENTRIES));
        self.m.and(Width::W32, value, index, Rhs::Imm(!TAIL as i32));
        self.m.load(Load::W64, M::PC, Mem::indexed(record, value, 3, 0));
        self.m.test(Width::W64, M::PC, M::PC.into());
        self.m.jump_if_near(Cond::Eq, make);
        self.m.test(Width::W32, index, Rhs::Imm(TAIL as i32));
        self.m.jump_if_near(Cond::Eq, begin);
        // As where the interpreter makes a tail call.
        self.m.load(Load::U32, value, Mem::at(M::PC, header::CHARGE - header::ENTER));
        self.m.load(Load::W64, record, at_frame::<M>(FrameRecord::STACK_LEFT));
        self.m.sub(Width::W64, record, record, value.into());
        self.m.jump_if_near(Cond::Negative, overflow);
        self.m.bind(begin);
        self.dispatch();
        self.m.bind(make);
        self.publish_frame(value);
        self.m.and(Width::W32, M::ARGS[2], index, Rhs::Imm(!TAIL as i32));
        self.m.mov(Width::W64, M::ARGS[1], M::INSTANCE);
        self.m.load(Load::W64, M::ARGS[0], activation::<M>());
        self.m.load(Load::W64, value, Mem::at(M::ARGS[0], offset::HELPERS));
        self.m.call_mem(Mem::at(value, 8 * HelperId::Enter as i32));
        self.m.compare(Width::W64, M::RESULT, M::INSTANCE.into());
        self.m.jump_if_near(Cond::Ne, failed);
        self.m.load(Load::W64, M::FRAME, Mem::at(M::STORE, StoreRecord::FRAME));
        self.m.load(Load::W64, record, activation::<M>());
        self.m.jump(own);
        self.m.bind(overflow);
        self.m.sub(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
        self.m.jump(self.stubs.overflow);
        self.m.bind(failed);
        self.m.jump(helped);
    }
}

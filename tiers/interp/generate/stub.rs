//! Code that handlers share: entering and leaving an activation, helpers, traps and links.

use terrace_abi::TrapKind;
use terrace_abi::vm::{FrameRecord, InstanceRecord, StoreRecord};
use terrace_masm::{Cond, Label, Load, Masm, Mem, Rhs, Store, Width};
use terrace_templates::Machine;

use super::{Generator, s0, s1, unit};
use crate::activation::{EXIT, HelperId, LAND, RESTORE, TO_COMPILED, offset};

/// Bytes of native stack below the saved registers: the activation's address.
pub const STACK: i32 = 16;

/// The shared pieces' labels.
pub(super) struct Stubs {
    /// Reads the pinned locals from their slots and goes on at `PC`.
    pub reload: Label,
    /// A callee has no room.
    pub overflow: Label,
    /// Puts a link in front of a callee of another instance, whose record is in the second temporary.
    pub cross: Label,
    /// Calls the helper whose number times 8 is in the first scratch register.
    helper: Label,
    /// Goes on with what a helper says.
    pub helped: Label,
    /// Takes up everything from the newest frame, and goes on at `PC`.
    resume: Label,
    traps: Vec<(TrapKind, Label)>,
}

impl Stubs {
    pub fn new<M: Masm>(m: &mut M) -> Stubs {
        let mut traps = Vec::new();
        for &kind in TrapKind::ALL {
            let label = m.label();
            m.buffer_mut().set_trap(kind, label);
            traps.push((kind, label));
        }
        let [reload, overflow, cross, helper, helped, resume] = std::array::from_fn(|_| m.label());
        Stubs { reload, overflow, cross, helper, helped, resume, traps }
    }

    /// The stub of a trap.
    pub fn trap(&self, kind: TrapKind) -> Label {
        let found = self.traps.iter().find(|&&(known, _)| known == kind);
        found.expect("every kind has a stub").1
    }
}

/// Where the activation's address is.
pub(super) fn activation<M: Machine>() -> Mem {
    Mem::at(M::STACK, 0)
}

impl<M: Machine> Generator<M> {
    /// Emits the stubs; the result is the offset of the function that starts an activation.
    pub(super) fn emit_stubs(&mut self) -> usize {
        let start = self.begin();
        self.m.prologue(STACK);
        self.m.store(Store::W64, activation::<M>(), M::ARGS[0]);
        self.m.load(Load::W64, M::STORE, Mem::at(M::ARGS[0], offset::RECORD));
        self.m.load(Load::W64, M::PC, Mem::at(M::ARGS[0], offset::START));
        self.m.get_stack(s0::<M>());
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::NATIVE_STACK), s0::<M>());
        self.m.jump(self.stubs.resume);
        self.end(start, "start".to_owned());
        self.shared_helper();
        self.resume();
        for (kind, label) in self.stubs.traps.clone() {
            let at = self.begin();
            self.m.bind(label);
            self.m.mov_imm(Width::W32, M::ARGS[2], kind as i64);
            self.helper(HelperId::Trap);
            self.end(at, format!("trap_{kind:?}"));
        }
        let at = self.begin();
        self.m.bind(self.stubs.overflow);
        // The caller's frame is the newest one; the trap is at its call.
        self.m.load(Load::W64, M::PC, Mem::at(M::FRAME, FrameRecord::PC));
        self.m.jump(self.stubs.trap(TrapKind::StackOverflow));
        self.end(at, "overflow".to_owned());
        self.cross();
        start
    }

    /// Calls a helper; the third argument register is its operand.
    pub(super) fn helper(&mut self, helper: HelperId) {
        self.m.mov_imm(Width::W32, s0::<M>(), 8 * helper as i64);
        self.m.jump(self.stubs.helper);
    }

    fn shared_helper(&mut self) {
        let at = self.begin();
        self.m.bind(self.stubs.helper);
        let [args, pc, ..] = M::ARGS;
        let value = s1::<M>();
        self.m.store(Store::W64, Mem::at(M::FRAME, FrameRecord::PC), M::PC);
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::FRAME), M::FRAME);
        self.m.load(Load::W64, value, Mem::at(M::FRAME, FrameRecord::STACK_LEFT));
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::STACK_LEFT), value);
        self.m.load(Load::W64, args, activation::<M>());
        self.m.mov(Width::W64, pc, M::PC);
        self.m.load(Load::W64, value, Mem::at(args, offset::HELPERS));
        self.m.add(Width::W64, s0::<M>(), s0::<M>(), value.into());
        self.m.call_mem(Mem::at(s0::<M>(), 0));
        self.m.bind(self.stubs.helped);
        let leave = self.m.label();
        self.m.test(Width::W64, M::RESULT, M::RESULT.into());
        self.m.jump_if_near(Cond::Eq, leave);
        self.m.mov(Width::W64, M::PC, M::RESULT);
        self.m.jump(self.stubs.resume);
        self.m.bind(leave);
        self.m.load(Load::W64, args, activation::<M>());
        self.m.load(Load::U32, M::RESULT, Mem::at(args, offset::STATUS));
        self.m.epilogue(STACK);
        self.end(at, "helper".to_owned());
    }

    fn resume(&mut self) {
        let at = self.begin();
        self.m.bind(self.stubs.resume);
        self.m.load(Load::W64, s0::<M>(), activation::<M>());
        self.m.load(Load::W64, M::HANDLERS, Mem::at(s0::<M>(), offset::HANDLERS));
        self.m.load(Load::W64, M::FRAME, Mem::at(M::STORE, StoreRecord::FRAME));
        self.m.load(Load::W64, M::SLOTS, Mem::at(M::FRAME, FrameRecord::BASE));
        self.m.load(Load::W64, M::INSTANCE, Mem::at(M::FRAME, FrameRecord::INSTANCE));
        self.m.load(Load::W64, M::MEMORY, Mem::at(M::INSTANCE, InstanceRecord::MEMORY_OPERAND));
        self.m.bind(self.stubs.reload);
        self.m.load(Load::W64, s0::<M>(), Mem::at(M::FRAME, FrameRecord::CODE));
        self.pinned(s0::<M>());
        self.dispatch();
        self.end(at, "resume".to_owned());
    }

    fn cross(&mut self) {
        let at = self.begin();
        self.m.bind(self.stubs.cross);
        let (instance, value) = (M::TEMPS[1], s1::<M>());
        self.m.load(Load::W64, value, Mem::at(M::FRAME, FrameRecord::STACK_LEFT));
        self.m.sub(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
        self.m.store(Store::W64, Mem::at(M::FRAME, FrameRecord::STACK_LEFT), value);
        self.m.load(Load::W64, value, activation::<M>());
        self.m.load(Load::W64, value, Mem::at(value, offset::LINK));
        self.m.store(Store::W64, Mem::at(M::FRAME, FrameRecord::CODE), value);
        self.m.store(Store::W64, Mem::at(M::FRAME, FrameRecord::PC), value);
        self.m.add(Width::W64, value, value, Rhs::Imm(8 * RESTORE));
        self.m.store(Store::W64, Mem::at(M::FRAME, FrameRecord::RESUME), value);
        self.m.store_imm(Store::W64, Mem::at(M::FRAME, FrameRecord::FUNCTION), 0);
        self.m.store(Store::W64, Mem::at(M::FRAME, FrameRecord::BASE), M::SLOTS);
        self.m.store(Store::W64, Mem::at(M::FRAME, FrameRecord::INSTANCE), instance);
        self.m.mov(Width::W64, M::INSTANCE, instance);
        self.m.load(Load::W64, M::MEMORY, Mem::at(M::INSTANCE, InstanceRecord::MEMORY_OPERAND));
        self.dispatch();
        self.end(at, "cross".to_owned());
    }

    /// The handlers of the words that links continue at, in the order of their indices.
    pub(super) fn links(&mut self) -> Vec<u16> {
        let exit = self.begin();
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::FRAME), M::FRAME);
        self.m.mov_imm(Width::W32, M::RESULT, 0);
        self.m.epilogue(STACK);
        self.end(exit, "exit".to_owned());

        let restore = self.begin();
        self.m.add(Width::W64, M::FRAME, M::FRAME, Rhs::Imm(FrameRecord::SIZE));
        self.m.load(Load::W64, M::PC, Mem::at(M::FRAME, FrameRecord::RESUME));
        self.m.store(Store::W64, Mem::at(M::STORE, StoreRecord::FRAME), M::FRAME);
        self.m.jump(self.stubs.resume);
        self.end(restore, "restore".to_owned());

        let mut links = vec![0; 4];
        links[EXIT as usize] = unit(exit);
        links[RESTORE as usize] = unit(restore);
        links[TO_COMPILED as usize] = self.return_to_compiled();
        links[LAND as usize] = self.land();
        links
    }
}

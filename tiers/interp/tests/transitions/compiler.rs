//! A compiler that is as simple as can be: no value is in a register between two instructions, so that every instruction is a place to
//! enter and to leave.

use Width::{W32, W64};
use terrace_abi::memory::TableRecord;
use terrace_abi::vm::{FrameRecord, FuncRecord, InstanceRecord, StoreRecord};
use terrace_abi::{Form, Op, TrapKind};
use terrace_core::bytecode::{Function, Instruction, Instructions};
use terrace_core::runtime::Module;
use terrace_core::tier::code::{MachineCode, Place, TrapPlace};
use terrace_interp::activation::{HelperId, Stub, TAIL};
use terrace_masm::x64::X64;
use terrace_masm::{Cond, Gpr, Label, Load, Masm, Mem, Rhs, Roles, Store, Width};

/// What code does beside its work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Loops are left for the interpreter wherever their bodies begin.
    pub leave_loops: bool,
    /// Every call is left to the interpreter.
    pub leave_calls: bool,
    /// There are no landing pads.
    pub no_landings: bool,
}

const T0: Gpr = X64::TEMPS[0];
const T1: Gpr = X64::TEMPS[1];
const S0: Gpr = X64::SCRATCH[0];
const S1: Gpr = X64::SCRATCH[1];
const S2: Gpr = X64::SCRATCH[2];
const STACK: Gpr = X64::STACK;
const SLOTS: Gpr = X64::SLOTS;
const INSTANCE: Gpr = X64::INSTANCE;
const FREE: Gpr = X64::HANDLERS;

struct Compiler<'a> {
    m: X64,
    module: &'a Module,
    function: &'a Function,
    options: Options,
    labels: Vec<Label>,
    words: Label,
    traps: Vec<TrapPlace>,
}

fn slot(index: u32) -> Mem {
    Mem::at(SLOTS, 8 * index as i32)
}

fn record(offset: i32) -> Mem {
    Mem::at(STACK, offset)
}

/// Compiles a function of plain bytecode.
pub fn compile(module: &Module, function: &Function, options: Options) -> MachineCode {
    let mut m = X64::new();
    let labels = function.code.iter().map(|_| m.label()).collect();
    let words = m.label();
    let mut compiler = Compiler { m, module, function, options, labels, words, traps: vec![] };
    compiler.prologue();
    let mut places = Vec::new();
    for instruction in Instructions::new(&function.code) {
        let instruction = instruction.unwrap();
        compiler.m.bind(compiler.labels[instruction.pc as usize]);
        places.push(Place { pc: instruction.pc, offset: compiler.m.offset() as u32 });
        compiler.instruction(&instruction);
    }
    let Compiler { mut m, labels, words, traps, .. } = compiler;
    for label in labels {
        // Extension words are no targets.
        if m.buffer().position(label).is_none() {
            m.bind(label);
        }
    }
    m.align(8);
    m.bind(words);
    let words_at = m.offset() as u32;
    (0..8).for_each(|_| m.undefined());
    m.finish();
    MachineCode {
        bytes: m.buffer().bytes().to_vec(),
        entry: 0,
        osr: places.clone(),
        landings: if options.no_landings { vec![] } else { places },
        traps,
        words_at,
        ..MachineCode::default()
    }
}

impl Compiler<'_> {
    fn stubs(&mut self, stub: Stub) -> Mem {
        self.m.load(Load::W64, FREE, Mem::at(INSTANCE, InstanceRecord::STORE));
        self.m.load(Load::W64, FREE, Mem::at(FREE, StoreRecord::STUBS));
        Mem::at(FREE, 8 * stub as i32)
    }

    fn jump_to(&mut self, stub: Stub) {
        let target = self.stubs(stub);
        self.m.load(Load::W64, FREE, target);
        self.m.jump_to(FREE);
    }

    fn prologue(&mut self) {
        let room = self.m.label();
        self.m.push_frame(FrameRecord::SIZE);
        self.m.load(Load::W64, T0, record(FrameRecord::SIZE + FrameRecord::STACK_LEFT));
        self.m.sub(W64, T0, T0, Rhs::Imm(self.function.charge as i32));
        self.m.jump_if(Cond::NotNegative, room);
        self.jump_to(Stub::Overflow);
        self.m.bind(room);
        self.m.store(Store::W64, record(FrameRecord::STACK_LEFT), T0);
        self.m.store(Store::W64, record(FrameRecord::BASE), SLOTS);
        self.m.store(Store::W64, record(FrameRecord::INSTANCE), INSTANCE);
        self.m.store_imm(Store::W64, record(FrameRecord::FUNCTION), FrameRecord::tagged(self.function.index) as i32);
        for local in self.function.param_slots..self.function.local_slots {
            self.m.store_imm(Store::W64, slot(local), 0);
        }
    }

    fn get(&mut self, d: Gpr, index: u16) {
        self.m.load(Load::W64, d, slot(index.into()));
    }

    fn set(&mut self, index: u16, a: Gpr) {
        self.m.store(Store::W64, slot(index.into()), a);
    }

    /// The operand is in the first temporary.
    fn help(&mut self, helper: HelperId, i: &Instruction<'_>) {
        self.m.mov_imm(W32, S0, helper as i64);
        self.m.mov_imm(W32, S1, 8 * i64::from(i.pc));
        self.m.mov_imm(W32, S2, 8 * i64::from(i.next_pc()));
        self.m.address_of(T1, self.words);
        self.m.load(Load::W64, T1, Mem::at(T1, 0));
        let target = self.stubs(Stub::Help);
        self.m.call_mem(target);
    }

    fn trap(&mut self, kind: TrapKind) {
        self.m.mov_imm(W32, S0, kind as i64);
        self.jump_to(Stub::Trap);
    }

    fn trap_if(&mut self, cond: Cond, kind: TrapKind) {
        let (trap, end) = (self.m.label(), self.m.label());
        self.m.jump_if(cond, trap);
        self.m.jump(end);
        self.m.bind(trap);
        self.trap(kind);
        self.m.bind(end);
    }

    fn branch(&mut self, i: &Instruction<'_>, cond: Cond) {
        let target = i.targets().next().unwrap().pc;
        self.m.jump_if(cond, self.labels[target as usize]);
    }

    fn faults(&mut self, i: &Instruction<'_>) {
        let offset = self.m.offset() as u32;
        self.traps.push(TrapPlace { offset, pc: i.pc, kind: TrapKind::MemoryOutOfBounds });
    }

    fn instruction(&mut self, i: &Instruction<'_>) {
        self.m.store_imm(Store::W64, record(FrameRecord::PC), i.pc as i32);
        let word = i.words[0];
        let (d, a, b) = (word.d(), word.a(), word.b());
        // Behind the poll, where the interpreter comes over.
        let body = self.function.loops.iter().any(|looped| {
            let first = Instruction::at(&self.function.code, looped.head + 1).unwrap();
            i.pc == if first.op == Op::Poll { first.next_pc() } else { first.pc }
        });
        if self.options.leave_loops && body || self.options.leave_calls && i.info().traits.calls {
            self.help(HelperId::Deopt, i);
            self.m.undefined();
            return;
        }
        match (i.op, i.form) {
            (Op::LoopHead, _) => {}
            (Op::Jump, _) => self.m.jump(self.labels[i.targets().next().unwrap().pc as usize]),
            (Op::Copy, _) => {
                self.get(T0, a);
                self.set(d, T0);
            }
            (Op::Const32, _) => {
                self.m.mov_imm(W32, T0, word.high().into());
                self.set(d, T0);
            }
            (Op::I32Eqz, _) => {
                self.get(T0, a);
                self.m.compare(W32, T0, Rhs::Imm(0));
                self.m.set(Cond::Eq, T0);
                self.set(d, T0);
            }
            (Op::I32Add | Op::I32Sub, Form::SLOTS) => {
                self.get(T0, a);
                self.get(T1, b);
                match i.op {
                    Op::I32Add => self.m.add(W32, T0, T0, T1.into()),
                    _ => self.m.sub(W32, T0, T0, T1.into()),
                }
                self.set(d, T0);
            }
            (Op::I32Eq | Op::I32Ne, Form::BRANCH_IMM) => {
                self.get(T0, a);
                self.m.compare(W32, T0, Rhs::Imm(i.words[1].low() as i32));
                self.branch(i, if i.op == Op::I32Eq { Cond::Eq } else { Cond::Ne });
            }
            (Op::I32Load, Form::OFFSET16) => {
                self.get(T0, a);
                self.faults(i);
                self.m.load(Load::U32, T0, Mem::indexed(X64::MEMORY, T0, 0, b.into()));
                self.set(d, T0);
            }
            (Op::I32Store, Form::OFFSET16) => {
                self.get(T0, a);
                self.get(T1, b);
                self.faults(i);
                self.m.store(Store::W32, Mem::indexed(X64::MEMORY, T0, 0, d.into()), T1);
            }
            (Op::Unreachable, _) => self.trap(TrapKind::Unreachable),
            (Op::Poll, _) => self.help(HelperId::Poll, i),
            (Op::Throw, _) => self.help(HelperId::Throw, i),
            (Op::ThrowRef, _) => self.help(HelperId::ThrowRef, i),
            (Op::MemoryGrow, _) => self.help(HelperId::MemoryGrow, i),
            (Op::MemorySize, _) => self.help(HelperId::MemorySize, i),
            (Op::Return, _) => self.m.pop_frame(FrameRecord::SIZE),
            (Op::ReturnOne, _) => {
                self.get(T0, a);
                self.set(0, T0);
                self.m.pop_frame(FrameRecord::SIZE);
            }
            (Op::Call, _) => {
                let defined = i.words[1].low() - self.module.imported_funcs();
                self.m.load(Load::W64, T0, Mem::at(INSTANCE, InstanceRecord::CODE_ENTRIES));
                self.m.mov_imm(W32, S0, i.words[1].low().into());
                self.m.lea(W64, SLOTS, slot(word.high()));
                self.m.call_mem(Mem::at(T0, 8 * defined as i32));
                self.m.load(Load::W64, SLOTS, record(FrameRecord::BASE));
            }
            (Op::ReturnCall, _) => {
                let defined = i.words[1].low() - self.module.imported_funcs();
                self.m.load(Load::W64, T0, Mem::at(INSTANCE, InstanceRecord::CODE_ENTRIES));
                self.m.load(Load::W64, T0, Mem::at(T0, 8 * defined as i32));
                let params = self.module.func_type(i.words[1].low()).unwrap().param_slots();
                self.m.mov_imm(W32, S0, i64::from(i.words[1].low() | TAIL));
                self.replace(word.high(), params);
            }
            (Op::CallImport | Op::CallIndirect | Op::CallRef, _) => self.record_call(i),
            (Op::ReturnCallImport | Op::ReturnCallIndirect, _) => self.record_tail_call(i),
            other => panic!("this compiler has no {other:?}"),
        }
    }

    /// The record that is called, in the third scratch register.
    fn callee(&mut self, i: &Instruction<'_>) {
        let extension = i.words[1];
        match i.op {
            Op::CallImport | Op::ReturnCallImport => {
                self.m.load(Load::W64, S2, Mem::at(INSTANCE, InstanceRecord::IMPORTS));
                self.m.load(Load::W64, S2, Mem::at(S2, 8 * extension.low() as i32));
            }
            Op::CallRef => {
                self.m.load(Load::W64, S2, slot(i.words[2].low()));
                self.m.test(W64, S2, S2.into());
                self.trap_if(Cond::Eq, TrapKind::NullFunctionReference);
            }
            _ => {
                self.element(i);
                self.m.compare_mem(W64, Mem::at(T0, TableRecord::LEN), T1.into());
                self.trap_if(Cond::LeU, TrapKind::UndefinedElement);
                self.load_element();
                self.m.test(W64, S2, S2.into());
                self.trap_if(Cond::Eq, TrapKind::UninitializedElement);
                let same = self.m.label();
                self.m.load(Load::W64, T0, Mem::at(INSTANCE, InstanceRecord::TYPES));
                self.m.load(Load::U32, T0, Mem::at(T0, 4 * extension.low() as i32));
                self.m.compare_mem(W32, Mem::at(S2, FuncRecord::TYPE_ID), T0.into());
                self.m.jump_if(Cond::Eq, same);
                self.help(HelperId::CheckIndirect, i);
                self.element(i);
                self.load_element();
                self.m.bind(same);
            }
        }
    }

    fn element(&mut self, i: &Instruction<'_>) {
        self.m.load(Load::W64, T0, Mem::at(INSTANCE, InstanceRecord::TABLES));
        self.m.load(Load::W64, T0, Mem::at(T0, 8 * i.words[1].high() as i32));
        self.m.load(Load::W64, T1, slot(i.words[2].low()));
    }

    fn load_element(&mut self) {
        self.m.load(Load::W64, S2, Mem::at(T0, TableRecord::ELEMENTS));
        self.m.load(Load::W64, S2, Mem::indexed(S2, T1, 3, 0));
    }

    fn record_call(&mut self, i: &Instruction<'_>) {
        self.callee(i);
        let (host, end) = (self.m.label(), self.m.label());
        self.m.load(Load::W64, T1, Mem::at(S2, FuncRecord::CODE_CELL));
        self.m.test(W64, T1, T1.into());
        self.m.jump_if(Cond::Eq, host);
        self.m.load(Load::W64, INSTANCE, Mem::at(S2, FuncRecord::INSTANCE));
        self.m.load(Load::W64, X64::MEMORY, Mem::at(INSTANCE, InstanceRecord::MEMORY_OPERAND));
        self.m.load(Load::U32, S0, Mem::at(S2, FuncRecord::INDEX));
        self.m.lea(W64, SLOTS, slot(i.words[0].high()));
        self.m.call_mem(Mem::at(T1, 0));
        self.m.load(Load::W64, SLOTS, record(FrameRecord::BASE));
        self.m.load(Load::W64, INSTANCE, record(FrameRecord::INSTANCE));
        self.m.load(Load::W64, X64::MEMORY, Mem::at(INSTANCE, InstanceRecord::MEMORY_OPERAND));
        self.m.jump(end);
        self.m.bind(host);
        self.m.mov(W64, T0, S2);
        self.help(if i.len() == 2 { HelperId::CallShort } else { HelperId::CallLong }, i);
        self.m.bind(end);
    }

    fn record_tail_call(&mut self, i: &Instruction<'_>) {
        self.callee(i);
        let slow = self.m.label();
        self.m.load(Load::W64, T0, Mem::at(S2, FuncRecord::CODE_CELL));
        self.m.test(W64, T0, T0.into());
        self.m.jump_if(Cond::Eq, slow);
        self.m.compare_mem(W64, Mem::at(S2, FuncRecord::INSTANCE), INSTANCE.into());
        self.m.jump_if(Cond::Ne, slow);
        self.m.load(Load::W64, T0, Mem::at(T0, 0));
        self.m.load(Load::U32, S0, Mem::at(S2, FuncRecord::INDEX));
        self.m.mov_imm(W32, T1, TAIL.into());
        self.m.or(W32, S0, S0, T1.into());
        let params = match i.op {
            Op::ReturnCallImport => self.module.func_type(i.words[1].low()).unwrap().param_slots(),
            _ => self.module.types().func_type(i.words[1].low()).unwrap().param_slots(),
        };
        self.replace(i.words[0].high(), params);
        self.m.bind(slow);
        self.m.mov(W64, T0, S2);
        self.help(HelperId::TailCall, i);
        self.m.undefined();
    }

    /// Goes on in the function at the address in the first temporary.
    fn replace(&mut self, from: u32, count: usize) {
        for index in 0..count as u32 {
            self.m.load(Load::W64, T1, slot(from + index));
            self.m.store(Store::W64, slot(index), T1);
        }
        self.m.drop_frame(FrameRecord::SIZE);
        self.m.jump_to(T0);
    }
}

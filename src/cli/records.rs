//! What compiled code refers to, by name.
//!
//! A few registers have fixed roles; from there, loads lead to records whose fields are known. Each piece of code starts from the roles
//! alone: what comes from elsewhere has no name.

use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, OpKind, Register};
use terrace_abi::TrapKind;
use terrace_abi::memory::{MemoryRecord, TableRecord};
use terrace_abi::vm::{FrameRecord, FuncRecord, InstanceRecord, StoreRecord};
use terrace_core::bytecode::{Function, slot_name};
use terrace_core::runtime::Module;
use terrace_core::runtime::memory::BoundsMode;
use terrace_interp::activation::Stub;
use terrace_masm::x64::X64;
use terrace_masm::{Gpr, Roles};

/// What a register points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    Frame,
    Slots,
    Instance,
    Store,
    Stubs,
    Memory,
    MemoryRecord,
    Memories,
    TableRecord,
    Tables,
    Globals,
    Global(u32),
    Imports,
    Tags,
    Types,
    Func,
    CodeEntries,
    /// The code entry of a function that is called.
    CodeCell,
    /// A stub's address.
    Stub(Stub),
}

/// Follows what registers point to, one instruction after the other.
pub struct Tracker<'a> {
    module: &'a Module,
    function: &'a Function,
    bases: [Option<Base>; 16],
    /// What the first scratch register was set to.
    number: Option<u64>,
    info: InstructionInfoFactory,
}

fn index(register: Register) -> Option<usize> {
    let register = register.full_register();
    register.is_gpr64().then(|| register.number())
}

fn is(register: Register, role: Gpr) -> bool {
    index(register) == Some(role.number().into())
}

impl<'a> Tracker<'a> {
    /// At the entry of a function.
    pub fn new(module: &'a Module, function: &'a Function) -> Tracker<'a> {
        let mut tracker =
            Tracker { module, function, bases: [None; 16], number: None, info: InstructionInfoFactory::new() };
        tracker.restart();
        // There is no frame yet.
        tracker.set(X64::STACK, None);
        tracker
    }

    fn set(&mut self, role: Gpr, base: Option<Base>) {
        self.bases[usize::from(role.number())] = base;
    }

    fn get(&self, register: Register) -> Option<Base> {
        self.bases[index(register)?]
    }

    /// Forgets everything but the roles.
    pub fn restart(&mut self) {
        self.bases = [None; 16];
        self.number = None;
        self.set(X64::STACK, Some(Base::Frame));
        self.set(X64::SLOTS, Some(Base::Slots));
        self.set(X64::INSTANCE, Some(Base::Instance));
        self.set(X64::MEMORY, self.memory());
    }

    fn memory(&self) -> Option<Base> {
        let bounds = self.module.memory0_bounds()?;
        Some(if bounds == BoundsMode::Guard { Base::Memory } else { Base::MemoryRecord })
    }

    /// Goes on behind an instruction.
    pub fn run(&mut self, instruction: &Instruction) {
        match instruction.mnemonic() {
            Mnemonic::Call => {
                // The callee keeps the roles but for the slots, which are its own arguments until they are loaded again.
                let slots = self.get(Register::RBP);
                self.restart();
                self.set(X64::SLOTS, slots);
            }
            Mnemonic::Sub if is(instruction.op0_register(), X64::STACK) => self.set(X64::STACK, Some(Base::Frame)),
            _ => self.write(instruction),
        }
    }

    fn write(&mut self, instruction: &Instruction) {
        let is_move = instruction.mnemonic() == Mnemonic::Mov;
        let value = match instruction.try_op_kind(1) {
            Ok(OpKind::Memory) if is_move => self.place(instruction).and_then(|(_, points_to)| points_to),
            Ok(OpKind::Register) if is_move => self.get(instruction.op1_register()),
            _ => None,
        };
        let number = instruction.try_immediate(1).ok().filter(|_| is_move);
        for used in self.info.info(instruction).used_registers() {
            let writes =
                !matches!(used.access(), OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess | OpAccess::None);
            let Some(index) = index(used.register()).filter(|_| writes) else { continue };
            self.bases[index] = value;
            if is(used.register(), X64::SCRATCH[0]) {
                self.number = number;
            }
        }
    }

    /// What an instruction refers to.
    pub fn comment(&self, instruction: &Instruction) -> Option<String> {
        let jumps_to_stub = match instruction.mnemonic() {
            Mnemonic::Jmp if instruction.op0_kind() == OpKind::Register => self.get(instruction.op0_register()),
            _ => None,
        };
        if let Some(Base::Stub(stub)) = jumps_to_stub {
            return Some(format!("stub {stub:?}"));
        }
        if (0..instruction.op_count()).all(|operand| instruction.op_kind(operand) != OpKind::Memory) {
            return None;
        }
        self.place(instruction).map(|(name, _)| name)
    }

    /// The trap whose number was loaded.
    pub fn trap(&self) -> Option<TrapKind> {
        TrapKind::ALL.iter().copied().find(|&kind| Some(kind as u64) == self.number)
    }

    /// The name of an instruction's memory operand, and what a pointer in it points to.
    fn place(&self, instruction: &Instruction) -> Option<(String, Option<Base>)> {
        let base = self.get(instruction.memory_base())?;
        let displacement = instruction.memory_displacement64() as i32;
        if base == Base::Memory {
            return Some(("memory".to_owned(), None));
        }
        if instruction.memory_index() != Register::None {
            return None;
        }
        let element = |size: i32| u32::try_from(displacement / size).ok().filter(|_| displacement % size == 0);
        let record = |name: &str, points_to| Some((name.to_owned(), points_to));
        let numbered = |name: &str, number: u32, points_to| Some((format!("{name} {number}"), points_to));
        match base {
            Base::Frame => frame_field(displacement),
            Base::Slots => {
                let slot = u64::try_from(displacement / 8).ok()?;
                let name = slot_name(slot, self.function.local_slots);
                Some((
                    if displacement % 8 == 0 { name.to_string() } else { format!("{name}+{}", displacement % 8) },
                    None,
                ))
            }
            Base::Instance if displacement == InstanceRecord::MEMORY_OPERAND => {
                record("instance.memory_operand", self.memory())
            }
            Base::Instance => instance_field(displacement),
            Base::Store => store_field(displacement),
            Base::Stubs => {
                let stubs = [Stub::Help, Stub::Trap, Stub::Overflow, Stub::ToInterp, Stub::Fault];
                let stub = stubs.into_iter().find(|&stub| displacement == 8 * stub as i32)?;
                Some((format!("stub {stub:?}"), Some(Base::Stub(stub))))
            }
            Base::MemoryRecord => match displacement {
                MemoryRecord::BASE => record("memory.base", Some(Base::Memory)),
                MemoryRecord::LEN => record("memory.len", None),
                _ => None,
            },
            Base::Memories => numbered("memory", element(8)?, Some(Base::MemoryRecord)),
            Base::TableRecord => match displacement {
                TableRecord::ELEMENTS => record("table.elements", None),
                TableRecord::LEN => record("table.len", None),
                _ => None,
            },
            Base::Tables => numbered("table", element(8)?, Some(Base::TableRecord)),
            Base::Globals => numbered("global", element(8)?, element(8).map(Base::Global)),
            Base::Global(number) => numbered("global", number, None),
            Base::Imports => {
                let import = element(8)?;
                Some((format!("import {}", function_name(self.module, import)), Some(Base::Func)))
            }
            Base::Tags => numbered("tag", element(8)?, None),
            Base::Types => numbered("type", element(4)?, None),
            Base::Func => match displacement {
                FuncRecord::INSTANCE => record("func.instance", Some(Base::Instance)),
                FuncRecord::TYPE_ID => record("func.type_id", None),
                FuncRecord::INDEX => record("func.index", None),
                FuncRecord::CODE_CELL => record("func.code_cell", Some(Base::CodeCell)),
                _ => None,
            },
            Base::CodeEntries => {
                let function = self.module.imported_funcs() + element(8)?;
                Some((format!("func {}", function_name(self.module, function)), None))
            }
            Base::CodeCell => record("the function's code", None),
            Base::Memory | Base::Stub(_) => None,
        }
    }
}

/// A function by its name, or its index.
fn function_name(module: &Module, index: u32) -> String {
    module.function_name(index).map_or_else(|| index.to_string(), |name| format!("${name}"))
}

fn frame_field(displacement: i32) -> Option<(String, Option<Base>)> {
    if displacement >= FrameRecord::SIZE {
        let (name, _) = frame_field(displacement - FrameRecord::SIZE)?;
        return Some((format!("caller's {name}"), None));
    }
    let (name, points_to) = match displacement {
        FrameRecord::CODE => ("code", None),
        FrameRecord::PC => ("pc", None),
        FrameRecord::RESUME => ("resume", None),
        FrameRecord::BASE => ("base", Some(Base::Slots)),
        FrameRecord::FUNCTION => ("function", None),
        FrameRecord::INSTANCE => ("instance", Some(Base::Instance)),
        FrameRecord::STACK_LEFT => ("stack_left", None),
        FrameRecord::RETURN_ADDRESS => ("return_address", None),
        _ => return None,
    };
    Some((format!("frame.{name}"), points_to))
}

fn instance_field(displacement: i32) -> Option<(String, Option<Base>)> {
    if displacement < 0 {
        // Vectors have two halves.
        let half = displacement.rem_euclid(16);
        let number = InstanceRecord::own_global_number(displacement - half)?;
        return Some((format!("own global {number}"), None));
    }
    let (name, points_to) = match displacement {
        InstanceRecord::STORE => ("store", Some(Base::Store)),
        InstanceRecord::MEMORY0 => ("memory0", Some(Base::MemoryRecord)),
        InstanceRecord::MEMORIES => ("memories", Some(Base::Memories)),
        InstanceRecord::TABLES => ("tables", Some(Base::Tables)),
        InstanceRecord::GLOBALS => ("globals", Some(Base::Globals)),
        InstanceRecord::IMPORTS => ("imports", Some(Base::Imports)),
        InstanceRecord::TAGS => ("tags", Some(Base::Tags)),
        InstanceRecord::TYPES => ("types", Some(Base::Types)),
        InstanceRecord::ENTRIES => ("entries", None),
        InstanceRecord::CODE_ENTRIES => ("code_entries", Some(Base::CodeEntries)),
        _ => return None,
    };
    Some((format!("instance.{name}"), points_to))
}

fn store_field(displacement: i32) -> Option<(String, Option<Base>)> {
    let (name, points_to) = match displacement {
        StoreRecord::STACK_LEFT => ("stack_left", None),
        StoreRecord::FUEL => ("fuel", None),
        StoreRecord::EPOCH => ("epoch", None),
        StoreRecord::EPOCH_DEADLINE => ("epoch_deadline", None),
        StoreRecord::INTERRUPT => ("interrupt", None),
        StoreRecord::FRAME => ("frame", None),
        StoreRecord::STUBS => ("stubs", Some(Base::Stubs)),
        _ => return None,
    };
    Some((format!("store.{name}"), points_to))
}

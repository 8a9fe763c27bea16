//! A tier that executes wasm bodies as they stand, for a few operators on one-slot values: enough to have frames.
//!
//! Frames are those of the translated functions, so charges, windows, reference slots and offsets are real.

use terrace_abi::TrapKind;
use terrace_abi::vm::{FuncRecord, Status};
use wasmparser::{BinaryReader, FunctionBody, Operator, WasmFeatures};

use super::super::{Frame, FuncRef, HostError, InstanceRef, SlotEntry, Slots, Store};
use crate::bytecode::Function;
use crate::tier::{Code, CompileRequest, Support, Tier, TierId, Unsupported};

/// Refuses these features.
pub(super) struct Toy(pub(super) WasmFeatures);

impl Tier for Toy {
    fn id(&self) -> TierId {
        TierId("toy")
    }

    fn support(&self, _: WasmFeatures) -> Support {
        Support::Without(self.0)
    }

    fn compile(&self, request: &CompileRequest<'_>) -> Result<Code, Unsupported> {
        match request.module.custom_sections().find(|&(name, _)| name == "no toy") {
            Some(_) => Err(Unsupported { tier: self.id(), what: "this module".to_owned() }),
            None => Ok(Code { entry: entry as SlotEntry }),
        }
    }
}

unsafe extern "C" fn entry(store: *mut Store, func: *const FuncRecord, base: *mut u64) -> Status {
    // SAFETY: what callers of a slot entry promise.
    let (store, func) = unsafe { (&mut *store, FuncRef::from_slot(func.addr() as u64).unwrap()) };
    let instance = func.instance().unwrap();
    let function = match instance.code(func.index()) {
        Ok(function) => function,
        Err(error) => return store.raise_error(HostError::Error(error.clone().into())),
    };
    let frame = Frame { function, instance: instance.as_ptr(), base };
    // SAFETY: the store keeps both alive, and the slots are used in this frame only.
    let slots = match unsafe { store.stack_mut().push_frame(frame) } {
        Ok(slots) => slots,
        Err(kind) => return store.raise(kind),
    };
    slots.zero(function.param_slots..function.local_slots);
    let status = run(store, instance, func.index(), function, slots);
    assert!(store.stack_mut().pop_frame());
    status
}

/// The pc whose wasm offset is this, so that traps and collections know where the frame is.
fn pc_of(function: &Function, offset: u64) -> u32 {
    let at = function.positions.iter().find(|&(_, at)| u64::from(at) == offset);
    at.map_or(0, |(pc, _)| pc)
}

fn run(store: &mut Store, instance: InstanceRef, index: u32, function: &Function, slots: Slots) -> Status {
    let module = instance.module().clone();
    let range = module.body_range(index - module.imported_funcs());
    let body = FunctionBody::new(BinaryReader::new(&module.bytes()[range.clone()], range.start as u64));
    let mut operators = body.get_operators_reader().unwrap();
    let mut stack: Vec<u64> = Vec::new();
    let mut status = Status::Returned;
    while status == Status::Returned && !operators.eof() {
        let (operator, offset) = operators.read_with_offset().unwrap();
        store.stack_mut().set_pc(pc_of(function, offset));
        match operator {
            Operator::I32Const { value } => stack.push(u64::from(value.cast_unsigned())),
            Operator::LocalGet { local_index } => stack.push(slots.get64(local_index)),
            Operator::LocalSet { local_index } => slots.set64(local_index, stack.pop().unwrap()),
            Operator::Drop => drop(stack.pop()),
            Operator::I32Add => {
                let (b, a) = (stack.pop().unwrap(), stack.pop().unwrap());
                stack.push(u64::from((a as u32).wrapping_add(b as u32)));
            }
            Operator::Unreachable => status = store.raise(TrapKind::Unreachable),
            Operator::Throw { tag_index } => {
                let count = module.types().func_type(module.tags()[tag_index as usize]).unwrap().param_slots();
                let payload = stack.split_off(stack.len() - count);
                status = match store.new_exception(instance.tag(tag_index), &payload) {
                    Ok(exception) => store.throw(exception),
                    Err(kind) => store.raise(kind),
                };
            }
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                let callee = instance.func_ref(function_index);
                let (params, results) = {
                    let ty = store.func_type(callee);
                    (ty.param_slots(), ty.result_slots())
                };
                let arguments = stack.split_off(stack.len() - params);
                if matches!(operator, Operator::ReturnCall { .. }) {
                    slots.write(0, &arguments);
                    store.set_tail_call(callee);
                    return Status::TailCall;
                }
                let base = slots.at(slots.len() - params.max(results) as u32);
                // SAFETY: used at once.
                let area = unsafe { store.stack().slots(base, params.max(results) as u32) }.unwrap();
                area.write(0, &arguments);
                // SAFETY: the store is lent, and the frame has room for the callee's arguments and results.
                status = stacker::maybe_grow(128 << 10, 1 << 20, || unsafe { callee.call(store, base) });
                if status == Status::Returned {
                    stack.resize(stack.len() + results, 0);
                    let first = stack.len() - results;
                    area.read(0, &mut stack[first..]);
                }
            }
            Operator::MemoryGrow { mem } => match store.memory_grow(instance.memory(mem), stack.pop().unwrap()) {
                Ok(old) => stack.push(u64::from(old as u32)),
                Err(stopped) => status = stopped,
            },
            Operator::Nop => {
                if let Err(stopped) = store.poll() {
                    status = stopped;
                }
            }
            Operator::End => {}
            other => panic!("the toy tier does not know {other:?}"),
        }
    }
    if status == Status::Returned {
        slots.write(0, &stack);
    }
    status
}

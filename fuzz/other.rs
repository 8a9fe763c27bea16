//! Another engine, wasmi, for a second opinion on the semantics.
//!
//! Version 1: version 2.0 confuses the operands of selects whose condition is a test for zero.

use terrace_abi::TrapKind;
use wasmi_1::{
    CompilationMode, Config, Engine, Extern, ExternRef, Module, Ref, Store, StoreLimits, StoreLimitsBuilder, TrapCode,
    Val, ValType,
};

use crate::engine::{self, FUEL, Function, Instance, LoadError, MAX_MEMORY, MAX_TABLE, Outcome};
use crate::value::{Type, Value};

/// Its fuel has units of its own: enough for anything that Terrace completes.
const ENOUGH: u64 = 100 * FUEL;

/// wasmi.
#[derive(Clone, Copy, Debug)]
pub struct Wasmi;

impl engine::Engine for Wasmi {
    fn name(&self) -> String {
        "wasmi".to_owned()
    }

    fn instantiate(&self, wasm: &[u8]) -> Result<Box<dyn Instance>, LoadError> {
        let mut config = Config::default();
        config.consume_fuel(true);
        // It has panics of its own, which are not to happen below its machine.
        config.compilation_mode(CompilationMode::Eager);
        // Its choices among the results that the standard allows may be others.
        config.wasm_relaxed_simd(false);
        config.wasm_custom_page_sizes(true);
        config.wasm_wide_arithmetic(true);
        let engine = Engine::new(&config);
        let refused = |error: wasmi_1::Error| LoadError::Refused(error.to_string());
        let module = Module::new(&engine, wasm).map_err(refused)?;
        if module.imports().len() != 0 {
            return Err(LoadError::Refused("imports".to_owned()));
        }
        let limits = StoreLimitsBuilder::new().memory_size(MAX_MEMORY).table_elements(MAX_TABLE).build();
        let mut store = Store::new(&engine, limits);
        store.limiter(|limits| limits);
        store.set_fuel(ENOUGH).map_err(refused)?;
        let instance = wasmi_1::Instance::new(&mut store, &module, &[]).map_err(|error| match outcome(&error) {
            Outcome::Failed(message) => LoadError::Refused(message),
            outcome => LoadError::Stopped(outcome),
        })?;
        Ok(Box::new(Instantiated { module, store, instance }))
    }
}

struct Instantiated {
    module: Module,
    store: Store<StoreLimits>,
    instance: wasmi_1::Instance,
}

fn outcome(error: &wasmi_1::Error) -> Outcome {
    let kind = match error.as_trap_code() {
        Some(TrapCode::UnreachableCodeReached) => TrapKind::Unreachable,
        Some(TrapCode::MemoryOutOfBounds) => TrapKind::MemoryOutOfBounds,
        Some(TrapCode::TableOutOfBounds) => TrapKind::TableOutOfBounds,
        Some(TrapCode::IndirectCallToNull) => TrapKind::UninitializedElement,
        Some(TrapCode::IntegerDivisionByZero) => TrapKind::IntegerDivideByZero,
        Some(TrapCode::IntegerOverflow) => TrapKind::IntegerOverflow,
        Some(TrapCode::BadConversionToInteger) => TrapKind::InvalidConversion,
        Some(TrapCode::BadSignature) => TrapKind::IndirectCallTypeMismatch,
        Some(TrapCode::StackOverflow) => TrapKind::StackOverflow,
        Some(TrapCode::OutOfFuel) => TrapKind::OutOfFuel,
        _ => return Outcome::Failed(error.to_string()),
    };
    Outcome::Trapped { kind, position: None }
}

fn type_of(ty: ValType) -> Type {
    match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ValType::V128 => Type::V128,
        ValType::ExternRef => Type::Extern,
        ValType::FuncRef => Type::Ref { nullable: true },
    }
}

impl Instantiated {
    fn exports(&self) -> impl Iterator<Item = Extern> {
        let mut names: Vec<&str> = self.module.exports().map(|export| export.name()).collect();
        names.sort_unstable();
        names.into_iter().filter_map(|name| self.instance.get_export(&self.store, name))
    }

    fn value(&self, value: &Val) -> Value {
        match value {
            Val::I32(x) => Value::I32(*x as u32),
            Val::I64(x) => Value::I64(*x as u64),
            Val::F32(x) => Value::F32(x.to_bits()),
            Val::F64(x) => Value::F64(x.to_bits()),
            Val::V128(x) => Value::V128(x.as_u128()),
            Val::FuncRef(reference) if reference.is_null() => Value::Null,
            Val::FuncRef(_) => Value::NonNull,
            Val::ExternRef(Ref::Null) => Value::Null,
            Val::ExternRef(Ref::Val(reference)) => {
                reference.data(&self.store).downcast_ref::<u32>().map_or(Value::NonNull, |&id| Value::Extern(id))
            }
        }
    }
}

impl Instance for Instantiated {
    fn functions(&self) -> Vec<Function> {
        let functions = self.module.exports().filter_map(|export| {
            let ty = export.ty().func()?;
            Some(Function {
                name: export.name().to_owned(),
                params: ty.params().iter().map(|&ty| type_of(ty)).collect(),
            })
        });
        functions.collect()
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Outcome {
        let Some(func) = self.instance.get_func(&self.store, name) else {
            return Outcome::Failed(format!("no function {name}"));
        };
        let ty = func.ty(&self.store);
        let mut values = Vec::new();
        for (arg, &ty) in args.iter().zip(ty.params()) {
            values.push(match *arg {
                Value::I32(x) => Val::I32(x as i32),
                Value::I64(x) => Val::I64(x as i64),
                Value::F32(x) => Val::F32(wasmi_1::F32::from_bits(x)),
                Value::F64(x) => Val::F64(wasmi_1::F64::from_bits(x)),
                Value::V128(x) => Val::V128(x.into()),
                Value::Extern(id) => Val::ExternRef(Ref::Val(ExternRef::new(&mut self.store, id))),
                Value::Null | Value::NonNull => Val::default(ty),
            });
        }
        let mut results: Vec<Val> = ty.results().iter().map(|&ty| Val::default(ty)).collect();
        if let Err(error) = self.store.set_fuel(ENOUGH) {
            return Outcome::Failed(error.to_string());
        }
        match func.call(&mut self.store, &values, &mut results) {
            Ok(()) => Outcome::Returned(results.iter().map(|value| self.value(value)).collect()),
            Err(error) => outcome(&error),
        }
    }

    fn fuel_used(&self) -> Option<u64> {
        None
    }

    fn globals(&self) -> Vec<Value> {
        let globals = self.exports().filter_map(|item| match item {
            Extern::Global(global) => Some(self.value(&global.get(&self.store))),
            _ => None,
        });
        globals.collect()
    }

    fn memories(&self) -> Vec<Vec<u8>> {
        let memories = self.exports().filter_map(|item| match item {
            Extern::Memory(memory) => Some(memory.data(&self.store).to_vec()),
            _ => None,
        });
        memories.collect()
    }

    fn tables(&self) -> Vec<Vec<bool>> {
        let tables = self.exports().filter_map(|item| match item {
            Extern::Table(table) => {
                let elements = (0..table.size(&self.store)).map_while(|index| table.get(&self.store, index));
                Some(elements.map(|element| self.value(&element) == Value::Null).collect())
            }
            _ => None,
        });
        tables.collect()
    }
}

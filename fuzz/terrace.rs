//! Terrace's configurations as engines.

use std::fmt::Display;
use std::num::NonZeroU32;
use std::sync::Arc;

use rand::Rng;
use terrace_abi::TrapKind;
use terrace_core::bytecode::Level;
use terrace_core::runtime::heap::HeapRef;
use terrace_core::runtime::types::{HeapType, ValType};
use terrace_core::runtime::{
    Config, Engine, Extern, ExternType, FuncRef, HostError, HostFunc, InstanceRef, InstantiateError, Module,
    ModuleError, ObjectError, Stop, Store, StoreLimits, StoreLimitsBuilder, TierDown, Translation,
};
use terrace_core::tier::Tier;
use terrace_core::tier::policies::PolicySpec;
use terrace_interp::Interp;
use terrace_jit::{Jit, Tiered};
use terrace_reference::Reference;

use crate::engine::{
    self, CALL_BACK, FUEL, Function, HOST, Instance, LINKED, LoadError, MAX_MEMORY, MAX_TABLE, Outcome,
};
use crate::value::{Type, Value, pick};
use crate::watch::Watch;

/// The tiers; the first decides.
pub const TIERS: &[fn() -> Arc<dyn Tier>] =
    &[|| Arc::new(Reference), || Arc::new(Interp), || Arc::new(Jit), || Arc::new(Tiered)];

/// A configuration of Terrace.
#[derive(Clone, Copy, Debug)]
pub struct Terrace {
    /// Index of the tier in [`TIERS`].
    pub tier: usize,
    /// How much the translator folds.
    pub level: Level,
    /// When functions are translated.
    pub translation: Translation,
    /// Whether fuel is measured.
    pub fuel: bool,
    /// Whether memory accesses compare with the length.
    pub explicit_bounds: bool,
    /// Whether every safepoint collects.
    pub gc_stress: bool,
    /// Whether bytecode is verified.
    pub verify: bool,
    /// Whether NaNs are canonical.
    pub canonicalize: bool,
    /// The stack limit in bytes.
    pub max_stack: usize,
    /// What decides when a tier that compiles at run time does: the index in [`POLICIES`], and the seed of the random one.
    pub policy: (usize, u8),
    /// Which polls leave compiled code.
    pub tier_down: TierDown,
}

/// Policies that compile early and often, each with `SEED` to replace.
const POLICIES: &[&str] = &[
    "lazy",
    "counter:threshold=0",
    "counter:threshold=0,entry=0",
    "counter:threshold=1,loop=1,entry=1",
    "counter:threshold=20,loop=1,entry=5",
    "random:seed=SEED",
    "random:seed=SEED",
];

impl Terrace {
    /// The configuration that decides.
    pub const BASE: Terrace = Terrace {
        tier: 0,
        level: Level::Plain,
        translation: Translation::Eager,
        fuel: true,
        explicit_bounds: false,
        gc_stress: false,
        verify: true,
        canonicalize: true,
        max_stack: 2 << 20,
        policy: (0, 0),
        tier_down: TierDown::Never,
    };

    /// Some configuration, with this one's meaning of NaNs and stack limit.
    pub fn vary(&self, rng: &mut impl Rng) -> Terrace {
        let verify = rng.random();
        // A failed verification panics, which is not to happen below machine code.
        let translations = [Translation::Eager, Translation::Parallel, Translation::Lazy, Translation::LazyValidation];
        Terrace {
            tier: rng.random_range(0..TIERS.len()),
            level: pick(rng, &[Level::Plain, Level::Folded, Level::Folded, Level::Folded]),
            translation: pick(rng, if verify { &translations[..2] } else { &translations }),
            fuel: rng.random(),
            explicit_bounds: rng.random(),
            gc_stress: rng.random(),
            verify,
            policy: (rng.random_range(0..POLICIES.len()), rng.random()),
            tier_down: match rng.random_range(0..8) {
                0..4 => TierDown::Never,
                4 => TierDown::After(rng.random_range(0..20)),
                polls => NonZeroU32::new(polls - 4).map_or(TierDown::Never, TierDown::Every),
            },
            ..*self
        }
    }

    /// Whether anything runs as machine code.
    fn compiles(&self) -> bool {
        let tier = TIERS[self.tier]();
        tier.id() == Jit::ID || tier.compiler().is_some()
    }

    fn policy(&self) -> PolicySpec {
        let text = POLICIES[self.policy.0].replace("SEED", &self.policy.1.to_string());
        match text.parse() {
            Ok(policy) => policy,
            Err(error) => unreachable!("{text}: {error}"),
        }
    }

    fn engine(&self) -> Engine {
        let tier = TIERS[self.tier]();
        let mut config = Config {
            policy: tier.compiler().map(|_| self.policy()),
            tier_down: if self.compiles() { self.tier_down } else { TierDown::Never },
            level: self.level,
            translation: self.translation,
            fuel: self.fuel,
            polls: !self.fuel,
            canonicalize_nans: self.canonicalize,
            verify_bytecode: self.verify,
            max_stack: self.max_stack,
            ..Config::default()
        };
        config.memory.explicit_bounds = self.explicit_bounds;
        config.heap.stress = self.gc_stress;
        config.heap.capacity = 16 << 20;
        match Engine::new(config, tier) {
            Ok(engine) => engine,
            Err(error) => unreachable!("a valid configuration: {error}"),
        }
    }
}

impl engine::Engine for Terrace {
    fn name(&self) -> String {
        let tier = TIERS[self.tier]().id();
        let mut name = format!("{tier} {:?} {:?}", self.level, self.translation).to_lowercase();
        if TIERS[self.tier]().compiler().is_some() {
            name += &format!(" {}", self.policy());
        }
        if self.compiles() && self.tier_down != TierDown::Never {
            name += &format!(" {:?}", self.tier_down).to_lowercase();
        }
        for (on, word) in [
            (self.fuel, " fuel"),
            (self.explicit_bounds, " explicit-bounds"),
            (self.gc_stress, " gc-stress"),
            (self.verify, " verify"),
            (self.canonicalize, " canonical"),
        ] {
            if on {
                name += word;
            }
        }
        name
    }

    fn instantiate(&self, wasm: &[u8]) -> Result<Box<dyn Instance>, LoadError> {
        let engine = self.engine();
        let module = Module::new(&engine, wasm).map_err(|error| match error {
            ModuleError::Invalid { .. } => LoadError::Invalid(error.to_string()),
            error => LoadError::Refused(error.to_string()),
        })?;
        let mut store = Store::new(&engine).map_err(|error| LoadError::Refused(error.to_string()))?;
        let limits = StoreLimitsBuilder::new().memory_size(MAX_MEMORY).table_elements(MAX_TABLE).build();
        store.set_data(Box::new(limits));
        store.set_limiter(Some(Box::new(|data| match data.downcast_mut::<StoreLimits>() {
            Some(limits) => limits,
            None => unreachable!("the data are the limits"),
        })));
        let watch = start(&engine, &mut store);
        let linked = match module.custom_sections().find(|(name, _)| *name == LINKED) {
            Some((_, wasm)) => {
                let module =
                    Module::new(&engine, wasm.to_vec()).map_err(|error| LoadError::Refused(error.to_string()))?;
                Some(instantiate(&mut store, &module, None)?)
            }
            None => None,
        };
        let instance = instantiate(&mut store, &module, linked)?;
        drop(watch);
        Ok(Box::new(Instantiated { engine, store, instance, fuel_used: None }))
    }
}

fn instantiate(store: &mut Store, module: &Module, linked: Option<InstanceRef>) -> Result<InstanceRef, LoadError> {
    let refused = |error: &dyn Display| LoadError::Refused(error.to_string());
    let mut imports = Vec::new();
    for import in module.imports() {
        let item = match (import.module, import.ty) {
            (LINKED, _) => linked.and_then(|instance| instance.export(import.name)),
            (HOST, ExternType::Func(ty)) if import.name == CALL_BACK => {
                let engine = module.engine();
                let ty = engine.types().func_type(ty).ok_or_else(|| refused(&"an unknown type"))?;
                let func = HostFunc::new(engine, ty, call_back).map_err(|error| refused(&error))?;
                Some(Extern::Func(store.add_host_func(func).map_err(|error| refused(&error))?))
            }
            _ => None,
        };
        imports.push(item.ok_or_else(|| refused(&format!("no import {}", import.name)))?);
    }
    store.instantiate(module, &imports).map_err(|error| match error {
        InstantiateError::Stop(stop) => LoadError::Stopped(outcome(stop)),
        InstantiateError::Object(ObjectError::Size { .. }) => LoadError::Refused("over-large object".to_owned()),
        error => refused(&error),
    })
}

/// What [`CALL_BACK`] does.
fn call_back(store: &mut Store, caller: Option<InstanceRef>, slots: &mut [u64]) -> Result<(), HostError> {
    let Some(first) = slots.first_mut() else { return Ok(()) };
    *first = u64::from((*first as u32).wrapping_add(1));
    match *first & 15 {
        0 => Err(TrapKind::Unreachable.into()),
        1..8 => match caller.and_then(|instance| instance.export("f0")) {
            Some(Extern::Func(func)) => Ok(store.call(func, slots)?),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Gives the store fuel for one entry, or lets it be interrupted after a while.
fn start(engine: &Engine, store: &mut Store) -> Option<Watch> {
    if engine.config().fuel {
        store.set_fuel(FUEL).unwrap_or_else(|_| unreachable!("fuel is on"));
        return None;
    }
    Some(Watch::start(store.interrupt_handle()))
}

fn outcome(stop: Stop) -> Outcome {
    match stop {
        Stop::Trap(trap) => {
            let frames = trap.backtrace.frames.iter().map(|frame| (frame.func_index, frame.wasm_offset));
            Outcome::Trapped { kind: trap.kind, position: Some(frames.collect()) }
        }
        Stop::Exception(_) => Outcome::Thrown,
        Stop::Error { error, .. } => Outcome::Failed(error.to_string()),
    }
}

struct Instantiated {
    engine: Engine,
    store: Box<Store>,
    instance: InstanceRef,
    fuel_used: Option<u64>,
}

fn type_of(ty: ValType) -> Type {
    match ty {
        ValType::I32 => Type::I32,
        ValType::I64 => Type::I64,
        ValType::F32 => Type::F32,
        ValType::F64 => Type::F64,
        ValType::V128 => Type::V128,
        ValType::Ref(ty) if ty.nullable && ty.heap == HeapType::Extern => Type::Extern,
        ValType::Ref(ty) => Type::Ref { nullable: ty.nullable },
    }
}

impl Instantiated {
    fn func(&self, name: &str) -> FuncRef {
        match self.instance.export(name) {
            Some(Extern::Func(func)) => func,
            _ => unreachable!("the name of an exported function"),
        }
    }

    fn exports(&self) -> impl Iterator<Item = Extern> {
        let mut exports: Vec<_> = self.instance.exports().collect();
        exports.sort_by_key(|&(name, _)| name);
        exports.into_iter().map(|(_, item)| item)
    }

    fn value(&self, ty: ValType, slots: &[u64]) -> Value {
        match ty {
            ValType::I32 => {
                assert!(slots[0] <= u64::from(u32::MAX), "an i32 slot is zero-extended");
                Value::I32(slots[0] as u32)
            }
            ValType::I64 => Value::I64(slots[0]),
            ValType::F32 => {
                assert!(slots[0] <= u64::from(u32::MAX), "an f32 slot is zero-extended");
                Value::F32(slots[0] as u32)
            }
            ValType::F64 => Value::F64(slots[0]),
            ValType::V128 => Value::V128(u128::from(slots[1]) << 64 | u128::from(slots[0])),
            ValType::Ref(_) if slots[0] == 0 => Value::Null,
            ValType::Ref(ty) if ty.is_heap_ref() => {
                let host = self.store.heap().extern_data(HeapRef::from_slot(slots[0]));
                host.and_then(|data| data.downcast_ref::<u32>()).map_or(Value::NonNull, |&id| Value::Extern(id))
            }
            ValType::Ref(_) => Value::NonNull,
        }
    }
}

impl Instance for Instantiated {
    fn functions(&self) -> Vec<Function> {
        let module = self.instance.module();
        let functions = module.exports().filter_map(|export| match export.ty {
            ExternType::Func(ty) => {
                let ty = self.engine.types().func_type(ty)?;
                let params = ty.params().iter().map(|&ty| type_of(ty)).collect();
                Some(Function { name: export.name.to_owned(), params })
            }
            _ => None,
        });
        functions.collect()
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Outcome {
        let func = self.func(name);
        let ty = self.store.func_type(func);
        let scope = self.store.heap_mut().roots_mut().enter_scope();
        let mut roots = Vec::new();
        for arg in args {
            roots.push(match arg {
                Value::Extern(id) => match self.store.new_extern(Box::new(*id)) {
                    Ok(reference) => Some(self.store.heap_mut().roots_mut().root(reference)),
                    Err(kind) => return Outcome::Failed(kind.to_string()),
                },
                _ => None,
            });
        }
        let mut slots = Vec::new();
        for (arg, root) in args.iter().zip(roots) {
            match *arg {
                Value::I32(bits) | Value::F32(bits) => slots.push(bits.into()),
                Value::I64(bits) | Value::F64(bits) => slots.push(bits),
                Value::V128(bits) => slots.extend([bits as u64, (bits >> 64) as u64]),
                Value::Null => slots.push(0),
                Value::Extern(_) => {
                    let reference = root.and_then(|root| self.store.heap().roots().get(root));
                    slots.push(reference.map_or(0, HeapRef::to_slot));
                }
                Value::NonNull => unreachable!("the host makes no such arguments"),
            }
        }
        self.store.heap_mut().roots_mut().exit_scope(scope);
        slots.resize(ty.param_slots().max(ty.result_slots()), 0);
        let watch = start(&self.engine, &mut self.store);
        let result = self.store.call(func, &mut slots);
        drop(watch);
        self.fuel_used = self.store.fuel().ok().map(|left| FUEL - left);
        match result {
            Ok(()) => {
                let mut at = 0;
                let results = ty.results().iter().map(|&ty| {
                    at += ty.slots();
                    self.value(ty, &slots[at - ty.slots()..at])
                });
                Outcome::Returned(results.collect())
            }
            Err(stop) => outcome(stop),
        }
    }

    fn fuel_used(&self) -> Option<u64> {
        self.fuel_used
    }

    fn globals(&self) -> Vec<Value> {
        let globals = self.exports().filter_map(|item| match item {
            Extern::Global(global) => {
                let slots = self
                    .store
                    .global(global)
                    .value
                    .each_ref()
                    .map(|slot| slot.load(std::sync::atomic::Ordering::Relaxed));
                Some(self.value(self.store.global_type(global).content, &slots))
            }
            _ => None,
        });
        globals.collect()
    }

    fn memories(&self) -> Vec<Vec<u8>> {
        let memories = self.exports().filter_map(|item| match item {
            Extern::Memory(memory) => {
                let memory = self.store.memory(memory);
                let mut bytes = vec![0; memory.byte_len()];
                memory.read(0, &mut bytes).unwrap_or_else(|_| unreachable!("all of the memory"));
                Some(bytes)
            }
            _ => None,
        });
        memories.collect()
    }

    fn tables(&self) -> Vec<Vec<bool>> {
        let tables = self.exports().filter_map(|item| match item {
            Extern::Table(table) => Some(self.store.table(table).elements().iter().map(|&slot| slot == 0).collect()),
            _ => None,
        });
        tables.collect()
    }
}

/// Whether a trap says more about the engine's limits than about the program.
pub fn is_limit(kind: TrapKind) -> bool {
    matches!(kind, TrapKind::StackOverflow | TrapKind::OutOfFuel | TrapKind::Interrupt | TrapKind::HeapExhausted)
}

//! Ways into machine code at every place that counts, and out of it at every poll.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]

use std::num::NonZeroU32;
use std::sync::Arc;

use terrace_core::runtime::{Config, Engine, Extern, InstanceRef, Module, Store, TierDown};
use terrace_core::tier::Tier;
use terrace_jit::{Jit, Tiered};

/// `straight` has no loop; `nested` has one in another, values below them on the operand stack, and locals of all types.
const TEXT: &str = r#"(module
    (func (export "straight") (param i64) (result i64) (local i64 i64)
        (local.set 2 (i64.add (local.get 1) (i64.const 3)))
        (i64.mul (local.get 0) (local.get 2)))
    (func (export "nested") (param i64) (result i64) (local i64 f64 v128 i32)
        (local.set 2 (f64.const 0.5))
        (i64.add (i64.mul (local.get 0) (i64.const 1000)) (loop $outer (result i64)
            (local.set 4 (i32.const 3))
            (i64.add (i64.const 1) (loop $inner (result i64)
                (local.set 2 (f64.add (local.get 2) (f64.const 1)))
                (local.set 3 (i64x2.add (local.get 3) (i64x2.splat (local.get 0))))
                (br_if $inner (local.tee 4 (i32.sub (local.get 4) (i32.const 1))))
                (i64x2.extract_lane 1 (local.get 3))))
            (local.set 1)
            (br_if $outer (i32.wrap_i64 (local.tee 0 (i64.sub (local.get 0) (i64.const 1)))))
            (i64.add (local.get 1) (i64.trunc_f64_s (local.get 2)))))))"#;

struct Vm {
    store: Box<Store>,
    instance: InstanceRef,
    module: Module,
}

impl Vm {
    fn new(tier: Arc<dyn Tier>, policy: Option<&str>, tier_down: TierDown) -> Vm {
        let policy = policy.map(|policy| policy.parse().unwrap());
        let engine = Engine::new(Config { policy, tier_down, ..Config::default() }, tier).unwrap();
        let module = Module::new(&engine, wat::parse_str(TEXT).unwrap()).unwrap();
        let mut store = Store::new(&engine).unwrap();
        let instance = store.instantiate(&module, &[]).unwrap();
        Vm { store, instance, module }
    }

    fn call(&mut self, name: &str, argument: u64) -> u64 {
        let Some(Extern::Func(func)) = self.instance.export(name) else { panic!("{name} is exported") };
        let mut slots = [argument];
        self.store.call(func, &mut slots).unwrap();
        slots[0]
    }

    /// Whether each of the functions has machine code.
    fn compiled(&self) -> [bool; 2] {
        [0, 1].map(|function| self.module.code(function).unwrap().is_compiled())
    }
}

fn every(polls: u32) -> TierDown {
    TierDown::Every(NonZeroU32::new(polls).unwrap())
}

#[test]
fn activations_change_sides_at_every_loop() {
    const POLICIES: [Option<&str>; 4] =
        [None, Some("counter:threshold=0"), Some("counter:threshold=0,entry=0"), Some("random:seed=3,max=4")];
    for policy in POLICIES {
        for tier_down in [TierDown::Never, every(1), every(2), every(3), TierDown::After(5)] {
            let tier: Arc<dyn Tier> = if policy.is_some() { Arc::new(Tiered) } else { Arc::new(Jit) };
            let mut vm = Vm::new(tier, policy, tier_down);
            for _ in 0..3 {
                assert_eq!(vm.call("straight", 14), 42, "{policy:?} {tier_down:?}");
                // The sum of 3 * (4 + 3 + 2 + 1), one more, 12 and a half, and what waited below.
                assert_eq!(vm.call("nested", 4), 30 + 1 + 12 + 4000, "{policy:?} {tier_down:?}");
            }
        }
    }
}

/// The first activation of a function that is compiled at once goes over behind its prologue: its poll there takes the code out.
#[test]
fn activations_go_over_at_the_entry() {
    let mut vm = Vm::new(Arc::new(Tiered), Some("lazy"), TierDown::After(0));
    assert_eq!(vm.call("straight", 14), 42);
    assert_eq!(vm.compiled(), [false, false]);
    let mut vm = Vm::new(Arc::new(Tiered), Some("lazy"), TierDown::After(1));
    assert_eq!(vm.call("straight", 14), 42);
    assert_eq!(vm.compiled(), [true, false]);
    assert_eq!(vm.call("straight", 14), 42);
    assert_eq!(vm.compiled(), [false, false]);
}

#[test]
fn code_is_left_for_good_behind_so_many_polls() {
    let mut vm = Vm::new(Arc::new(Jit), None, TierDown::After(6));
    for (left, calls) in [(6, 2), (4, 2), (2, 1)] {
        assert_eq!(vm.compiled(), [true, true], "{left} polls left");
        (0..calls).for_each(|_| assert_eq!(vm.call("straight", 14), 42));
    }
    // The seventh poll is that of the entry.
    (0..2).for_each(|_| assert_eq!(vm.call("straight", 14), 42));
    assert_eq!(vm.compiled(), [false, true]);
    assert_eq!(vm.call("nested", 4), 30 + 1 + 12 + 4000);
    assert_eq!(vm.compiled(), [false, false]);
}

//! perf
mod common;
#[test]
fn perf() {
    let wat = r#"(module (memory 1)
        (func $fib (export "fib") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
                (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
        (func (export "loop") (param i32) (result i32) (local i32)
            (loop $l
               (local.set 1 (i32.xor (i32.mul (local.get 1) (i32.const 31)) (local.get 0)))
               (i32.store (i32.and (local.get 0) (i32.const 0xfffc)) (local.get 1))
               (local.set 1 (i32.add (local.get 1) (i32.load (i32.and (local.get 1) (i32.const 0xfffc)))))
               (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (local.get 1)))"#;
    for level in common::LEVELS {
        let mut vm = common::Vm::new(wat, level);
        let t = std::time::Instant::now();
        vm.call("fib", &[32], 1).unwrap();
        let a = t.elapsed();
        let t = std::time::Instant::now();
        vm.call("loop", &[20_000_000], 1).unwrap();
        println!("{level:?} fib32 {a:?} (7M calls) loop {:?} (20M)", t.elapsed());
    }
}

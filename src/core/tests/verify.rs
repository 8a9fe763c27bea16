//! Whatever the translator makes must pass the verifier, on every level and in every configuration.

use terrace_core::bytecode::verify::WasmTypes;
use terrace_core::bytecode::{CodeConfig, Function, ImportCounts, Level, Verified, disassemble, verify};
use terrace_core::translate::translate;
use wasmparser::{Parser, Payload, ValidPayload, Validator, WasmFeatures};

/// The configurations that differ in what the translator emits.
fn configurations() -> impl Iterator<Item = CodeConfig> {
    [Level::Plain, Level::Folded].into_iter().flat_map(|level| {
        [false, true].map(|extras| CodeConfig {
            level,
            fuel: extras,
            polls: extras,
            profile: extras,
            canonicalize_nans: extras,
        })
    })
}

/// Functions of a module, and of these the ones that were verified fully.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    functions: usize,
    fully: usize,
}

/// Translates and verifies every function of a module.
fn verify_module(name: &str, wasm: &[u8], config: CodeConfig) -> Counts {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut counts = Counts::default();
    let mut imports = ImportCounts::default();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.expect("a well-formed module");
        if let Payload::ImportSection(section) = &payload {
            imports = ImportCounts::of_section(section).expect("well-formed imports");
        }
        let ValidPayload::Func(func, body) = validator.payload(&payload).expect("a valid module") else { continue };
        let index = func.index;
        let resources = func.resources.clone();
        let locals = body.get_locals_reader().expect("locals").into_iter().map(|local| local.expect("a local"));
        let types = WasmTypes::new(&resources, imports, index, locals);
        let function = translate(func, &body, imports, config)
            .unwrap_or_else(|error| panic!("{name}, function {index}, {config:?}: {error}"));
        match verify(&function, &types) {
            Ok(verified) => {
                counts.functions += 1;
                counts.fully += usize::from(verified == Verified::Fully);
            }
            Err(error) => panic!("{name}, function {index}, {config:?}: {error}\n{}", text(&function)),
        }
    }
    counts
}

fn text(function: &Function) -> String {
    let mut text = String::new();
    disassemble(function, &mut text).expect("strings take everything");
    text
}

fn verify_text(name: &str, wat: &str) {
    let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{name}: {error}"));
    for config in configurations() {
        let counts = verify_module(name, &wasm, config);
        assert_ne!(counts.functions, 0, "{name}");
        assert_eq!(counts.fully, counts.functions, "{name}");
    }
}

#[test]
fn snippets() {
    for (name, wat) in SNIPPETS {
        verify_text(name, wat);
    }
}

#[test]
fn far_slots() {
    // More v128 locals than 16-bit fields reach, and operands above them.
    let wat = r#"(module
        (memory 1)
        (func $id (param v128) (result v128) (local.get 0))
        (func (param i32 externref) (result i32 v128)
            LOCALS
            (local $n i32) (local $v v128) (local $r externref)
            (local.set $r (local.get 1))
            (loop $l
                (local.set $n (i32.add (local.get $n) (i32.load (local.get $n))))
                (local.set $v (i8x16.add (local.get $v) (call $id (v128.load offset=8 (local.get $n)))))
                (v128.store (local.get $n) (local.get $v))
                (br_if $l (i32.lt_s (local.get $n) (select (local.get 0) (local.get $n) (ref.is_null (local.get $r))))))
            (local.get $n) (local.get $v)))"#;
    let locals = format!("(local {})", "v128 ".repeat(40_000));
    let wasm = wat::parse_str(wat.replace("LOCALS", &locals)).expect("a module");
    for config in configurations() {
        assert_eq!(verify_module("far slots", &wasm, config).functions, 2);
    }
}

#[test]
fn large_functions_are_verified_in_time() {
    // Loops in sequence and nested, a large table, deep operands.
    let loops = "(loop (br_if 0 (local.get 0)))".repeat(5_000);
    let nested = format!("{}{}", "(loop (br_if 0 (local.get 0))".repeat(500), ")".repeat(500));
    let table = format!("(block (block (br_table {} (local.get 0))))", "0 1 ".repeat(5_000));
    let deep =
        format!("{}{}", "(i32.add (call 0 (local.get 0)) ".repeat(400), "(i32.const 1)".to_owned() + &")".repeat(400));
    let wat = format!(
        "(module (func (param i32) (result i32) (local.get 0))
            (func (param i32) {loops}) (func (param i32) {nested}) (func (param i32) {table})
            (func (param i32) (result i32) {deep}))"
    );
    verify_text("large", &wat);
}

const SNIPPETS: &[(&str, &str)] = &[
    (
        "arithmetic",
        r#"(module
        (func (param i32 i32) (result i32)
            (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.sub (i32.const 100000) (local.get 1))))
        (func (param i64) (result i64) (i64.div_s (local.get 0) (i64.const 0x7fffffffffffffff)))
        (func (param f32 f64) (result f64)
            (f64.max (f64.promote_f32 (f32.sqrt (local.get 0))) (f64.add (local.get 1) (f64.const 1.5))))
        (func (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
        (func (param i64 i64) (result i64 i64)
            (i64.mul_wide_s (local.get 0) (local.get 1)))
        (func (param i64 i64 i64 i64) (result i64 i64)
            (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))"#,
    ),
    (
        "locals",
        r#"(module
        (func (param i32 i32) (result i32) (local i32)
            local.get 0 local.get 1 local.get 0 local.set 1 local.set 0
            local.get 0 local.tee 2 local.get 2 i32.add
            i32.const 7 local.set 2 local.get 2 i32.add i32.add)
        (func (param i32) (result i32)
            local.get 0 i32.const 1 i32.add local.get 0 i32.const 2 local.set 0 i32.add))"#,
    ),
    (
        "control",
        r#"(module
        (func (param i32) (result i32)
            (block $a (result i32)
                (block $b (result i32)
                    (br_table $a $b $a (i32.const 5) (local.get 0)))
                (i32.const 1) (i32.add)))
        (func (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
                (then (local.get 0))
                (else (i32.sub (local.get 0) (i32.const 1)))))
        (func (param i32) (if (local.get 0) (then (return))) (if (i32.eqz (local.get 0)) (then (unreachable))))
        (func (param i32) (result i32 i64)
            local.get 0 i64.const 3
            (loop $l (param i32 i64) (result i32 i64)
                (local.set 0 (i32.const 3))
                (if (param i32 i64) (result i32 i64) (local.get 0) (then i64.const 1 i64.add) (else drop i64.const 9))
                (br_if $l (local.get 0))))
        (func (param i32) (result i32) (local i32)
            (loop $o
                (loop $i
                    (br_if $i (i32.ge_s (local.tee 0 (i32.sub (local.get 0) (i32.const 1))) (i32.const 0)))
                    (br_if $o (local.get 1)))
                (local.set 1 (i32.add (local.get 1) (i32.const 1))))
            (local.get 1))
        (func (param i32) (result i32)
            (block (result i32)
                (drop (br_if 0 (i32.const 1) (local.get 0)))
                (drop (br_if 0 (local.get 0) (i32.const 1)))
                (br 0 (i32.const 2))))
        (func (result i32) unreachable i32.add (block (result i32) (unreachable) (br 0)) i32.add)
        (func (param i32) (result i32)
            (block (result i32) (br_table 0 0 1 1 (i32.const 4) (local.get 0))))
        (func (param i32) (loop (br_table 0 1 0 (local.get 0)))))"#,
    ),
    (
        "selects and compares",
        r#"(module
        (func (param i32 i32 f64 f64) (result f64)
            (select (local.get 2) (local.get 3) (i32.lt_s (local.get 0) (local.get 1))))
        (func (param f32 f32) (result i32) (i32.eqz (f32.lt (local.get 0) (local.get 1))))
        (func (param i64 v128 v128) (result v128)
            (select (local.get 1) (local.get 2) (i64.eq (local.get 0) (i64.const -1))))
        (func (param i32 externref funcref) (result externref)
            (select (result externref) (local.get 1) (ref.null extern) (local.get 0))))"#,
    ),
    (
        "memory",
        r#"(module (memory 1) (memory 1) (data "abc")
        (func (param i32 i32) (result i64)
            (i64.load offset=8 (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 3)))))
        (func (param i32) (i32.store8 offset=70000 (local.get 0) (i32.const 5)))
        (func (param i32 f32) (f32.store (i32.add (local.get 0) (i32.const 16)) (local.get 1)))
        (func (result i32) (i32.load16_s (i32.const 1024)))
        (func (param i32) (result i64) (i64.load32_u 1 offset=4 (local.get 0)))
        (func (param i32 v128) (result v128)
            (v128.store16_lane 7 (local.get 0) (local.get 1))
            (v128.load8_lane offset=3 15 (local.get 0) (v128.load32_splat (local.get 0))))
        (func (param i32) (result i32)
            (memory.fill (local.get 0) (i32.const 1) (i32.const 2))
            (memory.copy 0 1 (local.get 0) (i32.const 1) (i32.const 2))
            (memory.init 0 (local.get 0) (i32.const 1) (i32.const 2))
            (data.drop 0)
            (i32.add (memory.grow (i32.const 1)) (memory.size 1))))"#,
    ),
    (
        "memory64 and atomics",
        r#"(module (memory i64 1 2 shared)
        (func (param i64) (result i32) (i32.load offset=0x100000000 (local.get 0)))
        (func (param i64 i32) (result i32)
            (i32.atomic.store (local.get 0) (local.get 1))
            (atomic.fence)
            (i32.add (i32.atomic.rmw.add (local.get 0) (local.get 1))
                (i32.add (i32.atomic.rmw8.cmpxchg_u (local.get 0) (i32.const 1) (local.get 1))
                    (i32.add (memory.atomic.wait32 (local.get 0) (i32.const 1) (i64.const -1))
                        (memory.atomic.notify (local.get 0) (i32.const 1)))))))"#,
    ),
    (
        "vectors",
        r#"(module
        (global $g (mut v128) (v128.const i64x2 1 2))
        (func $two (param v128 i32) (result v128 v128) (local.get 0) (i32x4.splat (local.get 1)))
        (func (param v128) (result v128) (local v128)
            (call $two (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get 0) (global.get $g)) (i32.const 3))
            (local.set 1) (local.set 0)
            (global.set $g (v128.bitselect (local.get 0) (local.get 1) (v128.const i32x4 1 2 3 4)))
            (f32x4.add (f32x4.replace_lane 3 (local.get 0) (f32x4.extract_lane 1 (local.get 1))) (local.get 1)))
        (func (param v128) (result v128)
            (if (result v128) (v128.any_true (local.get 0)) (then (local.get 0)) (else (v128.not (local.get 0))))))"#,
    ),
    (
        "calls",
        r#"(module
        (type $t (func (param i32 i64) (result i32)))
        (import "m" "f" (func $import (type $t)))
        (table $table 4 funcref)
        (elem declare func $f)
        (func $f (type $t) (i32.add (local.get 0) (i32.wrap_i64 (local.get 1))))
        (func (param i32) (result i32)
            (i32.add (local.get 0)
                (i32.add (call $f (call $import (local.get 0) (i64.const 1)) (i64.const 2))
                    (i32.add (call_indirect $table (type $t) (i32.const 1) (i64.const 2) (local.get 0))
                        (call_ref $t (i32.const 1) (i64.const 2) (ref.func $f))))))
        (func $many (param i32) (result i32 i64 v128 externref)
            (local.get 0) (i64.const 2) (v128.const i64x2 0 0) (ref.null extern))
        (func (param i32) (result externref i32)
            (local $r externref)
            (call $many (call $f (local.get 0) (i64.const 4)))
            (local.set $r) drop drop drop
            (local.get $r) (call $f (local.get 0) (i64.const 4)))
        (func (param i32) (result i32) (return_call $f (local.get 0) (i64.const 1)))
        (func (param i32) (result i32) (return_call $import (local.get 0) (i64.const 1)))
        (func (param i32) (result i32) (return_call_indirect (type $t) (local.get 0) (i64.const 1) (i32.const 0)))
        (func (param i32 (ref null $t)) (result i32) (return_call_ref $t (local.get 0) (i64.const 1) (local.get 1))))"#,
    ),
    (
        "references across calls",
        r#"(module
        (global $g (mut externref) (ref.null extern))
        (global $n (mut i32) (i32.const 0))
        (func $collect (result i32) (i32.const 1))
        (func $use (param externref i32 externref))
        (func (call $use (global.get $g) (call $collect) (global.get $g)))
        (func (param externref) (call $use (local.get 0) (call $collect) (local.get 0)))
        (func (param externref) (result externref)
            (local.get 0)
            (local.set 0 (ref.null extern))
            (drop (call $collect)))
        (func (param externref i32) (result externref)
            (global.get $g)
            (loop $l (param externref) (result externref)
                (block $b (param externref) (result externref)
                    (br_if $b (call $collect))
                    drop (local.get 0))
                (local.set 0 (global.get $g))
                (br_if $l (i32.eq (call $collect) (local.get 1)))))
        (func (param i32) (result externref externref)
            (global.get $g) (global.get $g)
            (if (local.get 0) (then (global.set $n (call $collect))) (else (drop (call $collect)))))
        (func (param i32 externref) (result externref)
            (local.get 1) (local.get 1) (local.get 0) (drop (call $collect))
            (if (param externref) (result externref) (then) (else drop (global.get $g)))
            drop))"#,
    ),
    (
        "references",
        r#"(module
        (type $f (func (result i32)))
        (table $ext 2 externref) (table $fun 2 funcref)
        (elem $e func $one)
        (func $one (type $f) (i32.const 1))
        (func (param i32 externref) (result externref)
            (table.set $ext (local.get 0) (local.get 1))
            (drop (table.grow $ext (local.get 1) (i32.const 4)))
            (table.fill $ext (local.get 0) (local.get 1) (table.size $ext))
            (table.copy $ext $ext (i32.const 0) (i32.const 1) (local.get 0))
            (table.get $ext (i32.const 0)))
        (func (param i32) (result funcref)
            (table.init $fun $e (i32.const 0) (i32.const 0) (local.get 0))
            (elem.drop $e)
            (table.set $fun (i32.const 0) (ref.func $one))
            (table.get $fun (local.get 0)))
        (func (param (ref null $f)) (result i32)
            (block $null (call_ref $f (br_on_null $null (local.get 0))) (return))
            (i32.const 0))
        (func (param (ref null $f)) (result i32)
            (call_ref $f (block $some (result (ref $f))
                (br_on_non_null $some (local.get 0))
                (return (i32.const 0)))))
        (func (param (ref null $f) externref) (result i32)
            (i32.add (ref.is_null (local.get 1)) (call_ref $f (ref.as_non_null (local.get 0)))))
        (func (param anyref eqref eqref) (result i32 externref)
            (ref.eq (local.get 1) (local.get 2)) (extern.convert_any (local.get 0))))"#,
    ),
    (
        "exceptions",
        r#"(module
        (tag $none) (tag $pair (param i32 externref)) (tag $vector (param v128))
        (func $may (param i32) (result i32) (local.get 0))
        (func (param externref)
            (throw $pair (call $may (i32.const 1)) (local.get 0)))
        (func (param i32) (result i32 externref)
            (block $h (result i32 externref)
                (try_table (catch $pair $h)
                    (drop (call $may (local.get 0))))
                (i32.const 0) (ref.null extern)))
        (func (param i32) (result v128)
            (block $all (result exnref)
                (block $v (result v128 exnref)
                    (try_table (catch_ref $vector $v) (catch_all_ref $all)
                        (try_table (catch_all_ref $all)
                            (drop (call $may (local.get 0))))
                        (throw $none))
                    (unreachable))
                drop return)
            throw_ref)
        (func (param i32) (result i32)
            (loop $again
                (try_table (catch_all $again)
                    (br_if $again (call $may (local.get 0)))))
            (local.get 0))
        (func (param i32 externref) (result externref)
            (local.get 1)
            (block $h
                (try_table (catch_all $h)
                    (local.set 1 (ref.null extern))
                    (drop (call $may (local.get 0))))))
        (func (block $h (result exnref) (try_table (catch_all_ref $h)) (return)) drop)
        (func (result i32) (block $h (try_table (catch $none $h) (return_call $may (i32.const 1)))) (i32.const 2)))"#,
    ),
    (
        "globals",
        r#"(module
        (global $i (mut i32) (i32.const 0)) (global $e (mut externref) (ref.null extern)) (global $f (mut funcref) (ref.null func))
        (func (param externref funcref i32)
            (global.set $i (i32.add (global.get $i) (local.get 2)))
            (global.set $e (local.get 0)) (global.set $f (local.get 1))
            (global.set $e (ref.null extern)) (global.set $f (ref.null func))))"#,
    ),
];

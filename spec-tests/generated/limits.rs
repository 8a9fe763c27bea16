//! Functions at the limits of locals, parameters, results, labels and nesting.

use super::{repeat, written};

/// The largest number of locals that a function may have.
const LOCALS: usize = 50_000;

/// i64 locals in near and far slots, temporaries beyond all of them, and moves between them.
pub(super) fn many_locals() -> String {
    let last = LOCALS - 1;
    format!(
        r#"(module
  (func $far (export "far") (param i64) (result i64) (local {one})
    (local.set {last} (local.get 0))
    (local.set 40000 (i64.add (local.get {last}) (i64.const 1)))
    (local.set {last} (i64.mul (local.get 40000) (local.get {last})))
    (i64.sub (local.get {last}) (local.get 39999)))
  (func (export "swap") (param i64 i64) (result i64 i64) (local {two})
    (local.set 49000 (local.get 0))
    (local.set 49001 (local.get 1))
    (local.get 49000) (local.get 49001)
    (local.set 49000) (local.set 49001)
    (local.get 49000) (local.get 49001))
  (func (export "zeroed") (result i64) (local {all})
    (i64.or (i64.or (local.get 1) (local.get 32768)) (local.get {last})))
  (func (export "calls") (param i64) (result i64) (local {one})
    (local.set 45000 (call $far (local.get 0)))
    (i64.add (local.get 45000) (call $far (local.get 45000))))
  (func (export "loops") (param i32) (result i32) (local {i32s})
    (loop $again
      (local.set 48000 (i32.add (local.get 48000) (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 48000))
)
(assert_return (invoke "far" (i64.const 6)) (i64.const 42))
(assert_return (invoke "swap" (i64.const 1) (i64.const 2)) (i64.const 2) (i64.const 1))
(assert_return (invoke "zeroed") (i64.const 0))
(assert_return (invoke "calls" (i64.const 2)) (i64.const 48))
(assert_return (invoke "loops" (i32.const 100)) (i32.const 5050))
"#,
        all = "i64 ".repeat(LOCALS),
        one = "i64 ".repeat(LOCALS - 1),
        two = "i64 ".repeat(LOCALS - 2),
        i32s = "i32 ".repeat(LOCALS - 1),
    )
}

/// v128 locals, two slots each: half of them lie beyond 16-bit slot numbers.
pub(super) fn many_vectors() -> String {
    let last = LOCALS - 1;
    format!(
        r#"(module
  (memory 1)
  (func (export "far") (param v128) (result v128) (local {one})
    (local.set {last} (local.get 0))
    (local.set 33000 (i32x4.add (local.get {last}) (local.get 0)))
    (i32x4.mul (local.get 33000) (local.get {last})))
  (func (export "branch") (param v128 i32) (result v128 v128) (local {two})
    (local.set {last} (local.get 0))
    (block (result v128 v128)
      (br_if 0 (local.get {last}) (local.get 40000) (local.get 1))
      (drop) (drop)
      (local.get 40000) (local.get {last})))
  (func (export "select") (param v128 i32) (result v128) (local {two})
    (local.set {last} (local.get 0))
    (select (local.get {last}) (local.get 40000) (local.get 1)))
  (func (export "memory") (param v128) (result v128) (local {one})
    (local.set {last} (local.get 0))
    (v128.store (i32.const 16) (local.get {last}))
    (local.set 49998 (v128.load (i32.const 16)))
    (local.get 49998))
)
(assert_return (invoke "far" (v128.const i32x4 1 2 3 4)) (v128.const i32x4 2 8 18 32))
(assert_return (invoke "branch" (v128.const i64x2 1 2) (i32.const 1)) (v128.const i64x2 1 2) (v128.const i64x2 0 0))
(assert_return (invoke "branch" (v128.const i64x2 1 2) (i32.const 0)) (v128.const i64x2 0 0) (v128.const i64x2 1 2))
(assert_return (invoke "select" (v128.const i64x2 1 2) (i32.const 1)) (v128.const i64x2 1 2))
(assert_return (invoke "select" (v128.const i64x2 1 2) (i32.const 0)) (v128.const i64x2 0 0))
(assert_return (invoke "memory" (v128.const i64x2 1 2)) (v128.const i64x2 1 2))
"#,
        one = "v128 ".repeat(LOCALS - 1),
        two = "v128 ".repeat(LOCALS - 2),
    )
}

/// The largest number of parameters and results that a function may have.
const PARAMS: usize = 1_000;

/// Functions with the most parameters and results, called in every way.
pub(super) fn many_params() -> String {
    let types = "i64 ".repeat(PARAMS);
    let gets = repeat(PARAMS, |text, i| written(text, format_args!("(local.get {i})")));
    let reversed = repeat(PARAMS, |text, i| written(text, format_args!("(local.get {})", PARAMS - 1 - i)));
    let sum = repeat(PARAMS, |text, i| {
        written(
            text,
            format_args!("(local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 3)) (local.get {i})))"),
        );
    });
    let args = repeat(PARAMS, |text, i| written(text, format_args!("(i64.const {i})")));
    let backwards = repeat(PARAMS, |text, i| written(text, format_args!("(i64.const {})", PARAMS - 1 - i)));
    let digest =
        |values: &mut dyn Iterator<Item = i64>| values.fold(0i64, |sum, value| sum.wrapping_mul(3).wrapping_add(value));
    let forwards_digest = digest(&mut (0..PARAMS as i64));
    let backwards_digest = digest(&mut (0..PARAMS as i64).rev());
    format!(
        r#"(module
  (type $many (func (param {types}) (result {types})))
  (type $digest (func (param {types}) (result i64)))
  (table funcref (elem $same $reverse))
  (func $same (export "same") (type $many) {gets})
  (func $reverse (export "reverse") (type $many) {reversed})
  (func $digest (export "digest") (type $digest) (local $sum i64) {sum} (local.get $sum))
  (func (export "twice") (type $many) {gets} (call $reverse) (call $reverse))
  (func (export "tail") (type $many) {gets} (return_call $reverse))
  (func (export "indirect") (param i32) (result i64) {args} (call_indirect (type $many) (local.get 0)) (call $digest))
  (func (export "block") (param i32) (result i64)
    (block (type $results) {args} (br_if 0 (local.get 0)) (call $reverse))
    (call $digest))
  (type $results (func (result {types})))
)
(assert_return (invoke "same" {args}) {args})
(assert_return (invoke "reverse" {args}) {backwards})
(assert_return (invoke "twice" {args}) {args})
(assert_return (invoke "tail" {args}) {backwards})
(assert_return (invoke "digest" {args}) (i64.const {forwards_digest}))
(assert_return (invoke "indirect" (i32.const 0)) (i64.const {forwards_digest}))
(assert_return (invoke "indirect" (i32.const 1)) (i64.const {backwards_digest}))
(assert_return (invoke "block" (i32.const 1)) (i64.const {forwards_digest}))
(assert_return (invoke "block" (i32.const 0)) (i64.const {backwards_digest}))
"#
    )
}

/// A branch table with more labels than fit 16 bits.
pub(super) fn large_br_table() -> String {
    const LABELS: usize = 70_000;
    let labels = repeat(LABELS, |text, i| written(text, format_args!("{} ", usize::from(i % 7 == 3))));
    format!(
        r#"(module
  (func (export "plain") (param i32) (result i32)
    (block $b (block $a
      (br_table {labels} 1 (local.get 0)))
      (return (i32.const 10)))
    (i32.const 20))
  (func (export "values") (param i32) (result i32 i64)
    (block (result i32 i64)
      (block (result i32 i64)
        (i32.const 5) (i64.const 6)
        (br_table {labels} 2 (local.get 0)))
      (i64.add (i64.const 100))
      (return)))
)
(assert_return (invoke "plain" (i32.const 0)) (i32.const 10))
(assert_return (invoke "plain" (i32.const 3)) (i32.const 20))
(assert_return (invoke "plain" (i32.const 65544)) (i32.const 20))
(assert_return (invoke "plain" (i32.const 69996)) (i32.const 20))
(assert_return (invoke "plain" (i32.const 69999)) (i32.const 10))
(assert_return (invoke "plain" (i32.const 70000)) (i32.const 20))
(assert_return (invoke "plain" (i32.const -1)) (i32.const 20))
(assert_return (invoke "values" (i32.const 0)) (i32.const 5) (i64.const 106))
(assert_return (invoke "values" (i32.const 65544)) (i32.const 5) (i64.const 6))
(assert_return (invoke "values" (i32.const 65545)) (i32.const 5) (i64.const 106))
(assert_return (invoke "values" (i32.const 70000)) (i32.const 5) (i64.const 6))
(assert_return (invoke "values" (i32.const -1)) (i32.const 5) (i64.const 6))
"#
    )
}

/// Blocks and loops as deep as text parsers allow, with branches to the outermost and innermost label.
pub(super) fn deep_blocks() -> String {
    const DEPTH: usize = 2_000;
    let open = "block (result i32) ".repeat(DEPTH);
    let close = "i32.const 1 i32.add end ".repeat(DEPTH);
    let outermost = DEPTH - 1;
    format!(
        r#"(module
  (func (export "deep") (param i32) (result i32)
    {open}
    i32.const 7
    local.get 0
    br_if {outermost}
    {close})
  (func (export "table") (param i32) (result i32)
    {open}
    i32.const 7
    local.get 0
    br_table 0 {outermost} {middle} {depth}
    {close})
)
(assert_return (invoke "deep" (i32.const 1)) (i32.const 7))
(assert_return (invoke "deep" (i32.const 0)) (i32.const {all}))
(assert_return (invoke "table" (i32.const 0)) (i32.const {rest}))
(assert_return (invoke "table" (i32.const 1)) (i32.const 7))
(assert_return (invoke "table" (i32.const 2)) (i32.const {half}))
(assert_return (invoke "table" (i32.const 3)) (i32.const 7))
"#,
        depth = DEPTH,
        middle = DEPTH / 2 - 1,
        all = 7 + DEPTH,
        rest = 7 + DEPTH - 1,
        half = 7 + DEPTH / 2,
    )
}

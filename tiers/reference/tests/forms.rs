//! Every scalar operator in every form that the translator makes of it, held against its meaning.
//!
//! Level `plain` uses slots throughout; level `folded` makes immediates, branches, selects and address forms of the same
//! functions. Both must give what the op table's meaning gives.

mod common;

use std::fmt::Write;

use common::{LEVELS, Vm};
use terrace_abi::op::Shape;
use terrace_abi::{Op, TrapKind, Ty, meaning};

/// A value as the bits of its slot.
trait Bits {
    fn of(bits: u64) -> Self;
    fn bits(self) -> Result<u64, TrapKind>;
}

macro_rules! bits {
    ($($ty:ty: $of:expr, $bits:expr;)+) => { $(
        impl Bits for $ty {
            fn of(bits: u64) -> $ty {
                $of(bits)
            }
            fn bits(self) -> Result<u64, TrapKind> {
                Ok($bits(self))
            }
        }
    )+ };
}

bits! {
    u32: |x| x as u32, u64::from;
    u64: |x| x, |x| x;
    f32: |x| f32::from_bits(x as u32), |x: f32| x.to_bits().into();
    f64: f64::from_bits, f64::to_bits;
    u128: u128::from, |_| unreachable!("vectors are not scalars");
}

impl<T: Bits> Bits for Result<T, TrapKind> {
    fn of(bits: u64) -> Result<T, TrapKind> {
        Ok(T::of(bits))
    }
    fn bits(self) -> Result<u64, TrapKind> {
        self?.bits()
    }
}

fn unary<A: Bits, R: Bits>(f: fn(A) -> R, a: u64, _: u64) -> Result<u64, TrapKind> {
    f(A::of(a)).bits()
}

fn binary<A: Bits, B: Bits, R: Bits>(f: fn(A, B) -> R, a: u64, b: u64) -> Result<u64, TrapKind> {
    f(A::of(a), B::of(b)).bits()
}

macro_rules! meaning_of {
    (unary $snake:ident $a:ident $b:ident) => {
        unary(meaning::$snake, $a, $b)
    };
    (binary $snake:ident $a:ident $b:ident) => {
        binary(meaning::$snake, $a, $b)
    };
    (compare $snake:ident $a:ident $b:ident) => {
        binary(meaning::$snake, $a, $b)
    };
    ($shape:ident $snake:ident $a:ident $b:ident) => {
        unreachable!("no scalar operator")
    };
}

macro_rules! define_oracle {
    (
        shapes { $($shape:ident { $(
            $name:ident $snake:ident $text:literal $opcode:literal $feature:ident $params:tt -> $result:tt $traits:tt;
        )* })* }
        special $special:tt structural $structural:tt refused $refused:tt
    ) => {
        fn oracle(op: Op, a: u64, b: u64) -> Result<u64, TrapKind> {
            match op {
                $($(Op::$name => meaning_of!($shape $snake a b),)*)*
                _ => unreachable!("no scalar operator"),
            }
        }
    };
}

terrace_abi::for_each_op!(define_oracle);

fn name(ty: Ty) -> &'static str {
    match ty {
        Ty::I32 => "i32",
        Ty::I64 => "i64",
        Ty::F32 => "f32",
        Ty::F64 => "f64",
        _ => unreachable!("scalars only"),
    }
}

fn scalar(op: Op) -> bool {
    let info = op.info();
    info.params.iter().chain(&info.result).all(|&ty| ty != Ty::V128)
}

fn values(ty: Ty) -> Vec<u64> {
    let ints = [
        0,
        1,
        -1,
        2,
        7,
        100,
        127,
        -128,
        255,
        32_767,
        32_768,
        -32_768,
        -32_769,
        65_535,
        i64::from(i32::MAX),
        i64::from(i32::MIN),
    ];
    let wide = [i64::from(u32::MAX), 1 << 40, i64::MAX, i64::MIN, 0x0123_4567_89ab_cdef];
    let floats = [0.0, -0.0, 1.0, -1.0, 0.5, -1.5, 2.5, 1e10, -3e9, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    match ty {
        Ty::I32 => ints.iter().map(|&x| u64::from(x as u32)).collect(),
        Ty::I64 => ints.iter().chain(&wide).map(|&x| x as u64).collect(),
        Ty::F32 => floats.iter().map(|&x| u64::from((x as f32).to_bits())).collect(),
        Ty::F64 => floats.iter().map(|&x| x.to_bits()).collect(),
        _ => unreachable!("scalars only"),
    }
}

fn literal(ty: Ty, bits: u64) -> String {
    match ty {
        Ty::I32 => format!("(i32.const {})", bits as u32 as i32),
        Ty::I64 => format!("(i64.const {})", bits as i64),
        Ty::F32 => format!("(f32.reinterpret_i32 (i32.const {}))", bits as u32 as i32),
        Ty::F64 => format!("(f64.reinterpret_i64 (i64.const {}))", bits as i64),
        _ => unreachable!("scalars only"),
    }
}

/// The text of a float constant, where it has one without a payload.
fn constant(ty: Ty, bits: u64) -> String {
    let float = match ty {
        Ty::F32 => f64::from(f32::from_bits(bits as u32)),
        Ty::F64 => f64::from_bits(bits),
        _ => return literal(ty, bits),
    };
    match float {
        x if x.is_nan() => format!("({}.const nan)", name(ty)),
        x if x.is_infinite() => format!("({}.const {}inf)", name(ty), if x < 0.0 { "-" } else { "" }),
        x => format!("({}.const {x:e})", name(ty)),
    }
}

/// Equal, where all NaNs are.
fn same(ty: Ty, a: u64, b: u64) -> bool {
    let nan = |x| match ty {
        Ty::F32 => f32::from_bits(x as u32).is_nan(),
        Ty::F64 => f64::from_bits(x).is_nan(),
        _ => false,
    };
    a == b || nan(a) && nan(b)
}

#[track_caller]
fn check(ty: Ty, what: &str, actual: Result<Vec<u64>, TrapKind>, expected: Result<u64, TrapKind>) {
    let good = match (&actual, expected) {
        (Ok(actual), Ok(expected)) => same(ty, actual[0], expected),
        (Err(actual), Err(expected)) => *actual == expected,
        _ => false,
    };
    assert!(good, "{what}: {actual:x?} instead of {expected:x?}");
}

#[test]
fn unary_operators_mean_what_the_table_says() {
    for &op in Op::ALL.iter().filter(|op| op.info().shape == Shape::unary && scalar(**op)) {
        let (ty, result) = (op.info().params[0], op.info().result.unwrap());
        let text = op.text();
        let wat = format!(
            r#"(module (func (export "f") (param {}) (result {}) ({text} (local.get 0))))"#,
            name(ty),
            name(result),
        );
        for level in LEVELS {
            let mut vm = Vm::new(&wat, level);
            for a in values(ty) {
                check(result, &format!("{text} {a:x}"), vm.call("f", &[a], 1), oracle(op, a, 0));
            }
        }
    }
}

#[test]
fn binary_operators_mean_what_the_table_says_in_every_form() {
    let ops = Op::ALL.iter().filter(|op| matches!(op.info().shape, Shape::binary | Shape::compare) && scalar(**op));
    for &op in ops {
        let (ty, result) = (op.info().params[0], op.info().result.unwrap());
        let (text, t, r) = (op.text(), name(ty), name(result));
        let values = values(ty);
        let mut wat = String::from("(module");
        write!(wat, r#"(func (export "slots") (param {t} {t}) (result {r}) ({text} (local.get 0) (local.get 1)))"#)
            .unwrap();
        for (i, &c) in values.iter().enumerate() {
            let c = constant(ty, c);
            write!(wat, r#"(func (export "right{i}") (param {t}) (result {r}) ({text} (local.get 0) {c}))"#).unwrap();
            write!(wat, r#"(func (export "left{i}") (param {t}) (result {r}) ({text} {c} (local.get 0)))"#).unwrap();
        }
        wat.push(')');
        for level in LEVELS {
            let mut vm = Vm::new(&wat, level);
            for (i, &c) in values.iter().enumerate() {
                for &x in &values {
                    let what = |form: &str| format!("{text} {form} of {x:x} and {c:x}");
                    check(result, &what("slots"), vm.call("slots", &[x, c], 1), oracle(op, x, c));
                    check(result, &what("right"), vm.call(&format!("right{i}"), &[x], 1), oracle(op, x, c));
                    check(result, &what("left"), vm.call(&format!("left{i}"), &[x], 1), oracle(op, c, x));
                }
            }
        }
    }
}

#[test]
fn compares_branch_and_select_as_they_compute() {
    const FORMS: [(&str, &str); 9] = [
        ("if", "(if (result i64) $C (then (i64.const 10)) (else (i64.const 20)))"),
        ("if_not", "(if (result i64) (i32.eqz $C) (then (i64.const 20)) (else (i64.const 10)))"),
        ("br_if", "(block $l (br_if $l $C) (return (i64.const 20))) (i64.const 10)"),
        ("br_if_not", "(block $l (br_if $l (i32.eqz $C)) (return (i64.const 10))) (i64.const 20)"),
        ("back", "(local $n i64) (loop $l (local.set $n (i64.add (local.get $n) (i64.const 1)))
            (br_if $l (i32.and (i64.lt_u (local.get $n) (i64.const 3)) $C))) (select (i64.const 10) (i64.const 20) (i64.eq (local.get $n) (i64.const 3)))"),
        ("select", "(select (i64.const 10) (i64.const 20) $C)"),
        ("select_local", "(local $a i64) (local.set $a (i64.const 10)) (select (local.get $a) (i64.const 20) $C)"),
        ("select_not", "(select (i64.const 20) (i64.const 10) (i32.eqz $C))"),
        ("select_v128", "(i64x2.extract_lane 1 (select (v128.const i64x2 1 10) (v128.const i64x2 2 20) $C))"),
    ];
    for &op in Op::ALL.iter().filter(|op| op.info().shape == Shape::compare) {
        let ty = op.info().params[0];
        let (text, t) = (op.text(), name(ty));
        let values = values(ty);
        let mut wat = String::from("(module");
        for (form, body) in FORMS {
            let slots = body.replace("$C", &format!("({text} (local.get 0) (local.get 1))"));
            write!(wat, r#"(func (export "{form}") (param {t} {t}) (result i64) {slots})"#).unwrap();
            for (i, &c) in values.iter().enumerate() {
                let right = body.replace("$C", &format!("({text} (local.get 0) {})", constant(ty, c)));
                write!(wat, r#"(func (export "{form}_right{i}") (param {t}) (result i64) {right})"#).unwrap();
                let left = body.replace("$C", &format!("({text} {} (local.get 0))", constant(ty, c)));
                write!(wat, r#"(func (export "{form}_left{i}") (param {t}) (result i64) {left})"#).unwrap();
            }
        }
        wat.push(')');
        for level in LEVELS {
            let mut vm = Vm::new(&wat, level);
            for (form, _) in FORMS {
                for (i, &c) in values.iter().enumerate() {
                    for &x in &values {
                        let outcome = |a, b| oracle(op, a, b).map(|holds| if holds != 0 { 10 } else { 20 });
                        let what = |form: String| format!("{text} {form} of {x:x} and {c:x}");
                        check(Ty::I64, &what(form.into()), vm.call(form, &[x, c], 1), outcome(x, c));
                        let right = format!("{form}_right{i}");
                        check(Ty::I64, &what(right.clone()), vm.call(&right, &[x], 1), outcome(x, c));
                        let left = format!("{form}_left{i}");
                        check(Ty::I64, &what(left.clone()), vm.call(&left, &[x], 1), outcome(c, x));
                    }
                }
            }
        }
    }
}

/// Address expressions of the text format over local 0 (address) and local 1 (index), with their offsets, and what they
/// mean. `None`: the access is outside every memory.
type Address = (&'static str, u64, fn(u32, u32) -> u32);

const ADDRESSES: [Address; 8] = [
    ("(local.get 0)", 0, |a, _| a),
    ("(local.get 0)", 9, |a, _| a),
    ("(local.get 0)", 70_000, |a, _| a),
    ("(i32.add (local.get 0) (local.get 1))", 8, |a, i| a.wrapping_add(i)),
    ("(i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 3)))", 16, |a, i| a.wrapping_add(i << 3)),
    ("(i32.add (local.get 0) (i32.const -8))", 8, |a, _| a.wrapping_sub(8)),
    ("(i32.const 120)", 8, |_, _| 120),
    ("(i32.const -1)", 0xffff_ffff, |_, _| u32::MAX),
];

const MEMORY: u64 = 2 << 16;

#[test]
fn loads_and_stores_reach_their_addresses_in_every_form() {
    let loads = Op::ALL.iter().filter(|op| op.info().shape == Shape::load && scalar(**op));
    for &load in loads {
        let width = u64::from(load.info().width);
        let r = name(load.info().result.unwrap());
        let mut wat = String::from("(module (memory (export \"m0\") 2) (memory (export \"m1\") 2)");
        for (i, (address, offset, _)) in ADDRESSES.iter().enumerate() {
            for memory in 0..2 {
                let text = load.text();
                write!(wat, r#"(func (export "f{i}_{memory}") (param i32 i32) (result {r}) ({text} {memory} offset={offset} {address}))"#).unwrap();
            }
        }
        wat.push(')');
        let bytes: Vec<u8> = (0..MEMORY).map(|i| (i.wrapping_mul(0x9e37_79b9) >> 7) as u8).collect();
        for level in LEVELS {
            let mut vm = Vm::new(&wat, level);
            vm.memory("m0").write(0, &bytes).unwrap();
            vm.memory("m1").write(0, &bytes).unwrap();
            for (i, (text, offset, address)) in ADDRESSES.iter().enumerate() {
                for a in
                    [0u32, 8, 40, 61_072, 131_056, 131_063, 131_064, 131_065, 131_071, 131_072, u32::MAX - 7, u32::MAX]
                {
                    for index in [0u32, 1, 2, 0x2000_0000, u32::MAX] {
                        let effective = u64::from(address(a, index)) + offset;
                        let expected = if effective + width <= MEMORY {
                            Ok(convert(load, &bytes[effective as usize..(effective + width) as usize]))
                        } else {
                            Err(TrapKind::MemoryOutOfBounds)
                        };
                        for memory in 0..2 {
                            let what =
                                format!("{} {text} offset={offset} of {a:x}, {index:x} in {memory}", load.text());
                            let actual = vm.call(&format!("f{i}_{memory}"), &[a.into(), index.into()], 1);
                            check(Ty::I64, &what, actual, expected);
                        }
                    }
                }
            }
        }
    }
}

/// What a scalar load makes of its bytes.
fn convert(load: Op, bytes: &[u8]) -> u64 {
    let bits = bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    if !load.text().ends_with("_s") {
        return bits;
    }
    let unused = 64 - 8 * bytes.len();
    let extended = ((bits << unused) as i64 >> unused) as u64;
    if load.info().result == Some(Ty::I32) { u64::from(extended as u32) } else { extended }
}

#[test]
fn stores_write_their_width_and_nothing_else() {
    let stores = Op::ALL.iter().filter(|op| op.info().shape == Shape::store && scalar(**op));
    for &store in stores {
        let width = u64::from(store.info().width);
        let ty = store.info().params[0];
        let constants = values(ty);
        let mut wat = String::from("(module (memory (export \"m0\") 2) (memory (export \"m1\") 2)");
        for (i, (address, offset, _)) in ADDRESSES.iter().enumerate() {
            for memory in 0..2 {
                let mut add = |export: &str, value: &str| {
                    let (text, t) = (store.text(), name(ty));
                    write!(wat, r#"(func (export "{export}") (param i32 i32 {t}) ({text} {memory} offset={offset} {address} {value}))"#).unwrap();
                };
                add(&format!("f{i}_{memory}"), "(local.get 2)");
                for (k, &c) in constants.iter().enumerate() {
                    add(&format!("f{i}_{memory}_{k}"), &constant(ty, c));
                }
            }
        }
        wat.push(')');
        for level in LEVELS {
            let mut vm = Vm::new(&wat, level);
            for (i, (text, offset, address)) in ADDRESSES.iter().enumerate() {
                for (a, index) in [(8u32, 1u32), (131_056, 0), (131_064, 0), (131_065, 0), (131_071, 1), (u32::MAX, 2)]
                {
                    let effective = u64::from(address(a, index)) + offset;
                    for (k, &c) in constants.iter().enumerate() {
                        for memory in 0..2 {
                            for name in [format!("f{i}_{memory}"), format!("f{i}_{memory}_{k}")] {
                                let what =
                                    format!("{} {text} offset={offset} of {a:x}, {index:x}, {c:x}", store.text());
                                let exported = format!("m{memory}");
                                let near = effective.min(MEMORY - 16).saturating_sub(8);
                                let mut around = [0x5a; 24];
                                let count = around.len().min((MEMORY - near) as usize);
                                vm.memory(&exported).write(near, &around[..count]).unwrap();
                                let outcome = vm.call(&name, &[a.into(), index.into(), c], 0);
                                let mut expected = around;
                                if effective + width <= MEMORY {
                                    assert_eq!(outcome, Ok(vec![]), "{what}");
                                    let at = (effective - near) as usize;
                                    expected[at..at + width as usize]
                                        .copy_from_slice(&c.to_le_bytes()[..width as usize]);
                                } else {
                                    assert_eq!(outcome, Err(TrapKind::MemoryOutOfBounds), "{what}");
                                }
                                vm.memory(&exported).read(near, &mut around[..count]).unwrap();
                                assert_eq!(around[..count], expected[..count], "{what}");
                            }
                        }
                    }
                }
            }
        }
    }
}

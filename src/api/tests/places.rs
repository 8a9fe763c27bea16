//! Where traps happen: kind, function and wasm offset of every frame, found in the binary and held against the reference tier, while other
//! threads run wasm.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use terrace::{Config, Engine, Error, Instance, Level, Memory, Module, Store, Trap, Val};
use wasmparser::{Operator, Parser, Payload};

use super::{config, instance_in, run};

/// The offset of the one operator of a function whose name begins like this.
fn place(bytes: &[u8], func: u32, operator: &str) -> u32 {
    let (mut index, mut found) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::ImportSection(imports) => {
                let imports = imports.into_imports().map(Result::unwrap);
                index += imports.filter(|import| matches!(import.ty, wasmparser::TypeRef::Func(_))).count() as u32;
            }
            Payload::CodeSectionEntry(body) => {
                let mut operators = body.get_operators_reader().unwrap();
                while index == func && !operators.eof() {
                    let (found_operator, offset) = operators.read_with_offset().unwrap();
                    if name(&found_operator) == operator {
                        found.push(offset as u32);
                    }
                }
                index += 1;
            }
            _ => {}
        }
    }
    assert_eq!(found.len(), 1, "function {func} has one {operator}");
    found[0]
}

/// An operator's name as the parser has it.
fn name(operator: &Operator<'_>) -> String {
    let text = format!("{operator:?}");
    text.split([' ', '{']).next().unwrap().to_owned()
}

/// A trap's kind, and every frame's function and offset.
type Stopped = (Option<Trap>, Vec<(u32, Option<u32>)>);

/// What an error says.
fn frames(error: &Error) -> Stopped {
    let frames = error.backtrace().map_or(&[][..], |backtrace| &backtrace.frames);
    (error.trap(), frames.iter().map(|frame| (frame.func_index, frame.wasm_offset)).collect())
}

/// Runs `work` while four threads run wasm.
fn among_threads(work: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    let busy = || {
        let wat = r#"(module (memory 1) (func (export "run") (param i32) (result i32)
            (loop (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (local.get 0)))
                (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
            (i32.load (i32.const 8))))"#;
        let (mut store, instance) = super::instance(wat);
        let mut sum = 0i32;
        while !stop.load(Ordering::Relaxed) {
            sum = sum.wrapping_add(500 * 1001);
            assert_eq!(run::<_, i32>(&mut store, instance, 1000).unwrap(), sum);
        }
    };
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(busy)).collect();
        let guard = Stop(&stop);
        work();
        drop(guard);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// The engines of a case: this tier's, and the reference tier's.
fn engines(configure: impl Fn(&mut Config) -> &mut Config) -> [Engine; 2] {
    let mut reference = Config::new();
    reference.tier("reference").unwrap();
    [config(), reference].map(|mut config| Engine::new(configure(&mut config)).unwrap())
}

/// A call that traps: its body, what the trap is, and the operator that traps.
struct Case {
    body: String,
    kind: Trap,
    operator: &'static str,
}

fn case(body: &str, kind: Trap, operator: &'static str) -> Case {
    Case { body: body.to_owned(), kind, operator }
}

fn operators() -> Vec<Case> {
    let mut cases = vec![
        case("unreachable", Trap::Unreachable, "Unreachable"),
        case("(call_indirect $t (type $v) (i32.const 3))", Trap::UndefinedElement, "CallIndirect"),
        case("(call_indirect $t (type $v) (i32.const -1))", Trap::UndefinedElement, "CallIndirect"),
        case("(call_indirect $t (type $v) (i32.const 1))", Trap::UninitializedElement, "CallIndirect"),
        case("(call_indirect $t (type $v) (i32.const 0))", Trap::IndirectCallTypeMismatch, "CallIndirect"),
        case("(return_call_indirect $t (type $v) (i32.const 0))", Trap::IndirectCallTypeMismatch, "ReturnCallIndirect"),
        case("(return_call_indirect $t (type $v) (i32.const 1))", Trap::UninitializedElement, "ReturnCallIndirect"),
        case("(call_ref $v (ref.null $v))", Trap::NullFunctionReference, "CallRef"),
        case("(return_call_ref $v (ref.null $v))", Trap::NullFunctionReference, "ReturnCallRef"),
        case("(drop (ref.as_non_null (ref.null func)))", Trap::NullReference, "RefAsNonNull"),
        case("(throw_ref (ref.null exn))", Trap::NullExceptionReference, "ThrowRef"),
        case("(drop (table.get $t (i32.const 3)))", Trap::TableOutOfBounds, "TableGet"),
        case("(table.set $t (i32.const 3) (ref.null func))", Trap::TableOutOfBounds, "TableSet"),
        case("(memory.fill (i32.const 65536) (i32.const 0) (i32.const 1))", Trap::MemoryOutOfBounds, "MemoryFill"),
        case("(memory.copy (i32.const 0) (i32.const 65530) (i32.const 7))", Trap::MemoryOutOfBounds, "MemoryCopy"),
        case("(drop (i32.trunc_f64_s (f64.const 1e10)))", Trap::IntegerOverflow, "I32TruncF64S"),
        case("(drop (i64.trunc_f32_u (f32.const -1)))", Trap::IntegerOverflow, "I64TruncF32U"),
        case("(drop (i32.trunc_f32_s (f32.const nan)))", Trap::InvalidConversion, "I32TruncF32S"),
        case(
            "(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))",
            Trap::ExpectedSharedMemory,
            "MemoryAtomicWait32",
        ),
        case("(drop (i32.atomic.load (i32.const 2)))", Trap::UnalignedAtomic, "I32AtomicLoad"),
        case("(drop (i64.atomic.load32_u (i32.const 2)))", Trap::UnalignedAtomic, "I64AtomicLoad32U"),
        case("(i64.atomic.store (i32.const 4) (i64.const 1))", Trap::UnalignedAtomic, "I64AtomicStore"),
        case(
            "(drop (i32.atomic.rmw16.add_u (i32.const 1) (i32.const 1)))",
            Trap::UnalignedAtomic,
            "I32AtomicRmw16AddU",
        ),
        case(
            "(drop (i64.atomic.rmw.cmpxchg offset=1 (i32.const 0) (i64.const 1) (i64.const 2)))",
            Trap::UnalignedAtomic,
            "I64AtomicRmwCmpxchg",
        ),
        case("(drop (i32.atomic.load (i32.const 65536)))", Trap::MemoryOutOfBounds, "I32AtomicLoad"),
        case("(drop (i64.atomic.rmw.xchg (i32.const -8) (i64.const 1)))", Trap::MemoryOutOfBounds, "I64AtomicRmwXchg"),
    ];
    for (ty, min) in [("i32", "0x80000000"), ("i64", "0x8000000000000000")] {
        for (op, end) in [("div_s", "DivS"), ("div_u", "DivU"), ("rem_s", "RemS"), ("rem_u", "RemU")] {
            let operator: &'static str = format!("{}{end}", ty.to_uppercase()).leak();
            let (zero, local) = (format!("({ty}.const 0)"), format!("(local.get ${ty})"));
            for (left, right) in [(&local, &zero), (&local, &local), (&zero, &zero), (&zero, &local)] {
                cases.push(case(&format!("(drop ({ty}.{op} {left} {right}))"), Trap::IntegerDivideByZero, operator));
            }
            if op == "div_s" {
                let body = format!(
                    "(local.set ${ty} ({ty}.const {min})) (drop ({ty}.{op} (local.get ${ty}) ({ty}.const -1)))"
                );
                cases.push(case(&body, Trap::IntegerOverflow, operator));
                let body = format!(
                    "(local.set ${ty} ({ty}.const -1)) (drop ({ty}.{op} ({ty}.const {min}) (local.get ${ty})))"
                );
                cases.push(case(&body, Trap::IntegerOverflow, operator));
            }
        }
    }
    cases
}

#[test]
fn operators_trap_where_they_are() {
    among_threads(|| {
        for Case { body, kind, operator } in operators() {
            // Two callers, one of which calls through a table.
            let wat = format!(
                r#"(module
                    (type $v (func))
                    (type $w (func (param i64)))
                    (memory 1)
                    (table $t 3 funcref)
                    (table $u 1 funcref)
                    (elem (table $t) (i32.const 0) func $other)
                    (elem (table $u) (i32.const 0) func $body)
                    (func $other (param i32))
                    (func $body (type $w) (local $i32 i32) (local $i64 i64) (nop) {body})
                    (func $middle (param i64 f64) (call_indirect $u (type $w) (local.get 0) (i32.const 0)))
                    (func (export "run") (nop) (call $middle (i64.const 1) (f64.const 2))))"#
            );
            for level in [Level::Plain, Level::Folded] {
                let [this, reference] = engines(|config| config.level(level)).map(|engine| {
                    let module = Module::new(&engine, &wat).unwrap();
                    let expected = vec![
                        (1, Some(place(module.bytes(), 1, operator))),
                        (2, Some(place(module.bytes(), 2, "CallIndirect"))),
                        (3, Some(place(module.bytes(), 3, "Call"))),
                    ];
                    let mut store = Store::new(&engine, ());
                    let instance = Instance::new(&mut store, &module, &[]).unwrap();
                    let first = frames(&run::<_, ()>(&mut store, instance, ()).unwrap_err());
                    assert_eq!(first, (Some(kind), expected), "{body} {level:?}");
                    for _ in 0..20 {
                        assert_eq!(frames(&run::<_, ()>(&mut store, instance, ()).unwrap_err()), first);
                    }
                    first
                });
                assert_eq!(this, reference, "{body}");
            }
        }
    });
}

/// Loads and stores: the operator, its parser's name, the type of what is stored, and its width.
const ACCESSES: [(&str, &str, Option<&str>, u64); 29] = [
    ("i32.load8_s", "I32Load8S", None, 1),
    ("i32.load8_u", "I32Load8U", None, 1),
    ("i32.load16_s", "I32Load16S", None, 2),
    ("i32.load16_u", "I32Load16U", None, 2),
    ("i32.load", "I32Load", None, 4),
    ("i64.load8_u", "I64Load8U", None, 1),
    ("i64.load16_s", "I64Load16S", None, 2),
    ("i64.load32_s", "I64Load32S", None, 4),
    ("i64.load32_u", "I64Load32U", None, 4),
    ("i64.load", "I64Load", None, 8),
    ("f32.load", "F32Load", None, 4),
    ("f64.load", "F64Load", None, 8),
    ("v128.load", "V128Load", None, 16),
    ("v128.load8x8_s", "V128Load8x8S", None, 8),
    ("v128.load8_splat", "V128Load8Splat", None, 1),
    ("v128.load32_splat", "V128Load32Splat", None, 4),
    ("v128.load64_zero", "V128Load64Zero", None, 8),
    ("i32.atomic.load8_u", "I32AtomicLoad8U", None, 1),
    ("i32.store8", "I32Store8", Some("i32"), 1),
    ("i32.store16", "I32Store16", Some("i32"), 2),
    ("i32.store", "I32Store", Some("i32"), 4),
    ("i64.store8", "I64Store8", Some("i64"), 1),
    ("i64.store16", "I64Store16", Some("i64"), 2),
    ("i64.store32", "I64Store32", Some("i64"), 4),
    ("i64.store", "I64Store", Some("i64"), 8),
    ("f32.store", "F32Store", Some("f32"), 4),
    ("f64.store", "F64Store", Some("f64"), 8),
    ("v128.store", "V128Store", Some("v128"), 16),
    ("i32.atomic.store8", "I32AtomicStore8", Some("i32"), 1),
];

/// A page of some kind of memory that is accessed.
struct Space {
    /// Its declarations; what is accessed is `$m`.
    memories: &'static str,
    /// The type of its addresses.
    ty: &'static str,
    explicit: bool,
}

const SPACES: [Space; 6] = [
    Space { memories: "(memory $m 1)", ty: "i32", explicit: false },
    Space { memories: "(memory $m 1)", ty: "i32", explicit: true },
    Space { memories: "(memory $m i64 1)", ty: "i64", explicit: false },
    Space { memories: "(memory 3) (memory $m 1)", ty: "i32", explicit: false },
    Space { memories: "(memory i64 3) (memory $m i64 1)", ty: "i64", explicit: true },
    Space { memories: "(memory $m 1 1 shared)", ty: "i32", explicit: false },
];

/// How an address comes about: static offset and expression, for a parameter that is lower than the address by a bias.
const FORMS: [(&str, &str, u64); 7] = [
    ("", "(local.get $p)", 0),
    ("offset=100", "(local.get $p)", 100),
    ("offset=65535", "(local.get $p)", 65535),
    ("", "({}.add (local.get $p) ({}.const 1000))", 1000),
    ("", "({}.add (local.get $p) (local.get $zero))", 0),
    ("offset=8", "({}.add (local.get $zero) (local.get $p))", 8),
    ("offset=70000", "(local.get $p)", 70000),
];

#[test]
fn accesses_trap_at_the_first_byte_outside() {
    const PAGE: u64 = 65536;
    among_threads(|| {
        for space in &SPACES {
            let mut functions = String::new();
            for (op, _, stored, _) in ACCESSES {
                for (offset, address, _) in FORMS {
                    let address = address.replace("{}", space.ty);
                    let access = match stored {
                        None => format!("(drop ({op} $m {offset} {address}))"),
                        Some("v128") => format!("({op} $m {offset} {address} (v128.const i64x2 -1 -1))"),
                        Some(ty) => format!("({op} $m {offset} {address} ({ty}.const -1))"),
                    };
                    functions += &format!("(func (param $p {0}) (local $zero {0}) (nop) {access})\n", space.ty);
                }
            }
            let count = ACCESSES.len() * FORMS.len();
            for index in 0..count {
                functions +=
                    &format!(r#"(func (export "{index}") (param {}) (nop) (call {index} (local.get 0)))"#, space.ty);
            }
            let wat = format!(r#"(module {} (export "m" (memory $m)) {functions})"#, space.memories);
            for level in [Level::Plain, Level::Folded] {
                let [this, reference] = engines(|config| config.level(level).explicit_bounds(space.explicit))
                    .map(|engine| Ran::new(&engine, &wat, space));
                for (access, (op, name, stored, width)) in ACCESSES.iter().enumerate() {
                    for (form, (.., bias)) in FORMS.iter().enumerate() {
                        let index = access * FORMS.len() + form;
                        let what = format!("{op} {:?} {} {level:?} {:?}", FORMS[form], space.memories, space.explicit);
                        let last = PAGE - width;
                        let mut both = [this.borrow(), reference.borrow()];
                        for ran in &mut both {
                            if last >= *bias {
                                assert_eq!(ran.call(index, last - bias), None, "{what}");
                            }
                            ran.clear();
                        }
                        for address in [last + 1, PAGE - 1, PAGE, PAGE + 1, 1 << 31, (1 << 32) - 1] {
                            let address = address.max(last + 1);
                            // Below the bias there is no parameter without a wrap, which a static offset does not have.
                            let Some(param) = address.checked_sub(*bias) else { continue };
                            let [this, reference] = both.each_mut().map(|ran| ran.call(index, param));
                            let offset = |func, operator: &str| Some(place(both[0].bytes, func as u32, operator));
                            let expected = vec![
                                (index as u32, offset(index, name)),
                                ((count + index) as u32, offset(count + index, "Call")),
                            ];
                            assert_eq!(this, Some((Some(Trap::MemoryOutOfBounds), expected)), "{what} {address:#x}");
                            assert_eq!(this, reference, "{what} {address:#x}");
                            if stored.is_some() {
                                assert!(both[0].is_clear() && both[1].is_clear(), "{what}: a part was stored");
                            }
                        }
                    }
                }
            }
        }
    });
}

/// An instance whose accesses are tried out.
struct Ran {
    store: std::cell::RefCell<Store<()>>,
    instance: Instance,
    memory: Option<Memory>,
    bytes: Vec<u8>,
    wide: bool,
}

impl Ran {
    fn new(engine: &Engine, wat: &str, space: &Space) -> Ran {
        let (mut store, instance) = instance_in(engine, wat);
        let memory = instance.get_memory(&mut store, "m");
        let bytes = Module::new(engine, wat).unwrap().bytes().to_vec();
        Ran { store: store.into(), instance, memory, bytes, wide: space.ty == "i64" }
    }

    fn borrow(&self) -> Borrowed<'_> {
        Borrowed { ran: self, bytes: &self.bytes }
    }
}

struct Borrowed<'a> {
    ran: &'a Ran,
    bytes: &'a [u8],
}

impl Borrowed<'_> {
    fn call(&mut self, index: usize, param: u64) -> Option<Stopped> {
        let mut store = self.ran.store.borrow_mut();
        let func = self.ran.instance.get_func(&mut *store, &index.to_string()).unwrap();
        let param = if self.ran.wide { Val::I64(param as i64) } else { Val::I32(param as i32) };
        func.call(&mut *store, &[param], &mut []).err().map(|error| frames(&error))
    }

    /// The last 16 bytes of the page; shared memories are not looked at.
    fn tail(&self, look: impl FnOnce(&mut [u8])) {
        let mut store = self.ran.store.borrow_mut();
        if let Some(memory) = self.ran.memory {
            look(&mut memory.data_mut(&mut *store).unwrap()[65536 - 16..65536]);
        }
    }

    fn clear(&self) {
        self.tail(|bytes| bytes.fill(0));
    }

    fn is_clear(&self) -> bool {
        let mut clear = true;
        self.tail(|bytes| clear = bytes.iter().all(|&byte| byte == 0));
        clear
    }
}

#[test]
fn addresses_do_not_wrap() {
    for (memory, ty, body) in [
        ("1", "i32", "(drop (i32.load offset=4294967295 (local.get 0)))"),
        ("1", "i32", "(drop (i64.load offset=4294967292 (local.get 0)))"),
        ("1", "i32", "(v128.store offset=4294967295 (local.get 0) (v128.const i64x2 1 1))"),
        ("1", "i32", "(drop (i32.load offset=65536 (i32.add (local.get 0) (i32.const 1))))"),
        ("i64 1", "i64", "(drop (i64.load offset=18446744073709551615 (local.get 0)))"),
        ("i64 1", "i64", "(drop (i32.load8_u offset=18446744073709551600 (local.get 0)))"),
        ("i64 1", "i64", "(f64.store offset=4294967296 (local.get 0) (f64.const 1))"),
        ("i64 1", "i64", "(drop (i32.atomic.load8_u offset=18446744073709551615 (local.get 0)))"),
    ] {
        let wat = format!(r#"(module (memory {memory}) (func (export "run") (param {ty}) {body}))"#);
        for level in [Level::Plain, Level::Folded] {
            for explicit in [false, true] {
                for engine in engines(|config| config.level(level).explicit_bounds(explicit)) {
                    let (mut store, instance) = instance_in(&engine, &wat);
                    for param in [0, 1, 16, 100, i64::from(i32::MAX), -1, -16] {
                        let func = instance.get_func(&mut store, "run").unwrap();
                        let param = if ty == "i64" { Val::I64(param) } else { Val::I32(param as i32) };
                        let called = func.call(&mut store, &[param], &mut []);
                        // A sum that wraps inside the address's type is the program's own.
                        if body.contains(".add") && param.i32() == Some(-1) {
                            continue;
                        }
                        let trap = called.err().and_then(|error| error.trap());
                        assert_eq!(trap, Some(Trap::MemoryOutOfBounds), "{body} {param:?} {level:?} {explicit}");
                    }
                }
            }
        }
    }
}

#[test]
fn backtraces_of_overflows_are_the_reference_tiers() {
    let wat = r#"(module
        (type $f (func (param i32)))
        (table funcref (elem $b))
        (func $a (export "run") (param i32) (local i64 i64 i64) (call $b (local.get 0)))
        (func $b (param i32) (local v128) (call_indirect (type $f) (local.get 0) (i32.const 0))
            (call $a (local.get 0))))"#;
    for level in [Level::Plain, Level::Folded] {
        let [this, reference] = engines(|config| config.level(level).max_stack(1 << 18)).map(|engine| {
            let (mut store, instance) = instance_in(&engine, wat);
            let error = run::<_, ()>(&mut store, instance, 1).unwrap_err();
            (frames(&error), error.backtrace().unwrap().omitted)
        });
        assert_eq!(this.0.0, Some(Trap::StackOverflow));
        assert_eq!(this, reference, "{level:?}");
        assert!(this.1 > 100, "{}", this.1);
    }
}

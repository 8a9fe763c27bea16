//! Holds the op table against wasmparser's list of operators, and checks that the table agrees with itself.

use std::collections::{BTreeMap, BTreeSet};

use terrace_abi::layout::{Field, Kind, Layout};
use terrace_abi::op::{REFUSED, STRUCTURAL};
use terrace_abi::{Form, Op, Shape, Ty};
use wasmparser::{BinaryReader, Operator, OperatorsReader};

/// Proposals that the table does not know at all.
const UNKNOWN_PROPOSALS: &[&str] = &[
    "acquire_release_atomics",
    "custom_descriptors",
    "legacy_exceptions",
    "memory_control",
    "shared_everything_threads",
    "stack_switching",
];

/// Operators of known proposals without a row: wasmparser parses it, no version of wasm validates it.
const UNKNOWN_OPERATORS: &[&str] = &["TypedSelectMulti"];

macro_rules! operator_list {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        /// (proposal, variant, visitor method) of every operator.
        const OPERATORS: &[(&str, &str, &str)] = &[$((stringify!($proposal), stringify!($op), stringify!($visit))),*];

        fn variant(operator: &Operator<'_>) -> &'static str {
            match operator {
                $(Operator::$op { .. } => stringify!($op),)*
                _ => "unlisted",
            }
        }
    };
}
wasmparser::for_each_operator!(operator_list);

macro_rules! method_list {
    (
        shapes { $($shape:ident { $($name:ident $snake:ident $text:literal $opcode:literal $feature:ident
            $params:tt -> $result:tt $traits:tt;)* })* }
        special { $($sname:ident $ssnake:tt $stext:literal $sopcode:tt $sfeature:ident $sargs:tt ext $ext:literal $straits:tt;)* }
        structural { $($uname:ident $usnake:ident $utext:literal $uopcode:literal $ufeature:ident;)* }
        refused { $($rname:ident $rsnake:ident $rtext:literal $ropcode:literal $rfeature:ident;)* }
    ) => {
        /// (name, opcode or `-`, snake name) of every row.
        const METHODS: &[(&str, &str, &str)] = &[
            $($((stringify!($name), stringify!($opcode), stringify!($snake)),)*)*
            $((stringify!($sname), stringify!($sopcode), stringify!($ssnake)),)*
            $((stringify!($uname), stringify!($uopcode), stringify!($usnake)),)*
            $((stringify!($rname), stringify!($ropcode), stringify!($rsnake)),)*
        ];
    };
}
terrace_abi::for_each_op!(method_list);

struct Row {
    name: String,
    text: &'static str,
    opcode: u32,
    feature: &'static str,
}

/// Every row that stands for a wasm operator.
fn rows() -> Vec<Row> {
    let ops = Op::ALL.iter().filter_map(|op| {
        let info = op.info();
        Some(Row { name: format!("{op:?}"), text: info.text, opcode: info.opcode?, feature: info.feature })
    });
    let others = STRUCTURAL.iter().chain(REFUSED);
    ops.chain(others.map(|o| Row { name: o.name.into(), text: o.text, opcode: o.opcode, feature: o.feature })).collect()
}

/// Every (op, form, layout).
fn layouts() -> impl Iterator<Item = (Op, Form, &'static Layout)> {
    Op::ALL
        .iter()
        .flat_map(|&op| (0..=Form::MASK).map(move |form| (op, Form(form))))
        .filter_map(|(op, form)| Some((op, form, op.layout(form)?)))
}

#[test]
fn every_known_operator_has_exactly_one_row() {
    let mut found = BTreeMap::<String, u32>::new();
    for row in rows() {
        *found.entry(row.name).or_default() += 1;
    }
    let mut expected = BTreeSet::new();
    for &(proposal, name, _) in OPERATORS {
        if !UNKNOWN_PROPOSALS.contains(&proposal) && !UNKNOWN_OPERATORS.contains(&name) {
            assert_eq!(found.get(name), Some(&1), "rows of {name} ({proposal})");
            expected.insert(name.to_string());
        }
    }
    let found: BTreeSet<_> = found.into_keys().collect();
    assert_eq!(found.difference(&expected).collect::<Vec<_>>(), Vec::<&String>::new(), "rows without an operator");
}

#[test]
fn what_is_unknown_exists() {
    for unknown in UNKNOWN_PROPOSALS {
        assert!(OPERATORS.iter().any(|o| o.0 == *unknown), "{unknown}");
    }
    for unknown in UNKNOWN_OPERATORS {
        assert!(OPERATORS.iter().any(|o| o.1 == *unknown), "{unknown}");
    }
}

#[test]
fn proposals_and_methods_are_wasmparsers() {
    let operators: BTreeMap<_, _> =
        OPERATORS.iter().map(|&(proposal, name, visit)| (name, (proposal, visit))).collect();
    for row in rows() {
        assert_eq!(operators[row.name.as_str()].0, row.feature, "{}", row.name);
    }
    for &(name, opcode, snake) in METHODS.iter().filter(|method| method.1 != "-") {
        assert_eq!(operators[name].1, format!("visit_{snake}"), "{name} {opcode}");
    }
}

#[test]
fn opcodes_decode_to_their_operators() {
    for row in rows() {
        let mut bytes = match row.name.as_str() {
            "Else" => vec![0x04, 0x40],
            _ => vec![],
        };
        let preceding = usize::from(!bytes.is_empty());
        match row.opcode >> 16 {
            0 => bytes.push(row.opcode as u8),
            prefix => {
                bytes.push(prefix as u8);
                let mut sub = row.opcode & 0xffff;
                while sub >= 0x80 {
                    bytes.push(sub as u8 | 0x80);
                    sub >>= 7;
                }
                bytes.push(sub as u8);
            }
        }
        if row.name == "TypedSelect" {
            bytes.extend([1, 0x7f]);
        }
        // Zeros are well-formed immediates of every other operator.
        bytes.extend([0; 32]);
        let mut reader = OperatorsReader::new(BinaryReader::new(&bytes, 0));
        for _ in 0..preceding {
            reader.read().expect("the preceding operator");
        }
        let operator = reader.read().unwrap_or_else(|error| panic!("{}: {error}", row.name));
        assert_eq!(variant(&operator), row.name);
    }
}

#[test]
fn texts_are_unique_but_for_operators_that_wasm_text_overloads() {
    let overloaded = ["select", "ref.test", "ref.cast"];
    let mut seen = BTreeSet::new();
    for row in rows().iter().filter(|row| !overloaded.contains(&row.text)) {
        assert!(seen.insert(row.text), "{}", row.text);
    }
}

#[test]
fn numbers_fit_the_op_field() {
    assert!(Op::ALL.len() << Form::BITS <= 1 << 16);
    for (index, &op) in Op::ALL.iter().enumerate() {
        assert_eq!(op as usize, index);
        assert_eq!(Op::from_index(index as u16), Some(op));
        assert!(op.layout(Form(0)).is_some(), "{op:?}");
    }
    assert_eq!(Op::from_index(Op::ALL.len() as u16), None);
}

/// (word, first bit, bits) of a field; word 0 is the instruction's first.
fn extent(field: Field) -> (u8, u32, u32) {
    match field {
        Field::D => (0, 16, 16),
        Field::A => (0, 32, 16),
        Field::B => (0, 48, 16),
        Field::W => (0, 32, 32),
        Field::E0 => (1, 0, 64),
        Field::E0L => (1, 0, 32),
        Field::E0H => (1, 32, 32),
        Field::E0Q0 => (1, 0, 16),
        Field::E0Q1 => (1, 16, 16),
        Field::E1 => (2, 0, 64),
        Field::E1L => (2, 0, 32),
        Field::E1H => (2, 32, 32),
    }
}

#[test]
fn fields_fit_and_do_not_overlap() {
    for (op, form, layout) in layouts() {
        let mut used = [0u64; 3];
        for operand in layout.operands {
            let (word, start, bits) = extent(operand.field);
            assert!(word <= layout.extensions, "{op:?} {form:?} {operand:?}");
            let mask = (u64::MAX >> (64 - bits)) << start;
            assert_eq!(used[word as usize] & mask, 0, "{op:?} {form:?} {operand:?}");
            used[word as usize] |= mask;
        }
        let extensions = used[1..].iter().filter(|bits| **bits != 0).count();
        assert_eq!(extensions, layout.extensions as usize, "{op:?} {form:?}");
    }
}

#[test]
fn fields_are_as_wide_as_their_operands() {
    for (op, form, layout) in layouts() {
        for operand in layout.operands {
            let bits = extent(operand.field).2;
            let fits = match operand.kind {
                Kind::Def | Kind::Use | Kind::Imm16 => bits == 16,
                Kind::Loop | Kind::Lane | Kind::Shift | Kind::Offset | Kind::Count => bits >= 16,
                Kind::Imm64 | Kind::Cell => bits == 64,
                _ => bits == 32,
            };
            assert!(fits, "{op:?} {form:?} {operand:?}");
        }
    }
}

#[test]
fn slot_operands_have_types() {
    for (op, form, layout) in layouts() {
        for operand in layout.operands {
            if matches!(operand.kind, Kind::Def | Kind::Use | Kind::DefRange | Kind::UseRange) {
                assert!(operand.ty(op.info()).is_some(), "{op:?} {form:?} {operand:?}");
            }
        }
    }
}

#[test]
fn branches_have_loops_and_targets() {
    for (op, form, layout) in layouts() {
        let has = |kind| layout.operands.iter().any(|operand| operand.kind == kind);
        if has(Kind::Target) {
            assert!(has(Kind::Loop), "{op:?} {form:?}");
        }
        let branches = op.info().shape == Shape::compare && (Form::BRANCH..=Form::BRANCH_NOT_IMM).contains(&form);
        assert_eq!(has(Kind::Target), branches || op == Op::Jump, "{op:?} {form:?}");
        if branches {
            let opposite = op.layout(form.opposite_branch()).expect("the opposite branch");
            assert!(
                std::ptr::eq(opposite.operands, layout.operands) || opposite.operands.len() == layout.operands.len()
            );
            assert_eq!(form.opposite_branch().opposite_branch(), form);
            assert_ne!(form.opposite_branch(), form);
        }
    }
}

#[test]
fn negation_and_exchange_are_involutions() {
    for &op in Op::ALL {
        let info = op.info();
        for partner in [op.negated(), op.swapped()].into_iter().flatten() {
            assert_eq!(partner.info().params, info.params, "{op:?}");
            assert!(partner.is_compare(), "{op:?}");
        }
        if let Some(negated) = op.negated() {
            assert_eq!(negated.negated(), Some(op));
            assert_ne!(negated, op);
        }
        if let Some(swapped) = op.swapped() {
            assert_eq!(swapped.swapped(), Some(op));
            assert_eq!(swapped == op, info.traits.commutative, "{op:?}");
        }
        if info.shape == Shape::compare {
            assert!(op.swapped().is_some(), "{op:?}");
            let integer = info.params.iter().all(|ty| matches!(ty, Ty::I32 | Ty::I64));
            let equality = info.traits.commutative;
            assert_eq!(op.negated().is_some(), integer || equality, "{op:?}");
        }
    }
}

macro_rules! integer_compares {
    (
        shapes { $($shape:ident { $($name:ident $snake:ident $text:literal $opcode:literal $feature:ident
            $params:tt -> $result:tt $traits:tt;)* })* }
        $($rest:tt)*
    ) => {
        /// What an integer compare means, on slot values.
        fn compare(op: Op, a: u64, b: u64) -> Option<bool> {
            $($(integer_compares!(@ $shape $params $name $snake op a b);)*)*
            None
        }
    };
    (@ compare (I32, I32) $name:ident $snake:ident $op:ident $a:ident $b:ident) => {
        if $op == Op::$name {
            return Some(terrace_abi::meaning::$snake($a as u32, $b as u32) != 0);
        }
    };
    (@ compare (I64, I64) $name:ident $snake:ident $op:ident $a:ident $b:ident) => {
        if $op == Op::$name {
            return Some(terrace_abi::meaning::$snake($a, $b) != 0);
        }
    };
    (@ $($other:tt)*) => {};
}
terrace_abi::for_each_op!(integer_compares);

#[test]
fn negation_and_exchange_mean_what_they_say() {
    let values = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, i64::MAX as u64, i64::MIN as u64, u64::MAX];
    let mut compares = 0;
    for &op in Op::ALL {
        for a in values {
            for b in values {
                let Some(holds) = compare(op, a, b) else { continue };
                compares += 1;
                assert_eq!(op.negated().and_then(|op| compare(op, a, b)), Some(!holds), "{op:?} {a:#x} {b:#x}");
                assert_eq!(op.swapped().and_then(|op| compare(op, b, a)), Some(holds), "{op:?} {a:#x} {b:#x}");
            }
        }
    }
    assert_eq!(compares, 20 * values.len() * values.len());
}

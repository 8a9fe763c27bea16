use terrace_abi::layout::Kind;
use terrace_abi::vm::{FRAME_CHARGE, InstanceRecord};
use terrace_abi::{Form, Op, Word};

use super::SlotKind::{FuncRef, HeapRef, V128, Word as Number};
use super::*;
use crate::bytecode::{Handler, ImportCounts, Loop, Positions, PositionsBuilder, ReferencesBuilder};

/// A module with: imported function 0 without parameters or results; function 1 `(heapref, number) -> heapref`; tag 0 with a
/// heap reference, tag 1 with a vector; globals 0 to 3 of each kind, the first imported; a table of funcrefs; an ordinary memory 0.
#[derive(Default)]
struct Types {
    own: Signature,
    locals: Vec<SlotKind>,
    long_memory: bool,
}

fn signature(params: &[SlotKind], results: &[SlotKind]) -> Signature {
    Signature { params: params.into(), results: results.into() }
}

impl CodeTypes for Types {
    fn signature(&self) -> Signature {
        self.own.clone()
    }
    fn locals(&self) -> Vec<SlotKind> {
        self.locals.clone()
    }
    fn imports(&self) -> ImportCounts {
        ImportCounts { functions: 1, globals: 1 }
    }
    fn function(&self, index: u32) -> Option<Signature> {
        [signature(&[], &[]), signature(&[HeapRef, Number], &[HeapRef])].get(index as usize).cloned()
    }
    fn function_type(&self, index: u32) -> Option<Signature> {
        self.function(index)
    }
    fn tag(&self, index: u32) -> Option<Vec<SlotKind>> {
        [vec![HeapRef], vec![V128]].get(index as usize).cloned()
    }
    fn global(&self, index: u32) -> Option<SlotKind> {
        [Number, V128, HeapRef, FuncRef].get(index as usize).copied()
    }
    fn table(&self, index: u32) -> Option<SlotKind> {
        (index == 0).then_some(FuncRef)
    }
    fn has_memory(&self, index: u32) -> bool {
        index == 0
    }
    fn short_memory(&self) -> bool {
        !self.long_memory
    }
    fn has_element(&self, index: u32) -> bool {
        index == 0
    }
    fn has_data(&self, index: u32) -> bool {
        index == 0
    }
}

const RETURN: Word = Word::new(Op::Return, Form::SLOTS, 0, 0, 0);

fn op(op: Op, d: u16, a: u16, b: u16) -> Word {
    Word::new(op, Form::SLOTS, d, a, b)
}

/// A function of these words, with wasm offsets where they are needed.
fn function(types: &Types, frame_slots: u32, code: &[Word]) -> Function {
    let mut positions = PositionsBuilder::default();
    for instruction in crate::bytecode::Instructions::new(code).flatten() {
        let traits = instruction.info().traits;
        if traits.traps || traits.calls {
            positions.push(instruction.pc, 1);
        }
    }
    let param_slots = effects::slots(&types.own.params);
    Function {
        code: code.into(),
        param_slots,
        result_slots: effects::slots(&types.own.results),
        local_slots: param_slots + effects::slots(&types.locals),
        frame_slots,
        charge: FRAME_CHARGE + 8 * frame_slots,
        positions: positions.finish(),
        ..Function::default()
    }
}

fn problem(types: &Types, function: &Function) -> Option<(u32, Problem)> {
    verify(function, types).err().map(|error| (error.pc, error.problem))
}

/// Records these (pc, slots) as the function's reference temporaries.
fn record(function: &mut Function, locals: &[u32], safepoints: &[(u32, &[u32])]) {
    let mut builder = ReferencesBuilder::default();
    locals.iter().for_each(|&slot| builder.locals(slot..slot + 1));
    for &(pc, slots) in safepoints {
        let top = slots.iter().fold(ReferencesBuilder::EMPTY, |below, &slot| builder.push(slot, below));
        builder.safepoint(pc, top);
    }
    function.references = builder.finish();
}

/// `loop { a += 1; if a < 10 continue }`, as the translator would lay it out.
fn counting() -> (Types, Function) {
    let types = Types { locals: vec![Number], ..Types::default() };
    let mut function = function(
        &types,
        1,
        &[
            Word::wide(Op::LoopHead, 1, 0),
            Word::new(Op::I32Add, Form::IMM16, 0, 0, 1),
            Word::new(Op::I32LtS, Form::BRANCH_IMM, 1, 0, 0),
            Word::pair(10, -1i32 as u32),
            RETURN,
        ],
    );
    function.loops = Box::new([Loop { head: 0, end: 4, parent: None, depth: 1 }]);
    (types, function)
}

#[test]
fn a_loop_is_valid() {
    let (types, function) = counting();
    assert_eq!(verify(&function, &types), Ok(Verified::Fully));
    assert_eq!(verify_within(&function, &types, 3), Ok(Verified::Skipped));
}

#[test]
fn back_edges_go_behind_their_loops_head() {
    let (types, mut broken) = counting();
    broken.code[3] = Word::pair(10, -2i32 as u32);
    assert_eq!(problem(&types, &broken), Some((2, Problem::NotBackEdge(0))));
    broken.code[3] = Word::pair(10, 1);
    assert_eq!(problem(&types, &broken), Some((2, Problem::Target(3))));
    broken.code[3] = Word::pair(10, 2);
    assert_eq!(problem(&types, &broken), Some((2, Problem::LoopDepth { found: 1, expected: 0 })));
    let (types, mut broken) = counting();
    broken.loops[0].depth = 2;
    assert_eq!(problem(&types, &broken), Some((0, Problem::Loop(0))));
    let (types, mut broken) = counting();
    broken.loops[0].end = 2;
    assert_eq!(problem(&types, &broken), Some((2, Problem::NotBackEdge(1))));
    broken.loops = Box::default();
    assert_eq!(problem(&types, &broken), Some((0, Problem::LoopHead)));
    let (types, mut broken) = counting();
    broken.code[0] = Word::wide(Op::LoopHead, 2, 0);
    assert_eq!(problem(&types, &broken), Some((0, Problem::LoopDepth { found: 2, expected: 1 })));
}

#[test]
fn entries_and_loops_are_counted_where_they_begin() {
    let types = Types::default();
    let count = |site| Word::wide(Op::Profile, 0, site);
    let code = [count(0), Word(0), Word::wide(Op::LoopHead, 1, 0), count(1), Word(0), RETURN];
    let mut counted = function(&types, 0, &code);
    counted.loops = Box::new([Loop { head: 2, end: 6, parent: None, depth: 1 }]);
    assert_eq!(problem(&types, &counted), None);
    for (pc, word) in [(0, count(1)), (3, count(0)), (3, count(2))] {
        let before = std::mem::replace(&mut counted.code[pc], word);
        assert_eq!(problem(&types, &counted), Some((pc as u32, Problem::Profile)));
        counted.code[pc] = before;
    }
    counted.code[4] = Word(8);
    assert_eq!(problem(&types, &counted), Some((3, Problem::Profile)));
}

#[test]
fn loops_nest() {
    let types = Types::default();
    let head = |depth, id| Word::wide(Op::LoopHead, depth, id);
    let mut nested = function(&types, 0, &[head(1, 0), head(2, 1), head(2, 2), RETURN]);
    let entry = |head, end, parent, depth| Loop { head, end, parent, depth };
    nested.loops = Box::new([entry(0, 4, None, 1), entry(1, 2, Some(0), 2), entry(2, 3, Some(0), 2)]);
    assert_eq!(problem(&types, &nested), None);
    nested.loops[2].parent = Some(1);
    assert_eq!(problem(&types, &nested), Some((2, Problem::Loop(2))));
    nested.loops[2].parent = Some(0);
    nested.loops[0].end = 2;
    assert_eq!(problem(&types, &nested), Some((2, Problem::Loop(2))));
}

#[test]
fn loops_are_entered_at_their_heads() {
    let types = Types::default();
    let code = [Word::wide(Op::Jump, 0, 2), Word::wide(Op::LoopHead, 1, 0), RETURN];
    let mut function = function(&types, 0, &code);
    function.loops = Box::new([Loop { head: 1, end: 3, parent: None, depth: 1 }]);
    assert_eq!(problem(&types, &function), Some((0, Problem::IntoLoop(2))));
    function.code[0] = Word::wide(Op::Jump, 0, 1);
    assert_eq!(problem(&types, &function), None);
}

#[test]
fn code_is_instructions_to_the_end() {
    let types = Types::default();
    assert_eq!(problem(&types, &function(&types, 0, &[])), Some((0, Problem::NoEnd)));
    let open = function(&types, 1, &[op(Op::Const32, 0, 0, 0)]);
    assert_eq!(problem(&types, &open), Some((1, Problem::NoEnd)));
    let cut = function(&types, 1, &[RETURN, op(Op::Const, 0, 0, 0)]);
    assert_eq!(problem(&types, &cut), Some((1, Problem::Decode(DecodeError::Truncated(1)))));
    let table = function(&types, 1, &[op(Op::BrTable, 0, 0, 0), Word(0)]);
    assert_eq!(problem(&types, &table), Some((0, Problem::Range(Kind::Count, 0))));
}

#[test]
fn frames_hold_what_the_code_touches() {
    let types = Types { own: signature(&[Number], &[V128]), ..Types::default() };
    let good = function(&types, 2, &[op(Op::I8x16Splat, 0, 0, 0), RETURN]);
    assert_eq!(problem(&types, &good), None);
    let outside = function(&types, 2, &[op(Op::I8x16Splat, 1, 0, 0), RETURN]);
    assert_eq!(problem(&types, &outside), Some((0, Problem::OutsideFrame(1))));
    let small = function(&types, 1, &[RETURN]);
    assert_eq!(problem(&types, &small), Some((0, Problem::Frame)));
    let mut cheap = good;
    cheap.charge = FRAME_CHARGE - 1;
    assert_eq!(problem(&types, &cheap), Some((0, Problem::Charge)));
}

#[test]
fn operands_are_in_range() {
    let types = Types { locals: vec![Number, V128], ..Types::default() };
    let check =
        |words: &[Word]| problem(&types, &function(&types, 3, &[words, &[RETURN]].concat())).map(|found| found.1);
    let index = |kind, value| Some(Problem::Index(kind, value));
    assert_eq!(check(&[op(Op::I8x16ExtractLaneS, 0, 1, 15)]), None);
    assert_eq!(check(&[op(Op::I8x16ExtractLaneS, 0, 1, 16)]), Some(Problem::Range(Kind::Lane, 16)));
    let load_lane = |lane| [op(Op::V128Load32Lane, 1, 0, 1), Word(0), Word::pair(0, lane)];
    assert_eq!(check(&load_lane(3)), None);
    assert_eq!(check(&load_lane(4)), Some(Problem::Range(Kind::Lane, 4)));
    let indexed = |shift| [Word::new(Op::I32Load, Form::INDEX, 0, 0, 0), Word::pair(0, shift)];
    assert_eq!(check(&indexed(31)), None);
    assert_eq!(check(&indexed(32)), Some(Problem::Range(Kind::Shift, 32)));
    assert_eq!(check(&[op(Op::Call, 0, 3, 0), Word(0)]), index(Kind::Func, 0));
    assert_eq!(check(&[op(Op::CallImport, 0, 3, 0), Word(1)]), index(Kind::Func, 1));
    assert_eq!(check(&[op(Op::Throw, 0, 3, 0), Word(9)]), index(Kind::Tag, 9));
    assert_eq!(check(&[op(Op::GlobalGet, 0, 9, 0)]), index(Kind::Global, 9));
    assert_eq!(check(&[op(Op::GlobalGet, 0, 1, 0)]), Some(Problem::GlobalWidth));
    let own = |op, displacement: i32| check(&[Word::wide(op, 0, displacement as u32)]);
    let [first, last] = [0, 2].map(InstanceRecord::own_global);
    assert_eq!(own(Op::GlobalGetOwnV128, first), None);
    assert_eq!(own(Op::GlobalGetOwn, first), Some(Problem::GlobalWidth));
    assert_eq!(own(Op::GlobalGetOwn, last), None);
    for outside in [0, 16, last - 16, last + 8, last - 1, i32::MIN, i32::MAX] {
        assert_eq!(own(Op::GlobalGetOwn, outside), Some(Problem::Index(Kind::OwnGlobal, outside as u64)), "{outside}");
    }
    assert_eq!(check(&[op(Op::MemorySize, 0, 1, 0)]), index(Kind::Memory, 1));
    assert_eq!(check(&[op(Op::TableSize, 0, 1, 0)]), index(Kind::Table, 1));
    assert_eq!(check(&[op(Op::ElemDrop, 0, 1, 0)]), index(Kind::Elem, 1));
    assert_eq!(check(&[op(Op::DataDrop, 0, 1, 0)]), index(Kind::Data, 1));
}

#[test]
fn short_forms_need_an_ordinary_memory() {
    let types = Types { locals: vec![Number], long_memory: true, ..Types::default() };
    let short = function(&types, 1, &[op(Op::I32Load, 0, 0, 0), RETURN]);
    assert_eq!(problem(&types, &short), Some((0, Problem::MemoryForm)));
    let any = function(&types, 1, &[Word::new(Op::I32Load, Form::ANY, 0, 0, 0), Word(0), Word(0), RETURN]);
    assert_eq!(problem(&types, &any), None);
}

#[test]
fn what_can_stop_has_an_offset() {
    let types = Types { locals: vec![Number], ..Types::default() };
    let mut function = function(&types, 1, &[op(Op::I32DivS, 0, 0, 0), RETURN]);
    assert_eq!(problem(&types, &function), None);
    function.positions = Positions::default();
    assert_eq!(problem(&types, &function), Some((0, Problem::NoPosition)));
    let mut builder = PositionsBuilder::default();
    [0, 7].iter().for_each(|&pc| builder.push(pc, 1));
    function.positions = builder.finish();
    assert_eq!(problem(&types, &function), Some((7, Problem::StrayPosition)));
}

#[test]
fn slots_are_written_before_they_are_read() {
    let types = Types { own: signature(&[Number], &[Number]), ..Types::default() };
    let unset = |slot| Problem::Kind { slot, expected: Expected::Value };
    let straight = function(&types, 2, &[op(Op::I32Add, 0, 0, 1), RETURN]);
    assert_eq!(problem(&types, &straight), Some((0, unset(1))));
    // Written on one way only.
    let mut code = vec![
        Word::new(Op::I32Eq, Form::BRANCH_IMM, 0, 0, 0),
        Word::pair(0, 3),
        Word::wide(Op::Const32, 1, 5),
        op(Op::I32Add, 0, 0, 1),
        RETURN,
    ];
    assert_eq!(problem(&types, &function(&types, 2, &code)), Some((3, unset(1))));
    code.insert(0, Word::wide(Op::Const32, 1, 6));
    assert_eq!(problem(&types, &function(&types, 2, &code)), None);
}

#[test]
fn vectors_are_read_whole() {
    let types = Types { locals: vec![V128, Number], ..Types::default() };
    let check = |code: &[Word]| problem(&types, &function(&types, 5, code)).map(|found| found.1);
    let half = Problem::Kind { slot: 1, expected: Expected::Value };
    assert_eq!(check(&[op(Op::Copy, 2, 1, 0), RETURN]), Some(half));
    let vector = |slot| Some(Problem::Kind { slot, expected: Expected::Is(V128) });
    assert_eq!(check(&[op(Op::V128Not, 0, 1, 0), RETURN]), vector(1));
    let clobbered = [op(Op::Copy, 1, 2, 0), op(Op::V128Not, 0, 0, 0), RETURN];
    assert_eq!(check(&clobbered), vector(0));
    let moved = |count| [Word::wide(Op::CopyRange, 0, count), Word::pair(3, 0), op(Op::V128Not, 0, 3, 0), RETURN];
    assert_eq!(check(&moved(2)), None);
    assert_eq!(check(&moved(1)), vector(3));
}

#[test]
fn references_are_no_numbers() {
    let types = Types { own: signature(&[FuncRef, HeapRef, Number], &[]), ..Types::default() };
    let check =
        |words: &[Word]| problem(&types, &function(&types, 8, &[words, &[RETURN]].concat())).map(|found| found.1);
    let wrong = |slot, expected| Some(Problem::Kind { slot, expected });
    assert_eq!(check(&[op(Op::RefAsNonNull, 0, 0, 0)]), None);
    assert_eq!(check(&[op(Op::RefAsNonNull, 0, 1, 0)]), None);
    assert_eq!(check(&[op(Op::RefAsNonNull, 0, 2, 0)]), wrong(2, Expected::Reference));
    assert_eq!(check(&[op(Op::ThrowRef, 0, 0, 0)]), wrong(0, Expected::Is(HeapRef)));
    assert_eq!(check(&[op(Op::TableSet, 0, 2, 0), Word(0)]), None);
    assert_eq!(check(&[op(Op::TableSet, 0, 2, 1), Word(0)]), wrong(1, Expected::Is(FuncRef)));
    assert_eq!(check(&[op(Op::GlobalSet, 1, 2, 0)]), None);
    assert_eq!(check(&[op(Op::GlobalSet, 1, 3, 0)]), wrong(1, Expected::Is(FuncRef)));
    assert_eq!(check(&[Word::wide(Op::CallRef, 0, 4), Word(0), Word(1)]), wrong(1, Expected::Is(FuncRef)));
    // Zero is null as well as a number; other constants are numbers.
    assert_eq!(check(&[Word::wide(Op::Const32, 4, 0), op(Op::GlobalSet, 4, 2, 0)]), None);
    assert_eq!(check(&[Word::wide(Op::Const32, 4, 1), op(Op::GlobalSet, 4, 2, 0)]), wrong(4, Expected::Is(HeapRef)));
}

#[test]
fn returns_fit_the_type() {
    let check = |results: &[SlotKind], words: &[Word]| {
        let types = Types { own: signature(&[Number, HeapRef], results), ..Types::default() };
        problem(&types, &function(&types, 4, words)).map(|found| found.1)
    };
    assert_eq!(check(&[Number], &[op(Op::ReturnOne, 0, 0, 0)]), None);
    let kind = |slot, expected| Some(Problem::Kind { slot, expected: Expected::Is(expected) });
    assert_eq!(check(&[Number], &[op(Op::ReturnOne, 0, 1, 0)]), kind(1, Number));
    assert_eq!(check(&[V128], &[op(Op::ReturnOne, 0, 0, 0)]), Some(Problem::Results));
    assert_eq!(check(&[], &[op(Op::ReturnConst, 0, 0, 0), Word(0)]), Some(Problem::Results));
    assert_eq!(check(&[HeapRef], &[op(Op::ReturnConst, 0, 0, 0), Word(0)]), None);
    assert_eq!(check(&[HeapRef], &[op(Op::ReturnConst, 0, 0, 0), Word(8)]), Some(Problem::Results));
    let range = |count| [Word::wide(Op::ReturnRange, 0, count), Word(0)];
    assert_eq!(check(&[Number, HeapRef], &range(2)), None);
    assert_eq!(check(&[Number, Number], &range(2)), kind(1, Number));
    assert_eq!(check(&[Number, HeapRef], &range(1)), Some(Problem::Results));
    assert_eq!(check(&[HeapRef], &[RETURN]), kind(0, HeapRef));
}

/// Keeps a heap reference in slot 1 across a call of function 1, whose arguments lie from slot 2 up.
fn across_a_call() -> (Types, Function) {
    let types = Types { own: signature(&[], &[HeapRef]), ..Types::default() };
    let function = function(
        &types,
        4,
        &[
            Word::wide(Op::GlobalGet, 1, 2),
            Word::wide(Op::GlobalGet, 2, 2),
            Word::wide(Op::Const32, 3, 7),
            Word::wide(Op::Call, 0, 2),
            Word(1),
            op(Op::RefAsNonNull, 0, 2, 0),
            op(Op::ReturnOne, 0, 1, 0),
        ],
    );
    (types, function)
}

#[test]
fn live_references_are_recorded() {
    let (types, mut function) = across_a_call();
    assert_eq!(problem(&types, &function), Some((3, Problem::MissingReference(1))));
    record(&mut function, &[], &[(3, &[1])]);
    assert_eq!(problem(&types, &function), None);
    // Nobody reads it any more: it may be recorded, but need not.
    function.code[6] = op(Op::ReturnOne, 0, 2, 0);
    assert_eq!(problem(&types, &function), None);
    record(&mut function, &[], &[]);
    assert_eq!(problem(&types, &function), None);
}

#[test]
fn recorded_references_are_references() {
    let (types, mut function) = across_a_call();
    // The argument's slot is the callee's while it runs.
    record(&mut function, &[], &[(3, &[1, 2])]);
    assert_eq!(problem(&types, &function), Some((3, Problem::StrayReference(2))));
    record(&mut function, &[], &[(3, &[1, 100])]);
    assert_eq!(problem(&types, &function), Some((3, Problem::StrayReference(100))));
    record(&mut function, &[0], &[(3, &[1])]);
    assert_eq!(problem(&types, &function), Some((3, Problem::StrayReference(0))));
}

#[test]
fn calls_clobber_the_slots_above_their_results() {
    let types = Types::default();
    let function = function(
        &types,
        3,
        &[
            Word::wide(Op::Const32, 1, 7),
            Word::wide(Op::CallImport, 0, 1),
            Word(0),
            op(Op::MemorySize, 0, 0, 0),
            op(Op::Copy, 0, 1, 0),
            RETURN,
        ],
    );
    assert_eq!(problem(&types, &function), Some((4, Problem::Kind { slot: 1, expected: Expected::Value })));
}

#[test]
fn a_references_liveness_goes_around_loops() {
    let types = Types { locals: vec![Number], ..Types::default() };
    let mut function = function(
        &types,
        2,
        &[
            Word::wide(Op::GlobalGet, 1, 2),
            Word::wide(Op::LoopHead, 1, 0),
            op(Op::RefAsNonNull, 0, 1, 0),
            Word::wide(Op::CallImport, 0, 2),
            Word(0),
            Word::new(Op::I32Eq, Form::BRANCH_IMM, 1, 0, 0),
            Word::pair(0, -3i32 as u32),
            RETURN,
        ],
    );
    function.loops = Box::new([Loop { head: 1, end: 7, parent: None, depth: 1 }]);
    assert_eq!(problem(&types, &function), Some((3, Problem::MissingReference(1))));
    record(&mut function, &[], &[(3, &[1])]);
    assert_eq!(problem(&types, &function), None);
}

/// Calls function 0 under a handler for tag 0 that returns the payload.
fn catching() -> (Types, Function) {
    let types = Types { own: signature(&[], &[HeapRef]), ..Types::default() };
    let mut function = function(
        &types,
        2,
        &[
            Word::wide(Op::CallImport, 0, 1),
            Word(0),
            Word::wide(Op::Const, 0, 0),
            Word(0),
            op(Op::ReturnOne, 0, 0, 0),
            op(Op::ReturnOne, 0, 1, 0),
        ],
    );
    function.handlers = Box::new([Handler { start: 0, end: 2, tag: Some(0), reference: false, target: 5, slot: 1 }]);
    (types, function)
}

#[test]
fn handlers_receive_their_payload() {
    let (types, mut function) = catching();
    assert_eq!(problem(&types, &function), None);
    function.handlers[0].slot = 0;
    let unset = Problem::Kind { slot: 1, expected: Expected::Is(HeapRef) };
    assert_eq!(problem(&types, &function), Some((5, unset)));
    function.handlers[0] = Handler { tag: None, reference: true, slot: 1, ..function.handlers[0] };
    assert_eq!(problem(&types, &function), None);
    function.handlers[0].reference = false;
    assert_eq!(problem(&types, &function), Some((5, unset)));
}

#[test]
fn handlers_are_well_formed() {
    let (types, mut function) = catching();
    let good = function.handlers[0];
    let mut check = |handlers: &[Handler]| {
        function.handlers = handlers.into();
        problem(&types, &function).map(|found| found.1)
    };
    assert_eq!(check(&[Handler { end: 1, ..good }]), Some(Problem::HandlerRange(0)));
    assert_eq!(check(&[Handler { start: 2, end: 0, ..good }]), Some(Problem::HandlerRange(0)));
    assert_eq!(check(&[Handler { target: 1, ..good }]), Some(Problem::Target(1)));
    assert_eq!(check(&[Handler { slot: 2, ..good }]), Some(Problem::OutsideFrame(2)));
    assert_eq!(check(&[Handler { tag: Some(1), ..good }]), Some(Problem::OutsideFrame(1)));
    assert_eq!(check(&[Handler { tag: Some(2), ..good }]), Some(Problem::Index(Kind::Tag, 2)));
    let wide = Handler { end: 4, ..good };
    assert_eq!(check(&[good, wide]), None);
    assert_eq!(check(&[wide, good]), Some(Problem::HandlerOrder(1)));
    assert_eq!(check(&[wide, Handler { start: 2, end: 5, ..good }]), Some(Problem::HandlerOrder(1)));
}

#[test]
fn thrown_references_are_recorded() {
    let types = Types { own: signature(&[HeapRef], &[]), ..Types::default() };
    let mut function = function(&types, 2, &[op(Op::Copy, 1, 0, 0), Word::wide(Op::Throw, 0, 1), Word(0)]);
    record(&mut function, &[0], &[]);
    assert_eq!(problem(&types, &function), Some((1, Problem::MissingReference(1))));
    record(&mut function, &[0], &[(1, &[1])]);
    assert_eq!(problem(&types, &function), None);
}

#[test]
fn selects_keep_the_kind_of_what_they_choose_from() {
    let types = Types { own: signature(&[HeapRef, FuncRef, Number], &[]), ..Types::default() };
    let check = |a: u16, b: u16, words: &[Word]| {
        let select = [Word::new(Op::I32Eq, Form::SELECT_IMM, 3, a, b), Word::quad([2, 0, 0, 0])];
        problem(&types, &function(&types, 5, &[&select, words, &[RETURN]].concat())).map(|found| found.1)
    };
    let store = [op(Op::GlobalSet, 3, 2, 0)];
    let wrong = Some(Problem::Kind { slot: 3, expected: Expected::Is(HeapRef) });
    assert_eq!(check(0, 0, &store), None);
    assert_eq!(check(0, 1, &store), wrong);
    assert_eq!(check(2, 2, &store), wrong);
}

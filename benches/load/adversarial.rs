//! Inputs that cost a naive translator more than linear time: what is pending on the operand stack meets what changes it.

use wasm_encoder::{
    BlockType, Catch, CodeSection, Function, FunctionSection, Instruction as I, Module, TagKind, TagSection, TagType,
    TypeSection, ValType,
};

/// A name, and a generator of a module of about so many repetitions of a pattern.
pub type Input = (&'static str, fn(usize) -> Vec<u8>);

pub const INPUTS: &[Input] = &[
    ("pending gets x sets", gets_and_sets),
    ("pending reference gets x sets", reference_gets_and_sets),
    ("pending gets under blocks", gets_under_blocks),
    ("nested blocks", nested_blocks),
    ("nested loops, each with a branch", nested_loops),
    ("br_table, two labels", br_table),
    ("br_table over nested blocks", br_table_over_blocks),
    ("many branches with 100 values", branches_with_values),
    ("nested try_tables", nested_try_tables),
    ("far v128 locals", far_locals),
    ("functions with 1,000 locals", functions_with_locals),
];

/// A module whose types are `[] -> []`, `[] -> [i32 x 100]`, with a tag of type 0 and one function of type 0 for each body.
fn module(bodies: &[Function]) -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function([], [ValType::I32; 100]);
    module.section(&types);
    let mut functions = FunctionSection::new();
    bodies.iter().for_each(|_| {
        functions.function(0);
    });
    module.section(&functions);
    let mut tags = TagSection::new();
    tags.tag(TagType { kind: TagKind::Exception, func_type_idx: 0 });
    module.section(&tags);
    let mut code = CodeSection::new();
    bodies.iter().for_each(|body| {
        code.function(body);
    });
    module.section(&code);
    module.finish()
}

fn body(locals: &[(u32, ValType)], emit: impl FnOnce(&mut Function)) -> Function {
    let mut function = Function::new(locals.iter().copied());
    emit(&mut function);
    function.instruction(&I::End);
    function
}

fn one(locals: &[(u32, ValType)], emit: impl FnOnce(&mut Function)) -> Vec<u8> {
    module(&[body(locals, emit)])
}

/// A module with this many empty functions.
pub fn many_functions(count: u32) -> Vec<u8> {
    let empty = body(&[], |_| {});
    module(&vec![empty; count as usize])
}

fn repeat(f: &mut Function, count: usize, instructions: &[I<'_>]) {
    for _ in 0..count {
        for instruction in instructions {
            f.instruction(instruction);
        }
    }
}

fn gets_and_sets(n: usize) -> Vec<u8> {
    one(&[(2, ValType::I32)], |f| {
        repeat(f, n, &[I::LocalGet(0), I::LocalGet(1)]);
        repeat(f, n, &[I::I32Const(1), I::LocalSet(0), I::I32Const(2), I::LocalSet(1), I::LocalGet(0)]);
        repeat(f, 3 * n, &[I::Drop]);
    })
}

fn reference_gets_and_sets(n: usize) -> Vec<u8> {
    one(&[(50, ValType::EXTERNREF)], |f| {
        (0..n).for_each(|i| repeat(f, 1, &[I::LocalGet((i % 50) as u32)]));
        for i in 0..n {
            let (set, get) = ((i % 50) as u32, ((i + 1) % 50) as u32);
            repeat(f, 1, &[I::RefNull(wasm_encoder::HeapType::EXTERN), I::LocalSet(set), I::LocalGet(get)]);
        }
        repeat(f, 2 * n, &[I::Drop]);
    })
}

fn gets_under_blocks(n: usize) -> Vec<u8> {
    one(&[(1, ValType::I32)], |f| {
        repeat(f, n, &[I::LocalGet(0)]);
        repeat(f, n, &[I::Block(BlockType::Empty), I::LocalGet(0), I::BrIf(0), I::End]);
        repeat(f, n, &[I::Drop]);
    })
}

fn nested_blocks(n: usize) -> Vec<u8> {
    one(&[(1, ValType::I32)], |f| {
        repeat(f, n, &[I::LocalGet(0), I::Block(BlockType::Empty)]);
        repeat(f, n, &[I::End, I::Drop]);
    })
}

fn nested_loops(n: usize) -> Vec<u8> {
    one(&[(1, ValType::I32)], |f| {
        repeat(f, n, &[I::Loop(BlockType::Empty)]);
        repeat(f, n, &[I::LocalGet(0), I::BrIf(0), I::End]);
    })
}

fn br_table(n: usize) -> Vec<u8> {
    one(&[(1, ValType::I32)], |f| {
        let targets: Vec<u32> = (0..n).map(|i| (i % 2) as u32).collect();
        repeat(f, 1, &[I::Block(BlockType::Empty), I::LocalGet(0), I::BrTable(targets.into(), 0), I::End]);
    })
}

fn br_table_over_blocks(n: usize) -> Vec<u8> {
    one(&[(1, ValType::I32)], |f| {
        repeat(f, n, &[I::Block(BlockType::Empty)]);
        let targets: Vec<u32> = (0..n as u32).collect();
        repeat(f, 1, &[I::LocalGet(0), I::BrTable(targets.into(), 0)]);
        repeat(f, n, &[I::End]);
    })
}

fn branches_with_values(n: usize) -> Vec<u8> {
    one(&[(1, ValType::I32)], |f| {
        repeat(f, 1, &[I::I32Const(0), I::Block(BlockType::FunctionType(1)), I::I32Const(7)]);
        repeat(f, 100, &[I::I32Const(1)]);
        repeat(f, n / 10, &[I::LocalGet(0), I::BrIf(0)]);
        repeat(f, 1, &[I::Br(0), I::End]);
        repeat(f, 101, &[I::Drop]);
    })
}

fn nested_try_tables(n: usize) -> Vec<u8> {
    one(&[], |f| {
        f.instruction(&I::Block(BlockType::Empty));
        let catch = || I::TryTable(BlockType::Empty, vec![Catch::All { label: 0 }].into());
        (0..n).for_each(|_| {
            f.instruction(&catch());
        });
        f.instruction(&I::Throw(0));
        repeat(f, n + 1, &[I::End]);
    })
}

fn far_locals(n: usize) -> Vec<u8> {
    one(&[(50_000, ValType::V128)], |f| {
        for i in 0..n {
            repeat(f, 1, &[I::LocalGet((i % 50_000) as u32), I::LocalSet(((i * 7 + 3) % 50_000) as u32)]);
        }
    })
}

fn functions_with_locals(n: usize) -> Vec<u8> {
    let function = body(&[(1_000, ValType::I64)], |f| repeat(f, 10, &[I::LocalGet(999), I::LocalSet(0)]));
    module(&vec![function; n / 100])
}

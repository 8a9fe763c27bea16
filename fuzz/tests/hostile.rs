//! Translation takes time in proportion to validation, whatever the module looks like.

use std::sync::Arc;
use std::time::{Duration, Instant};

use terrace_core::bytecode::Level;
use terrace_core::runtime::{Config, Engine, Module, Translation};
use terrace_reference::Reference;
use wasm_encoder::{
    BlockType, Catch, CodeSection, Encode, Function, FunctionSection, Instruction as I, TagKind, TagSection, TagType,
    TypeSection, ValType,
};

/// Instructions per body, about.
const SIZE: u32 = 200_000;

/// A module of so many functions with these locals and this body. Type 0 has no parameters, type 1 takes and gives many.
fn module(locals: &[(u32, ValType)], body: &[I<'_>], copies: u32) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function([ValType::I32; 500], [ValType::I32; 500]);
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut function = Function::new(locals.iter().copied());
    let mut bytes = Vec::new();
    body.iter().for_each(|instruction| instruction.encode(&mut bytes));
    function.raw(bytes);
    function.instructions().end();
    for _ in 0..copies {
        functions.function(0);
        code.function(&function);
    }
    let mut tags = TagSection::new();
    tags.tag(TagType { kind: TagKind::Exception, func_type_idx: 0 });
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&tags).section(&code);
    module.finish()
}

fn repeat<'a>(count: u32, instructions: &[I<'a>]) -> Vec<I<'a>> {
    instructions.iter().cycle().take(count as usize * instructions.len()).cloned().collect()
}

fn engine(level: Level) -> Engine {
    let config = Config { level, translation: Translation::Eager, fuel: true, polls: true, ..Config::default() };
    Engine::new(config, Arc::new(Reference)).unwrap()
}

fn check(name: &str, wasm: &[u8]) {
    for level in [Level::Plain, Level::Folded] {
        let engine = engine(level);
        let start = Instant::now();
        if let Err(error) = Module::validate(&engine, wasm) {
            panic!("{name}: {error}");
        }
        let validated = start.elapsed();
        let start = Instant::now();
        Module::new(&engine, wasm).unwrap();
        let translated = start.elapsed();
        println!("{name} {level:?}: {} bytes, validated in {validated:?}, translated in {translated:?}", wasm.len());
        // Generous, as tests run beside one another on machines that do other things.
        assert!(
            translated < 60 * validated + Duration::from_millis(500),
            "{name} {level:?}: {validated:?}, {translated:?}"
        );
    }
}

const INT: &[(u32, ValType)] = &[(4, ValType::I32)];

#[test]
fn pending_locals() {
    let gets_and_sets = [repeat(SIZE, &[I::LocalGet(0)]), repeat(SIZE, &[I::LocalSet(0)])].concat();
    check("gets, then sets", &module(INT, &gets_and_sets, 1));
    let mut body = repeat(SIZE, &[I::LocalGet(0), I::I32Const(1), I::LocalSet(0)]);
    body.push(I::Unreachable);
    check("each get is preserved", &module(INT, &body, 1));
    let mut body = repeat(SIZE, &[I::LocalGet(0)]);
    body.extend(repeat(SIZE, &[I::LocalGet(1), I::LocalSet(1), I::Block(BlockType::Empty), I::End]));
    body.push(I::Unreachable);
    check("many pending below blocks", &module(INT, &body, 1));
    let mut body = repeat(SIZE, &[I::I32Const(7)]);
    body.extend(repeat(SIZE, &[I::LocalGet(0), I::Block(BlockType::Empty), I::End, I::LocalSet(0)]));
    body.push(I::Unreachable);
    check("many constants below blocks", &module(INT, &body, 1));
}

#[test]
fn pending_references() {
    let locals: &[_] = &[(2, ValType::EXTERNREF), (2, ValType::I32)];
    let mut body = repeat(SIZE, &[I::LocalGet(0), I::LocalGet(2), I::LocalGet(1)]);
    body.extend(repeat(SIZE, &[I::LocalGet(1), I::LocalSet(0), I::LocalGet(3), I::LocalSet(2)]));
    body.push(I::Unreachable);
    check("references and numbers", &module(locals, &body, 1));
    let mut body = repeat(SIZE, &[I::LocalGet(0), I::LocalGet(1), I::LocalSet(0)]);
    body.push(I::Unreachable);
    check("each reference is preserved", &module(locals, &body, 1));
}

#[test]
fn nesting() {
    let ends = repeat(SIZE, &[I::End]);
    for (name, open) in [("blocks", I::Block(BlockType::Empty)), ("loops", I::Loop(BlockType::Empty))] {
        check(name, &module(INT, &[repeat(SIZE, &[open]), ends.clone()].concat(), 1));
    }
    let branches = repeat(SIZE, &[I::Block(BlockType::Empty), I::LocalGet(0), I::BrIf(0), I::LocalGet(0), I::BrIf(1)]);
    check("branches", &module(INT, &[branches, ends.clone()].concat(), 1));
    let clauses = vec![Catch::One { tag: 0, label: 0 }, Catch::All { label: 0 }, Catch::All { label: 1 }];
    let open = [I::Block(BlockType::Empty), I::TryTable(BlockType::Empty, clauses.into())];
    let body = [repeat(SIZE / 4, &open), vec![I::Throw(0)], repeat(SIZE / 2, &[I::End])].concat();
    check("try_table", &module(INT, &body, 1));
}

#[test]
fn many_values() {
    let mut body = repeat(500, &[I::LocalGet(0)]);
    let many = BlockType::FunctionType(1);
    body.extend(repeat(5000, &[I::Block(many), I::LocalGet(0), I::BrIf(0), I::End]));
    body.extend(repeat(2000, &[I::LocalGet(1), I::If(many), I::Else, I::Br(0), I::End]));
    body.push(I::Unreachable);
    check("blocks of 500 values", &module(INT, &body, 1));
    let mut body = repeat(500, &[I::LocalGet(0)]);
    body.extend([I::Block(many), I::Block(many)]);
    let targets: Vec<u32> = (0..20_000).map(|i| i % 2).collect();
    body.extend([I::LocalGet(1), I::BrTable(targets.into(), 0), I::End, I::End, I::Unreachable]);
    check("br_table with 500 values", &module(INT, &body, 1));
}

#[test]
fn tables() {
    let targets: Vec<u32> = (0..100_000).map(|i| i % 100).collect();
    let mut body = repeat(100, &[I::Block(BlockType::Empty)]);
    body.extend([I::LocalGet(0), I::BrTable(targets.into(), 3)]);
    body.extend(repeat(100, &[I::End]));
    check("one br_table", &module(INT, &body, 1));
}

/// Each function costs a table of its locals while it is translated, and nothing of that stays.
#[test]
fn many_locals() {
    let locals = [(25_000, ValType::I64), (25_000, ValType::EXTERNREF)];
    let wasm = module(&locals, &[I::LocalGet(49_999), I::Drop], 2000);
    let engine = engine(Level::Folded);
    let module = Module::new(&engine, wasm).unwrap();
    for func in 0..module.defined_funcs() {
        let function = module.code(func).unwrap();
        assert!(function.local_uses.len() <= 1);
        assert_eq!(function.references.locals().count(), 25_000);
    }
}

//! The handlers as tools see them: symbols for profilers and debuggers, and frames that unwinders walk through.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod vm;

use std::backtrace::Backtrace;
use std::cell::RefCell;

use object::{Object, ObjectSymbol, SymbolKind};
use terrace_core::bytecode::Level;
use terrace_core::runtime::types::FuncType;
use terrace_core::runtime::{Extern, HostFunc, Store};
use terrace_interp::probe;
use vm::{call, engine, module, store};

#[test]
fn symbols_name_all_of_the_text() {
    let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let file = object::File::parse(&*file).unwrap();
    let symbol = |symbol: object::Symbol<'_, '_>| {
        let name = symbol.name().ok()?.strip_prefix("terrace_interp_")?.to_owned();
        (symbol.kind() == SymbolKind::Text).then(|| (symbol.address(), symbol.size(), name))
    };
    let mut symbols: Vec<_> = file.symbols().filter_map(symbol).collect();
    symbols.sort();
    assert!(symbols.len() > 5000, "{}", symbols.len());
    let start = file.symbols().find(|symbol| symbol.name() == Ok("terrace_interp")).unwrap().address();
    assert_eq!(symbols[0].0, start);
    let mut end = start;
    for (address, size, name) in &symbols {
        assert!(*size > 0, "{name}");
        // Pieces are aligned, and nothing else lies between them.
        assert!((end..end + 16).contains(address), "{name} does not follow what is before it");
        end = address + size;
    }
    for name in ["start", "helper", "trap_MemoryOutOfBounds", "exit", "probed", "site"] {
        assert!(symbols.iter().any(|symbol| symbol.2 == name), "{name}");
    }
    for op in ["i32_add_", "f64_mul_", "i64_load_", "call_indirect_", "i8x16_shuffle_", "loop_head_"] {
        assert!(symbols.iter().any(|symbol| symbol.2.starts_with(op)), "{op}");
    }
}

thread_local! {
    static TRACE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn trace() {
    TRACE.with_borrow_mut(|traces| traces.push(Backtrace::force_capture().to_string()));
}

/// The native frames between a host function or probe and the test are all there.
#[test]
fn unwinders_walk_through_handlers() {
    let engine = engine(Level::Folded);
    let wat = r#"(module (import "" "host" (func $host (param i64)))
        (func $inner (param i64) (result i64) (call $host (local.get 0)) (local.get 0))
        (func (export "run") (param i64) (result i64) (i64.mul (call $inner (local.get 0)) (i64.const 3))))"#;
    let module = module(&engine, wat);
    let mut store = store(&engine);
    let ty = FuncType::new([terrace_core::runtime::types::ValType::I64], []);
    let host = HostFunc::new(&engine, ty, |_: &mut Store, _, _: &mut [u64]| {
        trace();
        Ok(())
    });
    let host = store.add_host_func(host.unwrap()).unwrap();
    let instance = store.instantiate(&module, &[Extern::Func(host)]).unwrap();
    for probed in [false, true] {
        probe::set(&mut store, probed.then_some((|_| trace()) as fn(&Store)));
        assert_eq!(call(&mut store, instance, "run", &[5], 1).unwrap(), [15]);
        let traces = TRACE.take();
        assert_eq!(traces.len() > 1, probed);
        for text in traces {
            let handlers = text.find(": terrace_interp_").unwrap_or_else(|| panic!("no handler in\n{text}"));
            let below = &text[handlers..];
            assert!(below.contains("Store") && below.contains("unwinders_walk_through_handlers"), "{text}");
        }
    }
}

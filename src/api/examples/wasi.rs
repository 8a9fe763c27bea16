//! A WASI program that gets an argument, an environment variable, a read-only directory and a pipe for its output.

use std::error::Error;

use terrace::{Engine, Linker, Module, Store};
use terrace_wasi::{FsPerms, MemoryOutputPipe, WasiCtx, WasiCtxBuilder, add_to_linker};

/// Says hello on standard output through `fd_write`.
const PROGRAM: &str = r#"
    (module
        (import "wasi_snapshot_preview1" "fd_write"
            (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\08\00\00\00\0e\00\00\00hello, world!\n")
        (func (export "_start")
            (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))))
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::default();
    let module = Module::new(&engine, PROGRAM)?;

    // The program reaches what is named here, and nothing else.
    let output = MemoryOutputPipe::new(4096);
    let wasi: WasiCtx = WasiCtxBuilder::new()
        .arg("hello")
        .env("LANGUAGE", "en")
        .stdout(output.clone())
        .preopened_dir(".", "/data", FsPerms::ReadOnly)?
        .build()?;

    let mut linker: Linker<WasiCtx> = Linker::new(&engine);
    add_to_linker(&mut linker, |wasi| wasi)?;
    let mut store = Store::new(&engine, wasi);
    let instance = linker.instantiate(&mut store, &module)?;
    instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())?;

    let text = String::from_utf8(output.contents())?;
    print!("{text}");
    assert_eq!(text, "hello, world!\n");
    Ok(())
}

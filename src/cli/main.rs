//! tmp
#![allow(dead_code, unused)]
mod args; mod failure; mod features; mod inspect; mod load; mod stats; mod disasm;
mod engine { pub fn features(_: Option<&str>) -> crate::failure::Result<wasmparser::WasmFeatures> { Ok(wasmparser::WasmFeatures::WASM3) }
 impl From<crate::args::Level> for terrace_core::bytecode::Level { fn from(l: crate::args::Level) -> Self { match l { crate::args::Level::Plain => Self::Plain, _ => Self::Folded } } } }
fn main() { use clap::Parser; let cli = args::Cli::parse(); let mut out = std::io::stdout().lock();
 let r = match cli.command { args::Command::Inspect(a) => inspect::inspect(&a, &mut out), args::Command::Disasm(a) => disasm::disasm(&a, &mut out), c => {println!("{c:?}"); Ok(())} };
 if let Err(e) = r { eprintln!("error: {}", e.message); std::process::exit(e.code) } }

//! Functions as wasm beside their bytecode, and below that their machine code.
//!
//! Bytecode knows the wasm operator of every instruction that can stop; those are the rows where both columns meet. What lies
//! between two of them stands above the second, as operands come before their operator.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::ops::Range;
use std::path::Path;

use terrace_core::bytecode::{CodeConfig, Function, ImportCounts, Instructions, disassemble};
use terrace_core::runtime::Config;
use terrace_core::tier::policies::PolicySpec;
use terrace_core::translate::{TranslateError, translate};
use wasmparser::{ExternalKind, KnownCustom, Name, Parser, Payload, ValidPayload, Validator, WasmFeatures};
use wasmprinter::Print;

use crate::args::{DisasmArgs, DisasmTier};
use crate::engine;
use crate::failure::{Failure, Result};
use crate::load::load;

/// Runs `terrace disasm`.
pub fn disasm(args: &DisasmArgs, out: &mut dyn Write) -> Result<()> {
    let bytes = load(&args.file)?;
    let features = engine::features(args.features.as_deref())?;
    let config =
        Config { level: args.level.into(), features, policy: Some(PolicySpec::default()), ..Config::default() };
    let at_file = |error: &dyn std::fmt::Display| Failure::file(&args.file, error);
    let wanted = args.func.as_deref().map(|func| find(&bytes, func).map_err(|error| at_file(&error))).transpose()?;
    let mut functions = translated(&bytes, wanted, features, config.code()).map_err(|error| at_file(&error))?;
    if args.tier == DisasmTier::Jit {
        compile(&bytes, config, &mut functions).map_err(|error| at_file(&error))?;
    }
    if let Some(index) = wanted
        && functions.is_empty()
    {
        return Err(at_file(&format_args!("function {index} is imported or does not exist")));
    }
    write_functions(&args.file, &bytes, features, functions, out)
}

/// Writes functions of the module in `file`.
fn write_functions(
    file: &Path,
    bytes: &[u8],
    features: WasmFeatures,
    functions: Vec<Translated>,
    out: &mut dyn Write,
) -> Result<()> {
    let mut functions = functions.into_iter();
    let current = functions.next();
    let mut printer = Printer { functions, current, out, line: Line::default(), lines: Vec::new() };
    match wasmprinter::Config::new().features(features).print(bytes, &mut printer) {
        Err(_) if printer.current.is_none() => Ok(()),
        Err(error) => {
            Err(error.downcast::<io::Error>().map_or_else(|error| Failure::file(file, error), Failure::output))
        }
        Ok(()) => printer.finish().map_err(Failure::output),
    }
}

/// The index of the function that a user means: an index, or a name from the name section or of an export.
fn find(bytes: &[u8], func: &str) -> Result<u32, String> {
    if let Ok(index) = func.parse() {
        return Ok(index);
    }
    let wanted = func.strip_prefix('$').unwrap_or(func);
    let mut names = HashMap::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| error.to_string())? {
            Payload::ExportSection(section) => {
                let exports = section.into_iter().filter_map(|export| export.ok());
                let functions = exports.filter(|export| export.kind == ExternalKind::Func);
                names.extend(functions.map(|export| (export.name, export.index)));
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    for name in section {
                        if let Ok(Name::Function(map)) = name {
                            for naming in map.into_iter().filter_map(|naming| naming.ok()) {
                                names.entry(naming.name).or_insert(naming.index);
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    names.get(wanted).copied().ok_or_else(|| format!("no function is named {func}"))
}

/// A function's machine code, line by line.
pub struct Listing {
    /// What runs first.
    pub entry: Vec<String>,
    /// What each instruction does where it lies.
    pub body: BTreeMap<u32, Vec<String>>,
    /// What is seldom run, behind the rest.
    pub cold: Vec<Cold>,
    /// Bytes of machine code, constants included.
    pub bytes: usize,
}

/// A piece of code that is seldom run.
pub struct Cold {
    /// What kind of code this is.
    pub kind: &'static str,
    /// The instruction that it is for.
    pub pc: Option<u32>,
    pub lines: Vec<String>,
}

/// A function that is to be shown.
struct Translated {
    /// Its index, imports included.
    index: u32,
    /// Where its body is in the binary.
    body: Range<u64>,
    code: Result<Function, TranslateError>,
    /// If it is asked for.
    machine: Option<Listing>,
}

/// Adds the machine code of functions that could be translated.
#[cfg(target_arch = "x86_64")]
fn compile(bytes: &[u8], config: Config, functions: &mut [Translated]) -> Result<(), String> {
    use std::sync::Arc;
    use terrace_core::runtime::{Engine, Module};

    let engine = Engine::new(config, Arc::new(terrace_jit::Tiered)).map_err(|error| error.to_string())?;
    let module = Module::new(&engine, bytes).map_err(|error| error.to_string())?;
    for function in functions {
        let Ok(code) = &function.code else { continue };
        let compiled = terrace_jit::compile_mapped(&module, function.index - module.imported_funcs());
        let compiled = compiled.map_err(|error| error.to_string())?;
        function.machine = Some(crate::machine::listing(&module, code, &compiled));
    }
    Ok(())
}

/// Refuses to show what this program has no disassembler for.
#[cfg(not(target_arch = "x86_64"))]
fn compile(_: &[u8], _: Config, _: &mut [Translated]) -> Result<(), String> {
    Err(format!("machine code of {} cannot be shown", std::env::consts::ARCH))
}

/// The wanted function, or all, in order.
fn translated(
    bytes: &[u8],
    wanted: Option<u32>,
    features: WasmFeatures,
    config: CodeConfig,
) -> Result<Vec<Translated>, TranslateError> {
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut validator = Validator::new_with_features(features);
    let mut imports = ImportCounts::default();
    let mut functions = Vec::new();
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        if let Payload::ImportSection(section) = &payload {
            imports = ImportCounts::of_section(section)?;
        }
        let ValidPayload::Func(func, body) = validator.payload(&payload)? else { continue };
        if wanted.is_some_and(|wanted| wanted != func.index) {
            continue;
        }
        let func_index = func.index;
        let code = match translate(func, &body, imports, config) {
            Err(error @ TranslateError::Invalid { .. }) => return Err(error),
            code => code,
        };
        functions.push(Translated { index: func_index, body: body.range(), code, machine: None });
    }
    Ok(functions)
}

#[derive(Default)]
struct Line {
    offset: Option<u64>,
    text: String,
}

/// Takes a module's text line by line, and writes each function when its text is complete.
struct Printer<'a> {
    functions: std::vec::IntoIter<Translated>,
    current: Option<Translated>,
    out: &'a mut dyn Write,
    line: Line,
    lines: Vec<Line>,
}

impl Print for Printer<'_> {
    fn write_str(&mut self, text: &str) -> io::Result<()> {
        self.line.text.push_str(text);
        Ok(())
    }

    fn newline(&mut self) -> io::Result<()> {
        self.end_line()
    }

    fn start_line(&mut self, offset: Option<u64>) {
        self.line.offset = offset;
    }
}

impl Printer<'_> {
    fn end_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        let Some(offset) = line.offset else { return Ok(()) };
        while self.current.as_ref().is_some_and(|function| function.body.end <= offset) {
            self.flush()?;
        }
        match &self.current {
            Some(function) if function.body.contains(&offset) => self.lines.push(line),
            Some(_) => {}
            // The rest of the module is of no interest.
            None => return Err(io::ErrorKind::WriteZero.into()),
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.end_line()?;
        while self.current.is_some() {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let lines = std::mem::take(&mut self.lines);
        let next = self.functions.next();
        match std::mem::replace(&mut self.current, next) {
            Some(function) => write_function(&lines, &function, self.out),
            None => Ok(()),
        }
    }
}

fn write_function(wasm: &[Line], function: &Translated, out: &mut dyn Write) -> io::Result<()> {
    let mut wasm = wasm.iter();
    if let Some(header) = wasm.next() {
        writeln!(out, "{}", header.text.trim())?;
    }
    match &function.code {
        Ok(code) => write_columns(wasm.as_slice(), code, function.machine.as_ref(), out)?,
        Err(error) => {
            writeln!(out, ";; {error}")?;
            wasm.try_for_each(|line| writeln!(out, "{}", left(line)))?;
        }
    }
    writeln!(out)
}

/// Where the second column starts.
const WIDTH: usize = 56;

fn left(line: &Line) -> String {
    format!("{:#08x}  {}", line.offset.unwrap_or_default(), line.text.trim_end())
}

/// Writes machine code in the second column, below the instruction that it is for.
fn write_machine(lines: &[String], out: &mut dyn Write) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{:WIDTH$} |        {line}", ""))
}

fn write_columns(wasm: &[Line], function: &Function, machine: Option<&Listing>, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    disassemble(function, &mut text).map_err(io::Error::other)?;
    let mut code: Vec<&str> = text.lines().collect();
    writeln!(out, ";; {}", code.remove(0))?;
    if let Some(machine) = machine {
        writeln!(out, ";; {} bytes of machine code", machine.bytes)?;
        write_machine(&machine.entry, out)?;
    }
    let pcs: Vec<u32> = Instructions::new(&function.code).map_while(|i| i.ok()).map(|i| i.pc).collect();

    let (mut wasm_done, mut code_done) = (0, 0);
    let mut write_group = |wasm_end: usize, code_end: usize| -> io::Result<()> {
        // Rows meet at the end of a group, but what follows the last meeting starts at its top.
        let (lines, instructions) = (wasm_end.saturating_sub(wasm_done), code_end.saturating_sub(code_done));
        let rows = lines.max(instructions);
        for row in 0..rows {
            let line = (row + lines).checked_sub(rows).map(|i| left(&wasm[wasm_done + i]));
            let instruction = (row + instructions).checked_sub(rows).map(|i| code[code_done + i]);
            let (line, instruction) = (line.unwrap_or_default(), instruction.unwrap_or_default());
            writeln!(out, "{}", format!("{line:WIDTH$} | {instruction}").trim_end_matches([' ', '|']))?;
            let pc = (row + instructions).checked_sub(rows).and_then(|i| pcs.get(code_done + i));
            if let (Some(machine), Some(pc)) = (machine, pc) {
                write_machine(machine.body.get(pc).map_or(&[][..], Vec::as_slice), out)?;
            }
        }
        (wasm_done, code_done) = (wasm_end.max(wasm_done), code_end.max(code_done));
        Ok(())
    };
    let mut last = 0;
    for (pc, offset) in function.positions.iter() {
        // An operator that is translated out of order meets nothing.
        if offset >= last {
            let wasm_end = wasm.partition_point(|line| line.offset.is_some_and(|at| at <= offset.into()));
            write_group(wasm_end, pcs.partition_point(|&at| at <= pc))?;
            last = offset;
        }
    }
    write_group(wasm.len(), code.len())?;
    for Cold { kind, pc, lines } in machine.map_or(&[][..], |machine| &machine.cold) {
        let text = pc.and_then(|pc| Some(code[pcs.binary_search(&pc).ok()?].trim()));
        writeln!(out, "{:WIDTH$} |        ; {kind} {}", "", text.unwrap_or("of the function"))?;
        write_machine(lines, out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"(module
        (import "m" "f" (func $imported))
        (func $add (export "sum") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
        (func $load (param i32) (result i32) local.get 0 i32.load offset=8)
        (memory 1))"#;

    #[test]
    fn functions_are_found_by_name_export_and_index() {
        let bytes = wat::parse_str(MODULE).expect("valid text");
        for name in ["add", "$add", "sum", "1"] {
            assert_eq!(find(&bytes, name), Ok(1), "{name}");
        }
        assert_eq!(find(&bytes, "frob"), Err("no function is named frob".to_owned()));
    }

    #[test]
    fn operators_stand_beside_their_instructions() {
        let bytes = wat::parse_str(MODULE).expect("valid text");
        let functions = translated(&bytes, None, WasmFeatures::WASM3, CodeConfig::default()).expect("valid module");
        assert_eq!(functions.len(), 2);
        let mut out = Vec::new();
        let file = Path::new("test.wat");
        write_functions(file, &bytes, WasmFeatures::WASM3, functions, &mut out).expect("vectors take everything");
        let text = String::from_utf8(out).expect("text");
        assert!(text.starts_with("(func $add (;1;)"), "{text}");
        let row = text.lines().find(|line| line.contains("i32.load offset=8")).expect("the operator");
        assert!(row.contains("i32.load [l0 + 8]"), "{text}");
    }
}

//! Disassembly, and its comparison with what is checked in.

use std::fmt::Write;
use std::marker::PhantomData;
use std::path::Path;

use capstone::arch::BuildsCapstone;
use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};
use terrace_masm::a64::A64;
use terrace_masm::x64::X64;
use terrace_templates::Machine;

/// A machine whose code can be disassembled.
pub trait Listed: Machine {
    /// The folder of its golden texts.
    const NAME: &str;

    /// The instructions and their offsets.
    fn instructions(code: &[u8]) -> Vec<(u64, String)>;
}

impl Listed for X64 {
    const NAME: &str = "x64";

    fn instructions(code: &[u8]) -> Vec<(u64, String)> {
        let mut formatter = NasmFormatter::new();
        formatter.options_mut().set_space_after_operand_separator(true);
        let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
        let line = |instruction: iced_x86::Instruction| {
            assert!(!instruction.is_invalid(), "not an instruction: {code:x?}");
            let mut line = String::new();
            formatter.format(&instruction, &mut line);
            (instruction.ip(), line)
        };
        decoder.iter().map(line).collect()
    }
}

impl Listed for A64 {
    const NAME: &str = "a64";

    fn instructions(code: &[u8]) -> Vec<(u64, String)> {
        let mode = capstone::arch::arm64::ArchMode::Arm;
        let capstone = capstone::Capstone::new().arm64().mode(mode).build().unwrap();
        let instructions = capstone.disasm_all(code, 0).unwrap();
        assert_eq!(4 * instructions.len(), code.len(), "not an instruction: {code:x?}");
        let line = |i: &capstone::Insn| format!("{} {}", i.mnemonic().unwrap(), i.op_str().unwrap()).trim().to_owned();
        instructions.iter().map(|i| (i.address(), line(i))).collect()
    }
}

/// What a template emits: its instructions, where its traps go, and its constants.
pub fn disassemble<M: Listed>(emit: impl FnOnce(&mut M)) -> String {
    let mut m = M::new();
    emit(&mut m);
    let end = m.offset();
    let mut text = String::new();
    let mut traps = String::new();
    for site in m.buffer_mut().take_trap_sites() {
        writeln!(traps, "{:>6x}  trap: {}", m.offset(), site.kind.message()).unwrap();
        m.bind(site.label);
        m.undefined();
    }
    let constants = m.offset().next_multiple_of(16);
    m.finish();
    let bytes = m.buffer().bytes();
    for (offset, line) in M::instructions(&bytes[..end]) {
        writeln!(text, "{offset:>6x}  {line}").unwrap();
    }
    text += &traps;
    for (i, constant) in bytes.get(constants..).unwrap_or_default().chunks(16).enumerate() {
        let bits = u128::from_le_bytes(constant.try_into().unwrap());
        writeln!(text, "{:>6x}  constant: {bits:#034x}", constants + 16 * i).unwrap();
    }
    text
}

/// A golden text under construction: one section per row.
pub struct Golden<M> {
    name: &'static str,
    text: String,
    machine: PhantomData<M>,
}

impl<M: Listed> Golden<M> {
    pub fn new(name: &'static str) -> Golden<M> {
        Golden { name, text: String::new(), machine: PhantomData }
    }

    /// Adds the code of a row.
    pub fn add(&mut self, title: &str, emit: impl FnOnce(&mut M)) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        writeln!(self.text, "{title}").unwrap();
        self.text += &disassemble(emit);
    }

    /// Compares with the file, or writes it if `TERRACE_BLESS` is set.
    pub fn compare(self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{}/{}.txt", M::NAME, self.name));
        if std::env::var_os("TERRACE_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, self.text).unwrap();
            return;
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        for (number, (golden, actual)) in golden.lines().zip(self.text.lines()).enumerate() {
            assert_eq!(golden, actual, "{}:{}", path.display(), number + 1);
        }
        assert_eq!(golden.lines().count(), self.text.lines().count(), "{}", path.display());
    }
}

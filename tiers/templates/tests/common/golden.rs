//! Disassembly, and its comparison with what is checked in.

use std::fmt::Write;
use std::path::Path;

use iced_x86::{Decoder, DecoderOptions, Formatter, NasmFormatter};
use terrace_masm::Masm;
use terrace_masm::x64::X64;

/// What a template emits: its instructions, where its traps go, and its constants.
pub fn disassemble(emit: impl FnOnce(&mut X64)) -> String {
    let mut m = X64::new();
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
    let mut formatter = NasmFormatter::new();
    formatter.options_mut().set_space_after_operand_separator(true);
    for instruction in &mut Decoder::with_ip(64, &bytes[..end], 0, DecoderOptions::NONE) {
        assert!(!instruction.is_invalid(), "not an instruction: {:x?}", &bytes[..end]);
        let mut line = String::new();
        formatter.format(&instruction, &mut line);
        writeln!(text, "{:>6x}  {line}", instruction.ip()).unwrap();
    }
    text += &traps;
    for (i, constant) in bytes.get(constants..).unwrap_or_default().chunks(16).enumerate() {
        let bits = u128::from_le_bytes(constant.try_into().unwrap());
        writeln!(text, "{:>6x}  constant: {bits:#034x}", constants + 16 * i).unwrap();
    }
    text
}

/// A golden text under construction: one section per row.
pub struct Golden {
    name: &'static str,
    text: String,
}

impl Golden {
    pub fn new(name: &'static str) -> Golden {
        Golden { name, text: String::new() }
    }

    /// Adds the code of a row.
    pub fn add(&mut self, title: &str, emit: impl FnOnce(&mut X64)) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        writeln!(self.text, "{title}").unwrap();
        self.text += &disassemble(emit);
    }

    /// Compares with the file, or writes it if `TERRACE_BLESS` is set.
    pub fn compare(self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{}.txt", self.name));
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

//! Module files: binaries, or text that becomes one.
//!
//! What a file is shows in its bytes, as standard input has no name; but a file that calls itself `.wasm` is never read as
//! text, so that a damaged binary is reported as one.

use std::io::Read;
use std::path::Path;

use wast::parser::{ParseBuffer, parse};
use wast::{Wat, lexer::Lexer};

use crate::failure::{Failure, Result};

/// Reads a module and returns it as a binary; `-` is standard input. The binary is not validated.
pub fn load(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = read(path)?;
    if bytes.is_empty() {
        return Err(Failure::file(path, "the file is empty (at offset 0x0)"));
    }
    let named_wasm = path.extension().is_some_and(|extension| extension == "wasm");
    if !named_wasm && bytes[0] != 0 {
        bytes = assemble(&bytes).map_err(|message| Failure::bad(format_args!("{}:{message}", path.display())))?;
    }
    if wasmparser::Parser::is_component(&bytes) {
        return Err(Failure::file(path, COMPONENT));
    }
    Ok(bytes)
}

const COMPONENT: &str = "this is a component; only core modules are supported";

fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    bytes.map_err(|error| Failure::file(path, format_args!("cannot read: {error}")))
}

/// Text to binary. Errors start with the place, to stand behind the file's name as compilers print it.
fn assemble(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        format!(" neither a WebAssembly binary nor text: invalid UTF-8 (at offset {:#x})", error.valid_up_to())
    })?;
    let at = |error: wast::Error| {
        let (line, column) = error.span().linecol_in(text);
        let offset = error.span().offset();
        format!("{}:{}: {} (at offset {offset:#x} of the text)", line + 1, column + 1, error.message())
    };
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).map_err(at)?;
    match parse::<Wat<'_>>(&buffer).map_err(at)? {
        Wat::Component(_) => Err(format!(" {COMPONENT}")),
        Wat::Module(mut module) => module.encode().map_err(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_errors_say_where() {
        let error = assemble(b"(module\n  (func i32.frob))").expect_err("no such instruction");
        assert_eq!(error, "2:9: unknown operator or unexpected token (at offset 0x10 of the text)");
        let error = assemble(b"(module \xff)").expect_err("not UTF-8");
        assert!(error.ends_with("invalid UTF-8 (at offset 0x8)"), "{error}");
    }

    #[test]
    fn components_are_refused_as_text() {
        assert_eq!(assemble(b"(component)").expect_err("a component").trim(), COMPONENT);
        assert!(assemble(b"(module)").expect("a module").starts_with(b"\0asm"));
    }
}
